"""How large is a State, and how long do loading and adding those of a month take?

Stores the States of so many hours of a schedule of 30 columns: 20 of numbers, of which seven have all their digits,
seven three decimals and six are whole; eight of up to 192 categories; two with another text in each row. A State is
observed for each of 24 hours, and stored again for each day. It prints the mean size of a file, and seconds of the
clock and of the processor, imports left out.

    python benchmarks/growing.py                  # 720 hours of 5,000 rows
    python benchmarks/growing.py --hours 24 --rows 1000
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from model_monitor.config.execution import Assignment
from model_monitor.core.observed import Counting
from model_monitor.core.window import EVER, Window
from model_monitor.jobs.compute_metrics import kept, save
from model_monitor.jobs.past_windows import MOST_SUMMED, states_within
from model_monitor.jobs.spans import total_of
from model_monitor.results.handover import Evidence

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
PLACES = 1000  # three decimals


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--hours", type=int, default=720)
    parser.add_argument("--rows", type=int, default=5000, help="of an hour")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        assignment = assignment_in(Path(folder))
        sizes = stored(assignment, asked.hours, asked.rows)
        print(f"{asked.hours:,} States of {asked.rows:,} rows and 30 columns, {np.mean(sizes) / 1000:.0f} KB each")
        total_of(assignment, states_within(assignment, Window(FIRST, FIRST + timedelta(hours=2))))  # imports
        with timed("list, load"):
            states = states_within(assignment, EVER, MOST_SUMMED)
        with timed("sum"):
            total = total_of(assignment, states)
    assert total.observed.rows == asked.hours * asked.rows, total.observed.rows


def assignment_in(root: Path) -> Assignment:
    schedule = {"name": "dq", "monitor": "data_quality", "cron": "0 * * * *"}
    endpoint = {"endpoint": "e", "capture": {"uri": str(root / "capture")}, "output": str(root / "out")}
    (root / "e.yaml").write_text(json.dumps(endpoint | {"schedules": [schedule]}))
    return Assignment.load(root / "e.yaml", "dq")


def stored(assignment: Assignment, hours: int, rows: int) -> list[int]:
    """Writes a State for each hour; the sizes of their files."""
    chance, monitor = np.random.default_rng(0), assignment.monitor
    states = [kept(monitor, Counting(monitor).observe(drawn(chance, rows, hour))) for hour in range(min(24, hours))]
    sizes = []
    for hour in range(hours):
        start = FIRST + timedelta(hours=hour)
        files = assignment.on(Window(start, start + timedelta(hours=1))).observation
        sizes.append(Path(save(files, states[hour % 24], Evidence())).stat().st_size)
    return sizes


def drawn(chance: np.random.Generator, n: int, hour: int) -> pa.RecordBatch:
    """As captured: all texts."""
    numbers: list[Callable[[], np.ndarray]] = [
        *[lambda: chance.normal(size=n)] * 7,
        *[lambda: np.round(chance.lognormal(size=n) * PLACES) / PLACES] * 7,
        *[lambda most=most: chance.integers(0, most, n) for most in (3, 10, 100, 2_000, 50_000, 1_000_000)],
    ]
    columns = {f"n{i}": pa.array(draw()).cast(pa.string()) for i, draw in enumerate(numbers)}
    for i in range(8):
        different = 3 * (i + 1) ** 2
        columns[f"c{i}"] = pa.array([f"category {k}" for k in chance.integers(0, different, n)])
    columns["request"] = pa.array([f"request-{hour * n + i}" for i in range(n)])
    columns["session"] = pa.array([chance.bytes(16).hex() for _ in range(n)])
    return pa.record_batch(columns)


@contextmanager
def timed(what: str) -> Iterator[None]:
    clock, processor = time.perf_counter(), time.process_time()
    yield
    clock, processor = time.perf_counter() - clock, time.process_time() - processor
    print(f"{what:<11} {clock:5.2f} s, {processor:5.2f} s of the processor")


if __name__ == "__main__":
    main()
