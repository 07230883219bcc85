"""Ours: the product's verdict on one window after the other, by a baseline's files.

The score is by how many powers of ten a p-value is below its level; in SageMaker's mode, how far beyond its bound a
number is, or the distance.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from onset_files import changed_in, tell
from pyarrow import csv
from rhythm import Held

from model_monitor.core.constraints import Between, Finding, Near
from model_monitor.core.monitor import Monitor
from model_monitor.core.observed import Counting
from model_monitor.core.window import HOUR, Window
from model_monitor.monitors.data_quality import DataQuality
from model_monitor.monitors.model_quality import ModelQuality
from model_monitor.results.documents import documents_of
from model_monitor.results.documents.protocol import decode, encode
from model_monitor.verdicts.baseline import Baseline
from model_monitor.verdicts.earlier import BY_ROWS, Learning
from model_monitor.verdicts.noise import level_of
from model_monitor.verdicts.verdict import Judge

FIRST = datetime(2026, 1, 5, tzinfo=UTC)
WAYS: dict[str, Learning] = {"sampling": BY_ROWS, "auto": Learning(), "sagemaker": BY_ROWS}
CERTAIN = 1e9  # the score of what no chance explains


def main() -> None:
    folder, task, way = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    monitor = monitor_of(task, way)
    counting, documents = Counting(monitor), documents_of(monitor)
    learned = counting.observe(rows_of(folder / "baseline.csv", task)).state
    files = [decode(encode(part(learned)), "baseline") for part in (documents.statistics, documents.suggested)]
    baseline = Baseline(files[0], files[1])
    judges = {twice: Judge.of(monitor, baseline, judges_twice=twice) for twice in (False, True)}
    live, held = rows_of(folder / "windows.csv", task), Held(WAYS[way])
    count = len(changed_in(folder))
    rows = live.num_rows // count
    for number in range(count):
        window = Window(FIRST + number * HOUR, FIRST + (number + 1) * HOUR)
        observed = counting.observe(live.slice(number * rows, rows))
        tell(number, *found_in(held.judge(judges, window, observed), task))


def monitor_of(task: str, way: str) -> Monitor[Any]:
    compatibility: Any = "sagemaker" if way == "sagemaker" else "calibrated"
    if task == "columns":
        return DataQuality(compatibility=compatibility)
    return ModelQuality(
        "BinaryClassification",
        inference_attribute="prediction",
        probability_attribute="score",
        ground_truth_attribute="label",
        compatibility=compatibility,
    )


def rows_of(path: Path, task: str) -> pa.RecordBatch:
    """The rows of a file; answers and labels as texts, as labels come."""
    types = {"prediction": pa.string(), "label": pa.string()} if task == "quality" else {}
    table = csv.read_csv(path, convert_options=csv.ConvertOptions(column_types=types)).combine_chunks()
    if task == "quality":
        table = table.append_column("@event_id", pa.array([str(i) for i in range(len(table))]))
        table = table.append_column("@labelled", pa.array([True] * len(table)))
    [batch] = table.to_batches()
    return batch


def found_in(findings: Iterable[Finding], task: str) -> tuple[dict[str, float], list[str]]:
    """The highest score of each subject, and those that are violated."""
    scores: dict[str, float] = {}
    alarms = []
    for finding in findings:
        name = str(finding.constraint.subject.column or finding.constraint.measure)
        scores[name] = max(scores.get(name, -CERTAIN), score_of(finding))
        if finding.outcome == "violated":
            alarms.append(name)
    return scores, alarms


def score_of(finding: Finding) -> float:
    bound, observed = finding.constraint.bound, finding.observed
    level = level_of(bound)
    if level is not None and finding.p_value is not None and observed is not None:
        if isinstance(bound, Near) and observed <= bound.threshold:
            return -CERTAIN
        return math.log10(level / finding.p_value) if finding.p_value else CERTAIN
    if isinstance(bound, Near) and observed is not None:
        return observed
    if isinstance(bound, Between) and observed is not None:
        beyond = [bound.low - observed] if bound.low is not None else []
        return max(*beyond, -CERTAIN, *([observed - bound.high] if bound.high is not None else []))
    return CERTAIN if finding.outcome == "violated" else -CERTAIN


if __name__ == "__main__":
    main()
