"""SageMaker's SDK reads our files into model cards, in an environment of its own: `make judge`."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from support.places import PROJECT
from support.quality_files import MODES, PROBLEMS, monitor, rows

from model_monitor.core.monitor import Monitor
from model_monitor.core.segments import By, Segmented
from model_monitor.monitors.attribution import Attribution
from model_monitor.monitors.bias import Bias, Facet
from model_monitor.results.documents import documents_of
from model_monitor.results.documents.protocol import encode

JUDGE = os.environ.get("JUDGE_PYTHON")
CARDS = PROJECT / "tests/support/model_cards.py"
KINDS = {
    "Regression": "REGRESSION",
    "BinaryClassification": "BINARY_CLASSIFICATION",
    "MulticlassClassification": "MULTICLASS_CLASSIFICATION",
}


def observed() -> Iterator[tuple[str, Monitor[Any], pa.RecordBatch]]:
    """A kind of file, a monitor that writes it, and its rows; also where nothing, or not every metric, exists."""
    for mode in MODES:
        for problem in PROBLEMS:
            whole, batch = monitor(problem, mode), rows(problem)
            yield KINDS[problem], whole, batch
            yield "MODEL_MONITOR_MODEL_QUALITY", Segmented(whole, (By("part", whole),)), with_parts(batch)
        yield "CLARIFY_BIAS", bias(mode), people(600, 400)
        yield "CLARIFY_EXPLAINABILITY", Attribution(compatibility=mode), attributions()
    yield "CLARIFY_BIAS", bias("calibrated"), people(60, 58)  # SageMaker writes infinite numbers, which its SDK refuses
    yield "MODEL_MONITOR_MODEL_QUALITY", monitor(), rows("BinaryClassification").slice(0, 0)


def with_parts(batch: pa.RecordBatch) -> pa.RecordBatch:
    return batch.append_column("part", pa.array(["a", "b"] * (batch.num_rows // 2)))


def bias(mode: Any) -> Bias:
    return Bias((Facet("sex", values=("F",)),), inference_attribute="p", resamples=100, compatibility=mode)


def people(n: int, men: int) -> pa.RecordBatch:
    """Rows of both sexes; the last has none."""
    sex = [*["M"] * men, *["F"] * (n - men - 1), None]
    return pa.record_batch({"sex": sex, "p": ["0", "1"] * (n // 2), "label": ["0", "1", "1"] * (n // 3)})


def attributions() -> pa.RecordBatch:
    chance = np.random.default_rng(0)
    return pa.record_batch(
        {"label0|a": chance.normal(size=50), "label0|b": chance.normal(size=50), "@expected|label0": np.full(50, 0.5)}
    )


@pytest.mark.skipif(JUDGE is None, reason="JUDGE_PYTHON names no Python with SageMaker's SDK; run make judge")
def test_model_cards_read_every_file_with_metrics(tmp_path: Path) -> None:
    command = [str(JUDGE), str(CARDS)]
    for kind, m, batch in observed():
        file = tmp_path / f"{len(command)}.json"
        file.write_bytes(encode(documents_of(m).statistics(m.observe(batch))))
        command += [kind, str(file)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not ran.returncode, ran.stderr
    counts = json.loads(ran.stdout.splitlines()[-1])  # below the SDK's own words
    *others, empty = counts.values()
    assert all(others) and not empty
