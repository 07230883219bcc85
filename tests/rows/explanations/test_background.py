"""A dataset in a few rows, which stand for "this feature is not known"."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from model_monitor.errors import DataError
from model_monitor.rows.explanations.explain import background_of

FEATURES = ("a", "b", "c")


def test_a_background_of_a_small_dataset_is_its_rows() -> None:
    rows = pa.record_batch({"a": ["1", "2", None], "b": ["x", "y", "x"]})
    assert background_of([rows], ("b", "a")) == ((("x", 1.0), ("y", 2.0), ("x", None)), (1 / 3,) * 3)


def test_a_background_is_clustered_into_real_values_with_the_shares_of_the_clusters() -> None:
    chance = np.random.default_rng(0)
    centers = np.repeat([0, 10, 50], [100, 200, 300])
    columns = {
        "a": [f"{v:.3f}" for v in centers + chance.normal(size=600)],
        "b": [f"{v:.0f}" for v in 3 * centers + chance.normal(size=600)],
        "c": [f"group {v}" for v in centers],
    }
    rows = pa.record_batch(columns)
    found, weights = background_of([rows.slice(0, 250), rows.slice(250)], FEATURES, 3)
    assert [row[2] for row in found] == ["group 50", "group 10", "group 0"]
    assert weights == pytest.approx((1 / 2, 1 / 3, 1 / 6))
    for a, b, _ in found:
        assert f"{a:.3f}" in columns["a"] and f"{b:.0f}" in columns["b"]
    assert background_of([rows], FEATURES, 3) == (found, weights)
    assert len(background_of([rows], FEATURES)[0]) == 5
    assert len(background_of([rows.slice(0, 20)], FEATURES, 100)[0]) <= 20


def test_a_background_of_texts_is_the_most_frequent_rows() -> None:
    rows = pa.record_batch({"c": ["x"] * 30 + ["y"] * 60 + ["z"] * 10})
    assert background_of([rows], ("c",), 2) == ((("y",), ("x",)), (2 / 3, 1 / 3))


def test_no_rows_are_no_background() -> None:
    with pytest.raises(DataError, match="has no rows"):
        background_of([], FEATURES)
