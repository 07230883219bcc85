"""Are the p-values of a column's drift true, whatever its distribution and the number of rows?

Draws a baseline and a window of one source, again for each trial, and prints which share of p-values is at most each
level; that should be no more than the level. Columns with few different numbers are counted, others sketched.

    python benchmarks/p_values.py --trials 1000
    python benchmarks/p_values.py --trials 300 --sizes 20000:20000 100000:100000 --sources normal poisson
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial, reduce
from operator import add
from typing import Any

import numpy as np

from model_monitor.core.distances import categorical_evidence
from model_monitor.core.distributions import Categories, Numbers
from model_monitor.core.evidence import of_numbers
from model_monitor.core.states import Quantiles

LEVELS = (0.05, 0.01, 0.001)
NUMBERS: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "normal": lambda r, n: r.normal(size=n),
    "lognormal": lambda r, n: np.exp(2 * r.normal(size=n)),
    "poisson": lambda r, n: r.poisson(3, n).astype(float),
    "integers": lambda r, n: r.integers(0, 300, n).astype(float),
    "rare": lambda r, n: np.where(r.random(n) < 0.003, r.integers(1, 5, n), 0).astype(float),
    "zeros": lambda r, n: np.where(r.random(n) < 0.9, 0.0, r.normal(size=n)),
    "outliers": lambda r, n: np.where(r.random(n) < 0.98, 1.0, 1e3) * r.normal(size=n),
}
SHARES = {
    "zipf": 1 / np.arange(1, 301),
    "zipf2": 1 / np.arange(1, 101) ** 2.0,
    "ten": np.ones(10),
    "two": np.array([0.99, 0.01]),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--sizes", nargs="+", default=["500:50", "2000:1000", "20000:1000"], help="baseline:window")
    parser.add_argument("--sources", nargs="+", default=[*NUMBERS, *SHARES])
    asked = parser.parse_args()
    print(f"{'source':<10} {'baseline':>8} {'window':>8} ", *(f"p <= {level:<6}" for level in LEVELS))
    with ProcessPoolExecutor(max_workers=os.cpu_count()) as pool:
        for source in asked.sources:
            for size in asked.sizes:
                m, n = map(int, size.split(":"))
                found = np.array(list(pool.map(partial(p_value, source, m, n), range(asked.trials), chunksize=20)))
                figures = (f"{(found <= level).mean():<11.2%}" for level in LEVELS)
                print(f"{source:<10} {m:>8,} {n:>8,} ", *figures, flush=True)


def p_value(source: str, m: int, n: int, seed: int) -> float:
    r = np.random.default_rng([seed, m, n])
    live, baseline = drawn(source, r, n), drawn(source, r, m)
    return (of_numbers if source in NUMBERS else categorical_evidence)(live, baseline).p_value


def drawn(source: str, r: np.random.Generator, n: int) -> Any:
    if source in SHARES:
        counts = r.multinomial(n, SHARES[source] / SHARES[source].sum())
        return Categories({str(i): int(k) for i, k in enumerate(counts) if k})
    values = NUMBERS[source](r, n)
    different, counts = np.unique(values, return_counts=True)
    if len(different) <= 1000 < n:
        return Numbers.counted(dict(zip(different.tolist(), counts.tolist(), strict=True)))
    parts = np.array_split(values, 6)
    return Numbers.of(reduce(add, map(Quantiles.of, parts)), float(values.min()), float(values.max()))


if __name__ == "__main__":
    main()
