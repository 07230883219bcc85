"""Does a real scheduler do the same? Airflow's own processes on SQLite, asked through their REST API."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import pytest
import requests
from conftest import HOUR, ROOT, Project, publish, run_verbs
from local_airflow import LocalAirflow, LocalAirflowError

from model_monitor.config.execution import Execution
from model_monitor.core.window import Window, iso, moment

pytestmark = pytest.mark.airflow

HOURLY = "shop-hourly"
WINDOWS = 6


@pytest.fixture(scope="module")
def reports(served: Project, airflow: LocalAirflow) -> dict[datetime, dict[str, bytes]]:
    """Reports by the ends of their windows: those of a backfill and the one that was scheduled itself."""
    airflow.unpause(f"{HOURLY}-baseline")
    assert airflow.wait_for_run(f"{HOURLY}-baseline", airflow.trigger(f"{HOURLY}-baseline")) == "success"
    airflow.backfill(HOURLY, iso(served.hour(0)), iso(served.hour(WINDOWS - 1)))
    airflow.unpause(HOURLY)
    assert airflow.wait_for_runs(HOURLY, WINDOWS + 1)["success"] >= WINDOWS + 1
    ends = [moment(run["data_interval_end"]) for run in airflow.runs(HOURLY)]
    return {end: served.report(HOURLY, end) for end in ends}


def test_a_backfill_judges_each_window_once(
    served: Project, airflow: LocalAirflow, reports: dict[datetime, dict[str, bytes]]
) -> None:
    runs = [run for run in airflow.runs(HOURLY) if run["run_type"] == "backfill"]
    windows = sorted((moment(run["data_interval_start"]), moment(run["data_interval_end"])) for run in runs)
    assert windows == [(served.hour(i), served.hour(i + 1)) for i in range(WINDOWS)]


def test_the_schedule_itself_judges_only_the_last_complete_window(
    airflow: LocalAirflow, reports: dict[datetime, dict[str, bytes]]
) -> None:
    first = [run for run in airflow.runs(HOURLY) if run["run_type"] == "scheduled"][-1]
    started = moment(first["start_date"])
    end = moment(first["data_interval_end"])
    assert end + timedelta(minutes=5) <= started < end + timedelta(minutes=70)
    assert moment(first["data_interval_start"]) == end - HOUR


def test_scheduled_backfilled_and_manual_runs_write_the_bytes_that_the_verbs_write(
    served: Project, airflow: LocalAirflow, reports: dict[datetime, dict[str, bytes]]
) -> None:
    manual_end = served.hour(5)
    served.forget_runs()
    asked = {"window_start": iso(manual_end - HOUR), "window_end": iso(manual_end)}
    assert airflow.wait_for_run(HOURLY, airflow.trigger(HOURLY, asked)) == "success"
    manual = served.report(HOURLY, manual_end)

    served.forget_runs()
    for end in reports:
        run_verbs(served, HOURLY, end - HOUR, end)
    assert {end: served.report(HOURLY, end) for end in reports} == reports
    assert manual == reports[manual_end] != {}


def test_the_alert_returns_its_summary_and_skips_where_there_is_no_data(airflow: LocalAirflow, reports: Any) -> None:
    asked = {"window_start": "2025-01-01T00:00:00Z", "window_end": "2025-01-01T01:00:00Z"}
    run = airflow.trigger(HOURLY, asked)
    assert airflow.wait_for_run(HOURLY, run) == "success"
    assert airflow.task_states(HOURLY, run)["alert"] == "skipped"
    assert airflow.result(HOURLY, run, "alert")["status"] == "NoData"


def test_violations_fail_the_run_alone_and_are_not_retried(served: Project, airflow: LocalAirflow) -> None:
    publish(served, "drifted-failed")
    asked = {"window_start": iso(served.hour(3)), "window_end": iso(served.hour(4))}
    airflow.unpause("drifted-failed")
    run = airflow.trigger("drifted-failed", asked)
    assert airflow.wait_for_run("drifted-failed", run) == "failed"
    assert airflow.task_states("drifted-failed", run) == {
        "collect_window": "success",
        "compute_metrics": "success",
        "evaluate_constraints": "success",
        "alert": "success",
        "healthy": "skipped",
        "alert_failure": "skipped",
        "violated": "success",
        "fail_on_violation": "failed",
    }
    assert airflow.result("drifted-failed", run, "alert")["status"] == "CompletedWithViolations"


def test_the_note_of_each_run_says_what_became_of_its_window(airflow: LocalAirflow, reports: Any) -> None:
    notes = {run["note"] for run in airflow.runs(HOURLY) if run["run_type"] == "backfill"}
    assert len(notes) == WINDOWS
    assert all(note.startswith(f"{HOURLY} ") and "Completed, 60 rows, 0 violations" in note for note in notes)
    assert all("CompletedWithViolations" in run["note"] for run in airflow.runs("drifted-failed") if run["end_date"])


def test_the_report_of_a_run_is_a_page_for_those_who_may_see_the_run(airflow: LocalAirflow, reports: Any) -> None:
    run = next(run["dag_run_id"] for run in airflow.runs(HOURLY) if run["run_type"] == "backfill")
    path = f"/dags/{HOURLY}/dagRuns/{quote(run)}/taskInstances/alert/links"
    links = airflow.call("GET", path)["extra_links"]
    address = links["Report"]
    assert address == f"{airflow.url}/model-monitor/report/{HOURLY}/{quote(run, safe='')}"
    with requests.Session() as browser:
        browser.trust_env = False
        assert browser.get(address).status_code == 401
        assert browser.get(address, headers={"Authorization": "Bearer forged"}).status_code in (401, 403)
        browser.headers["Authorization"] = f"Bearer {airflow.token}"
        page = browser.get(address)
        assert page.status_code == 200 and "Healthy" in page.text
        assert "healthy" in browser.get(links["Page"]).text
        assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
        for other in ("no-such-run", quote("../" * 5 + "etc/passwd", safe="")):
            assert browser.get(f"{airflow.url}/model-monitor/report/{HOURLY}/{other}").status_code == 404
        for open_by_default in ("docs", "openapi.json", "redoc"):
            assert browser.get(f"{airflow.url}/model-monitor/{open_by_default}").status_code == 404


def test_each_verdict_is_an_event_of_an_asset(airflow: LocalAirflow, reports: Any) -> None:
    events = airflow.call("GET", f"/assets/events?source_dag_id={HOURLY}&limit=100")["asset_events"]
    assert {event["uri"] for event in events} == {"x-model-monitor://shop/shop-hourly/healthy"}
    assert len({event["extra"]["window"] for event in events}) == len(reports)
    events = airflow.call("GET", "/assets/events?source_dag_id=drifted-failed")["asset_events"]
    assert {event["uri"] for event in events} == {"x-model-monitor://drifted/drifted-failed/violated"}
    assert all(event["extra"]["violations"] > 0 for event in events)


def test_a_store_that_does_not_answer_is_tried_again(served: Project, airflow: LocalAirflow) -> None:
    window = Window(served.hour(0) - HOUR, served.hour(0))
    in_the_way = Path(Execution.of(served.endpoint_file(HOURLY), HOURLY, window).observation.collected)
    in_the_way.mkdir(parents=True)  # a folder where the file should be: the store refuses
    run = airflow.trigger(HOURLY, {"window_start": iso(window.start), "window_end": iso(window.end)})
    airflow.wait_until(
        lambda: airflow.task_states(HOURLY, run)["collect_window"] not in (None, "scheduled", "queued", "running"),
        "the first try",
        seconds=30,
    )
    assert airflow.task_states(HOURLY, run)["collect_window"] == "up_for_retry"


def test_a_broken_endpoint_file_is_an_import_error_beside_living_dags(airflow: LocalAirflow) -> None:
    errors = airflow.import_errors()
    assert list(errors) == ["endpoint_files.py"]
    assert (
        "broken.yaml:6: schedules.0.monitr: unknown key 'monitr'; did you mean 'monitor'?"
        in errors["endpoint_files.py"]
    )
    assert {"shop-hourly", "drifted-told"} <= set(airflow.dags())


def test_airflow_listens_on_this_machine_only_and_its_secrets_are_its_owners(
    served: Project, airflow: LocalAirflow
) -> None:
    ours = [process for started in airflow.processes for process in family(psutil.Process(started.popen.pid))]
    listening = {
        connection.laddr.ip
        for process in ours
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}
    for name in ("jwt_secret", "session_secret", "admin_password", "passwords.json"):
        assert (served.folder / "airflow" / name).stat().st_mode & 0o077 == 0


def test_a_process_that_ended_is_started_again(airflow: LocalAirflow) -> None:
    scheduler = next(process for process in airflow.processes if process.name == "scheduler")
    workers = family(psutil.Process(scheduler.popen.pid))[1:]
    scheduler.popen.kill()
    scheduler.popen.wait()
    with pytest.raises(LocalAirflowError, match="scheduler ended with -9"):
        airflow.check()
    airflow.revive()
    psutil.wait_procs(workers, timeout=3)
    assert not [worker for worker in workers if worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE]
    assert airflow.wait_for_run(HOURLY, airflow.trigger(HOURLY)) == "success"


def test_nothing_is_left_running(served: Project, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), LocalAirflow(tmp_path / "home", ROOT) as started:
        ours = [process for one in started.processes for process in family(psutil.Process(one.popen.pid))]
        assert len(ours) > len(started.processes)
        raise KeyboardInterrupt
    time.sleep(0.1)
    assert not [process for process in ours if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


def family(process: Any) -> list[Any]:
    return [process, *process.children(recursive=True)]
