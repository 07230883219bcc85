"""Are attributions and bias of a model judged on Airflow, and what becomes of a run whose model is not there?"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from conftest import HOUR, SCRATCH, Project, files_below, label_of, record
from support.served_models import Served, csv_model, serving

from model_monitor.core.window import iso

ATTRIBUTION, BIAS = "loans-attribution", "loans-bias"
FIRST = datetime(2026, 1, 5, tzinfo=UTC)
REQUESTS = 300  # an hour
FEATURES = ("age", "income", "debt")
ENDPOINT = """\
endpoint: loans
capture: {{uri: ../captures}}
columns: {{outputs: [score], inputs: [age, income, debt, sex]}}
output: ../store
schedules:
  - name: loans-attribution
    monitor: attribution
    explain:
      model: {{url: "{url}", exchange: {{retries: 0, timeout_seconds: 5}}}}
      connection: loans_model
      features: [age, income, debt]
      rows: 40
    baseline: {{dataset: ../baseline.csv}}
  - name: loans-bias
    monitor: bias
    options:
      facets: [{{name: sex, values: [f]}}]
      probability_attribute: score
    baseline: {{dataset: ../baseline.csv}}
    ground_truth: {{uri: ../labels}}
"""
EXPLAIN = ["collect_window", "explain_window", "compute_metrics", "evaluate_constraints", "alert"]
AFTERWARDS = {"healthy", "violated", "alert_failure"}
SECRET = "not-for-any-file-9f2c"


def by_income(rows: np.ndarray) -> np.ndarray:
    return rows @ np.array([0.05, 1.0, -0.3])


def by_age(rows: np.ndarray) -> np.ndarray:
    return rows @ np.array([1.0, 0.05, -0.3])


MODEL = csv_model(by_income)


def applicant(rng: random.Random, favoured: float = 0.0) -> list[str]:
    """Age, income, debt and sex, and the score; the women's lower by how much the men are favoured."""
    age, income, debt = (rng.gauss(0, 1) for _ in FEATURES)
    sex = rng.choice("fm")
    score = min(1.0, max(0.0, rng.random() - favoured * (sex == "f")))
    return [f"{age:.4f}", f"{income:.4f}", f"{debt:.4f}", sex, f"{score:.4f}"]


def serve_hour(folder: Path, hour: int, favoured: float = 0.0) -> None:
    """The requests of an hour, and the labels that come for them in the next."""
    rng, start = random.Random(f"hour {hour}"), FIRST + hour * HOUR
    asked = []
    for i in range(REQUESTS):
        *inputs, score = applicant(rng, favoured)
        time = start + i * HOUR / REQUESTS
        asked.append(record(score, ",".join(inputs), f"{hour}-{i}", time.replace(microsecond=0)))
    written = {
        f"captures/loans/AllTraffic/{start:%Y/%m/%d/%H}": asked,
        f"labels/{start + HOUR:%Y/%m/%d/%H}": map(label_of, asked),
    }
    for place, records in written.items():
        (folder / place).mkdir(parents=True)
        (folder / place / "records.jsonl").write_text("".join(json.dumps(one) + "\n" for one in records))


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving(MODEL) as server:
        yield server


@pytest.fixture(scope="module")
def folder(project: Project, served: Served) -> Iterator[Path]:
    """A folder of endpoint files of its own, with a baseline's dataset and the secret of a connection."""
    root = SCRATCH / "explained"
    (root / "endpoints").mkdir(parents=True)
    (root / "endpoints/loans.yaml").write_text(ENDPOINT.format(url=served.url))
    rng = random.Random("baseline")
    people = [applicant(rng) for _ in range(1000)]
    rows = "".join(f"{','.join(one)},{int(rng.random() < float(one[-1]))}\n" for one in people)
    (root / "baseline.csv").write_text("age,income,debt,sex,score,label\n" + rows)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("MODEL_MONITOR_ENDPOINTS", str(root / "endpoints"))
        environment.setenv("AIRFLOW_CONN_LOANS_MODEL", json.dumps({"conn_type": "http", "password": SECRET}))
        yield root


@pytest.fixture(scope="module")
def learned(folder: Path, served: Served, run_dag: Callable[..., Any]) -> Path:
    """The folder after the DAGs of both baselines have run."""
    for schedule in (ATTRIBUTION, BIAS):
        assert run_dag(f"{schedule}-baseline", logical_date=None).state == "success"
    assert {headers.get("Authorization") for headers in served.headers} == {f"Bearer {SECRET}"}
    return folder


