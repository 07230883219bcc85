"""Does the DAG delete what endpoints have kept for long enough, and leave the rest of Airflow's work as it is?"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import HOUR, ROOT, files_below, write_hour
from support.captures import without_sketches

from model_monitor import jobs
from model_monitor.config.execution import Execution
from model_monitor.core.window import Window, iso

RETENTION, PREVIEW = "retention", "retention_preview"
DAYS = 5
OLD = datetime(2026, 1, 5, 3, tzinfo=UTC)  # the last hour that is past at NOW
NOW = OLD + HOUR + timedelta(days=DAYS)
SCHEDULE = {"monitor": "data_quality", "cron": "0 * * * *"}


def endpoint_file(folder: Path, name: str, **settings: Any) -> Path:
    document = {
        "endpoint": "shop",
        "capture": {"uri": f"../{name}/captures"},
        "columns": {"outputs": ["score"], "inputs": ["amount", "country"]},
        "output": f"../{name}/store",
        "schedules": [{"name": f"{name}-hourly"} | SCHEDULE],
    }
    path = folder / "endpoints" / f"{name}.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(document | settings))
    return path


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: None) -> Path:
    """An endpoint that keeps its captures some days: of an hour that is past, which was judged, and the next."""
    monkeypatch.setenv("MODEL_MONITOR_ENDPOINTS", str(tmp_path / "endpoints"))
    file = endpoint_file(tmp_path, "shop", retention_days=DAYS)
    endpoint_file(tmp_path, "keeps-all")
    for hour in (OLD, OLD + HOUR):
        write_hour(tmp_path / "shop/captures/shop/AllTraffic" / f"{hour:%Y/%m/%d/%H}", "shop", hour)
    arguments = str(file), "shop-hourly", Window(OLD, OLD + HOUR)
    for verb in (jobs.collect_window, jobs.compute_metrics, jobs.evaluate_constraints):
        verb(Execution.of(*arguments))
    return tmp_path / "shop"


def dag(name: str = RETENTION) -> Any:
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(ROOT / "dags").dags[name]


def run(name: str = RETENTION, **conf: Any) -> tuple[str, int, dict[str, Any] | None]:
    """State and tries of the endpoint's task, and what it returned."""
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session

    ended = dag(name).test(logical_date=None, run_conf=conf)
    (task,) = ended.get_task_instances()
    with create_session() as session:
        query = XComModel.get_many(run_id=ended.run_id, dag_ids=name, task_ids=task.task_id, key="return_value")
        found = session.scalars(query).one_or_none()
        return str(task.state), task.try_number, found and XComModel.deserialize_value(found)


def test_each_endpoint_with_retention_days_has_a_task_that_waits_for_no_other(shop: Path) -> None:
    endpoint_file(shop.parent, "other", endpoint="other", variant="B", retention_days=30)
    endpoint_file(shop.parent, "copy", retention_days=9)  # of an endpoint and variant with another output
    made = dag()
    assert set(made.task_ids) == {"shop.AllTraffic", "shop.AllTraffic.shop-hourly", "other.B"}
    assert {len(task.upstream_task_ids) for task in made.tasks} == {0}
    assert (made.catchup, made.max_active_runs, set(made.params)) == (False, 1, {"now"})
    (start, end) = made.timetable.infer_manual_data_interval(run_after=made.start_date + timedelta(days=9, hours=3))
    assert (iso(start), iso(end)) == ("2020-01-09T02:00:00Z", "2020-01-10T02:00:00Z")


def test_a_run_deletes_what_is_past_and_tells_it(shop: Path, capfd: pytest.CaptureFixture[str]) -> None:
    before = files_below(shop)
    state, _, told = run(now=iso(NOW))
    after = files_below(shop)
    assert (state, told["left_alone"]) == ("success", 0)
    assert {name.split("/")[1] for name in before.keys() - after.keys()} == {"shop", "_rows", "_states"}
    assert not list((shop / "captures").rglob("03")) and list((shop / "captures").rglob("04"))
    assert {name: after.get(name) for name in before if name.startswith("store/shop")} == {
        name: without_sketches(content) for name, content in before.items() if name.startswith("store/shop")
    }
    record = json.loads(Path(told["record"]).read_bytes())
    assert sum(part["files"] for part in record["deleted"]) == told["files"] == len(before.keys() - after.keys())
    assert "deleted 1 file of captures of 2026-01-05T03" in told["message"]
    assert told["message"] in "".join(capfd.readouterr())


def test_without_a_now_the_end_of_the_data_interval_counts(shop: Path) -> None:
    before = files_below(shop / "captures")
    for days, after in ((DAYS, before), (DAYS + 1, {})):  # the interval of the first ended an hour too early
        ended = dag().test(logical_date=OLD + timedelta(days=days))
        assert (ended.state, files_below(shop / "captures")) == ("success", after)


def test_the_preview_says_the_same_and_deletes_nothing(shop: Path) -> None:
    before = files_below(shop)
    state, _, dry = run(PREVIEW, now=iso(NOW))
    assert (state, files_below(shop)) == ("success", before)
    _, _, told = run(now=iso(NOW))
    assert dry["message"].replace("would delete", "deleted") == told["message"]


