"""Does an address name a place in a store, and no credentials?"""

from __future__ import annotations

from urllib.parse import parse_qsl

from model_monitor.errors import ConfigError

NAME = "[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}"  # of an endpoint, variant or schedule, which are folders; as in SageMaker
S3, GOOGLE, AZURE = ("s3",), ("gs", "gcs"), ("abfs", "abfss")
SECRETS = {"access_key", "access_token", "account_key", "client_secret", "password", "sas_token", "secret_key", "sig"}
ELSEWHERE = "credentials belong into the environment, not an address"


def check(address: str) -> None:
    """Raise ConfigError for an address with credentials, which are not repeated, or without what its store needs.

    What stands before an ``@`` is a credential on S3, on Google's stores unless it is ``anonymous``, and elsewhere
    where it has a colon: ``abfs://container@account.dfs.core.windows.net`` has none.
    """
    scheme, mark, rest = address.partition("://")
    if not mark or scheme == "file":
        return
    place, _, query = rest.partition("?")
    root, _, path = place.partition("/")
    if ":" in root and "@" not in root and "@" in path:  # a key with a slash in it
        root, _, path = path.rpartition("@")[2].partition("/")
        root = f":@{root}"
    user, _, host = root.rpartition("@")
    if is_secret(scheme, user) or SECRETS & {name.lower() for name, _ in parse_qsl(query, keep_blank_values=True)}:
        raise ConfigError(f"{scheme}://…{host}: {ELSEWHERE}: {variables(scheme)}")
    if scheme in S3 + GOOGLE and not host:
        raise ConfigError(f"{address}: name a bucket, as in {scheme}://bucket/prefix")
    if scheme in AZURE:
        check_azure(address, user, host, path)


def is_secret(scheme: str, user: str) -> bool:
    """Whether what stands before an address's ``@`` is a credential."""
    if scheme in S3:
        return bool(user)
    return user not in ("", "anonymous") if scheme in GOOGLE else ":" in user


def check_azure(address: str, user: str, host: str, path: str) -> None:
    """Raise ConfigError for an address of Azure that PyArrow does not understand, or not as it is meant."""
    if not (host and (user or "." in host)) or not (user or path):
        raise ConfigError(
            f"{address}: name container and account: abfs://container@account.dfs.core.windows.net/prefix"
        )
    if user and ".core." in host and not host.endswith(".dfs.core.windows.net"):
        kind = host.partition(".core.")[2]  # PyArrow would take the container for the account
        cloud = f"?blob_storage_authority=.blob.core.{kind}&dfs_storage_authority=.dfs.core.{kind}"
        more = "" if kind == "windows.net" else cloud
        raise ConfigError(f"{address}: write abfs://{user}@{host.partition('.')[0]}.dfs.core.windows.net/{path}{more}")


def variables(scheme: str) -> str:
    """The environment's variables for a store's credentials."""
    if scheme in GOOGLE:
        return "GOOGLE_APPLICATION_CREDENTIALS"
    return "AZURE_STORAGE_KEY, AZURE_CLIENT_ID, ..." if scheme in AZURE else "AWS_ACCESS_KEY_ID, ..."