@pytest.fixture
def run(learned: Path, served: Served, dag: Callable[[str], Any]) -> Iterator[Callable[..., Any]]:
    """Runs a schedule over an hour that was captured; tasks are tried twice, without waiting between."""

    def ended(hour: int, schedule: str = ATTRIBUTION) -> Any:
        monitor = dag(schedule)
        for task in monitor.tasks:
            task.retries, task.retry_delay, task.retry_exponential_backoff = 1, timedelta(0), False
        window = {"window_start": iso(FIRST + hour * HOUR), "window_end": iso(FIRST + (hour + 1) * HOUR)}
        return monitor.test(logical_date=FIRST + (hour + 1) * HOUR, run_conf=window)

    yield ended
    served.answer = MODEL


def tasks_of(dag: Any) -> list[str]:
    return [task.task_id for task in dag.topological_sort()]


def states(run: Any) -> list[str]:
    """The states of a run's tasks, in their order."""
    found = {task.task_id: str(task.state) for task in run.get_task_instances()}
    return [found[name] for name in EXPLAIN]


def tries(run: Any, task_id: str = "explain_window") -> int:
    [task] = [task for task in run.get_task_instances() if task.task_id == task_id]
    return int(task.try_number)


def report(folder: Path, hour: int, schedule: str = ATTRIBUTION) -> dict[str, Any]:
    """The documents of the report on the window that starts at an hour, by name."""
    files = files_below(folder / "store/loans" / schedule / f"{FIRST + (hour + 1) * HOUR:%Y/%m/%d/%H}")
    return {name: json.loads(content) for name, content in files.items() if name.endswith(".json")}


def test_a_monitor_that_needs_explanations_or_labels_has_a_task_for_them(
    folder: Path, dag: Callable[[str], Any]
) -> None:
    assert [name for name in tasks_of(dag(ATTRIBUTION)) if name not in AFTERWARDS] == EXPLAIN
    bias = [name for name in tasks_of(dag(BIAS)) if name not in AFTERWARDS]
    assert bias == [EXPLAIN[0], "merge_ground_truth", *EXPLAIN[2:]]
    assert dag(ATTRIBUTION).task_dict["explain_window"].connection == "loans_model"
    assert dag(f"{ATTRIBUTION}-baseline").task_dict["observe_baseline"].connection == "loans_model"


def test_the_same_traffic_holds_and_another_model_is_told_with_the_features_that_moved(
    run: Callable[..., Any], learned: Path, served: Served
) -> None:
    for hour in (0, 1):
        serve_hour(learned, hour)
    assert states(run(0)) == ["success"] * 5
    same = report(learned, 0)
    assert (same["execution.json"]["status"], same["constraint_violations.json"]["violations"]) == ("Completed", [])
    assert same["execution.json"]["explained"] == {"rows": 40, "of": REQUESTS}
    served.answer = csv_model(by_age)
    assert states(run(1)) == ["success"] * 5
    found = report(learned, 1)
    assert found["execution.json"]["status"] == "CompletedWithViolations"
    [violation] = found["constraint_violations.json"]["violations"]
    assert violation["constraint_check_type"] == "feature_attribution_drift_check"
    assert "age 3 -> 1" in violation["description"] and "income 1 -> 3" in violation["description"]
    drift = found["analysis.json"]["explanations"]["kernel_shap"]["label0"]["drift"]
    assert drift["ndcg"] < drift["interval"][1] < 0.9


def test_a_run_that_is_cleared_asks_the_model_nothing_and_gives_the_same_bytes(
    run: Callable[..., Any], learned: Path, served: Served
) -> None:
    serve_hour(learned, 2)
    run(2)
    asked, written = len(served.bodies), files_below(learned / "store")
    assert run(2).state == "success"
    assert len(served.bodies) == asked
    assert files_below(learned / "store") == written


def check_nothing_is_green(ended: Any, learned: Path, hour: int) -> None:
    assert states(ended) == ["success", "failed", *["upstream_failed"] * 3]
    assert ended.state == "failed"
    assert "analysis.json" not in report(learned, hour)


