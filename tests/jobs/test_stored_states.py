"""What is stored of a baseline and of a window is small where the mode's files may be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.captures import endpoint_file

from model_monitor import jobs
from model_monitor.config.execution import Assignment
from model_monitor.jobs.compute_metrics import load_state
from model_monitor.rows.sources import row_groups
from model_monitor.rows.sources.datasets import Dataset


@pytest.mark.parametrize(("options", "fewest", "most"), [({}, 500, 1100), ({"compatibility": "sagemaker"}, 2700, 2720)])
def test_a_baseline_of_many_rows_has_few_items_but_in_sagemakers_mode(
    options: dict[str, Any], fewest: int, most: int, tmp_path: Path
) -> None:
    file = endpoint_file(tmp_path, options=options)
    pq.write_table(pa.table({"p": np.random.default_rng(0).normal(size=6000)}), tmp_path / "rows.parquet")
    assignment = Assignment.load(file, "dq")
    state = jobs.observe_baseline(assignment, Dataset.at(str(tmp_path / "rows.parquet")))
    items = load_state(state, assignment.monitor).state.columns.items["p"].quantiles.items()
    assert fewest < sum(map(len, items)) < most


def test_a_wide_table_is_read_by_batches_that_tell_whether_numbers_are_few(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_groups, "BATCH_CELLS", 100)
    pq.write_table(pa.table({"a": range(5000), "b": range(5000)}), path := tmp_path / "wide.parquet")
    sizes = [batch.num_rows for batch in Dataset.at(str(path)).batches()]
    assert sizes == [2048, 2048, 904]
