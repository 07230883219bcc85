"""What does Airflow cost around the monitoring: how many task instances a minute, and where does the time of a run go?

Backfills endpoints × 4 schedules × windows of an hour with a few requests each, by Airflow's own processes with
LocalExecutor on a PostgreSQL server of its own (Debian's package), once with a task for each step and once with one
task (``tasks: one``). Of many endpoints it runs slices, one after the other, each in a database of its own, and says
what these extrapolate to.

    python benchmarks/airflow_costs.py                                # 500 endpoints × 24 windows; hours
    python benchmarks/airflow_costs.py --endpoints 2 --windows 3      # minutes
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))
from local_airflow import LocalAirflow
from support.places import PROJECT
from support.postgres import server

from model_monitor import jobs
from model_monitor.config.execution import Assignment

START, HOUR, ROWS = datetime(2026, 1, 5, tzinfo=UTC), timedelta(hours=1), 60
FIRST_WINDOW = {"window_start": START.isoformat(), "window_end": (START + HOUR).isoformat()}
ALONE = 3  # runs, one after the other
OPTIONS: dict[str, dict[str, Any]] = {
    "data_quality": {},
    "model_quality": {"problem_type": "BinaryClassification", "probability_attribute": "score"},
    "bias": {
        "facets": [{"name": "country", "values": ["AT"]}],
        "probability_attribute": "score",
        "ground_truth_attribute": "label",
        "label_values_or_threshold": [1],
        "sample_rows": 0,
    },
    "traffic": {},
}
TIMES = """
SELECT run.dag_id, run.run_id, run.run_type, extract(epoch FROM run.end_date - run.start_date), run.state, task.task_id
FROM dag_run run JOIN task_instance task USING (dag_id, run_id) WHERE task.start_date IS NOT NULL
"""


class Slice(NamedTuple):
    """What was measured of some endpoints: the seconds of the backfill, its runs and tasks, and of each run that had
    the machine to itself the seconds in all and in our code."""

    seconds: float
    runs: int
    tasks: int
    alone: list[tuple[float, float]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--endpoints", type=int, default=500)
    parser.add_argument("--windows", type=int, default=24, help="of an hour, of each schedule")
    parser.add_argument("--slice", type=int, default=25, help="endpoints at once")
    parser.add_argument("--parallelism", type=int, default=4)
    asked = parser.parse_args()
    for tasks in ("each", "one"):
        slices = []
        for first in range(0, asked.endpoints, asked.slice):
            count = min(asked.slice, asked.endpoints - first)
            with TemporaryDirectory(prefix="airflow-") as folder:
                slices.append(measured(Path(folder), count, asked.windows, tasks, asked.parallelism))
            print(f"tasks: {tasks}, {count} endpoints: {described(slices[-1:])}", flush=True)
        print(f"tasks: {tasks}, all: {described(slices)}; {extrapolated(slices)}", flush=True)


def described(slices: list[Slice]) -> str:
    seconds, runs, tasks = (sum(numbers) for numbers in zip(*(one[:3] for one in slices), strict=True))
    alone = [run for one in slices for run in one.alone]
    whole, own = (statistics.median(numbers) for numbers in zip(*alone, strict=True))
    around = statistics.median(whole - own for whole, own in alone)
    return (
        f"{runs} runs, {tasks} tasks in {seconds:.0f} s: {60 * tasks / seconds:.0f} tasks and "
        f"{60 * runs / seconds:.0f} windows a minute; alone, of a run's {whole:.1f} s {own:.1f} s are our code and "
        f"{around:.1f} s around it (medians)"
    )


def extrapolated(slices: list[Slice]) -> str:
    """How many schedules such a machine judges each hour, every hour."""
    runs, seconds = sum(one.runs for one in slices), sum(one.seconds for one in slices)
    return f"one such machine judges {3600 * runs / seconds:,.0f} windows an hour"


def measured(folder: Path, endpoints: int, windows: int, tasks: str, parallelism: int) -> Slice:
    """Judge the windows of some endpoints."""
    schedules = list(written(folder, endpoints, windows, tasks))
    folder.chmod(0o755)
    (folder / "server").mkdir()
    database = server(folder / "server")
    database.start()
    try:
        url = database.new_database()
        settings = {
            "MODEL_MONITOR_ENDPOINTS": str(folder / "endpoints"),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": url,
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "600",
            "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "False",
        }
        home = folder / "airflow"
        with LocalAirflow(home, PROJECT, parallelism=parallelism, environment=settings) as airflow:
            airflow.wait_for_dags(*schedules, seconds=600)
            began = datetime.now(UTC)
            for name in schedules:
                airflow.backfill(name, START.isoformat(), (START + (windows - 1) * HOUR).isoformat())
                airflow.unpause(name)
            for name in schedules:
                airflow.wait_for_runs(name, windows, seconds=36_000)
            seconds = (datetime.now(UTC) - began).total_seconds()
            for _ in range(ALONE):
                airflow.wait_for_run(schedules[0], airflow.trigger(schedules[0], FIRST_WINDOW))
        return Slice(seconds, *read(url, home))
    finally:
        database.stop()


def read(url: str, home: Path) -> tuple[int, int, list[tuple[float, float]]]:
    """How many runs and tasks a backfill had; of each run by hand, the seconds that it took and those in our code."""
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        rows = [tuple(row) for row in connection.execute(sa.text(TIMES))]
    engine.dispose()
    if failed := {run_id for _, run_id, _, _, state, _ in rows if state != "success"}:
        raise SystemExit(f"runs failed: {', '.join(sorted(failed))}; nothing is said of their cost")
    own: dict[str, float] = {}
    wholes: dict[str, float] = {}
    backfilled = [row[:2] for row in rows if row[2] == "backfill"]
    for dag_id, run_id, kind, seconds, _, task_id in rows:
        for log in (home / f"logs/dag_id={dag_id}/run_id={run_id}/task_id={task_id}").glob("*.log"):
            if kind == "manual":
                wholes[run_id] = float(seconds)
                own[run_id] = own.get(run_id, 0.0) + executing(log)
    return len(set(backfilled)), len(backfilled), [(wholes[run], own[run]) for run in wholes]


def executing(log: Path) -> float:
    """Seconds between what Airflow does before a task's ``execute`` and after it; 0 of a task that has none."""
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    times = [(line["event"], datetime.fromisoformat(line["timestamp"])) for line in lines if "timestamp" in line]
    before = next((time for event, time in times if event == "::endgroup::"), None)
    after = next((time for event, time in times if event == "::group::Post Execute"), None)
    return (after - before).total_seconds() if before and after else 0.0


