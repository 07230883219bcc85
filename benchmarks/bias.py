"""How fast are the metrics of bias and their intervals, and does memory stay bounded?

Generates merged rows of a day: captured outputs and inputs as texts, as they come of CSV payloads, and their labels.
Then times, in a process of its own each, what compute_metrics does with them for three facets with all 21 metrics and
1,000 resamples: read, observe, add, measure.

    python benchmarks/bias.py [--rows 1000000] [--folder DIR]

Each figure comes with its ratio to a yardstick timed in the same run: reading the same rows and grouping them by the
facets, the label and the prediction with PyArrow, on all cores.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from stages import Stage, benchmark

ROWS = "rows.parquet"
GROUP_ROWS = 1 << 16


def main() -> None:
    stages: dict[str, Stage] = {
        "yardstick": yardstick,
        "observe": observe,
        "measure": measure,
        "sagemaker": partial(measure, compatibility="sagemaker"),
    }
    benchmark(__doc__, "rows", generate, stages)


def generate(folder: Path, rows: int) -> str:
    """Answers that favour one sex, and their labels; the same each time."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

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
    return "merged rows, three facets with five entries, 21 metrics each, 1,000 resamples"


def monitor(compatibility: str = "calibrated") -> Any:
    from model_monitor.monitors.bias import Bias, Facet

    return Bias(
        (Facet("sex", values=("F",)), Facet("origin"), Facet("age", thresholds=(60,))),
        probability_attribute="score",
        group_variable="tenure",
        features=("age", "tenure", "income"),
        compatibility=compatibility,  # type: ignore[arg-type]
    )


def yardstick(folder: Path, _: int) -> Callable[[], object]:
    return partial(grouped, folder / ROWS)


def observe(folder: Path, _: int) -> Callable[[], object]:
    from model_monitor.core.states import dump

    bias = monitor()
    return lambda: (folder / "state").write_bytes(dump(observed(bias, folder / ROWS)))


def measure(folder: Path, _: int, compatibility: str = "calibrated") -> Callable[[], object]:
    from model_monitor.core.states import load

    bias = monitor(compatibility)

    def work() -> None:
        measures = bias.measure(load((folder / "state").read_bytes(), bias.empty))
        assert len(measures) == 1 + 5 * 21, len(measures)

    return work


def observed(bias: Any, path: Path) -> Any:
    """The State of all rows, read and observed as compute_metrics does, by row groups."""
    import pyarrow.parquet as pq

    from model_monitor.engines.local import LOCAL

    def rows(group: int) -> Any:
        file = pq.ParquetFile(path, read_dictionary=["sex", "origin", "age", "tenure", "label"])
        return file.read_row_group(group).combine_chunks().to_batches()

    return LOCAL.fold(bias, range(pq.ParquetFile(path).num_row_groups), rows)


def grouped(path: Path) -> None:
    """The yardstick."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    positive = pc.greater(table["score"].cast("double"), 0.5)
    table = table.append_column("positive", positive)
    for facet in ("sex", "origin", "age"):
        table.group_by([facet, "tenure", "label", "positive"]).aggregate([([], "count_all")])


if __name__ == "__main__":
    main()
