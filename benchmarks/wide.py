"""How long does it take to judge a window of a thousand columns?

Observes a baseline and a window of a table, half of whose columns are numbers, and times, in seconds and in those of
the processor: reading the baseline's files, the window's verdict, and its sentences; the best of some runs. With
``--shifted``, so many columns have changed and are told.

    python benchmarks/wide.py                                    # 1,000 columns, 20,000 and 10,000 rows
    python benchmarks/wide.py --columns 200 --rows 100000 --shifted 50
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import pyarrow as pa

from model_monitor.core.observed import Counting
from model_monitor.monitors.data_quality import DataQuality
from model_monitor.results.anonymous import Anonymity
from model_monitor.results.documents import documents_of
from model_monitor.results.documents.protocol import decode, encode
from model_monitor.results.sentences import sentence_of
from model_monitor.verdicts.baseline import Baseline
from model_monitor.verdicts.verdict import Judge, Verdict

BASELINE_ROWS = 20_000
T = TypeVar("T")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--columns", type=int, default=1_000)
    parser.add_argument("--rows", type=int, default=10_000, help="of the window")
    parser.add_argument("--shifted", type=int, default=0, help="columns whose mean is half a standard deviation off")
    parser.add_argument("--repeat", type=int, default=3)
    asked = parser.parse_args()
    chance, monitor = np.random.default_rng(0), DataQuality()
    counting, documents = Counting(monitor), documents_of(monitor)
    baseline = counting.observe(table(chance, BASELINE_ROWS, asked.columns, 0))
    files = [decode(encode(part(baseline.state)), "") for part in (documents.statistics, documents.suggested)]
    rows = table(chance, asked.rows, asked.columns, asked.shifted)
    window = timed("observe the window", 1, lambda: counting.observe(rows))
    judge = timed("read the baseline", asked.repeat, lambda: Judge.of(monitor, Baseline(files[0], files[1])))
    verdict = timed("judge the window", asked.repeat, lambda: judge.verdict(window))
    told = timed("write sentences", asked.repeat, lambda: sentences(verdict))
    print(f"{len(verdict.findings):,} findings, {len(told)} violations")


def sentences(verdict: Verdict) -> list[str]:
    violated = [finding for finding in verdict.findings if finding.outcome == "violated"]
    return [sentence_of(finding, verdict.measures, Anonymity()) for finding in violated]


def table(chance: np.random.Generator, rows: int, columns: int, shifted: int) -> pa.RecordBatch:
    """Numbers and texts in turn."""
    made = {}
    for i in range(columns):
        if i % 2:
            made[f"t{i}"] = pa.array(np.array([f"v{k}" for k in range(20)])[chance.integers(0, 20, rows)])
        else:
            made[f"n{i}"] = pa.array(chance.normal(0.5 * (i < 2 * shifted), size=rows))
    return pa.record_batch(made)


def timed(name: str, repeat: int, work: Callable[[], T]) -> T:
    """What the work returns; prints the least seconds that it took."""
    found = []
    for _ in range(repeat):
        start, used = time.perf_counter(), time.process_time()
        result = work()
        found.append((time.process_time() - used, time.perf_counter() - start))
    processor, seconds = min(found)
    print(f"{name:<20} {seconds:7.2f} s, {processor:7.2f} s of the processor", flush=True)
    return result


if __name__ == "__main__":
    main()
