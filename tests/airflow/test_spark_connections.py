"""A Spark connection of Airflow becomes the URL that PySpark takes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.captures import endpoint_file

from model_monitor.config.engine import Cluster
from model_monitor.config.execution import Assignment
from model_monitor.errors import ConfigError
from model_monitor_airflow.connections import clustered

CONNECT = {"conn_type": "spark_connect", "host": "spark.example", "port": 443, "login": "me", "password": "a b"}
MASTER = {"conn_type": "spark", "host": "spark://master", "port": 7077}
SETTING = {"spark.executor.memory": "2g"}

CASES: list[tuple[dict[str, Any], str, dict[str, str]]] = [
    (CONNECT | {"extra": {"use_ssl": True}}, "sc://spark.example:443/;user_id=me;token=a%20b;use_ssl=True", {}),
    ({"conn_type": "spark_connect", "host": "sc://spark.example"}, "sc://spark.example/", {}),
    (MASTER | {"extra": SETTING | {"spark-binary": "spark3-submit"}}, "spark://master:7077", SETTING),
    ({"conn_type": "spark", "host": "master", "port": 7077}, "spark://master:7077", {}),
    ({"conn_type": "spark", "host": "yarn", "extra": {"queue": "root.ml"}}, "yarn", {"spark.yarn.queue": "root.ml"}),
    (
        {"conn_type": "spark", "host": "k8s://https://api", "port": 6443, "extra": {"namespace": "ml"}},
        "k8s://https://api:6443",
        {"spark.kubernetes.namespace": "ml"},
    ),
    ({"conn_type": "spark", "host": "local[4]"}, "local[4]", {}),
]


@pytest.fixture
def assignment(tmp_path: Path) -> Assignment:
    (tmp_path / "defaults.yaml").write_text("engine: {spark: big}\n")
    return Assignment.load(endpoint_file(tmp_path), "dq")


@pytest.mark.parametrize(("connection", "url", "settings"), CASES)
def test_a_connection_is_an_url_and_the_settings_of_spark(
    assignment: Assignment, monkeypatch: pytest.MonkeyPatch, connection: Any, url: str, settings: dict[str, str]
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_BIG", json.dumps(connection))
    cluster = clustered(assignment).cluster
    assert cluster == Cluster(url, tuple(settings.items()))
    assert "token" not in repr(cluster)


def test_the_driver_is_the_task(assignment: Assignment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_BIG", json.dumps(MASTER | {"extra": {"deploy-mode": "cluster"}}))
    with pytest.raises(ConfigError, match="deploy-mode is client"):
        clustered(assignment)


def test_a_connection_that_is_not_there_is_an_error_of_the_endpoint_file(assignment: Assignment) -> None:
    with pytest.raises(ConfigError, match="no Airflow connection 'big'"):
        clustered(assignment)


def test_an_url_needs_no_connection(tmp_path: Path) -> None:
    plain = Assignment.load(endpoint_file(tmp_path), "dq")
    assert clustered(plain).cluster is None
    (tmp_path / "defaults.yaml").write_text('engine: {spark: "local[2]"}\n')
    assert clustered(Assignment.load(endpoint_file(tmp_path), "dq")).cluster == Cluster("local[2]")
