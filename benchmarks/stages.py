"""Times the stages of a benchmark, each in its own process, against a yardstick: what three benchmarks share."""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from model_monitor.core.window import Window

RECORDS_PER_HOUR = 250_000
RECORDS_PER_FILE = 12_500
START = datetime(2026, 1, 1, tzinfo=UTC)

Stage = Callable[[Path, int], Callable[[], object]]


def benchmark(
    description: str | None, counted: str, generate: Callable[[Path, int], str], stages: Mapping[str, Stage]
) -> None:
    """The command line of a benchmark: generates its data, runs each stage, prints a table.

    A stage prepares itself, e.g. by imports, and returns the function to be timed. The first stage is the yardstick.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(f"--{counted}", type=int, default=1_000_000, dest="count")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--stage", choices=["generate", *stages], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    folder, count = arguments.folder, arguments.count
    if arguments.stage == "generate":
        folder.mkdir(parents=True, exist_ok=True)
        print(generate(folder, count))
    elif arguments.stage:
        print(json.dumps(cost_of(stages[arguments.stage](folder, count))))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            report(counted, folder or Path(temporary), count, list(stages))


def cost_of(work: Callable[[], object]) -> tuple[float, float, float]:
    """Seconds that the work takes, those of the processor, and MiB at the peak of this process's memory."""
    began, used = time.perf_counter(), time.process_time()
    work()
    seconds, processor = time.perf_counter() - began, time.process_time() - used
    return seconds, processor, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def report(counted: str, folder: Path, count: int, stages: list[str]) -> None:
    """Runs all stages. A process's peak includes its parent's, so this process must stay small."""

    def run(stage: str) -> str:
        command = [sys.executable, sys.argv[0], f"--{counted}", str(count), "--folder", str(folder), "--stage", stage]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout

    print(f"{count:,} {run('generate').strip()}")
    print(f"{'stage':<10} {'seconds':>8} {'of yardstick':>13} {'processor':>10} {'of yardstick':>13} {'peak MiB':>9}")
    yardstick: tuple[float, float] | None = None
    for stage in stages:
        seconds, processor, peak = json.loads(run(stage))
        yardstick = yardstick or (seconds, processor)
        ratios = seconds / yardstick[0], processor / yardstick[1]
        print(
            f"{stage:<10} {seconds:8.2f} {ratios[0]:13.2f} {processor:10.2f} {ratios[1]:13.2f} {peak:9.0f}", flush=True
        )


def window_of(records: int) -> Window:
    """The hours that so many records fill."""
    from model_monitor.core.window import Window

    return Window(START, START + timedelta(hours=hours_of(records)))


def hours_of(records: int) -> int:
    return max(1, -(-records // RECORDS_PER_HOUR))


def capture_files(folder: Path, records: int) -> Iterator[tuple[Path, range, str]]:
    """The address of each capture file, the numbers of its records, and their time."""
    for first in range(0, records, RECORDS_PER_FILE):
        hour, place = divmod(first, RECORDS_PER_HOUR)
        time_of_file = START + timedelta(hours=hour, seconds=3600 * place / RECORDS_PER_HOUR)
        path = folder / "capture/load/AllTraffic" / time_of_file.strftime(f"%Y/%m/%d/%H/%M-%S-000-{first:032x}.jsonl")
        path.parent.mkdir(parents=True, exist_ok=True)
        second = (time_of_file + timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        yield path, range(first, min(records, first + RECORDS_PER_FILE)), second


def mebibytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*.jsonl")) / 2**20


def parse_lines(folder: Path, _: int) -> Callable[[], None]:
    """The yardstick: Python's json module on every line, on one core."""

    def work() -> None:
        for path in sorted(folder.rglob("*.jsonl")):
            with path.open() as lines:
                for line in lines:
                    json.loads(line)

    return work
