"""Is a weak change told within a day, by day sums, and does healthy traffic keep the budget?

Simulates hours of labelled answers of a binary classification. A baseline is learned, then hours are judged as the
product does, each with the last day (``also: [P1D]``), and without. It prints the share of trials in which

* a drop of the accuracy is told in one of the 24 hours after it, and by which hour half of these are told;
* a healthy hour alarms, counted over all hours of all trials; hours of a day share rows, so the interval is of trials:
  the mean of each trial's share, with its standard error.

    python benchmarks/sums.py                              # 200 trials
    python benchmarks/sums.py --trials 50 --drop 0.03 --rows 500
"""

from __future__ import annotations

import argparse
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, date, datetime, timedelta
from functools import partial

import numpy as np
import pyarrow as pa
from scipy.stats import binomtest

from model_monitor.core.observed import Counting, Observed
from model_monitor.core.window import DAY, HOUR, Window
from model_monitor.monitors.model_quality import ModelQuality
from model_monitor.results.documents import documents_of
from model_monitor.results.documents.protocol import decode, encode
from model_monitor.results.execution import WITH_VIOLATIONS
from model_monitor.verdicts.baseline import Baseline
from model_monitor.verdicts.trailing import trailing
from model_monitor.verdicts.verdict import Judge

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
BASELINE_ROWS, ACCURACY, HEALTHY = 20_000, 0.9, 48  # hours before the change, of which the second day is judged
BUDGET = 0.01
JUDGED = {"accuracy alone": ("accuracy",), "all metrics": ()}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--rows", type=int, default=200, help="of an hour")
    parser.add_argument("--drop", type=float, default=0.02, help="of the accuracy")
    asked = parser.parse_args()
    print(f"accuracy {ACCURACY} - {asked.drop}, {asked.rows} rows an hour, budget {BUDGET:.0%}, {asked.trials} trials")
    too_often = False
    with ProcessPoolExecutor(max_workers=os.cpu_count()) as pool:
        for name in JUDGED:
            for spans in ((), (DAY,)):
                trial = partial(tried, JUDGED[name], asked.rows, asked.drop, spans)
                found = list(pool.map(trial, range(asked.trials), chunksize=4))
                told = [hour for hour, _ in found if hour is not None]
                share = binomtest(len(told), asked.trials).proportion_ci(0.95)
                alarms = np.array([share for _, share in found])
                error = alarms.std(ddof=1) / np.sqrt(asked.trials)
                too_often |= bool(alarms.mean() - 2.6 * error > BUDGET)
                how = "hours and the last day" if spans else "hours alone"
                half = f", half by hour {np.median(told):.0f}" if told else ""
                print(
                    f"{name:<15} {how:<23} told within a day {len(told) / asked.trials:4.0%} "
                    f"({share.low:.0%} to {share.high:.0%}){half}; healthy hours that alarm "
                    f"{alarms.mean():.2%} (± {2 * error:.2%})",
                    flush=True,
                )
    sys.exit("healthy hours alarm more often than the budget" if too_often else 0)


def tried(
    judged: tuple[str, ...], rows: int, drop: float, spans: tuple[timedelta, ...], seed: int
) -> tuple[int | None, float]:
    """The hour (from 1) after the drop in which it is told first, None if in none; the share of healthy hours that
    alarm."""
    chance = np.random.default_rng([seed, rows])
    monitor = ModelQuality(
        "BinaryClassification",
        inference_attribute="prediction",
        ground_truth_attribute="label",
        judge=judged,
        false_alarm_budget=BUDGET,
    )
    counting, documents = Counting(monitor), documents_of(monitor)
    learned = monitor.observe(answered(chance, BASELINE_ROWS, ACCURACY))
    statistics, constraints = (
        decode(encode(part(learned)), "baseline") for part in (documents.statistics, documents.suggested)
    )
    judge = Judge.of(monitor, Baseline(statistics, constraints), spans)
    earlier: list[tuple[Window, Observed]] = []
    alarms, days = [], dict[tuple[date, tuple[Window, ...]], Observed]()
    for hour in range(HEALTHY + 24):
        window = Window(FIRST + hour * HOUR, FIRST + (hour + 1) * HOUR)
        observed = counting.observe(answered(chance, rows, ACCURACY - drop * (hour >= HEALTHY)))
        if hour >= 24:
            totals = [trailing(length, window, observed, earlier, days) for length in spans]
            alarms.append(judge.verdict(observed, spans=totals).status == WITH_VIOLATIONS)
        earlier.insert(0, (window, observed))
    told = alarms[HEALTHY - 24 :]
    return (told.index(True) + 1 if any(told) else None), float(np.mean(alarms[: HEALTHY - 24]))


def answered(chance: np.random.Generator, n: int, accuracy: float) -> pa.RecordBatch:
    """Labels, four in ten of them positive, and answers of which such a share is right."""
    label = chance.random(n) < 0.4
    prediction = np.where(chance.random(n) < accuracy, label, ~label)
    return pa.record_batch(
        {
            "@event_id": [str(i) for i in range(n)],
            "@labelled": np.ones(n, bool),
            "prediction": prediction.astype(int).astype(str),
            "label": label.astype(int).astype(str),
        }
    )


if __name__ == "__main__":
    main()
