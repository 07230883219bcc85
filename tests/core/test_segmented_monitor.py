"""Rows of a segment are judged as if nothing else were there, and together with all others."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_monitor.core import laws
from model_monitor.core.constraints import Between, Near, Within
from model_monitor.core.evaluation import evaluate
from model_monitor.core.measures import Subject
from model_monitor.core.monitor import fold
from model_monitor.core.segments import MAX_SEGMENTS, By, Segmented
from model_monitor.core.states import dump
from model_monitor.errors import DataError
from model_monitor.monitors.data_quality import DataQuality


def segmented(monitor, *names: str) -> Segmented:
    return Segmented(monitor, tuple(By(name, monitor) for name in names))


def flights(n: int = 900, seed: int = 0) -> pa.RecordBatch:
    r = np.random.default_rng(seed)
    origin = r.integers(0, 3, n)
    return pa.record_batch(
        {
            "origin": [["JFK", "EWR", None][o] for o in origin],
            "carrier": [("AA", "B6")[o] for o in r.integers(0, 2, n)],
            "delay": [f"{v:.1f}" for v in r.normal(10.0 * origin)],
        }
    )


@pytest.mark.parametrize("compatibility", ["calibrated", "sagemaker"])
def test_the_laws_hold(compatibility) -> None:
    laws.check(segmented(DataQuality(compatibility), "origin", "carrier"), flights())


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries({"a": st.sampled_from(["1", "2.5", "x", None]), "b": st.sampled_from(["7", "", None])}),
        min_size=1,
        max_size=30,
    )
)
def test_the_laws_hold_on_any_rows(table: list[dict[str, str | None]]) -> None:
    schema = pa.schema([("a", pa.string()), ("b", pa.string())])
    laws.check(segmented(DataQuality(), "b"), pa.RecordBatch.from_pylist(table, schema))


def test_a_segment_is_measured_as_its_rows_alone_are() -> None:
    monitor, rows = DataQuality(), flights()
    measures = segmented(monitor, "origin").measure(segmented(monitor, "origin").observe(rows))
    chosen = rows.filter(pa.array([v == "JFK" for v in rows.column("origin").to_pylist()]))
    for (subject, name), expected in monitor.measure(monitor.observe(chosen)).items():
        assert laws.alike(measures[subject.within("origin", "JFK"), name], expected)
    for key, expected in monitor.measure(monitor.observe(rows)).items():
        assert laws.alike(measures[key], expected)


def test_the_same_rows_give_the_same_bytes() -> None:
    monitor = segmented(DataQuality(), "origin", "carrier")
    assert dump(monitor.observe(flights())) == dump(monitor.observe(flights()))


def test_a_change_in_one_segment_is_seen_that_the_whole_hides() -> None:
    monitor = segmented(DataQuality(), "origin")
    before = pa.record_batch({"origin": ["JFK"] * 900 + ["EWR"] * 100, "x": [str(i % 100) for i in range(1000)]})
    moved = [str(i % (100 if i < 900 else 50)) for i in range(1000)]
    after = pa.record_batch({"origin": ["JFK"] * 900 + ["EWR"] * 100, "x": moved})
    found = evaluate(monitor.suggest(monitor.observe(before)), monitor.measure(monitor.observe(after)))
    assert [f.constraint.subject for f in found if f.outcome == "violated"] == [Subject("x").within("origin", "EWR")]


def test_a_segment_that_is_gone_is_undefined_and_a_new_one_is_asked_nothing() -> None:
    monitor = segmented(DataQuality(), "origin")
    before = monitor.observe(pa.record_batch({"origin": ["JFK", "EWR"] * 50, "x": ["1"] * 100}))
    after = monitor.observe(pa.record_batch({"origin": ["JFK", "LGA"] * 50, "x": ["1"] * 100}))
    found = evaluate(monitor.suggest(before), monitor.measure(after))
    gone = {(f.outcome, f.reason) for f in found if f.constraint.subject.segment == (("origin", "EWR"),)}
    assert gone == {("undefined", "no row with origin=EWR")}
    assert not [f for f in found if ("origin", "LGA") in f.constraint.subject.segment]


def levels(monitor, rows: pa.RecordBatch) -> list[float]:
    """The false-alarm probabilities of what chance can trip."""
    bounds = [c.bound for c in monitor.suggest(monitor.observe(rows))]
    return [b.level for b in bounds if isinstance(b, Near | Between | Within) and b.level]


def test_all_segments_together_keep_to_one_false_alarm_budget() -> None:
    budget = 0.02
    plain = levels(DataQuality(false_alarm_budget=budget), flights())
    shared = levels(segmented(DataQuality(false_alarm_budget=budget), "origin", "carrier"), flights())
    assert sum(plain) == pytest.approx(budget)
    assert sum(shared[: len(plain)]) == pytest.approx(budget / 2)
    assert sum(shared[len(plain) :]) == pytest.approx(budget / 2)


def test_the_whole_keeps_its_budget_where_the_baseline_has_no_segments() -> None:
    monitor = DataQuality(false_alarm_budget=0.02)
    assert segmented(monitor, "origin").shared(0).whole == monitor


def test_segments_are_for_columns_with_few_values() -> None:
    monitor = segmented(DataQuality(), "id")
    ids = pa.record_batch({"id": [str(i) for i in range(MAX_SEGMENTS + 1)]})
    assert len(fold(monitor, [ids.slice(0, MAX_SEGMENTS)]).by[0].items) == MAX_SEGMENTS
    for batches in ([ids], [ids.slice(0, 600), ids.slice(600)]):
        with pytest.raises(DataError, match="column 'id' has more than 1,000 different values: segments are for"):
            fold(monitor, batches)


def test_a_column_that_is_not_there_is_named() -> None:
    with pytest.raises(DataError, match=r"no column 'origin' to tell segments apart; the columns are: x, y"):
        segmented(DataQuality(), "origin").observe(pa.record_batch({"x": ["1"], "y": ["2"], "@event_id": ["e"]}))


def test_a_segment_is_the_same_however_a_source_writes_its_value() -> None:
    monitor = segmented(DataQuality(), "v")
    texts = pa.record_batch({"v": ["1", "1.0", "01.0", "1.10", "True", "true", None, ""]})
    assert list(monitor.observe(texts).by[0].items) == ["1", "01.0", "1.10", "true", ""]
    assert monitor.observe(texts).by[0].items["1"].rows == 2
    for values in (pa.array([1, 0]), pa.array([1.0, 0.0])):
        assert list(monitor.observe(pa.record_batch({"v": values})).by[0].items) == ["1", "0"]


def test_a_segment_of_rows_without_a_value_that_is_gone_is_called_so() -> None:
    monitor = segmented(DataQuality(), "v")
    before, after = (monitor.observe(pa.record_batch({"v": [value, "a"]})) for value in (None, "a"))
    found = evaluate(monitor.suggest(before), monitor.measure(after))
    assert "no row without a v" in {f.reason for f in found}
