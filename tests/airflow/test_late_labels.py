"""Are windows judged again when their labels come, and only then? In this process, and by a real scheduler."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from conftest import ROOT, ROWS, SCHEDULES, Project, publish, run_verbs

from model_monitor.core.window import iso

if TYPE_CHECKING:
    from local_airflow import LocalAirflow

QUALITY, WAITING, LATE = "churn-quality", "churn-waiting", "late_labels"
FEW, MORE, REST = range(12), range(12, 45), range(45, ROWS)  # a fifth of the requests, then three quarters, then all
JUDGED = {"Completed", "CompletedWithViolations"}


def asked(project: Project, hour: int) -> dict[str, str]:
    """What the trigger form says for the window that starts at an hour."""
    return {"window_start": iso(project.hour(hour)), "window_end": iso(project.hour(hour + 1))}


def run_id(project: Project, hour: int, now: str) -> str:
    """The id of the run that judges a window again."""
    window = asked(project, hour)
    return f"late_labels__{window['window_start']}__{window['window_end']}__as_of_{now}"


def history(project: Project, hour: int) -> list[tuple[str, str]]:
    """All that was ever reported of a window: how far its labels had come, and the status."""
    folder = project.folder / "store/_as_of/churn" / QUALITY / f"{project.hour(hour + 1):%Y/%m/%d/%H}"
    reports = [json.loads(path.read_bytes()) for path in sorted(folder.glob("*/execution.json"))]
    return [(report["labels"]["state"], report["status"]) for report in reports]


@pytest.fixture(scope="module")
def known(project: Project, dag_bag: Any) -> None:
    """Airflow's database has the DAGs, as where a DAG processor runs."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import sync_bag_to_db

    publish(project, QUALITY)
    DagBundlesManager().sync_bundles_to_db()
    sync_bag_to_db(dag_bag, "dags-folder", None)


@pytest.fixture
def churn(project: Project, known: None) -> Iterator[Project]:
    """The project before labels have come or windows were judged, and again when the test is over."""
    pause(False)
    yield project
    for run in late_runs():
        delete(run)
    for folder in ("labels", "store/_awaiting", "store/_as_of"):
        shutil.rmtree(project.folder / folder, ignore_errors=True)


def pause(paused: bool) -> None:
    from airflow.models.dag import DagModel
    from airflow.utils.session import create_session

    with create_session() as session:
        for name in (QUALITY, WAITING):
            session.get(DagModel, name).is_paused = paused


def late_runs() -> list[Any]:
    """The runs of the schedule that were made for late labels."""
    from airflow.models.dagrun import DagRun

    return [run for run in DagRun.find(dag_id=QUALITY) if run.run_id.startswith(LATE)]


def delete(run: Any) -> None:
    from airflow.utils.session import create_session

    with create_session() as session:
        session.delete(session.merge(run))


@pytest.fixture
def look(churn: Project, run_dag: Callable[..., Any]) -> Callable[[int], dict[str, list[str]]]:
    """Runs ``late_labels`` as if it were an hour: task -> states of its instances."""

    def states(hour: int) -> dict[str, list[str]]:
        run = run_dag(LATE, logical_date=None, run_conf={"now": iso(churn.hour(hour))})
        found: dict[str, list[str]] = {}
        for task in run.get_task_instances():
            found.setdefault(task.task_id, []).append(str(task.state))
        return found

    return states


def test_there_are_two_tasks_per_schedule_with_labels(dag_bag: Any) -> None:
    dag = dag_bag.dags[LATE]
    groups = [[f"{name}.find_grown", f"{name}.rerun_window"] for name in (QUALITY, WAITING)]
    assert sorted(dag.task_ids) == sorted(task for group in groups for task in group)
    for find, rerun in groups:
        assert dag.task_dict[find].downstream_task_ids == {rerun}
        assert dag.task_dict[find].upstream_task_ids == set()
    assert (dag.catchup, dag.max_active_runs) == (False, 1)


def test_reruns_leave_room_for_the_schedules_own_runs(dag_bag: Any) -> None:
    find = dag_bag.dags[LATE].task_dict[f"{QUALITY}.find_grown"]
    monitor = dag_bag.dags[QUALITY]
    assert find.busy + find.at_once < monitor.max_active_runs
    assert {task.max_active_tis_per_dag for task in monitor.tasks} == {4}
    assert dag_bag.dags["shop-hourly"].max_active_runs == 4


