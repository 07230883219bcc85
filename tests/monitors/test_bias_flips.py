"""The flip test is the published one and that of scikit-learn's neighbours, on a sample that stands for all rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn.neighbors import KNeighborsClassifier

from model_monitor.core.measures import Estimate, Undefined
from model_monitor.core.monitor import fold
from model_monitor.core.states import dump
from model_monitor.monitors.bias import Bias, Facet
from model_monitor.monitors.bias.flips import MAX_FEATURES

PUBLISHED = [  # of smclarify's unit test: seven columns, of which the first is also the facet, and the prediction
    *("0000111 1", "1000101 1", "1010101 1", "0000011 0", "1001101 1", "0010111 1", "1000111 1", "1100111 1"),
    *("0010111 1", "1011110 1", "1000110 1", "1010111 1", "1000011 0", "0000111 1", "0010101 1", "0010111 1"),
    *("0101001 0", "1000011 0", "0010011 1", "1000110 1", "1010011 0", "0100011 0", "1010101 1", "0001110 1"),
]
FEW = [
    *("0000111 1", "1000101 1", "1010101 1", "1001101 0", "1000111 1", "1100111 1", "1011110 1", "1000110 1"),
    *("1010111 1", "1000011 1", "1000011 1", "0010011 1", "1000110 0", "1010011 1", "1010101 1", "0001110 1"),
]


def sagemaker(**more: Any) -> Bias:
    options = {"inference_attribute": "p", "label_values_or_threshold": (1, "yes"), "compatibility": "sagemaker"} | more
    return Bias((Facet("f", values=(1,)),), **options)


def flip_test(monitor: Bias, *batches: pa.RecordBatch) -> Any:
    [entry] = monitor.entries(fold(monitor, batches))
    return entry.post["FT"]


def published(table: list[str]) -> pa.RecordBatch:
    digits = np.array([[int(c) for c in line.replace(" ", "")] for line in table])
    columns = {f"x{i}": digits[:, i] for i in range(7)}
    return pa.record_batch(columns | {"f": digits[:, 0], "p": digits[:, 7], "label": digits[:, 7]})


@pytest.mark.parametrize(("table", "expected"), [(PUBLISHED, -3 / 13), (FEW, -2 / 13)], ids=["five neighbours", "one"])
@pytest.mark.parametrize("seed", range(5))
def test_published_tables_give_the_published_numbers_in_any_order(table: list[str], expected: float, seed: int) -> None:
    batch = published(table)
    assert flip_test(sagemaker(), batch) == pytest.approx(expected)
    ids = pa.array([f"{seed}-{i}" for i in range(batch.num_rows)])
    assert flip_test(sagemaker(), batch.append_column("@event_id", ids)) == pytest.approx(expected)


def people(n: int, seed: int = 0, bias: float = 0.5) -> pa.RecordBatch:
    r = np.random.default_rng(seed)
    x, f = r.normal(size=(n, 3)), r.integers(0, 2, n)
    p = (x[:, 0] + 0.5 * r.normal(size=n) > bias * f).astype(int)
    columns = {f"x{i}": x[:, i] for i in range(3)}
    ids = [f"{seed}-{i}" for i in range(n)]
    return pa.record_batch(columns | {"f": f, "p": p, "label": p, "@event_id": ids})


@pytest.mark.parametrize("seed", range(3))
def test_it_is_that_of_scikit_learn(seed: int) -> None:
    batch = people(700, seed)
    table = batch.to_pylist()
    x, f = np.array([[row[f"x{i}"] for i in range(3)] for row in table]), np.array([row["f"] for row in table])
    p = np.array([row["p"] for row in table])
    judge = KNeighborsClassifier(5).fit(x[f == 0], p[f == 0]).predict(x[f == 1])
    expected = (np.sum(p[f == 1] > judge) - np.sum(p[f == 1] < judge)) / np.sum(f == 1)
    assert flip_test(sagemaker(), batch.slice(0, 99), batch.slice(99)) == pytest.approx(expected)


def test_a_sample_tells_about_what_all_rows_tell() -> None:
    batch = people(8000)
    whole = flip_test(sagemaker(sample_rows=8000), batch)
    calibrated = sagemaker(compatibility="calibrated", sample_rows=1000)
    found = flip_test(calibrated, batch)
    assert isinstance(found, Estimate) and found.error is not None
    assert 400 < found.n < 600  # rows of d among the sample
    assert abs(found.value - whole) < 4 * found.error


def test_its_error_is_about_how_much_it_differs_from_sample_to_sample() -> None:
    monitor = sagemaker(compatibility="calibrated", sample_rows=400, resamples=200)
    found = [flip_test(monitor, people(400, seed)) for seed in range(60)]
    spread = np.std([one.value for one in found], ddof=1)
    assert 0.8 < np.mean([one.error for one in found]) / spread < 1.6


def test_rows_that_are_alike_count_as_often_as_they_occur() -> None:
    """Without event ids, a sample of contents: 50 different ones, however often each is there."""
    r = np.random.default_rng(0)
    kinds = r.integers(0, 50, 20_000)
    x = r.normal(size=(50, 2))[kinds]
    batch = pa.record_batch({"x0": x[:, 0], "x1": x[:, 1], "f": kinds % 2, "p": kinds % 3 % 2, "label": kinds % 2})
    state = sagemaker().observe(batch)
    assert (len(state.sample.rows), state.sample.n) == (50, 20_000)
    assert isinstance(flip_test(sagemaker(), batch), float)
    assert len(dump(state)) < 10_000


def test_texts_are_refused_and_named_unless_features_are_chosen() -> None:
    batch = people(400).append_column("plan", pa.array(["gold", "basic"] * 200))
    assert flip_test(sagemaker(), batch) == Undefined("FlipTest does not support non-numeric columns")
    ours = flip_test(sagemaker(compatibility="calibrated"), batch)
    assert "non-numeric columns: plan; name numeric ones in features" in ours.reason
    assert isinstance(flip_test(sagemaker(features=("x0", "x1")), batch), float)


def test_rows_that_lack_a_feature_are_left_out() -> None:
    batch = people(400)
    holes = batch.set_column(0, "x0", pa.array([None if i % 4 == 0 else v.as_py() for i, v in enumerate(batch["x0"])]))
    rest = batch.filter(pa.array([i % 4 != 0 for i in range(400)]))
    assert flip_test(sagemaker(), holes) == flip_test(sagemaker(), rest)


def test_numbers_written_as_texts_are_numbers() -> None:
    batch = people(400)
    texts = batch.set_column(0, "x0", pa.array([repr(v.as_py()) for v in batch["x0"]]))
    assert flip_test(sagemaker(), texts) == flip_test(sagemaker(), batch)
    assert flip_test(sagemaker(), batch.set_column(0, "x0", texts["x0"].dictionary_encode())) == flip_test(
        sagemaker(), batch
    )


def test_a_table_too_wide_keeps_no_rows_and_says_how_to_choose() -> None:
    wide = {f"w{i}": np.zeros(100) for i in range(MAX_FEATURES)}
    batch = people(100)
    wide_batch = pa.record_batch(dict(zip(batch.schema.names, batch.columns, strict=True)) | wide)
    found = flip_test(sagemaker(), wide_batch)
    assert f"from 1 to {MAX_FEATURES} columns" in found.reason
    assert isinstance(flip_test(sagemaker(features=("x0",)), wide_batch), float)


def test_few_sampled_rows_of_a_side_have_no_error() -> None:
    batch = people(400)
    few = batch.filter(pa.array([f == 0 or i % 10 == 0 for i, f in enumerate(batch["f"].to_pylist())]))
    found = flip_test(sagemaker(compatibility="calibrated"), few)
    assert isinstance(found, Estimate) and found.error is None
