"""Learn a baseline, and judge a window by it: from Parquet as peers do, or the window from raw capture."""

import sys
from datetime import timedelta
from pathlib import Path

import datasketches  # noqa: F401  (what the work imports later counts as imports)
import scipy.special  # noqa: F401
from rows import START
from timing import measured

from model_monitor import jobs
from model_monitor.config.execution import Assignment, Execution
from model_monitor.core.evaluation import evaluate
from model_monitor.core.window import Window
from model_monitor.jobs.compute_metrics import observe
from model_monitor.monitors.data_quality import DataQuality, Table
from model_monitor.rows.select import Selection
from model_monitor.rows.sources.datasets import Dataset


def judge_parquet(folder: Path) -> int:
    monitor = DataQuality()
    baseline, window = (observed(monitor, folder / f"{name}.parquet") for name in ("baseline", "window"))
    findings = evaluate(list(monitor.suggest(baseline)), monitor.measure(window))
    return len(list(findings))


def observed(monitor: DataQuality, path: Path) -> Table:
    dataset = Dataset.at(str(path))
    state: Table = observe(monitor, dataset.pieces(), dataset.rows, Selection()).state
    return state


def learn(folder: Path) -> None:
    assignment = Assignment.load(str(folder / "load.yaml"), "load-data-quality")
    version = jobs.suggest_constraints(assignment, jobs.observe_baseline(assignment), "")
    jobs.publish_baseline(assignment, version)


def judge_capture(folder: Path) -> str:
    execution = Execution.of(folder / "load.yaml", "load-data-quality", Window(START, START + timedelta(hours=1)))
    jobs.collect_window(execution)
    jobs.compute_metrics(execution)
    return str(jobs.evaluate_constraints(execution))


if sys.argv[2] == "capture":
    learn(Path(sys.argv[1]))
measured(judge_parquet if sys.argv[2] == "parquet" else judge_capture)
