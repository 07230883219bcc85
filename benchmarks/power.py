"""How often is a change seen at the price of the false-alarm budget?

Draws a baseline and a changed window, again for each trial, judges the window as a schedule with default options does
and counts trials in which a change is found. It prints their share with its 95 % interval (Clopper & Pearson 1934)
beside the share that is wanted, with a fixed seed.

    python benchmarks/power.py                                   # 200 trials of each row: a minute
    python benchmarks/power.py --trials 2000 --rows "mean +0.2 sd" "variance x 1.5"
    python benchmarks/power.py --windows 1000,20000,200000 --rows "mean +0.2 sd"

Of data quality the table has 20 columns, 10 of numbers and 10 of texts, which share the budget; one of them changes,
and only what is found in this one counts. Its exit code is 1 if an interval lies below what is wanted as a whole.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
import pyarrow as pa
from scipy.stats import binomtest, norm

from model_monitor.core.evaluation import evaluate
from model_monitor.core.monitor import Monitor
from model_monitor.core.states import Keyed
from model_monitor.monitors import columns
from model_monitor.monitors.bias import Bias, Facet
from model_monitor.monitors.columns import Column
from model_monitor.monitors.data_quality import DataQuality, Table
from model_monitor.monitors.model_quality import ModelQuality

CHANGED = "x"
COLUMNS = 20
Draw = Callable[[np.random.Generator, int], Any]


@dataclass(frozen=True)
class Row:
    """A source of a baseline and of a changed window, the size of both, the share that is wanted, and how a trial is
    made of them."""

    before: Draw
    after: Draw
    wanted: float
    baseline: int = 20_000
    window: int = 1_000
    monitor: Monitor[Any] | None = None  # None: data quality of a column among 20


def main() -> None:
    asked = arguments()
    print(f"{'change':<44} {'baseline':>8} {'window':>8}  found (95 %)                 wanted")
    too_rarely = False
    with ProcessPoolExecutor(max_workers=len(os.sched_getaffinity(0))) as pool:
        for name in asked.rows:
            row = ROWS[name]
            for window in asked.windows or [row.window]:
                found = sum(pool.map(partial(is_found, name, window), range(asked.trials), chunksize=5))
                interval = binomtest(found, asked.trials).proportion_ci(0.95)
                too_rarely |= interval.high < row.wanted
                figures = f"{found / asked.trials:6.1%} ({interval.low:.1%} to {interval.high:.1%})"
                print(f"{name:<44} {row.baseline:>8,} {window:>8,}  {figures:<28} {row.wanted:.0%}", flush=True)
    sys.exit("more rarely than wanted" if too_rarely else 0)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--windows", type=lambda text: [int(n) for n in text.split(",")], help="instead of each row's")
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=[*ROWS], metavar="NAME", help=", ".join(ROWS))
    return parser.parse_args()


def is_found(name: str, window: int, seed: int) -> bool:
    """Whether a window of so many rows violates anything that is about the change."""
    row = ROWS[name]
    chance = np.random.default_rng([seed, row.baseline, window])
    before, after = row.before(chance, row.baseline), row.after(chance, window)
    if row.monitor is not None:
        monitor: Monitor[Any] = row.monitor
        learned, live = monitor.observe(before), monitor.observe(after)
    else:
        monitor = DataQuality()
        learned, live = (among_others(pa.array(values), row.baseline) for values in (before, after))
    findings = evaluate(monitor.suggest(learned), monitor.measure(live))
    others = {f"{kind}{i}" for kind in "nt" for i in range(COLUMNS)}
    return any(f.outcome == "violated" and f.constraint.subject.column not in others for f in findings)


def among_others(values: pa.Array, baseline: int) -> Table:
    """The State of a column and of others that are as the baseline's."""
    half = COLUMNS // 2
    others = {f"{kind}{i}": unchanged(kind, len(values)) for kind in "nt" for i in range(half - (kind == "t"))}
    return Table(len(values), Keyed(Column(), others | {CHANGED: columns.observe(values, as_written=False)}))


@cache
def unchanged(kind: str, n: int) -> Column:
    """The State of a column that has the same quantiles, or shares, in each window."""
    if kind == "n":
        return columns.observe(pa.array(norm.ppf((np.arange(n) + 0.5) / n)), as_written=False)
    return columns.observe(pa.array([f"v{i % 5}" for i in range(n)]), as_written=False)


def normal(chance: np.random.Generator, n: int) -> np.ndarray:
    return chance.normal(size=n)


def some(
    chance: np.random.Generator, n: int, share: float, changed: Callable[[np.ndarray], np.ndarray | float]
) -> np.ndarray:
    """Normal numbers, a share of which is changed."""
    x = normal(chance, n)
    return np.where(chance.random(n) < share, changed(x), x)


def missing(chance: np.random.Generator, n: int, share: float) -> pa.Array:
    return pa.array(normal(chance, n), mask=chance.random(n) < share)


def flags(chance: np.random.Generator, n: int, share: float) -> np.ndarray:
    return (chance.random(n) < share).astype(int)


def words(chance: np.random.Generator, n: int, shares: np.ndarray) -> np.ndarray:
    return np.array([f"w{k}" for k in range(len(shares))])[chance.choice(len(shares), n, p=shares / shares.sum())]


def with_first(first: float, others: int = 8) -> np.ndarray:
    """Shares of categories: the first one's, and others of one share each."""
    return np.array([first, *[(1 - first) / others] * others])


