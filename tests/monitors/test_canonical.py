"""Is a value one value, whatever format carried it and however that spells it?"""

from __future__ import annotations

import decimal
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_monitor.core.evaluation import evaluate
from model_monitor.monitors.canonical import LARGEST, canonical, of_texts, respelt_texts
from model_monitor.monitors.data_quality import DataQuality
from model_monitor.results.documents import documents_of

# The same rows as different formats carry them; a row of each must be one value.
SPELLINGS: dict[str, list[Any]] = {
    "whole": [
        pa.array(["59"]),
        pa.array(["59.0"]),
        pa.array(["59.00"]),
        pa.array(["5.9e1"]),
        pa.array(["5.9E+1"]),
        pa.array([59]),
        pa.array([59.0]),
        pa.array([59.0], pa.float32()),
        pa.array(np.array([59], np.float16)),
        pa.array([decimal.Decimal("59.00")]),
        pa.array([59], pa.uint8()),
        pa.array(["59.0"]).dictionary_encode(),
        pa.array([59.0]).dictionary_encode(),
    ],
    "fraction": [
        pa.array(["0.3"]),
        pa.array(["0.30"]),
        pa.array(["3e-1"]),
        pa.array([0.3]),
        pa.array([0.3], pa.float32()),
        pa.array([decimal.Decimal("0.3")]),
        pa.array([decimal.Decimal("0.300")]),
    ],
    "truth": [pa.array([True]), *(pa.array([text]) for text in ("true", "True", "TRUE"))],
    "day": [
        pa.array([date(1970, 1, 2)]),
        pa.array([datetime(1970, 1, 2)]),
        pa.array([datetime(1970, 1, 2, tzinfo=UTC)]),
        pa.array(["1970-01-02"]),
        pa.array(["1970-01-02T00:00:00.000"]),
        pa.array(["1970-01-02 00:00:00"]),
        pa.array(["1970-01-02T00:00:00Z"]),
    ],
    "moment": [
        pa.array([datetime(1970, 1, 2, 3, 4, 5, 600_000)]),
        pa.array(["1970-01-02T03:04:05.600"]),
        pa.array(["1970-01-02 03:04:05.6"]),
        pa.array(["1970-01-02T03:04:05.6+00:00"]),
    ],
}
CASES = [(kind, array) for kind, arrays in SPELLINGS.items() for array in arrays]


def texts(array: pa.Array) -> list[str | None]:
    return [None if value is None else str(value) for value in canonical(array).to_pylist()]


@pytest.mark.parametrize(("kind", "array"), CASES, ids=[f"{kind}-{array.type}" for kind, array in CASES])
def test_each_spelling_of_a_value_is_one_text(kind: str, array: pa.Array) -> None:
    assert texts(array) == texts(SPELLINGS[kind][0])


@pytest.mark.parametrize(
    "text",
    ["007", "1.2.0", "v1.0", "10:00", "1e5x", "truE", "2020-13", "１.0", "E10", "1,000", "50%", "NA", "N/A", "-"],
)
def test_what_is_a_text_stays(text: str) -> None:
    assert texts(pa.array([text])) == [text]


def test_a_missing_number_is_missing_and_an_infinite_one_the_largest() -> None:
    assert texts(pa.array([1.5, None, np.nan, np.inf, -np.inf])) == ["1.5", None, None, LARGEST, f"-{LARGEST}"]


def test_whole_numbers_keep_all_digits() -> None:
    assert texts(pa.array([2**63 - 1, -(2**63)])) == [str(2**63 - 1), str(-(2**63))]
    assert texts(pa.array([float(2**53), 1e18, -0.0])) == [str(2**53), str(10**18), "0"]


@given(st.lists(st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)), max_size=50))
def test_a_number_reads_back_as_the_same_number(values: list[float | None]) -> None:
    read = [None if text is None else float(text) for text in texts(pa.array(values, pa.float64()))]
    assert read == values


@given(st.lists(st.sampled_from(["1.0", "1", "True", "true", "x", "2.50"]), max_size=60), st.integers(1, 60))
def test_a_dictionary_and_a_cut_change_nothing(values: list[str], cut: int) -> None:
    array = pa.array(values, pa.string())
    assert texts(array.dictionary_encode()) == texts(array)
    assert texts(array.slice(0, cut)) + texts(array.slice(cut)) == texts(array)


