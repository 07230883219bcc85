"""SageMaker's open library, smclarify, as a judge, in an environment of its own: `make judge`."""

from __future__ import annotations

import json
import math
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from support.places import PROJECT

from model_monitor.core.measures import Undefined
from model_monitor.monitors.bias import Bias, Facet

JUDGE = os.environ.get("JUDGE_PYTHON")
REPORTS = PROJECT / "tests/support/smclarify_reports.py"
FACETS: dict[str, list[list[Any] | None]] = {
    "texts": [["F"], ["F", "X"], None],
    "codes": [[1], [1, 2], ["1"], [0, 1, 2]],
    "numbers": [[0.5], [0], [9]],
    "ages": [[30], [30.5]],
}


def values_of(kind: str, chance: np.random.Generator, n: int) -> list[Any]:
    if kind == "texts":
        return chance.choice(["F", "M", "X"], n).tolist()
    if kind == "numbers":
        return np.round(chance.normal(size=n), 3).tolist()
    return chance.integers(0, 3 if kind == "codes" else 60, n).tolist()


def cases(count: int) -> list[dict[str, Any]]:
    """Tables of every size, share of positives and kind of facet."""
    chance, made = np.random.default_rng(1), []
    for _ in range(count):
        kind, n = str(chance.choice(list(FACETS))), int(chance.choice([6, 24, 45, 100, 400]))
        share = float(chance.choice([0.02, 0.3, 0.6, 0.97]))
        label = chance.random(n) < share
        predicted = np.where(chance.random(n) < 0.7, label, chance.random(n) < share)
        data = {
            "facet": values_of(kind, chance, n),
            "x1": chance.normal(size=n).tolist(),
            "x2": chance.normal(size=n).tolist(),
            "group": chance.integers(0, 4, n).tolist(),
            "label": ["yes" if one else "no" for one in label],
            "pred": ["yes" if one else "no" for one in predicted],
        }
        values = FACETS[kind][int(chance.integers(len(FACETS[kind])))]
        made.append({"data": data, "facet": "facet", "values": values, "positive": ["yes"], "group": "group"})
    return made


@pytest.mark.skipif(JUDGE is None, reason="JUDGE_PYTHON names no Python with smclarify; run make judge")
def test_every_metric_and_every_error_is_that_of_smclarify(tmp_path: Path) -> None:
    some, answer = cases(150), tmp_path / "reports.json"
    (tmp_path / "cases.json").write_text(json.dumps(some))
    subprocess.run([str(JUDGE), str(REPORTS), str(tmp_path / "cases.json"), str(answer)], check=True)
    compared = 0
    for case, reports in zip(some, json.loads(answer.read_text()), strict=True):
        monitor = Bias(
            (Facet("facet", value_or_threshold=tuple(case["values"] or ())),),
            inference_attribute="pred",
            label_values_or_threshold=("yes",),
            group_variable="group",
            compatibility="sagemaker",
        )
        state = monitor.observe(pa.record_batch(case["data"]))
        entries = {entry.value: entry for entry in monitor.entries(state)}
        for stage, ours in (("pre_training", "pre"), ("post_training", "post")):
            if isinstance(reports[stage], str):  # the whole report failed: so does each of our metrics
                assert all(isinstance(m, Undefined) for e in entries.values() for m in getattr(e, ours).values())
                continue
            assert set(reports[stage]) == set(entries)
            for value, metrics in reports[stage].items():
                for name, (number, error) in metrics.items():
                    assert agrees(getattr(entries[value], ours)[name], number, error), (case["values"], value, name)
                    compared += 1
    assert compared > 1000


def agrees(measure: Any, number: Any, error: str | None) -> bool:
    if number is None:
        return isinstance(measure, Undefined) and measure.reason == error
    expected = {"Infinity": math.inf, "-Infinity": -math.inf}.get(number, number)
    return not isinstance(measure, Undefined) and (measure == expected or abs(measure - expected) < 1e-12)
