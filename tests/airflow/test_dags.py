"""Do the DAGs do what their endpoint files say? Each runs in this process, on captures of our own."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import HOUR, ROOT, ROWS, Project, run_verbs

from model_monitor.config.execution import Execution
from model_monitor.core.window import Window, iso

MONITOR = ["collect_window", "compute_metrics", "evaluate_constraints", "alert", "healthy", "violated"]
UNLESS_FAILED = {"alert_failure": "skipped"}
LABELLED = ["collect_window", "merge_ground_truth", *MONITOR[1:]]
IS_HEALTHY = dict.fromkeys(MONITOR, "success") | {"violated": "skipped"} | UNLESS_FAILED
IS_VIOLATED = dict.fromkeys(MONITOR, "success") | {"healthy": "skipped"} | UNLESS_FAILED
NOTHING_JUDGED = dict.fromkeys(MONITOR, "success") | dict.fromkeys(MONITOR[-3:], "skipped") | UNLESS_FAILED
DELAY = timedelta(minutes=5)


def states(run: Any) -> dict[str, str]:
    return {task.task_id: str(task.state) for task in run.get_task_instances()}


def tries(run: Any) -> dict[str, int]:
    return {task.task_id: task.try_number for task in run.get_task_instances()}


def summary(run: Any, task: str = "alert", key: str = "return_value") -> dict[str, Any]:
    """What the alert said, or what another task left."""
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session

    with create_session() as session:
        query = XComModel.get_many(run_id=run.run_id, dag_ids=run.dag_id, task_ids=task, key=key)
        return XComModel.deserialize_value(session.scalars(query).one())


def test_each_schedule_has_a_monitor_and_a_baseline(dag_bag: Any) -> None:
    plain = ["shop-hourly", "shop-rolling", "shop-by-hand", "shop-unlearned", "shop-approved", "drifted-told"]
    plain += ["drifted-failed"]
    labelled = ["churn-quality", "churn-waiting"]
    assert set(dag_bag.dags) == {"late_labels", *(name + end for name in plain + labelled for end in ("", "-baseline"))}
    for name in plain + labelled:
        tasks = [t.task_id for t in dag_bag.dags[name].topological_sort() if t.task_id not in UNLESS_FAILED]
        ends = ["fail_on_violation"] if name == "drifted-failed" else []
        assert tasks == (MONITOR if name in plain else LABELLED) + ends
        assert not dag_bag.dags[name].catchup


def test_only_the_form_of_a_schedule_with_labels_asks_until_when_they_count(dag_bag: Any) -> None:
    window = {"window_start", "window_end", "tell"}
    assert set(dag_bag.dags["shop-hourly"].params) == window
    assert set(dag_bag.dags["churn-quality"].params) == window | {"labels_until"}
    for dag in dag_bag.dags.values():  # a form that is sent as it is leaves all to the endpoint file and the run
        assert not any(dag.params.dump().values()), dag.dag_id
    shown = dag_bag.dags["shop-hourly-baseline"].params.get_param("format").schema
    assert shown["values_display"].keys() == {"null"}, "else Airflow's form says null"
    assert "late_labels" in dag_bag.dags["churn-quality"].doc_md


def test_a_schedule_with_an_offset_starts_when_its_first_day_can_be_judged(dag_bag: Any) -> None:
    assert dag_bag.dags["churn-waiting"].start_date == dag_bag.dags["churn-quality"].start_date + timedelta(hours=2)


def test_a_broken_endpoint_file_is_named_with_line_and_fix_while_the_other_dags_live(dag_bag: Any) -> None:
    (file, text), *others = dag_bag.import_errors.items()
    assert (Path(file).name, others) == ("endpoint_files.py", [])
    assert "broken.yaml:6: schedules.0.monitr: unknown key 'monitr'; did you mean 'monitor'?" in text
    assert "shop-hourly" in dag_bag.dags


def test_reading_dag_files_imports_nothing_heavy(project: Project) -> None:
    code = (
        "import sys; from airflow.dag_processing.dagbag import DagBag; assert 'shop-hourly' in DagBag().dags;"
        "heavy = ('numpy', 'pandas', 'pyarrow', 'great_expectations', 'boto3', 'model_monitor.jobs');"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_worker_builds_only_the_dag_of_its_task(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.dag_processing.dagbag import DagBag

    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "drifted-told")
    bag = DagBag(ROOT / "dags")
    assert (set(bag.dags), bag.import_errors) == ({"drifted-told"}, {})
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "drifted-told-baseline")
    assert set(DagBag(ROOT / "dags").dags) == {"drifted-told-baseline"}


def test_two_schedules_may_not_share_a_dag(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from model_monitor_airflow.schedules import problems

    text = "endpoint: {0}\ncapture: {{uri: c}}\noutput: o\nschedules:\n  - {{name: {1}, monitor: data_quality}}\n"
    (tmp_path / "a.yaml").write_text(text.format("a", "quality"))
    (tmp_path / "b.yaml").write_text(text.format("b", "quality-baseline"))
    monkeypatch.setenv("MODEL_MONITOR_ENDPOINTS", str(tmp_path))
    (problem,) = problems()
    assert problem.startswith(f"{tmp_path / 'b.yaml'}: 'quality-baseline' is also in")


def test_a_run_at_four_judges_exactly_the_rows_from_three_to_four(project: Project, run_dag: Any) -> None:
    run = run_dag("shop-hourly", logical_date=project.hour(4) + DELAY)
    assert states(run) == IS_HEALTHY
    found = project.execution("shop-hourly", project.hour(4))
    assert found["window"] == {"start": iso(project.hour(3)), "end": iso(project.hour(4))}
    assert found["counts"]["judged"] == ROWS
    assert summary(run)["status"] == "Completed"


def test_a_run_writes_the_bytes_that_the_verbs_write(project: Project, run_dag: Any) -> None:
    end = project.hour(6)
    project.forget_runs()  # a report says of how many past windows is known how they vary
    run_dag("shop-hourly", logical_date=end + DELAY)
    by_airflow = project.report("shop-hourly", end)
    project.forget_runs()
    run_verbs(project, "shop-hourly", end - HOUR, end)
    assert by_airflow == project.report("shop-hourly", end) != {}


def test_a_rolling_window_judges_its_whole_length(project: Project, run_dag: Any) -> None:
    run_dag("shop-rolling", logical_date=project.hour(24) + DELAY)
    found = project.execution("shop-rolling", project.hour(24))
    assert found["counts"]["judged"] == 24 * ROWS


def test_the_form_says_which_window(project: Project, run_dag: Any) -> None:
    asked = {"window_start": iso(project.hour(8)), "window_end": iso(project.hour(9))}
    run = run_dag("shop-hourly", logical_date=project.hour(20), run_conf=asked)
    assert summary(run)["window"] == f"{asked['window_start']}/{asked['window_end']}"
    assert summary(run_dag("shop-by-hand", logical_date=None, run_conf=asked))["rows"] == ROWS


def test_a_run_without_logical_date_judges_the_last_complete_window(project: Project, run_dag: Any) -> None:
    run = run_dag("shop-hourly", logical_date=None, run_after=project.hour(10) + timedelta(minutes=4))
    assert summary(run)["window"] == str(Window(project.hour(8), project.hour(9)))


def test_no_data_is_skipped_and_neither_green_nor_failed(project: Project, run_dag: Any) -> None:
    asked = {"window_start": "2025-01-01T00:00:00Z", "window_end": "2025-01-01T01:00:00Z"}
    run = run_dag("shop-hourly", logical_date=project.hour(11), run_conf=asked)
    assert states(run) == NOTHING_JUDGED
    assert (run.state, summary(run)["status"]) == ("success", "NoData")


def test_without_a_baseline_nothing_is_judged_so_the_alert_is_skipped(project: Project, run_dag: Any) -> None:
    run = run_dag("shop-unlearned", logical_date=project.hour(11))
    assert states(run) == NOTHING_JUDGED
    assert summary(run)["status"] == "BaselineMissing"


def test_violations_are_results(project: Project, run_dag: Any) -> None:
    run = run_dag("drifted-told", logical_date=project.hour(12))
    assert states(run) == IS_VIOLATED
    assert summary(run)["status"] == "CompletedWithViolations"
    assert any("country" in line for line in summary(run)["details"])


def test_fail_on_violation_fails_the_run_after_the_alert_and_at_once(project: Project, run_dag: Any) -> None:
    run = run_dag("drifted-failed", logical_date=project.hour(12))
    assert states(run) == IS_VIOLATED | {"fail_on_violation": "failed"}
    assert tries(run)["fail_on_violation"] == 1
    assert run.state == "failed"
    assert summary(run)["status"] == "CompletedWithViolations"


def test_an_error_that_would_come_again_is_not_retried(project: Project, run_dag: Any) -> None:
    run = run_dag("shop-unlearned-baseline", logical_date=None)
    assert states(run)["observe_baseline"] == "failed"
    assert tries(run)["observe_baseline"] == 1


def test_a_store_that_does_not_answer_is_tried_again(project: Project, dag: Any) -> None:
    window = Window(project.hour(14), project.hour(15))
    execution = Execution.of(project.endpoint_file("shop-hourly"), "shop-hourly", window)
    in_the_way = Path(execution.observation.collected)
    in_the_way.mkdir(parents=True)  # a folder where the file should be: the store refuses
    monitor = dag("shop-hourly")
    task = monitor.task_dict["collect_window"]
    task.retries, task.retry_delay, task.retry_exponential_backoff = 1, timedelta(0), False
    run = monitor.test(logical_date=window.end + DELAY)
    assert tries(run)["collect_window"] == 2
    assert states(run)["collect_window"] == "failed"
    assert states(run)["alert"] == "upstream_failed"
    assert states(run)["alert_failure"] == "success"
    assert run.state == "failed"


LEARNED = {  # where nobody is asked
    "observe_baseline": "success",
    "suggest_constraints": "success",
    "approve": "skipped",
    "publish_baseline": "success",
}


def test_a_baseline_is_learned_and_published(project: Project, run_dag: Any) -> None:
    run = run_dag("shop-hourly-baseline", logical_date=None, run_after=project.first)
    assert states(run) == LEARNED
    folder = project.folder / "store" / "_baselines" / "shop" / "shop-hourly"
    version = folder / json.loads((folder / "published.json").read_bytes())["version"]
    assert {path.name for path in version.iterdir()} >= {"statistics.json", "constraints.json"}
    learned = summary(run, "publish_baseline", "learned")
    assert learned["rows"] > 0
    assert set(learned["columns"].values()) <= {"Integral", "Fractional", "String"}
    assert (learned["absent"], learned["odd_values"]) == ([], [])


def test_the_form_can_name_another_dataset(project: Project, run_dag: Any) -> None:
    run = run_dag(
        "shop-unlearned-baseline", logical_date=None, run_conf={"dataset": str(project.folder / "baseline.csv")}
    )
    assert states(run) == LEARNED