@pytest.mark.parametrize("kind", SPELLINGS)
def test_no_spelling_of_the_same_values_violates(kind: str) -> None:
    monitor = DataQuality()
    for learned in SPELLINGS[kind]:
        baseline = monitor.observe(batch(learned))
        constraints = list(monitor.suggest(baseline))
        for live in SPELLINGS[kind]:
            findings = evaluate(constraints, monitor.measure(monitor.observe(batch(live))))
            assert not [f for f in findings if f.outcome == "violated"]


def batch(value: pa.Array) -> pa.RecordBatch:
    decoded = value.dictionary_decode() if isinstance(value, pa.DictionaryArray) else value
    return pa.record_batch({"x": pa.concat_arrays([decoded] * 200)})


def test_a_domain_that_sagemaker_wrote_is_read_in_the_same_spelling() -> None:
    monitor = DataQuality()
    buckets = [{"value": "True", "count": 100}, {"value": "False", "count": 100}]
    counts = {
        "common": {"num_present": 200, "num_missing": 0},
        "distinct_count": 2.0,
        "distribution": {"categorical": {"buckets": buckets}},
    }
    vip = {"name": "vip", "inferred_type": "String"}
    statistics = {"features": [vip | {"string_statistics": counts}]}
    constraints = {
        "features": [vip | {"completeness": 1.0, "string_constraints": {"domains": ["True", "False"]}}],
    }
    expected = documents_of(monitor).constraints(statistics, constraints)
    live = monitor.observe(pa.record_batch({"vip": pa.array([True, False] * 100)}))
    assert not [f for f in evaluate(expected, monitor.measure(live)) if f.outcome != "holds"]


def test_in_sagemakers_mode_the_spelling_counts() -> None:
    monitor = DataQuality(compatibility="sagemaker")
    constraints = list(monitor.suggest(monitor.observe(batch(pa.array(["59"])))))
    findings = evaluate(constraints, monitor.measure(monitor.observe(batch(pa.array(["59.0"])))))
    assert [f.constraint.check for f in findings if f.outcome == "violated"] == ["data_type_check"]


def test_a_column_that_became_infinite_is_written_and_violates(tmp_path: Path) -> None:
    monitor = DataQuality()
    baseline = monitor.observe(pa.record_batch({"ratio": np.random.default_rng(5).normal(100, 10, 1000)}))
    live = monitor.observe(pa.record_batch({"ratio": np.full(1000, np.inf)}))
    findings = evaluate(list(monitor.suggest(baseline)), monitor.measure(live))
    assert "baseline_drift_check" in [f.constraint.check for f in findings if f.outcome == "violated"]
    for state in (baseline, live):
        json.dumps(documents_of(monitor).statistics(state), allow_nan=False)
        json.dumps(documents_of(monitor).suggested(state), allow_nan=False)


@pytest.mark.parametrize("text", ["", " ", "\t", "NaN", "nan", " NaN "])
def test_nothing_is_missing_however_a_format_writes_it(text: str) -> None:
    assert texts(pa.array([text, "x"])) == [None, "x"]


@pytest.mark.parametrize("text", [" 7", "7 ", "\t7", "7.0 ", " 7e0"])
def test_space_around_a_number_is_no_part_of_it(text: str) -> None:
    assert texts(pa.array([text])) == ["7"]


@pytest.mark.parametrize("text", ["inf", "Infinity", "+inf", "-inf", "-Infinity"])
def test_an_infinite_number_is_the_largest(text: str) -> None:
    assert texts(pa.array([text])) == texts(pa.array([float(text)]))


TEXTS = [text for arrays in SPELLINGS.values() for array in arrays for text in map(str, array.to_pylist())]


@given(st.lists(st.none() | st.sampled_from(TEXTS) | st.text("0123456789.eE+- \nTnaif:Z", max_size=12), max_size=20))
def test_a_text_is_respelt_alike_whatever_stands_beside_it(texts: list[str | None]) -> None:
    array = pa.array(texts, pa.string())
    assert of_texts(array).to_pylist() == respelt_texts(array).to_pylist()
