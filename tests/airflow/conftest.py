"""A folder of endpoint files, their captures and an Airflow that reads them, for all tests of this folder."""

from __future__ import annotations

import atexit
import json
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from support.browsing import chromium, context, page

if TYPE_CHECKING:
    from local_airflow import LocalAirflow

__all__ = ["chromium", "context", "page"]  # fixtures

ROOT = Path(__file__).parents[2]
HOUR = timedelta(hours=1)
ROWS = 60  # an hour, one each minute; the first exactly at the hour

# Airflow reads its settings when it is first imported, so they are set before any test module is.
SCRATCH = Path(tempfile.mkdtemp(prefix="model-monitor-airflow-"))
atexit.register(shutil.rmtree, SCRATCH, ignore_errors=True)
os.environ |= {
    "AIRFLOW_HOME": str(SCRATCH / "home"),
    "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
    "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",
    "AIRFLOW__API_AUTH__JWT_SECRET": "only for these tests, " * 4,
    "MODEL_MONITOR_ENDPOINTS": str(SCRATCH / "project" / "endpoints"),
}
sys.path[:0] = [str(ROOT / folder) for folder in ("include", "plugins", "scripts")]

ENDPOINT = """\
endpoint: {endpoint}
capture: {{uri: ../captures}}
columns: {{outputs: [score], inputs: [amount, country]}}
output: ../store
schedules:
"""
SCHEDULES = {
    "shop": """\
  - {name: shop-hourly, monitor: data_quality, baseline: {dataset: ../baseline.csv}}
  - {name: shop-rolling, monitor: data_quality, window: PT24H, baseline: {dataset: ../baseline.csv}}
  - {name: shop-by-hand, monitor: data_quality, cron: NOW, baseline: {dataset: ../baseline.csv}}
  - {name: shop-unlearned, monitor: data_quality}
  - {name: shop-approved, monitor: data_quality, cron: NOW, baseline: {dataset: ../baseline.csv, approval: manual}}
""",
    "drifted": """\
  - {name: drifted-told, monitor: data_quality, baseline: {dataset: ../baseline.csv}}
  - {name: drifted-failed, monitor: data_quality, fail_on_violation: true, baseline: {dataset: ../baseline.csv}}
""",
    "churn": """\
  - name: churn-quality
    monitor: model_quality
    options: {problem_type: BinaryClassification, probability_attribute: score}
    baseline: {dataset: ../labelled.csv}
    ground_truth: {uri: ../labels}
  - name: churn-waiting
    monitor: model_quality
    options: {problem_type: BinaryClassification, probability_attribute: score}
    ground_truth: {uri: ../labels, offset: {start: -PT3H, end: -PT2H}}
""",
    "broken": """\
  - {name: broken-hourly, monitr: data_quality}
""",
}
COUNTRIES = {"shop": "AT BE DE", "drifted": "XX YY ZZ", "churn": "AT BE DE"}


@dataclass(frozen=True)
class Project:
    """Endpoint files beside captures of every hour from ``first`` until some hours from now, and a baseline."""

    folder: Path
    first: datetime

    def endpoint_file(self, schedule: str) -> str:
        return str(self.folder / "endpoints" / f"{schedule.split('-')[0]}.yaml")

    def hour(self, hour: int) -> datetime:
        return self.first + hour * HOUR

    def report(self, schedule: str, window_end: datetime) -> dict[str, bytes]:
        """The files of the report on a window: name -> bytes."""
        return files_below(self.folder / "store" / schedule.split("-")[0] / schedule / f"{window_end:%Y/%m/%d/%H}")

    def execution(self, schedule: str, window_end: datetime) -> dict[str, Any]:
        return json.loads(self.report(schedule, window_end)["execution.json"])

    def label(self, hour: int, rows: range, collected: int) -> None:
        """Labels of some rows of an hour's requests come, in the folder of another hour."""
        (captured,) = (self.folder / "captures/churn/AllTraffic" / f"{self.hour(hour):%Y/%m/%d/%H}").iterdir()
        lines = captured.read_text().splitlines()
        folder = self.folder / "labels" / f"{self.hour(collected):%Y/%m/%d/%H}"
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f"of-{hour}-{rows.start}.jsonl").open("w") as file:
            file.writelines(json.dumps(label_of(json.loads(lines[row]))) + "\n" for row in rows)

    def forget_runs(self) -> None:
        """Leaves captures, baselines and the history, and removes all else that runs have written."""
        for folder in (self.folder / "store").iterdir():
            if folder.is_dir() and folder.name != "_baselines":
                shutil.rmtree(folder)


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def make_project(folder: Path) -> Project:
    """Captures of three endpoints from yesterday until now, and four endpoint files, of which one is broken.

    The first 24 windows end two hours before today, so that at no time of day one of them is the window that a
    schedule judges by itself.
    """
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    first, last = today - 26 * HOUR, datetime.now(UTC) + 3 * HOUR
    (folder / "endpoints").mkdir(parents=True)
    for endpoint, schedules in SCHEDULES.items():
        text = ENDPOINT.format(endpoint=endpoint) + schedules
        (folder / "endpoints" / f"{endpoint}.yaml").write_text(text)
    for endpoint in COUNTRIES:
        hour = first - HOUR
        while hour < last:
            write_hour(folder / "captures" / endpoint / "AllTraffic" / f"{hour:%Y/%m/%d/%H}", endpoint, hour)
            hour += HOUR
    rng = random.Random("baseline")
    rows = "".join(",".join(sides(rng, "shop")) + "\n" for _ in range(2000))
    (folder / "baseline.csv").write_text("score,amount,country\n" + rows)
    scores = [rng.random() for _ in range(2000)]
    labelled = "".join(f"{score:.4f},{int(rng.random() < score)}\n" for score in scores)
    (folder / "labelled.csv").write_text("score,label\n" + labelled)
    return Project(folder, first)


