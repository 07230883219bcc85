"""Which secret goes with a request to a model? That of an Airflow connection."""

from __future__ import annotations

import base64


def headers_of(connection: str | None) -> dict[str, str]:
    """The headers that a connection stands for; {} without one.

    A password alone is sent as a bearer token, with a login as basic authentication; ``headers`` in the connection's
    extra are sent as they are. Raises what Airflow raises if there is no such connection.
    """
    if connection is None:
        return {}
    from airflow.sdk import Connection

    found = Connection.get(connection)
    headers = {str(name): str(value) for name, value in found.extra_dejson.get("headers", {}).items()}
    if found.login and found.password:
        pair = base64.b64encode(f"{found.login}:{found.password}".encode()).decode()
        headers.setdefault("Authorization", f"Basic {pair}")
    elif found.password:
        headers.setdefault("Authorization", f"Bearer {found.password}")
    return headers
