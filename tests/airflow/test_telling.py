"""Runs tell people of their windows through Airflow's connections, and never of the past unless they are asked to."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from airflow.models import DagRun
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from conftest import HOUR, Project
from support.listening import Listening, listening

from model_monitor.config.execution import Execution
from model_monitor.core.window import Window, iso
from model_monitor_airflow.pages import PageLink, ReportLink
from model_monitor_airflow.run_notes import with_links, write_note
from model_monitor_airflow.windows import tells_of

DELAY = timedelta(minutes=5)
FLOW = "https://flow.example"


@pytest.fixture
def pager(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Listening]:
    """A webhook that hears of the endpoint drifted."""
    file = Path(project.endpoint_file("drifted-told"))
    before = file.read_text()
    file.write_text(before + "alerts: {to: [{webhook: pager}], owner: Ann}\n")
    with listening() as server:
        monkeypatch.setenv("AIRFLOW_CONN_PAGER", json.dumps({"conn_type": "http", "host": server.url}))
        yield server
    file.write_text(before)


def events(server: Listening) -> list[tuple[str, str]]:
    return [(body["event"], body["kind"]) for body in server.bodies]


def states(run: Any) -> dict[str, str]:
    return {task.task_id: str(task.state) for task in run.get_task_instances()}


def test_a_run_over_the_past_tells_only_if_it_is_asked_to_and_then_once(
    pager: Listening,
    project: Project,
    run_dag: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", f"{FLOW}/")
    for conf in ({}, {"tell": True}, {"tell": True}):
        run = run_dag("drifted-told", logical_date=project.hour(3) + DELAY, run_conf=conf)
    assert events(pager) == [("opened", "violations")]
    (body,) = pager.bodies
    assert body["owner"] == "Ann"
    assert body["count"] >= 1
    assert "country" in body["sentence"]
    assert Path(body["links"]["report"]).is_dir()
    window = Window(project.hour(2), project.hour(3))
    lead_to_the_page_and_to_the_report(run, window, "".join(capfd.readouterr()), body)


def lead_to_the_page_and_to_the_report(run: Any, window: Window, log: str, message: Any) -> None:
    """The log, the note and the message name both; each is a button, too."""
    span = "/".join(quote(iso(moment), safe=":") for moment in (window.start, window.end))
    page = f"{FLOW}/model-monitor/endpoints/drifted/executions/drifted-told/{span}"
    with create_session() as session:
        ended, links = session.get(DagRun, run.id), {}
        write_note(ended)
        for link in (PageLink(), ReportLink()):
            entry = XComModel.get_many(run_id=run.run_id, dag_ids=run.dag_id, key=link.xcom_key)
            links[link.name] = XComModel.deserialize_value(session.scalars(entry).one())
        places = {"log": log.split(), "note": ended.note.split(), "message": message["links"].values()}
        session.rollback()
    both = {page, f"{page}/report.html"}
    assert [place for place, words in places.items() if both - {*words}] == []
    about = f"drifted-told/{quote(run.run_id, safe='')}"
    assert links == {"Page": f"{FLOW}/model-monitor/run/{about}", "Report": f"{FLOW}/model-monitor/report/{about}"}


def test_a_note_never_loses_its_links_to_a_long_sentence() -> None:
    assert with_links("x" * 2000, ["page: https://a"]).endswith("x…\n\npage: https://a")
    assert len(with_links("x" * 2000, ["page: https://a"])) == len(with_links("x" * 2000, ["y" * 999])) == 1000
    assert with_links("x", []) == "x"


def test_a_message_that_is_refused_waits_for_the_dag_of_deliveries_and_the_verdict_stands(
    pager: Listening, project: Project, run_dag: Callable[..., Any]
) -> None:
    pager.answers += [(500, {}, b""), (503, {}, b"")]
    run = run_dag("drifted-failed", logical_date=project.hour(8), run_conf={"tell": True})
    assert states(run)["alert"] == "success"
    assert (len(pager.bodies), states(run)["fail_on_violation"]) == (1, "failed")
    run_dag("deliveries", logical_date=project.hour(9))
    assert len(pager.bodies) == 1, "a minute has not passed"
    make_due(project)
    run_dag("deliveries", logical_date=project.hour(10))
    make_due(project)
    run_dag("deliveries", logical_date=project.hour(11))
    assert len(pager.bodies) == 3, "refused twice, then taken"
    assert len({header["idempotency-key"] for header in pager.headers}) == 1
    run_dag("deliveries", logical_date=project.hour(12))
    assert len(pager.bodies) == 3


def make_due(project: Project) -> None:
    """The time of what waits has come."""
    import sqlite3

    with sqlite3.connect(project.folder / "store/history.sqlite", timeout=30) as connection:
        connection.execute("UPDATE deliveries SET next_at = '2020-01-01 00:00:00.000000' WHERE state = 'waiting'")


def test_a_window_that_can_not_be_judged_is_told_as_a_failure_and_its_run_stays_failed(
    pager: Listening, project: Project, dag: Callable[[str], Any]
) -> None:
    window = Window(project.hour(14), project.hour(15))
    execution = Execution.of(project.endpoint_file("drifted-told"), "drifted-told", window)
    Path(execution.observation.collected).mkdir(parents=True)  # a folder where the file should be: the store refuses
    monitor = dag("drifted-told")
    monitor.task_dict["collect_window"].retries = 0
    run = monitor.test(logical_date=window.end + DELAY, run_conf={"tell": True})
    assert (states(run)["alert"], states(run)["alert_failure"]) == ("upstream_failed", "success")
    assert run.state == "failed"
    assert ("opened", "failed") in events(pager)
    assert "can't be judged" in pager.bodies[-1]["sentence"]


def test_only_where_someone_is_told_is_there_a_dag_that_delivers(pager: Listening, dag: Callable[[str], Any]) -> None:
    assert dag("deliveries").task_ids == ["drifted.AllTraffic"]


def test_without_anyone_to_tell_there_is_no_dag_that_delivers(dag_bag: Any) -> None:
    assert "deliveries" not in dag_bag.dags


class Run:
    """A run of Airflow as far as it decides who is told."""

    def __init__(self, run_type: str, run_id: str = "", clear_number: int = 0, run_after: Any = None) -> None:
        self.run_type, self.run_id, self.clear_number, self.run_after = run_type, run_id, clear_number, run_after


@pytest.mark.parametrize(
    ("run_type", "more", "params", "told"),
    [
        ("scheduled", {}, {}, "always"),
        ("scheduled", {"clear_number": 1}, {}, "if newest"),
        ("backfill", {}, {}, "never"),
        ("backfill", {}, {"tell": True}, "always"),
        ("operator_triggered", {"run_id": "late_labels__2026"}, {}, "if final"),
        ("manual", {"hours": 1}, {}, "if newest"),
        ("manual", {"hours": 30}, {}, "never"),
    ],
)
def test_who_may_tell(project: Project, run_type: str, more: dict[str, Any], params: dict[str, Any], told: str) -> None:
    from model_monitor.config.execution import Execution
    from model_monitor.core.window import Window

    window = Window(project.hour(1), project.hour(2))
    execution = Execution.of(project.endpoint_file("shop-hourly"), "shop-hourly", window)
    run_after = window.end + more.pop("hours", 0) * HOUR
    context: Any = {"dag_run": Run(run_type, run_after=run_after, **more), "params": params}
    assert tells_of(context, execution) == told
