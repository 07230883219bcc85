"""Every path of the dashboard asks Airflow's auth manager, also those that are added later."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(scope="module")
def app(project: Any, database: None) -> Any:
    from airflow.api_fastapi.app import create_auth_manager

    from model_monitor_airflow.dashboard.app import application

    create_auth_manager()
    return application()


@pytest.fixture
def anybody(app: Any) -> Iterator[Any]:
    from fastapi.testclient import TestClient

    with TestClient(app, follow_redirects=False) as client:
        yield client


def paths(app: Any) -> list[tuple[str, str]]:
    """Each method and path that the router knows, with something in place of names."""
    return [
        (method, re.sub(r"\{\w+(:path)?\}", "shop-hourly", route.path))
        for route in app.routes
        for method in sorted(route.methods)
    ]


def test_without_a_login_every_path_says_401(app: Any, anybody: Any) -> None:
    known = paths(app)
    assert {"/", "/api/", "/static/shop-hourly", "/api/openapi.json"} <= {path for _, path in known}
    answers = {(method, path): anybody.request(method, path).status_code for method, path in known}
    answers["GET", "css"] = anybody.get("/static/dashboard.css").status_code
    assert set(answers.values()) == {401}, answers
    assert "log in" in anybody.get("/").text