def written(folder: Path, endpoints: int, windows: int, tasks: str) -> Iterator[str]:
    """Write captures, labels, endpoint files and baselines; the names of the schedules."""
    chance = random.Random(18)
    (folder / "endpoints").mkdir()
    write_baseline(folder / "baseline.csv", chance)
    for i in range(endpoints):
        for hour in range(windows):
            write_hour(folder, f"e{i:03}", START + hour * HOUR, chance)
        entries = [
            {"name": f"e{i:03}-{monitor.replace('_', '-')}", "monitor": monitor, "options": options, "tasks": tasks}
            | ({} if monitor == "traffic" else {"baseline": {"dataset": str(folder / "baseline.csv")}})
            for monitor, options in OPTIONS.items()
        ]
        document = {
            "endpoint": f"e{i:03}",
            "capture": {"uri": str(folder / "captures")},
            "columns": {"outputs": ["score"], "inputs": ["amount", "country"]},
            "ground_truth": {"uri": str(folder / "labels" / f"e{i:03}"), "minimum_coverage": 0},
            "output": str(folder / "store"),
            "schedules": entries,
        }
        file = folder / "endpoints" / f"e{i:03}.yaml"
        file.write_text(json.dumps(document))
        for entry in entries:
            if "baseline" in entry:
                learn(file, str(entry["name"]))
            yield str(entry["name"])


def learn(file: Path, schedule: str) -> None:
    assignment = Assignment.load(file, schedule)
    state = jobs.observe_baseline(assignment)
    jobs.publish_baseline(assignment, jobs.suggest_constraints(assignment, state, "2026-01-01T00:00:00Z"))


def row(chance: random.Random) -> tuple[float, str]:
    return chance.random(), f"{chance.gauss(50, 10):.2f},{chance.choice(['AT', 'BE', 'DE'])}"


def write_baseline(path: Path, chance: random.Random) -> None:
    rows = [(*row(chance), chance.random()) for _ in range(2000)]
    lines = [f"{score:.4f},{inputs},{int(luck < score)}\n" for score, inputs, luck in rows]
    path.write_text("score,amount,country,label\n" + "".join(lines))


def write_hour(folder: Path, endpoint: str, hour: datetime, chance: random.Random) -> None:
    """The captured requests of an hour and their labels, as SageMaker writes both."""
    captured, labels = [], []
    for minute in range(ROWS):
        (score, inputs), event = row(chance), str(UUID(int=chance.getrandbits(128)))
        sides = {"endpointInput": ("INPUT", inputs), "endpointOutput": ("OUTPUT", f"{score:.4f}")}
        data = {
            name: {"observedContentType": "text/csv", "mode": mode, "data": text, "encoding": "CSV"}
            for name, (mode, text) in sides.items()
        }
        time = f"{hour + timedelta(minutes=minute):%Y-%m-%dT%H:%M:%SZ}"
        about = {"eventId": event, "inferenceTime": time}
        captured.append({"captureData": data, "eventMetadata": about, "eventVersion": "0"})
        truth = {"data": str(int(chance.random() < score)), "encoding": "CSV"}
        labels.append({"groundTruthData": truth, "eventMetadata": {"eventId": event}, "eventVersion": "0"})
    for place, records in ((f"captures/{endpoint}/AllTraffic", captured), (f"labels/{endpoint}", labels)):
        path = folder / place / f"{hour:%Y/%m/%d/%H}" / "00-00-000-records.jsonl"
        path.parent.mkdir(parents=True)
        path.write_text("".join(json.dumps(record) + "\n" for record in records))


if __name__ == "__main__":
    main()