def scored(chance: np.random.Generator, n: int, auc: float) -> pa.RecordBatch:
    """Labels, one in four positive, and scores of a classifier with this area under its curve."""
    label = chance.random(n) < 0.25
    score = norm.cdf(chance.normal(size=n) + np.where(label, 1, -1) * norm.ppf(auc) / np.sqrt(2))
    return answers({"score": score, "prediction": texts(score > 0.9), "label": texts(label)})


def grouped(chance: np.random.Generator, n: int, accepted: float) -> pa.RecordBatch:
    """An eighth of the rows in a group of which this share is predicted positive; a fifth of the others are."""
    in_group = chance.random(n) < 0.125
    positive = chance.random(n) < np.where(in_group, accepted, 0.2)
    label = chance.random(n) < np.where(positive, 0.8, 0.05)
    return answers({"group": np.where(in_group, "d", "a"), "prediction": texts(positive), "label": texts(label)})


def estimated(chance: np.random.Generator, n: int, shift: float) -> pa.RecordBatch:
    """Predictions of a regression as good as ever, of truths that are larger by so many standard deviations."""
    truth = chance.normal(size=n) + shift
    return answers({"prediction": truth + 0.3 * chance.normal(size=n), "label": truth})


def answers(made: dict[str, Any]) -> pa.RecordBatch:
    n = len(made["label"])
    return pa.record_batch({"@event_id": [str(i) for i in range(n)], "@labelled": np.ones(n, bool)} | made)


def texts(flags_of: np.ndarray) -> np.ndarray:
    return np.asarray(flags_of.astype(int).astype(str))


QUALITY = ModelQuality(
    "BinaryClassification",
    inference_attribute="prediction",
    probability_attribute="score",
    ground_truth_attribute="label",
)
NUMBERS = ModelQuality("Regression", inference_attribute="prediction", ground_truth_attribute="label")
FAIRNESS = Bias(
    (Facet("group", values=("d",)),),
    inference_attribute="prediction",
    resamples=400,
    sample_rows=0,
    judge=("DPPL", "DI", "RD"),
)
ZIPF = 1 / np.arange(1, 301)

ROWS = {
    "mean +0.5 sd": Row(normal, lambda c, n: normal(c, n) + 0.5, 0.99),
    "missing 0 -> 1 %": Row(normal, partial(missing, share=0.01), 0.99),
    "mean +0.2 sd": Row(normal, lambda c, n: normal(c, n) + 0.2, 0.9),
    "mean +0.2 sd, 20,000 rows": Row(normal, lambda c, n: normal(c, n) + 0.2, 0.99, window=20_000),
    "variance x 1.5": Row(normal, lambda c, n: normal(c, n) * np.sqrt(1.5), 0.95),
    "2 % of rows x 10": Row(normal, partial(some, share=0.02, changed=lambda x: 10 * x), 0.85),
    "5 % of rows -999": Row(normal, partial(some, share=0.05, changed=lambda x: -999.0), 0.98),
    "5 % of rows x 1,000": Row(normal, partial(some, share=0.05, changed=lambda x: 1000 * x), 0.98),
    "numbers 0 and 1: share .2 -> .25": Row(partial(flags, share=0.2), partial(flags, share=0.25), 0.5),
    "numbers 0 and 1: share .01 -> .03": Row(partial(flags, share=0.01), partial(flags, share=0.03), 0.9),
    "two texts: share .2 -> .25": Row(
        partial(words, shares=np.array([0.8, 0.2])), partial(words, shares=np.array([0.75, 0.25])), 0.5
    ),
    "two texts: share .01 -> .03": Row(
        partial(words, shares=np.array([0.99, 0.01])), partial(words, shares=np.array([0.97, 0.03])), 0.9
    ),
    "category 5 -> 10 %": Row(partial(words, shares=with_first(0.05)), partial(words, shares=with_first(0.1)), 0.95),
    "a category of 5 % vanishes": Row(
        partial(words, shares=with_first(0.05)), partial(words, shares=with_first(0.0)), 0.95
    ),
    "new category of 1 % among 300 levels": Row(
        partial(words, shares=ZIPF), partial(words, shares=np.append(ZIPF, ZIPF.sum() / 99)), 0.8
    ),
    "missing 10 -> 5 %": Row(partial(missing, share=0.1), partial(missing, share=0.05), 0.95),
    "zeros 1 -> 5 % of other numbers": Row(
        partial(some, share=0.01, changed=lambda x: 0.0), partial(some, share=0.05, changed=lambda x: 0.0), 0.9
    ),
    "AUC .8 -> .75 (all metrics judged)": Row(
        partial(scored, auc=0.8), partial(scored, auc=0.75), 0.4, monitor=QUALITY
    ),
    "predictions +0.2 sd (all metrics judged)": Row(
        partial(estimated, shift=0.0), partial(estimated, shift=0.2), 0.9, monitor=NUMBERS
    ),
    "predictions +0.2 sd, 20,000 rows": Row(
        partial(estimated, shift=0.0), partial(estimated, shift=0.2), 0.99, window=20_000, monitor=NUMBERS
    ),
    "a group loses 40 % of its positives (3 metrics)": Row(
        partial(grouped, accepted=0.2), partial(grouped, accepted=0.12), 0.95, window=5_000, monitor=FAIRNESS
    ),
}


if __name__ == "__main__":
    main()