def write_hour(folder: Path, endpoint: str, hour: datetime) -> None:
    """One file of one hour's requests, as SageMaker's data capture writes it."""
    rng = random.Random(f"{endpoint} {hour}")
    folder.mkdir(parents=True)
    with (folder / f"00-00-000-{UUID(int=rng.getrandbits(128))}.jsonl").open("w") as file:
        for minute in range(ROWS):
            output, inputs = sides(rng, endpoint)
            time = hour + minute * timedelta(minutes=1)
            file.write(json.dumps(record(output, inputs, str(UUID(int=rng.getrandbits(128))), time)) + "\n")


def sides(rng: random.Random, endpoint: str) -> tuple[str, str]:
    """What the model answers and what it is asked."""
    return f"{rng.random():.4f}", f"{rng.gauss(50, 10):.2f},{rng.choice(COUNTRIES[endpoint].split())}"


def record(output: str, inputs: str, event_id: str, time: datetime) -> dict[str, Any]:
    return {
        "captureData": {
            "endpointInput": {"observedContentType": "text/csv", "mode": "INPUT", "data": inputs, "encoding": "CSV"},
            "endpointOutput": {"observedContentType": "text/csv", "mode": "OUTPUT", "data": output, "encoding": "CSV"},
        },
        "eventMetadata": {"eventId": event_id, "inferenceTime": f"{time:%Y-%m-%dT%H:%M:%SZ}"},
        "eventVersion": "0",
    }


def label_of(request: dict[str, Any]) -> dict[str, Any]:
    """The truth of a captured request: the higher its score, the likelier 1."""
    event_id, score = request["eventMetadata"]["eventId"], float(request["captureData"]["endpointOutput"]["data"])
    label = int(random.Random(event_id).random() < score)
    return {
        "groundTruthData": {"data": str(label), "encoding": "CSV"},
        "eventMetadata": {"eventId": event_id},
        "eventVersion": "0",
    }


def publish(project: Project, schedule: str) -> None:
    from model_monitor import jobs
    from model_monitor.config.execution import Assignment

    assignment = Assignment.load(project.endpoint_file(schedule), schedule)
    state = jobs.observe_baseline(assignment)
    jobs.publish_baseline(assignment, jobs.suggest_constraints(assignment, state, "2026-01-01T00:00:00Z"))


def run_verbs(project: Project, schedule: str, start: datetime, end: datetime) -> dict[str, Any]:
    """The verbs of a monitor, without Airflow."""
    from model_monitor import jobs
    from model_monitor.config.execution import Execution
    from model_monitor.core.window import Window

    execution = Execution.of(project.endpoint_file(schedule), schedule, Window(start, end))
    jobs.collect_window(execution)
    if execution.schedule.ground_truth:
        jobs.merge_ground_truth(execution)
    jobs.compute_metrics(execution)
    jobs.evaluate_constraints(execution)
    return jobs.alert(execution)


@pytest.fixture(scope="session")
def project() -> Project:
    """The project that this process's Airflow sees, with a baseline for each schedule but one."""
    made = make_project(SCRATCH / "project")
    for schedule in ("shop-hourly", "shop-rolling", "shop-by-hand", "drifted-told", "drifted-failed"):
        publish(made, schedule)
    return made


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project that the real scheduler sees; in it, nothing has run."""
    return make_project(tmp_path_factory.mktemp("served") / "project")


@pytest.fixture(scope="session")
def airflow(served: Project) -> Iterator[LocalAirflow]:
    from local_airflow import LocalAirflow

    settings = {
        "MODEL_MONITOR_ENDPOINTS": str(served.folder / "endpoints"),
        "MODEL_MONITOR_NEW_BELOW": str(served.folder / "new"),
        "MODEL_MONITOR_NEW_MAY_SAVE": "true",
    }
    with LocalAirflow(served.folder / "airflow", ROOT, environment=settings, say=print) as started:
        started.wait_for_dags("shop-hourly", "shop-hourly-baseline", "churn-quality", "late_labels")
        yield started


@pytest.fixture(scope="session")
def database() -> None:
    from airflow.utils.db import initdb

    initdb()


@pytest.fixture(scope="session")
def dag_bag(project: Project, database: None) -> Any:
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(ROOT / "dags")


@pytest.fixture(scope="session")
def dag(project: Project, database: None) -> Callable[[str], Any]:
    """A DAG by name, read anew each time: ``DAG.test`` leaves its ``run_conf`` in the params of the DAG it ran."""
    from airflow.dag_processing.dagbag import DagBag

    return lambda dag_id: DagBag(ROOT / "dags").dags[dag_id]


@pytest.fixture(scope="session")
def run_dag(dag: Callable[[str], Any]) -> Callable[..., Any]:
    """Runs a DAG in this process: ``run_dag(dag_id, **arguments of DAG.test)`` gives the ended run."""
    return lambda dag_id, **arguments: dag(dag_id).test(**arguments)
