"""How long does a suite of rules take, and how much memory: 300 expectations on 100,000 rows of 30 columns.

python benchmarks/expectations.py [--rows 100000] [--typed]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from model_monitor.core.batch import BATCH_ROWS
from model_monitor.core.evaluation import evaluate
from model_monitor.core.states import dump, load
from model_monitor.engines.local import LOCAL
from model_monitor.monitors.expectations import Expectations, Rule, library

COLUMNS = 30
GROUP_ROWS = 50_000


def rules() -> Iterator[Rule]:
    """Ten of each column: seven that chunks of rows tell, three that need the whole column."""
    for i in range(COLUMNS):
        column = f"c{i}"
        yield Rule("expect_column_values_to_not_be_null", {"column": column, "mostly": 0.99})
        yield Rule("expect_column_unique_value_count_to_be_between", {"column": column, "min_value": 2})
        if i < 20:
            for k in range(6):
                limits = {"min_value": -4 - k, "max_value": 4 + k, "mostly": 0.9}
                yield Rule("expect_column_values_to_be_between", {"column": column, **limits})
            yield Rule("expect_column_mean_to_be_between", {"column": column, "min_value": -1, "max_value": 1})
            yield Rule("expect_column_max_to_be_between", {"column": column, "max_value": 10})
        else:
            for k in range(3):
                yield Rule(
                    "expect_column_values_to_be_in_set", {"column": column, "value_set": ["a", "b", "c", str(k)]}
                )
                yield Rule("expect_column_values_to_match_regex", {"column": column, "regex": f"^[a-c{k}]$"})
            yield Rule("expect_column_value_lengths_to_equal", {"column": column, "value": 1})
            yield Rule("expect_column_distinct_values_to_be_in_set", {"column": column, "value_set": ["a", "b", "c"]})


def write(path: Path, rows: int, typed: bool) -> None:
    """A file of numbers and words; as texts, which is how captured requests have them, unless ``typed``."""
    draw = np.random.default_rng(0)
    writer = None
    for start in range(0, rows, GROUP_ROWS):
        n = min(GROUP_ROWS, rows - start)
        columns = {}
        for i in range(COLUMNS):
            numbers, words = pa.array(draw.normal(size=n).round(4)), pa.array(draw.choice(["a", "b", "c"], n))
            columns[f"c{i}"] = words if i >= 20 else numbers if typed else numbers.cast(pa.string())
        group = pa.table(columns)
        writer = writer or pq.ParquetWriter(path, group.schema)
        writer.write_table(group)
    if writer:
        writer.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--typed", action="store_true", help="columns of numbers rather than texts")
    parser.add_argument("--file", type=Path, help="rows that are there already")
    arguments = parser.parse_args()
    if arguments.file:
        judge(arguments.file, arguments.rows)
        return
    with TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        write(path, arguments.rows, arguments.typed)
        command = [sys.executable, __file__, "--rows", str(arguments.rows), "--file", str(path)]
        subprocess.run(command, check=True)  # so that making rows does not count


def judge(path: Path, rows: int) -> None:
    monitor = Expectations(tuple(rules()))
    file = pq.ParquetFile(path)
    clock = Clock()
    clock.tell("start")
    library.imported()
    clock.tell("import of Great Expectations")
    before, worked = clock.start, time.process_time()
    groups = range(file.num_row_groups)
    state = LOCAL.fold(monitor, groups, lambda group: file.read_row_group(group).to_batches(BATCH_ROWS))
    clock.tell("observe")
    saved = dump(state)
    del state
    state = load(saved, monitor.empty)
    clock.tell(f"save and load a State of {len(saved) / 2**20:.1f} MB")
    findings = evaluate(monitor.required(state), monitor.measure(state))
    clock.tell("measure and evaluate")
    outcomes = [finding.outcome for finding in findings]
    print(f"{len(findings)} rules, {rows:,} rows: {time.perf_counter() - before:.1f} s beyond the import")
    print(f"{time.process_time() - worked:.1f} s of them on a core")
    print({outcome: outcomes.count(outcome) for outcome in sorted(set(outcomes))})
    print(f"peak memory {peak():.0f} MB")


def peak() -> float:
    """Of this process, in MB; not that of the process which started it, which ``getrusage`` begins with."""
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


class Clock:
    def __init__(self) -> None:
        self.start = time.perf_counter()

    def tell(self, step: str) -> None:
        now = time.perf_counter()
        print(f"{step:<50} {now - self.start:5.1f} s, peak {peak():.0f} MB")
        self.start = now


if __name__ == "__main__":
    main()
