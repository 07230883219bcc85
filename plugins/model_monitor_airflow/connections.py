"""What do Airflow's connections hold? The secret of a request to a model, and the way to a Spark cluster."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

if TYPE_CHECKING:
    from airflow.sdk import Connection

    from model_monitor.config.execution import Assignment

A = TypeVar("A", bound="Assignment")


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


def clustered(assignment: A) -> A:
    """A schedule whose rows are read on the cluster of the connection that its endpoint file names, if it names one."""
    from model_monitor.config.defaults import engine_of
    from model_monitor.config.engine import Cluster

    engine = engine_of(assignment.endpoint)
    if engine is None or not engine.is_connection:
        return assignment
    url, settings = spark_of(connection_of(engine.spark))
    return assignment.observed_on(Cluster(url, tuple(sorted(settings.items()))))


def spark_of(connection: Connection) -> tuple[str, dict[str, str]]:
    """The URL of a connection to Spark, of Airflow's types "spark_connect" and "spark", and the settings ``spark.*`` of
    its extra. Raises ConfigError."""
    extra, host = connection.extra_dejson, connection.host or ""
    settings = {name: str(value) for name, value in extra.items() if name.startswith("spark.")}
    if connection.conn_type == "spark_connect":
        return connect_url(connection, extra), settings
    if extra.get("deploy-mode") == "cluster":
        from model_monitor.errors import ConfigError

        raise ConfigError(
            f"connection '{connection.conn_id}': the driver is the task itself, so deploy-mode is client; leave it out"
        )
    named = {"queue": "spark.yarn.queue", "namespace": "spark.kubernetes.namespace"}
    settings |= {setting: str(extra[name]) for name, setting in named.items() if extra.get(name)}
    scheme = "" if "://" in host or host in ("yarn", "") or host.startswith("local") else "spark://"
    return f"{scheme}{host or 'yarn'}" + (f":{connection.port}" if connection.port else ""), settings


def connect_url(connection: Connection, extra: dict[str, Any]) -> str:
    """The ``sc://`` address of a connection of Airflow's type "spark_connect", as its own hook makes it."""
    host = (connection.host or "").removeprefix("sc://").rstrip("/")
    given = {"user_id": connection.login, "token": connection.password, "use_ssl": extra.get("use_ssl")}
    parameters = "".join(f";{name}={quote(str(value))}" for name, value in given.items() if value)
    return f"sc://{host}" + (f":{connection.port}" if connection.port else "") + f"/{parameters}"
