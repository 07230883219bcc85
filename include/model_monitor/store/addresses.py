"""Addresses: local paths and URIs, joined, taken apart and checked.

``s3://``, ``gs://`` and ``abfs://`` are PyArrow's, and an address's query is what PyArrow knows for its scheme:
``?region=…&endpoint_override=…``, ``?endpoint_override=…&scheme=…``, ``?blob_storage_authority=…&enable_tls=…``.
"""

from __future__ import annotations

import os
import re
from urllib.parse import parse_qsl

from model_monitor.errors import ConfigError

NAME = "[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}"  # of an endpoint, variant or schedule, which are folders; as in SageMaker
GOOGLE_SECONDS = 30  # for how long PyArrow retries a request; its own limit for Google is a quarter of an hour
S3, GOOGLE, AZURE = ("s3",), ("gs", "gcs"), ("abfs", "abfss")
SCHEMES = (*S3, *GOOGLE, *AZURE, "file", "hdfs", "viewfs")
SAME_AS = {"s3a": "s3", "s3n": "s3"}  # Hadoop's names
WRITTEN = r"(s3[an]?|gs|gcs|abfss?)"
SLIP = re.compile(rf"{WRITTEN}(?::/?(?!/)|//)", re.IGNORECASE)  # followed by no colon, or by no second slash
ARN = re.compile(r"arn:aws[\w-]*:s3:::")
ROOTED = re.compile(r"([a-zA-Z][\w+.-]+):/(?!/)")  # as Databricks' dbfs:/mnt
SECRETS = {"access_key", "access_token", "account_key", "client_secret", "password", "sas_token", "secret_key", "sig"}
ELSEWHERE = "credentials belong into the environment, not an address"


def split(address: str) -> tuple[str, str]:
    """An address without its query, and the query with its question mark; a local path has none."""
    base, mark, query = address.partition("?") if "://" in address else (address, "", "")
    return base, mark + query


def scheme_of(address: str) -> str:
    """The kind of store of an address; empty for a local one."""
    scheme, mark, _ = address.partition("://")
    return scheme if mark and scheme != "file" else ""


def join(address: str, *parts: str) -> str:
    """An address further down; slashes at the seams don't matter, a query stays at the end.

    >>> join("s3://bucket/out/?region=eu-west-1", "a", "b.json")
    's3://bucket/out/a/b.json?region=eu-west-1'
    """
    base, query = split(address)
    return "/".join([base.rstrip("/"), *(part.strip("/") for part in parts)]) + query


def parent_of(address: str) -> str:
    """The address of the folder above.

    >>> parent_of("s3://bucket/out/a/?region=eu-west-1")
    's3://bucket/out?region=eu-west-1'
    """
    base, query = split(address)
    return base.rstrip("/").rpartition("/")[0] + query


def name_of(address: str) -> str:
    """The last part of an address, without its query.

    >>> name_of("s3://bucket/out/a.json?region=eu-west-1")
    'a.json'
    """
    return address.partition("?")[0].rstrip("/").rpartition("/")[2]


def with_defaults(scheme: str, query: str) -> str:
    """An address's query with the defaults that PyArrow lacks."""
    if scheme in S3:
        return with_region(query)
    if scheme in GOOGLE and "retry_limit_seconds=" not in query:
        return "&".join(filter(None, [query, f"retry_limit_seconds={GOOGLE_SECONDS}"]))
    return query


def with_region(query: str) -> str:
    """The query of an S3 address with the environment's region, for which PyArrow would ask Amazon otherwise."""
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if not region and ("AWS_ENDPOINT_URL" in os.environ or "endpoint_override" in query):
        region = "us-east-1"  # a server that is not Amazon's has no regions, but wants one named
    return query if not region or "region=" in query else "&".join(filter(None, [query, f"region={region}"]))


def check(address: str) -> None:
    """Raise ConfigError for an address with credentials (not in the message), without a bucket or account, or of no
    store that is known."""
    refuse_slips(address)
    if not (scheme := scheme_of(address)):
        return
    place, _, query = address.partition("://")[2].partition("?")
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


def refuse_slips(address: str) -> None:
    """Raise ConfigError for what is meant as an address in a store, and would be taken for a path on the disk."""
    if slip := SLIP.match(address) or ARN.match(address):
        scheme = "s3" if slip.re is ARN else spelled(slip[1])
        raise ConfigError(f"{address}: write {scheme}://{address[slip.end() :].lstrip('/')}, with two slashes")
    if (scheme := scheme_of(address)) and scheme not in SCHEMES:
        near, rest = spelled(scheme), address.partition("://")[2]
        advice = (
            f"write {near}://{rest}" if near in SCHEMES else "write an address of s3://, gs:// or abfs://, or a path"
        )
        raise ConfigError(f"{scheme}://{'' if '@' in rest else rest}: {advice}")
    if rooted := ROOTED.match(address):
        raise ConfigError(f"{address}: {rooted[1]}: is no store that is known; write s3://, gs://, abfs://, or a path")


def spelled(scheme: str) -> str:
    """How a scheme is written here."""
    return SAME_AS.get(scheme.lower(), scheme.lower())


def is_secret(scheme: str, user: str) -> bool:
    """Whether the part before an address's ``@`` is a credential; ``container@account...`` of Azure has none."""
    if scheme in S3:
        return bool(user)
    return user not in ("", "anonymous") if scheme in GOOGLE else ":" in user


def check_azure(address: str, user: str, host: str, path: str) -> None:
    """Raise ConfigError for an address of Azure that PyArrow does not understand, or misunderstands."""
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
