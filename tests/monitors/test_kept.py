"""What is stored of a window's State is small, and judged as all of it would be."""

from __future__ import annotations

import importlib.util
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from support import places

from model_monitor.core.constraints import Finding
from model_monitor.core.evaluation import evaluate
from model_monitor.core.measures import Subject
from model_monitor.core.observed import Observed
from model_monitor.core.segments import By, Segmented
from model_monitor.core.states import dump
from model_monitor.core.states.quantiles import ENDS
from model_monitor.monitors.data_quality import DataQuality, Table
from model_monitor.monitors.expectations import Joined
from model_monitor.monitors.traffic import Traffic


@pytest.fixture(scope="module")
def hour() -> pa.RecordBatch:
    """The rows of the benchmark: 5,000 of 30 columns."""
    spec = importlib.util.spec_from_file_location("growing", places.PROJECT / "benchmarks/growing.py")
    growing = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(growing)
    return growing.drawn(np.random.default_rng(1), 5000, 0)


def test_an_hour_of_thirty_columns_is_stored_in_less_than_100_kb(hour: pa.RecordBatch) -> None:
    monitor = DataQuality()
    state = monitor.observe(hour)
    assert len(dump(Observed(5000, monitor.kept(state)))) <= 100_000 < len(dump(Observed(5000, state)))


def test_what_is_stored_is_judged_as_all_of_it(hour: pa.RecordBatch) -> None:
    monitor = DataQuality()
    constraints = list(monitor.suggest(monitor.observe(hour)))
    shifted = hour.set_column(0, "n0", pa.array(np.random.default_rng(2).normal(0.2, size=5000)).cast(pa.string()))
    for rows, column in ((hour, None), (shifted, "n0")):
        state = monitor.observe(rows)
        stored, whole = (evaluate(constraints, monitor.measure(one)) for one in (monitor.kept(state), state))
        assert violated(stored) == violated(whole) == ({column} if column else set())


def violated(findings: list[Finding]) -> set[str | None]:
    return {finding.constraint.subject.column for finding in findings if finding.outcome == "violated"}


def test_few_rows_far_beyond_the_baseline_are_seen_in_what_is_stored(hour: pa.RecordBatch) -> None:
    monitor, numbers = DataQuality(), hour.column("n0").to_pylist()
    constraints = list(monitor.suggest(monitor.observe(pa.record_batch({"n": numbers}))))
    live = monitor.kept(monitor.observe(pa.record_batch({"n": [*["9999.5"] * ENDS, *numbers[ENDS:]]})))
    assert violated(evaluate(constraints, monitor.measure(live))) == {"n"}


def test_texts_of_an_identifier_are_not_stored(hour: pa.RecordBatch) -> None:
    monitor = DataQuality()
    spread = monitor.measure(monitor.kept(monitor.observe(hour)))[Subject("session"), "spread"]
    assert (spread.rest, dict(spread.counts)) == (5000, {})
    assert b"request-17" not in dump(monitor.kept(monitor.observe(hour)))


def test_sagemakers_sketches_and_texts_are_stored_as_they_are(hour: pa.RecordBatch) -> None:
    monitor = DataQuality(compatibility="sagemaker")
    state = monitor.observe(hour)
    assert monitor.kept(state) is state


def test_segments_and_monitors_with_rules_store_as_their_monitors_do(hour: pa.RecordBatch) -> None:
    monitor, rows = DataQuality(), hour.select(["n0", "c0"])
    segmented = Segmented(monitor, (By("c0", monitor),))
    stored = segmented.kept(segmented.observe(rows))
    parts = [stored.whole, *stored.by[0].items.values()]
    assert [len(max(sketch_of(part), key=len)) <= 1024 for part in parts] == [True] * 4
    joined = Joined(monitor, Traffic())  # any monitor beside it
    state = joined.kept(replace(joined.empty, own=monitor.observe(rows)))
    assert len(sketch_of(state.own)) == 4 and state.rules == Traffic().kept(state.rules)


def sketch_of(state: Table) -> list[np.ndarray]:
    return state.columns.items["n0"].quantiles.items()
