"""Which secret goes with a request to a model? The secret of an Airflow connection."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow.sdk import Connection


def headers_of(connection: str | None) -> dict[str, str]:
    """The HTTP headers of a connection; {} for None.

    A password alone becomes a bearer token; a login and a password become basic authentication. The ``headers`` of the
    connection's extra are sent unchanged. Raises Airflow's own error if there is no such connection.
    """
    if connection is None:
        return {}
    from airflow.sdk import Connection

    secret = Connection.get(connection)
    headers = {str(name): str(value) for name, value in secret.extra_dejson.get("headers", {}).items()}
    if secret.login and secret.password:
        pair = base64.b64encode(f"{secret.login}:{secret.password}".encode()).decode()
        headers.setdefault("Authorization", f"Basic {pair}")
    elif secret.password:
        headers.setdefault("Authorization", f"Bearer {secret.password}")
    return headers


def connection_of(name: str) -> Connection:
    """The Airflow connection of a name. Raises ConfigError if there is none, so that nothing is tried again."""
    from airflow.sdk import Connection
    from airflow.sdk.exceptions import AirflowNotFoundException

    from model_monitor.errors import ConfigError

    try:
        found: Connection = Connection.get(name)
    except AirflowNotFoundException:
        raise ConfigError(f"there is no Airflow connection '{name}'; create it, or correct the endpoint file") from None
    return found