def test_a_worker_of_late_labels_needs_all_schedules(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.dag_processing.dagbag import DagBag

    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", LATE)
    bag = DagBag(ROOT / "dags")
    assert (set(bag.dags), len(bag.dags[LATE].tasks)) == ({LATE}, 4)
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", QUALITY)
    assert set(DagBag(ROOT / "dags").dags) == {QUALITY}


def test_without_labels_there_is_no_such_dag(tmp_path: Any, monkeypatch: pytest.MonkeyPatch, database: None) -> None:
    from airflow.dag_processing.dagbag import DagBag

    text = "endpoint: shop\ncapture: {uri: c}\noutput: o\nschedules:\n" + SCHEDULES["shop"]
    (tmp_path / "shop.yaml").write_text(text)
    monkeypatch.setenv("MODEL_MONITOR_ENDPOINTS", str(tmp_path))
    bag = DagBag(ROOT / "dags")
    assert LATE not in bag.dags
    assert "shop-hourly" in bag.dags


def test_a_window_with_too_few_labels_is_pending_and_left_alone_until_more_come(
    churn: Project, run_dag: Callable[..., Any], look: Callable[[int], dict[str, list[str]]]
) -> None:
    churn.label(2, FEW, collected=3)
    run = run_dag(QUALITY, logical_date=None, run_conf=asked(churn, 2))
    assert {task.task_id: task.state for task in run.get_task_instances()}["alert"] == "skipped"
    assert churn.execution(QUALITY, churn.hour(3))["status"] == "LabelsPending"
    assert look(5) == {f"{name}.find_grown": ["success"] for name in (QUALITY, WAITING)} | {
        f"{name}.rerun_window": ["skipped"] for name in (QUALITY, WAITING)
    }
    churn.label(2, MORE, collected=5)
    assert look(5)[f"{QUALITY}.rerun_window"] == ["skipped"]  # at five, what is collected from five on has not come
    assert late_runs() == []


def test_only_a_window_that_has_grown_is_run_again_and_once(
    churn: Project, run_dag: Callable[..., Any], look: Callable[[int], dict[str, list[str]]]
) -> None:
    for hour in (2, 3):
        churn.label(hour, FEW, collected=4)
        run_dag(QUALITY, logical_date=None, run_conf=asked(churn, hour))
    churn.label(3, MORE, collected=5)
    assert look(6)[f"{QUALITY}.rerun_window"] == ["success"]
    assert look(6)[f"{QUALITY}.rerun_window"] == ["skipped"]  # as a try after one whose answer was lost
    (run,) = late_runs()
    now = iso(churn.hour(6))
    assert (run.run_id, run.conf) == (run_id(churn, 3, now), asked(churn, 3) | {"labels_until": now})
    assert (run.logical_date, run.state) == (None, "queued")

    run_dag(QUALITY, logical_date=None, run_conf=run.conf)
    assert churn.execution(QUALITY, churn.hour(4))["labels"]["as_of"] == now
    delete(run)
    assert look(7)[f"{QUALITY}.rerun_window"] == ["skipped"]
    assert late_runs() == []


def test_a_paused_or_busy_schedule_is_given_no_runs_that_would_only_queue(
    churn: Project, run_dag: Callable[..., Any], look: Callable[[int], dict[str, list[str]]]
) -> None:
    from airflow.api.common.trigger_dag import trigger_dag
    from airflow.utils.types import DagRunTriggeredByType

    run_dag(QUALITY, logical_date=None, run_conf=asked(churn, 2))
    churn.label(2, FEW, collected=4)
    pause(True)
    assert look(6)[f"{QUALITY}.rerun_window"] == ["skipped"]
    pause(False)
    for i in range(5):
        trigger_dag(QUALITY, triggered_by=DagRunTriggeredByType.TEST, run_id=f"{LATE}__to_do_{i}")
    assert look(6)[f"{QUALITY}.rerun_window"] == ["skipped"]
    for run in late_runs():
        delete(run)
    assert look(6)[f"{QUALITY}.rerun_window"] == ["success"]


def test_one_schedules_failure_does_not_keep_the_others_from_being_looked_after(
    churn: Project, run_dag: Callable[..., Any], look: Callable[[int], dict[str, list[str]]]
) -> None:
    run_dag(QUALITY, logical_date=None, run_conf=asked(churn, 2))
    churn.label(2, FEW, collected=4)
    broken = churn.folder / "store/_awaiting/churn" / WAITING / "window.json"
    broken.parent.mkdir(parents=True)
    broken.write_text("{")
    assert look(6) == {
        f"{WAITING}.find_grown": ["failed"],
        f"{WAITING}.rerun_window": ["upstream_failed"],
        f"{QUALITY}.find_grown": ["success"],
        f"{QUALITY}.rerun_window": ["success"],
    }


@pytest.mark.airflow
def test_a_window_goes_from_pending_to_provisional_to_final_as_its_labels_come(
    served: Project, airflow: LocalAirflow
) -> None:
    publish(served, QUALITY)
    come = 48  # labels are collected from tomorrow on, so that the hourly run of late_labels itself finds none
    for hour in (2, 3, 4):
        served.label(hour, FEW, collected=come)
    airflow.backfill(QUALITY, iso(served.hour(2)), iso(served.hour(4)))
    for name in (QUALITY, LATE):
        airflow.unpause(name)
    airflow.wait_for_runs(QUALITY, 4)  # those, and the last complete window's own
    runs = [run["dag_run_id"] for run in airflow.runs(QUALITY) if run["run_type"] == "backfill"]
    assert {airflow.task_states(QUALITY, run)["alert"] for run in runs} == {"skipped"}
    first = {hour: served.report(QUALITY, served.hour(hour + 1)) for hour in (2, 3, 4)}
    assert [history(served, hour) for hour in first] == [[("pending", "LabelsPending")]] * 3
    assert not [report for report in first.values() if "statistics.json" in report]

    for hour in (2, 3):
        served.label(hour, MORE, collected=come + 2)
    assert again(served, airflow, served.hour(come + 3)) == {2, 3}
    for hour in (2, 3):
        pending, (state, status) = history(served, hour)
        assert (pending, state) == (("pending", "LabelsPending"), "provisional")
        assert status in JUDGED
        metrics = json.loads(served.report(QUALITY, served.hour(hour + 1))["statistics.json"])
        assert sum(sum(row.values()) for row in matrix(metrics).values()) == 45
    assert served.report(QUALITY, served.hour(5)) == first[4]

    served.label(2, REST, collected=come + 4)
    assert again(served, airflow, served.hour(come + 5)) == {2}
    assert [state for state, _ in history(served, 2)] == ["pending", "provisional", "final"]
    assert again(served, airflow, served.hour(come + 6)) == set()

    over = served.hour(6) + timedelta(days=7)  # with final_after: P7D, no more labels are waited for
    assert again(served, airflow, over) == {3, 4}
    assert [state for state, _ in history(served, 3)] == ["pending", "provisional", "final"]
    assert history(served, 4) == [("pending", "LabelsPending")] * 2
    assert "no more are waited for" in served.execution(QUALITY, served.hour(5))["reason"]
    assert again(served, airflow, over + timedelta(hours=1)) == set()
    by_itself = [run["state"] for run in airflow.runs(LATE) if run["run_type"] == "scheduled"]
    assert by_itself[-1] == "success"

    reported = served.report(QUALITY, served.hour(3))
    served.forget_runs()
    run_verbs(served, QUALITY, served.hour(2), served.hour(3))
    assert served.report(QUALITY, served.hour(3))["statistics.json"] == reported["statistics.json"]


def again(project: Project, airflow: LocalAirflow, now: Any) -> set[int]:
    """The windows that ``late_labels`` has judged again as if it were now, by the hour at which they start."""
    before = {run["dag_run_id"] for run in airflow.runs(QUALITY)}
    assert airflow.wait_for_run(LATE, airflow.trigger(LATE, {"now": iso(now)})) == "success"
    new = [run for run in airflow.runs(QUALITY) if run["dag_run_id"] not in before and run["run_type"] != "scheduled"]
    for run in new:
        assert airflow.wait_for_run(QUALITY, run["dag_run_id"]) == "success"
        assert (run["logical_date"], run["conf"]["labels_until"]) == (None, iso(now))
    found = {hour for hour in range(24) for run in new if run["dag_run_id"] == run_id(project, hour, iso(now))}
    assert len(found) == len(new)
    return found


def matrix(statistics: dict[str, Any]) -> dict[str, dict[str, int]]:
    return statistics["binary_classification_metrics"]["confusion_matrix"]
