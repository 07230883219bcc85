"""How long does it take to judge 90 days of hourly windows again, by other settings, from their stored States?

Makes a schedule with a published baseline, and the States and odds of so many hours, of 30 columns: numbers, rounded
and whole ones, texts, some with missing values. A State is drawn for each of 24 hours and stored again for each day. It
prints seconds of the clock and of the processor for ``model-monitor replay`` in this one process, imports left out.

    python benchmarks/replay.py                        # 2,160 windows of 200 rows
    python benchmarks/replay.py --rows 1000 --profile
"""

from __future__ import annotations

import argparse
import cProfile
import json
import pstats
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

from model_monitor import jobs
from model_monitor.config.execution import Assignment
from model_monitor.config.trial import tried
from model_monitor.core.observed import Counting
from model_monitor.core.window import EVER, Window
from model_monitor.jobs.compute_metrics import save
from model_monitor.jobs.earlier_windows import side_of
from model_monitor.results.handover import Evidence
from model_monitor.verdicts.baseline import Baseline
from model_monitor.verdicts.verdict import odds_of_window

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
BASELINE_ROWS = 20_000


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--rows", type=int, default=200, help="of a window")
    parser.add_argument("--columns", type=int, default=30)
    parser.add_argument("--windows", type=int, default=90 * 24)
    parser.add_argument("--set", default="0.001", help="the other false-alarm budget")
    parser.add_argument("--profile", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = made(Path(folder), asked.windows, asked.rows, asked.columns)
        now = Assignment.load(file, "dq")
        then = tried(file, "dq", {"options.false_alarm_budget": float(asked.set)})
        jobs.replay_windows(now, then)  # imports, and what the machine keeps of files
        profile = cProfile.Profile()
        clock, processor = time.perf_counter(), time.process_time()
        if asked.profile:
            profile.enable()
        found = jobs.replay_windows(now, then, Window(FIRST, EVER.end - timedelta(days=3661)))
        profile.disable()
        clock, processor = time.perf_counter() - clock, time.process_time() - processor
    print(f"{found.windows:,} windows of {asked.rows:,} rows and {asked.columns} columns, judged twice: ", end="")
    print(f"{clock:.1f} s, {processor:.1f} s of the processor; {found.before} alarms before, {found.after} after")
    if asked.profile:
        pstats.Stats(profile).sort_stats("tottime").print_stats(30)


def made(root: Path, windows: int, rows: int, columns: int) -> Path:
    """The endpoint file of a schedule with a baseline and States."""
    schedule = {"name": "dq", "monitor": "data_quality", "cron": "0 * * * *"}
    endpoint = {"endpoint": "e", "capture": {"uri": str(root / "capture")}, "output": str(root / "out")}
    file = root / "e.yaml"
    dataset = {"baseline": {"dataset": str(root / "rows.csv")}}
    file.write_text(json.dumps(endpoint | {"schedules": [schedule | dataset]}))
    chance, assignment = np.random.default_rng(0), Assignment.load(file, "dq")
    pa.csv.write_csv(pa.Table.from_batches([drawn(chance, BASELINE_ROWS, columns)]), root / "rows.csv")
    learned = jobs.suggest_constraints(assignment, jobs.observe_baseline(assignment), "2026-01-01T00:00:00Z")
    jobs.publish_baseline(assignment, learned)
    counting = Counting(assignment.monitor)
    states = [counting.observe(drawn(chance, rows, columns)) for _ in range(24)]
    side = side_of(assignment, Baseline.of(assignment))
    verdicts = [side.judge().verdict(state) for state in states]
    for hour in range(windows):
        start = FIRST + timedelta(hours=hour)
        execution = assignment.on(Window(start, start + timedelta(hours=1)))
        save(execution.observation, states[hour % 24], Evidence())
        by = side.baseline.identity
        odds_of_window(execution.window, by, verdicts[hour % 24], side.options).write(execution.odds)
    return file


def drawn(chance: np.random.Generator, n: int, columns: int) -> pa.RecordBatch:
    kinds: list[Callable[[], np.ndarray]] = [
        lambda: chance.normal(50, 10, n),
        lambda: np.round(chance.lognormal(3, 1, n), 2),
        lambda: chance.poisson(3, n),
        lambda: words(chance, n, np.full(12, 1 / 12)),
        lambda: words(chance, n, np.array([0.7, 0.2, 0.1])),
    ]
    missing = [chance.random(n) < 0.01 * (i % 3) for i in range(columns)]
    return pa.record_batch({f"c{i}": pa.array(kinds[i % 5](), mask=missing[i]) for i in range(columns)})


def words(chance: np.random.Generator, n: int, shares: np.ndarray) -> np.ndarray:
    return np.array([f"v{k}" for k in range(len(shares))])[chance.choice(len(shares), n, p=shares)]


if __name__ == "__main__":
    main()
