"""Give deltalake an address and options that mean what the address and its query mean to PyArrow."""

from __future__ import annotations

import os
from urllib.parse import parse_qs

from model_monitor import store
from model_monitor.store.addresses import with_region


def place_of(uri: str) -> str:
    """An address as deltalake expects it: a path if it is local, else without query and without ``anonymous@``."""
    scheme, mark, rest = uri.partition("?")[0].partition("://")
    if not mark or scheme == "file":
        return store.located(uri)[1]
    return f"{'gs' if scheme == 'gcs' else scheme}://{rest.removeprefix('anonymous@')}"


def storage_options(uri: str) -> dict[str, str]:
    """The options in an address and in the environment; deltalake finds other credentials by itself."""
    scheme, _, rest = uri.partition("://")
    place, _, query = rest.partition("?")
    if scheme == "s3":
        return of_s3(said_in(with_region(query)))
    if scheme in ("gs", "gcs"):
        unsigned = {"google_skip_signature": "true"} if place.startswith("anonymous@") else {}
        return at_endpoint("google_base_url", overriding(said_in(query))) | unsigned
    if scheme in ("abfs", "abfss"):
        return of_azure(said_in(query), place.partition("/")[0].rpartition("@")[2].partition(".")[0])
    return {}


def said_in(query: str) -> dict[str, str]:
    return {name: found[-1] for name, found in parse_qs(query).items()}


def at_endpoint(name: str, endpoint: str | None) -> dict[str, str]:
    """A server other than the store's own; without TLS if its address says so."""
    return {name: endpoint, "allow_http": str(endpoint.startswith("http://")).lower()} if endpoint else {}


def overriding(said: dict[str, str]) -> str | None:
    own = said.get("endpoint_override")
    return own and f"{said.get('scheme', 'https')}://{own}"


def of_s3(said: dict[str, str]) -> dict[str, str]:
    endpoint = overriding(said) or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    return at_endpoint("aws_endpoint_url", endpoint) | ({"aws_region": said["region"]} if "region" in said else {})


def of_azure(said: dict[str, str], account: str) -> dict[str, str]:
    """AZURE_STORAGE_KEY belongs to AZURE_STORAGE_ACCOUNT, or to any account if that is not set."""
    key, options = os.environ.get("AZURE_STORAGE_KEY"), {}
    if key and os.environ.get("AZURE_STORAGE_ACCOUNT", account) == account:
        options["azure_storage_account_key"] = key
    own = said.get("blob_storage_authority", "")
    if not own or own.startswith("."):  # a name under which the account is a host, as Azure's own
        return options | at_endpoint("azure_storage_endpoint", own and f"https://{account}{own}")
    http = "http" if said.get("enable_tls") == "false" else "https"
    return options | at_endpoint("azure_storage_endpoint", f"{http}://{own}/{account}")
