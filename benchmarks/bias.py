"""How fast are the metrics of bias and their intervals, and does memory stay bounded?

Generates merged rows of a day: captured outputs and inputs as texts, as they come of CSV payloads, and their labels.
Then times, in a process of its own each, what compute_metrics does with them for three facets with all 21 metrics and
1,000 resamples: read, observe, add, measure.

    python benchmarks/bias.py [--rows 1000000] [--folder DIR]

Each figure comes with its ratio to a yardstick timed in the same run: reading the same rows and grouping them by the
facets, the label and the prediction with PyArrow, on all cores.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

STAGES = ("yardstick", "observe", "measure", "original")
ROWS = "rows.parquet"
GROUP_ROWS = 1 << 16


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=1_000_000)
    arguments.add_argument("--folder", type=Path)
    arguments.add_argument("--stage", choices=["generate", *STAGES], help=argparse.SUPPRESS)
    asked = arguments.parse_args()
    if asked.stage == "generate":
        generate(asked.folder, asked.rows)
    elif asked.stage:
        run_stage(asked.stage, asked.folder)
    if asked.stage:
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.folder or Path(temporary)
        # A process's peak counts that of the one that started it, so that this one has to stay small.
        run("generate", folder, asked.rows)
        report(folder, asked.rows)


def run(stage: str, folder: Path, rows: int) -> str:
    """A stage in a fresh process; what it prints."""
    command = [sys.executable, __file__, "--rows", str(rows), "--folder", str(folder), "--stage", stage]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def generate(folder: Path, rows: int) -> None:
    """Answers that favour one sex, and their labels; the same each time."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(parents=True, exist_ok=True)
    chance = np.random.default_rng(7)
    sex, origin = chance.choice(["F", "M"], rows), chance.choice(["JFK", "LGA", "EWR"], rows)
    age, income = chance.integers(18, 90, rows), chance.normal(size=rows)
    score = 1 / (1 + np.exp(-income - 0.4 * (sex == "M") - 0.5 * chance.normal(size=rows)))
    table = pa.table(
        {
            "@event_id": [f"feca1ab1-8025-47e3-8f6a-{i:012d}" for i in range(rows)],
            "score": [f"{value:.6f}" for value in score],
            "sex": sex,
            "origin": origin,
            "age": age.astype(str),
            "tenure": chance.integers(0, 40, rows).astype(str),
            "income": [f"{value:.4f}" for value in income],
            "label": (score > chance.random(rows)).astype(int).astype(str),
            "@labelled": np.ones(rows, bool),
        }
    )
    pq.write_table(table, folder / ROWS, row_group_size=GROUP_ROWS)


def monitor(compatibility: str = "calibrated") -> Any:
    from model_monitor.monitors.bias import Bias, Facet

    return Bias(
        (Facet("sex", values=("F",)), Facet("origin"), Facet("age", thresholds=(60,))),
        probability_attribute="score",
        group_variable="tenure",
        features=("age", "tenure", "income"),
        compatibility=compatibility,  # type: ignore[arg-type]
    )


def run_stage(stage: str, folder: Path) -> None:
    """One stage, and as JSON how long it took and what memory it peaked at."""
    from model_monitor.core.states import dump, load

    some = monitor("sagemaker" if stage == "original" else "calibrated")
    saved = folder / "state"
    began = time.perf_counter()
    if stage == "yardstick":
        grouped(folder / ROWS)
    elif stage == "observe":
        saved.write_bytes(dump(observed(some, folder / ROWS)))
    else:
        found = some.measure(load(saved.read_bytes(), some.empty))
        assert len(found) == 1 + 5 * 21, len(found)
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


def observed(some: Any, path: Path) -> Any:
    """The State of all rows, read and observed as compute_metrics does, by row groups."""
    import pyarrow.parquet as pq

    from model_monitor.engines import local

    def rows(group: int) -> Any:
        file = pq.ParquetFile(path, read_dictionary=["sex", "origin", "age", "tenure", "label"])
        return file.read_row_group(group).combine_chunks().to_batches()

    return local.fold(some, range(pq.ParquetFile(path).num_row_groups), rows)


def grouped(path: Path) -> None:
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    positive = pc.greater(table["score"].cast("double"), 0.5)
    table = table.append_column("positive", positive)
    for facet in ("sex", "origin", "age"):
        table.group_by([facet, "tenure", "label", "positive"]).aggregate([([], "count_all")])


def report(folder: Path, rows: int) -> None:
    """Run each stage in a fresh process, print a table."""
    print(f"{rows:,} merged rows, three facets with five entries, 21 metrics each, 1,000 resamples")
    print(f"{'stage':<10} {'seconds':>8} {'rows/s':>11} {'peak MiB':>9} {'of yardstick':>13}")
    yardstick = 0.0
    for stage in STAGES:
        seen = json.loads(run(stage, folder, rows))
        seconds = seen["seconds"]
        yardstick = yardstick or seconds
        print(f"{stage:<10} {seconds:8.2f} {rows / seconds:11,.0f} {seen['peak']:9.0f} {seconds / yardstick:13.2f}")


if __name__ == "__main__":
    main()