def test_a_run_that_is_asked_for_anything_else_deletes_nothing(shop: Path) -> None:
    before = files_below(shop)
    assert run(now=iso(NOW), dry_run=True) == ("failed", 1, None)
    assert files_below(shop) == before


def test_only_the_preview_may_look_ahead(shop: Path) -> None:
    before = files_below(shop)
    ahead = iso(datetime.now(UTC) + timedelta(days=400))
    assert run(now=ahead) == ("failed", 1, None)
    assert files_below(shop) == before
    state, _, told = run(PREVIEW, now=ahead)
    assert (state, files_below(shop)) == ("success", before)
    assert told["files"] > 2


def reports_below(shop: Path) -> dict[str, bytes]:
    """All files but the history, in which a window that could not be judged is written down."""
    return {name: content for name, content in files_below(shop).items() if "history.sqlite" not in name}


def test_a_run_over_a_window_whose_captures_are_gone_fails_at_once_and_keeps_its_report(shop: Path) -> None:
    run(now=iso(NOW))
    before = reports_below(shop)
    asked = {"window_start": iso(OLD), "window_end": iso(OLD + HOUR)}
    ended = dag("shop-hourly").test(logical_date=None, run_conf=asked)
    tasks = {task.task_id: task for task in ended.get_task_instances()}
    assert (tasks["collect_window"].state, tasks["collect_window"].try_number) == ("failed", 1)
    assert tasks.pop("alert_failure").state == "success"
    assert {str(task.state) for task in tasks.values()} == {"failed", "upstream_failed"}
    assert reports_below(shop) == before


def test_captures_that_another_file_keeps_are_left_and_that_is_an_import_error(shop: Path) -> None:
    from airflow.dag_processing.dagbag import DagBag

    endpoint_file(shop.parent, "again", capture={"uri": "../shop/captures"})
    bag = DagBag(ROOT / "dags")
    assert RETENTION not in bag.dags and {"shop-hourly", "again-hourly"} <= set(bag.dags)
    ((file, text),) = bag.import_errors.items()
    assert Path(file).name == "endpoint_files.py" and "Nothing is deleted until then" in text


def test_without_retention_days_there_is_no_such_dag(shop: Path) -> None:
    from airflow.dag_processing.dagbag import DagBag

    (shop.parent / "endpoints/shop.yaml").unlink()
    assert set(DagBag(ROOT / "dags").dags) == {"keeps-all-hourly", "keeps-all-hourly-baseline"}


def test_a_worker_builds_only_what_it_runs(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.dag_processing.dagbag import DagBag

    for name, built in {RETENTION: {RETENTION, PREVIEW}, "shop-hourly": {"shop-hourly"}}.items():
        monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", name)
        assert set(DagBag(ROOT / "dags").dags) == built


def test_the_form_says_above_its_button_whether_the_run_deletes(shop: Path) -> None:
    forms = {name: dag(name).params.get_param("now").description for name in (RETENTION, PREVIEW)}
    assert forms[RETENTION].startswith(f"This run deletes at once, for good. To look, trigger {PREVIEW} instead.")
    assert forms[PREVIEW].startswith("This run deletes nothing")


def test_the_preview_has_no_schedule_and_no_parameter_that_makes_it_delete(shop: Path) -> None:
    preview = dag(PREVIEW)
    assert not preview.timetable.can_be_scheduled
    assert set(preview.params) == {"now"}
    assert {task.deletes for task in preview.tasks} == {False}
    assert {task.deletes for task in dag().tasks} == {True}


@pytest.mark.parametrize(
    ("now", "last", "expected"),
    [
        ("2026-01-10T10:00Z", None, "2026-01-11T02:00Z"),  # unpaused for the first time, by the trigger form's default
        ("2026-01-10T10:00Z", "2026-01-03T02:00Z", "2026-01-11T02:00Z"),  # unpaused again after a week
        ("2026-01-10T02:40Z", None, "2026-01-11T02:00Z"),  # soon after a tick
        ("2026-01-10T02:40Z", "2026-01-03T02:00Z", "2026-01-11T02:00Z"),
        ("2026-01-10T02:05:30Z", None, "2026-01-10T02:00Z"),  # its first tick, five minutes after which it runs
        ("2026-01-10T02:00:30Z", "2026-01-09T02:00Z", "2026-01-10T02:00Z"),  # running: each day at its time
        ("2026-01-10T02:40Z", "2026-01-09T02:00Z", "2026-01-10T02:00Z"),  # a scheduler that is late still runs it
        ("2026-01-10T02:40Z", "2026-01-10T02:00Z", "2026-01-11T02:00Z"),
    ],
)
def test_once_unpaused_it_waits_for_the_next_tick(
    shop: Path, monkeypatch: pytest.MonkeyPatch, now: str, last: str | None, expected: str
) -> None:
    from airflow.sdk import timezone
    from airflow.timetables.base import TimeRestriction

    timetable, earliest = dag().timetable, timezone.datetime(2020, 1, 1)
    monkeypatch.setattr(timezone, "utcnow", lambda: timezone.parse(now))
    run = timetable.next_dagrun_info_v2(
        last_dagrun_info=last and timetable.run_at(timezone.parse(last)),
        restriction=TimeRestriction(earliest=earliest, latest=None, catchup=False),
    )
    assert iso(run.data_interval.end) == iso(timezone.parse(expected))
