"""How often does a window that is like its baseline raise any violation?

Draws a baseline and a window from one source, again for each trial, judges as the product does, through the baseline's
files, and counts trials with any violation. It prints their share with its 95 % interval (Clopper & Pearson 1934)
beside the stated budget, with a fixed seed.

    python benchmarks/false_alarms.py                                # 400 trials of each cell: hours
    python benchmarks/false_alarms.py --trials 40 --baselines 500,2000 --windows 200,2000
    python benchmarks/false_alarms.py --cases chi_squared,bias --budget 0.05
    python benchmarks/false_alarms.py --table --trials 200           # the cells that once were worst, beside that

Its exit code is 1 if a cell's interval lies above the budget as a whole.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import pyarrow as pa
from scipy.stats import binomtest

from model_monitor.core.evaluation import evaluate
from model_monitor.core.monitor import Monitor
from model_monitor.core.segments import By, Segmented
from model_monitor.monitors.bias import Bias, Facet
from model_monitor.monitors.data_quality import DataQuality, Rules
from model_monitor.monitors.model_quality import ModelQuality
from model_monitor.results.documents import documents_of
from model_monitor.results.documents.protocol import decode, encode

Rows = Callable[[np.random.Generator, int], pa.RecordBatch]


@dataclass(frozen=True)
class Case:
    """A source of rows, and the monitor that judges them with a false-alarm budget."""

    about: str
    rows: Rows
    monitor: Callable[[float], Monitor[Any]]


@dataclass(frozen=True)
class Cell:
    """A case with the rows of its baseline and of its window; ``before``: what was measured when the budget counted
    the chance of drift only."""

    case: str
    baseline: int
    window: int
    before: str = ""


def main() -> None:
    asked = arguments()
    sizes = f"{'case':<14} {'baseline':>9} {'window':>9} {'trials':>7}"
    print(f"{sizes}  any violation (95 %), budget {asked.budget:.2%}{'   before' if asked.table else ''}")
    too_often = False
    workers = len(os.sched_getaffinity(0))
    with ProcessPoolExecutor(max_workers=workers) as pool:
        for cell in cells(asked):
            trial = partial(alarms, cell.case, cell.baseline, cell.window, asked.budget)
            count = sum(pool.map(trial, range(asked.trials), chunksize=4))
            interval = binomtest(count, asked.trials).proportion_ci(0.95)
            too_often |= interval.low > asked.budget
            figures = f"{count / asked.trials:7.2%} ({interval.low:.2%} to {interval.high:.2%})"
            line = f"{cell.case:<14} {cell.baseline:>9,} {cell.window:>9,} {asked.trials:>7,}  {figures}"
            print(f"{line}   {cell.before}".rstrip(), flush=True)
    sys.exit("more often than the budget" if too_often else 0)


def cells(asked: argparse.Namespace) -> list[Cell]:
    if asked.table:
        return [cell for cell in TABLE if cell.case in asked.cases]
    sizes = product(asked.cases, asked.baselines, asked.windows)
    return [Cell(*size) for size in sizes]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    numbers = partial(listed, int)
    parser.add_argument("--trials", type=int, default=400)
    parser.add_argument("--baselines", type=numbers, default=[500, 2_000, 20_000])
    parser.add_argument("--windows", type=numbers, default=[50, 1_000, 10_000, 100_000])
    parser.add_argument("--budget", type=float, default=0.01)
    parser.add_argument("--table", action="store_true", help="the cells of the table in docs/verdicts.md")
    parser.add_argument("--cases", type=partial(listed, str), default=[*CASES], help=", ".join(CASES))
    return parser.parse_args()


def listed(kind: type, text: str) -> list[Any]:
    return [kind(part) for part in text.split(",")]


def alarms(name: str, baseline: int, window: int, budget: float, seed: int) -> bool:
    """Whether one window of so many rows raises a violation against one baseline."""
    chance = np.random.default_rng([seed, baseline, window])
    case = CASES[name]
    monitor = case.monitor(budget)
    documents = documents_of(monitor)
    learned = monitor.observe(case.rows(chance, baseline))
    files = [decode(encode(part(learned)), "baseline") for part in (documents.statistics, documents.suggested)]
    live = monitor.measure(monitor.observe(case.rows(chance, window)))
    return any(finding.outcome == "violated" for finding in evaluate(documents.constraints(*files), live))


def mixed(chance: np.random.Generator, n: int, columns: int = 20) -> pa.RecordBatch:
    """Numbers and categories, half of them with missing values: from one in ten to one in 100,000 rows."""
    made = {f"c{i}": column(chance, n, i) for i in range(columns)}
    return pa.record_batch(made)


def column(chance: np.random.Generator, n: int, i: int) -> pa.Array:
    missing = chance.random(n) < (0.0 if i % 2 else 10.0 ** -(1 + i % 5))
    kinds: list[Callable[[], np.ndarray]] = [
        lambda: chance.normal(size=n),
        lambda: chance.poisson(3, n),
        lambda: words(chance, n, zipf(100, 2.0)),
        lambda: chance.exponential(size=n),
        lambda: words(chance, n, zipf(5, 0.0)),
        lambda: words(chance, n, np.array([0.999, 0.0009, 0.0001])),
    ]
    return pa.array(kinds[i % len(kinds)](), mask=missing)


def wide(chance: np.random.Generator, n: int) -> pa.RecordBatch:
    return pa.record_batch({f"c{i}": chance.normal(size=n) for i in range(1_000)})


def words(chance: np.random.Generator, n: int, shares: np.ndarray) -> np.ndarray:
    return np.array([f"v{k}" for k in range(len(shares))])[chance.choice(len(shares), n, p=shares)]


def zipf(levels: int, power: float) -> np.ndarray:
    """The shares of so many categories, falling with a power of the rank."""
    weights = np.arange(1, levels + 1) ** -float(power)
    return np.asarray(weights / weights.sum())


def rare(chance: np.random.Generator, n: int) -> pa.RecordBatch:
    return pa.record_batch({f"c{i}": words(chance, n, zipf(100, 2.0)) for i in range(20)})


def gaps(chance: np.random.Generator, n: int) -> pa.RecordBatch:
    shares = [10.0 ** -(1 + i / 4) for i in range(20)]
    return pa.record_batch(
        {f"c{i}": pa.array(chance.normal(size=n), mask=chance.random(n) < p) for i, p in enumerate(shares)}
    )


def many_levels(chance: np.random.Generator, n: int) -> pa.RecordBatch:
    return pa.record_batch({f"c{i}": words(chance, n, zipf(300, i % 3)) for i in range(20)})


def segmented(chance: np.random.Generator, n: int) -> pa.RecordBatch:
    """Thirty segments, the smallest with a thirtieth of the rows of the largest, and a column of numbers that are
    whole in 97 % of the rows."""
    whole = np.where(chance.random(n) < 0.03, "1.5", "2")
    parts = mixed(chance, n, 6)
    return pa.record_batch(
        [*parts.columns, whole, words(chance, n, zipf(30, 1.0))], [*parts.schema.names, "whole", "s"]
    )


def answered(chance: np.random.Generator, n: int) -> pa.RecordBatch:
    """Answers of a fair model about two groups, a third of the rows in the smaller, with labels and scores."""
    score = chance.beta(2, 3, n)
    return pa.record_batch(
        {
            "@event_id": [str(i) for i in range(n)],
            "@labelled": np.ones(n, bool),
            "group": np.where(chance.random(n) < 1 / 3, "d", "a"),
            "score": score,
            "prediction": (score > 0.5).astype(int).astype(str),
            "label": (chance.random(n) < score).astype(int).astype(str),
        }
    )


def data_quality(budget: float, **options: Any) -> DataQuality:
    return DataQuality(false_alarm_budget=budget, **options)


def by_segment(budget: float) -> Monitor[Any]:
    whole = data_quality(budget)
    return Segmented(whole, (By("s", whole.of_segment()),))


def bias(budget: float) -> Monitor[Any]:
    facets = (Facet("group", values=("d",)),)
    return Bias(facets, inference_attribute="prediction", resamples=400, sample_rows=0, false_alarm_budget=budget)


def model_quality(budget: float) -> Monitor[Any]:
    return ModelQuality(
        "BinaryClassification",
        inference_attribute="prediction",
        probability_attribute="score",
        ground_truth_attribute="label",
        false_alarm_budget=budget,
    )


CASES = {
    "mixed": Case("numbers and categories, complete and not", mixed, data_quality),
    "wide": Case("1,000 columns of numbers", wide, data_quality),
    "gaps": Case("20 columns that miss 10 % to 1 in 600,000", gaps, data_quality),
    "rare": Case("20 columns of 100 categories, Zipf's law with power 2", rare, data_quality),
    "chi_squared": Case(
        "20 columns of 300 categories", many_levels, partial(data_quality, rules=Rules(categorical_method="ChiSquared"))
    ),
    "segments": Case("30 segments", segmented, by_segment),
    "bias": Case("all metrics of one facet", answered, bias),
    "model_quality": Case("all metrics of a binary classification", answered, model_quality),
}

TABLE = [
    *(Cell("mixed", 20_000, window, "0 to 0.8 %, drift alone") for window in (50, 1_000, 10_000)),
    Cell("wide", 2_000, 1_000, "0 to 0.8 %, drift alone"),
    Cell("gaps", 20_000, 50_000, "11 %"),
    Cell("gaps", 20_000, 100_000, "30 %"),
    Cell("mixed", 2_000, 2_000, "82 %"),
    Cell("mixed", 2_000, 10_000, "90 %"),
    Cell("rare", 20_000, 1_000, "23 %"),
    Cell("rare", 20_000, 10_000, "35 %"),
    Cell("segments", 20_000, 1_000, "58 %"),
    Cell("segments", 20_000, 10_000, "100 %"),
    Cell("chi_squared", 20_000, 1_000, "92 %"),
    Cell("chi_squared", 20_000, 5_000, "100 %"),
]


if __name__ == "__main__":
    main()
