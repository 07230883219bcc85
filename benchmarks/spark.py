"""What does Spark on this machine's cores cost, beside this process, on the same capture files?

Writes the files of ``data_quality.py``, collects and observes their window by the engine of one process and by Spark,
and checks that both States are equal in rows, counts and moments:

    python benchmarks/spark.py [--records 10000000] [--spark "local[2]"] [--folder DIR]

Seconds of wall clock and of processors, over this process and all that it started; the start of Spark is a row of its
own.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from data_quality import SCHEDULE, generate
from stages import window_of

from model_monitor import jobs
from model_monitor.config.engine import Cluster
from model_monitor.config.execution import Execution
from model_monitor.jobs.compute_metrics import load_state
from model_monitor.jobs.engines import engine_of

STAGES: dict[str, Callable[[Execution], Any]] = {
    "start": lambda execution: list(engine_of(execution).each(abs, range(2))),
    "collect": jobs.collect_window,
    "observe": jobs.compute_metrics,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=10_000_000)
    parser.add_argument("--spark", default="local[2]")
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        compare(arguments.folder or Path(temporary), arguments.records, arguments.spark)


def compare(folder: Path, records: int, url: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    print(generate(folder, records))
    print(f"{'engine':<10} {'stage':<8} {'seconds':>8} {'processor seconds':>18} {'records/s':>11}")
    states = []
    for name, cluster in (("process", None), (url, Cluster(url))):
        shutil.rmtree(folder / "out/_rows", ignore_errors=True)
        execution = Execution.of(folder / "load.yaml", SCHEDULE, window_of(records)).observed_on(cluster)
        for stage, work in STAGES.items():
            began, used = time.perf_counter(), processor_seconds()
            work(execution)
            seconds, used = time.perf_counter() - began, processor_seconds() - used
            print(f"{name:<10} {stage:<8} {seconds:8.1f} {used:18.1f} {records / seconds:11,.0f}", flush=True)
        states.append(load_state(execution.observation.state, execution.monitor))
    own, other = states
    assert own.rows == other.rows
    for column, state in own.state.columns.items.items():
        there = other.state.columns.items[column]
        assert (state.numbers, state.kinds, state.words) == (there.numbers, there.kinds, there.words), column
    print(f"{own.rows:,} rows: equal counts and moments")


def processor_seconds() -> float:
    """Of this process and all that it started and that lives."""
    total = 0.0
    for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
        times = process.cpu_times()
        total += times.user + times.system + times.children_user + times.children_system
    return total


if __name__ == "__main__":
    main()