def test_a_model_that_is_busy_is_asked_again_by_the_task_and_by_the_run_that_is_cleared(
    run: Callable[..., Any], learned: Path, served: Served, capfd: Any
) -> None:
    serve_hour(learned, 3)
    served.answer = lambda body: (503, b"busy")
    ended = run(3)
    check_nothing_is_green(ended, learned, 3)
    assert tries(ended) == 2
    told = capfd.readouterr()
    assert f"model {served.url} did not answer; asked 1 times, the last time: status 503: busy" in told.out + told.err
    served.answer = MODEL
    assert states(run(3)) == ["success"] * 5
    assert report(learned, 3)["execution.json"]["status"] == "Completed"


def test_a_model_that_comes_back_between_two_tries_fails_nothing(
    run: Callable[..., Any], learned: Path, served: Served
) -> None:
    serve_hour(learned, 4)
    before = len(served.bodies)
    served.answer = lambda body: (503, b"busy") if len(served.bodies) == before + 1 else MODEL(body)
    ended = run(4)
    assert (states(ended), tries(ended)) == (["success"] * 5, 2)


def test_a_model_that_answers_with_the_wrong_number_of_rows_fails_at_once_and_the_report_says_why(
    run: Callable[..., Any], learned: Path, served: Served
) -> None:
    serve_hour(learned, 5)
    served.answer = lambda body: (200, b"1\n2\n")
    ended = run(5)
    check_nothing_is_green(ended, learned, 5)
    assert tries(ended) == 1
    execution = report(learned, 5)["execution.json"]
    assert execution["status"] == "Failed"
    assert f"model {served.url} gives answers of shape (2, 1) for the" in execution["reason"]
    served.answer = MODEL
    assert states(run(5)) == ["success"] * 5
    assert report(learned, 5)["execution.json"]["status"] == "Completed"


def test_a_window_without_requests_is_skipped_and_the_model_is_not_asked(
    run: Callable[..., Any], learned: Path, served: Served
) -> None:
    asked = len(served.bodies)
    assert states(run(20)) == [*["success"] * 4, "skipped"]
    assert len(served.bodies) == asked


def test_a_connection_that_is_not_there_is_looked_for_again_before_the_run_fails(
    run: Callable[..., Any], learned: Path, monkeypatch: pytest.MonkeyPatch, served: Served
) -> None:
    serve_hour(learned, 6)
    asked = len(served.bodies)
    with monkeypatch.context() as environment:
        environment.delenv("AIRFLOW_CONN_LOANS_MODEL")
        ended = run(6)
    check_nothing_is_green(ended, learned, 6)
    assert (tries(ended), len(served.bodies)) == (2, asked)
    assert states(run(6)) == ["success"] * 5


def test_a_server_that_is_down_fails_the_run_which_completes_when_it_is_back(
    run: Callable[..., Any], learned: Path, served: Served
) -> None:
    serve_hour(learned, 7)
    with serving(MODEL) as gone:
        url, port = gone.url, urlsplit(gone.url).port or 0
    file = learned / "endpoints/loans.yaml"
    file.write_text(ENDPOINT.format(url=url))
    check_nothing_is_green(run(7), learned, 7)
    with serving(MODEL, port) as back:
        assert states(run(7)) == ["success"] * 5
    assert back.bodies
    file.write_text(ENDPOINT.format(url=served.url))


def test_the_secret_of_the_connection_is_in_no_file(learned: Path, served: Served) -> None:
    assert {headers.get("Authorization") for headers in served.headers} == {f"Bearer {SECRET}"}
    assert not [name for name, content in files_below(learned).items() if SECRET.encode() in content]


def test_bias_is_judged_with_the_labels_that_came(run: Callable[..., Any], learned: Path, served: Served) -> None:
    asked = len(served.bodies)
    serve_hour(learned, 8)
    serve_hour(learned, 9, favoured=0.6)
    found = []
    for hour in (8, 9):
        assert run(hour, BIAS).state == "success"
        documents = report(learned, hour, BIAS)
        found.append((documents["execution.json"]["status"], documents["constraint_violations.json"]["violations"]))
        assert documents["execution.json"]["labels"]["matched"] == REQUESTS
    (same, none), (other, some) = found
    assert (same, none, other) == ("Completed", [], "CompletedWithViolations")
    assert "DPPL" in {violation["metric_name"] for violation in some}
    assert {violation["facet"] for violation in some} == {"sex"}
    assert len(served.bodies) == asked
