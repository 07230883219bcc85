"""Are numbers that are dates and times told from amounts and ids, in each unit, and left uncompared?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from model_monitor.core import laws
from model_monitor.core.evaluation import evaluate
from model_monitor.monitors.data_quality import BASELINE_DRIFT, DATA_TYPE, DataQuality, Table
from model_monitor.results.documents import documents_of

N = 3000
HOLD = {"completeness_check": "holds", DATA_TYPE: "holds"}
UNITS: dict[str, Any] = {
    "s": lambda t: int(t.timestamp()),
    "float s": lambda t: t.timestamp() + 0.25,
    "ms": lambda t: int(t.timestamp() * 1000),
    "us": lambda t: int(t.timestamp() * 1_000_000),
    "ns": lambda t: int(t.timestamp()) * 10**9,
    "days": lambda t: int(f"{t:%Y%m%d}"),
}
TYPES: dict[str, Any] = {
    "int": pa.int64(),
    "float": pa.float64(),
    "text": pa.string(),
    "decimal": pa.decimal128(38, 2),
}
THEN, NOW = datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 3, 5, tzinfo=UTC)


def column(first: datetime, unit: str, name: str = "created_at", kind: str = "int", zeros: int = 0) -> pa.RecordBatch:
    """Moments of two days; each of the first is 0."""
    values: list[Any] = [0] * zeros + [UNITS[unit](first + timedelta(minutes=i)) for i in range(N - zeros)]
    typed = pa.array(list(map(str, values))) if kind == "text" else pa.array(values).cast(TYPES[kind], safe=False)
    return pa.record_batch({name: typed})


def outcomes(then: Table, now: Table, monitor: DataQuality | None = None) -> dict[str, str]:
    """The outcome of each check of the only column, by the baseline's files as they are read back."""
    documents = documents_of(monitor := monitor or DataQuality())
    statistics, constraints = documents.statistics(then), documents.suggested(then)
    informed: Any = documents.informed(statistics) or monitor
    findings = evaluate(documents_of(informed).constraints(statistics, constraints), informed.measure(now))
    return {f.constraint.check: f.outcome for f in findings if f.constraint.subject.column}


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("unit", UNITS)
def test_moments_that_move_on_are_no_violation(unit: str, kind: str) -> None:
    if unit == "float s" and kind == "int":
        pytest.skip("whole numbers only")
    monitor = DataQuality()
    then, now = (monitor.observe(column(first, unit, kind=kind)) for first in (THEN, NOW))
    assert outcomes(then, now) == HOLD
    assert outcomes(then, then) == HOLD


@pytest.mark.parametrize("name", ["t", "amount_ms", "candidate_id", "x"])
def test_a_column_of_another_name_is_compared(name: str) -> None:
    monitor = DataQuality()
    then, now = (monitor.observe(column(first, "ms", name)) for first in (THEN, NOW))
    assert outcomes(then, now)[BASELINE_DRIFT] == "violated"


@pytest.mark.parametrize("options", [{"numbers": ("created_at",)}, {"moments": ()}, {"moments": ("x",)}])
def test_a_person_may_say_that_it_is_compared(options: dict[str, Any]) -> None:
    monitor = DataQuality(**options)
    then, now = (monitor.observe(column(first, "ms")) for first in (THEN, NOW))
    assert outcomes(then, now, monitor=monitor)[BASELINE_DRIFT] == "violated"


def test_a_person_may_say_that_it_is_not() -> None:
    monitor = DataQuality(moments=("x",))
    excel = [monitor.observe(pa.record_batch({"x": np.arange(N) / 24 + day})) for day in (46000, 46200)]
    assert outcomes(*excel, monitor=monitor) == HOLD


NOT = {
    "lead_time": np.arange(N) * 50,
    "lifetime_value": np.geomspace(1e5, 3e9, N),
    "created_at": np.arange(N) * 10**6,  # from 0 to 3e9
    "time_ns": np.linspace(0, 5e9, N),
    "date": 20260100 + np.arange(N) % 99,  # most are no days
    "birth_ts": np.linspace(-9e8, 1.1e9, N),
}


@pytest.mark.parametrize("name", NOT)
def test_numbers_that_only_sound_like_moments_are_compared(name: str) -> None:
    monitor = DataQuality()
    then = monitor.observe(pa.record_batch({name: NOT[name]}))
    now = monitor.observe(pa.record_batch({name: NOT[name] * 2 + 1000}))
    found = outcomes(then, now)
    assert found[BASELINE_DRIFT] == "violated"
    assert found[DATA_TYPE] == "holds"


@pytest.mark.parametrize(("before", "after"), [("ms", "s"), ("s", "ms"), ("s", "days"), ("us", "ns")])
def test_another_unit_is_another_type(before: str, after: str) -> None:
    monitor = DataQuality()
    then, now = monitor.observe(column(THEN, before)), monitor.observe(column(NOW, after))
    assert outcomes(then, now)[DATA_TYPE] == "violated"


@pytest.mark.parametrize(("zeros", "outcome"), [(310, "holds"), (1200, "holds"), (1600, "violated")])
def test_zeros_stand_for_no_moment_until_they_are_most(zeros: int, outcome: str) -> None:
    monitor = DataQuality()
    then = monitor.observe(column(THEN, "ms", zeros=300))
    assert outcomes(then, monitor.observe(column(NOW, "ms", zeros=zeros))) == HOLD | {DATA_TYPE: outcome}


def test_a_segments_moments_are_not_compared_either() -> None:
    monitor = DataQuality().of_segment()
    then, now = (monitor.observe(column(first, "s")) for first in (THEN, NOW))
    assert {f.outcome for f in evaluate(monitor.suggest(then), monitor.measure(now))} == {"holds"}


def test_the_monitor_stays_lawful() -> None:
    laws.check(DataQuality(), column(THEN, "ms", zeros=30))


def test_sagemaker_mode_compares_them() -> None:
    monitor = DataQuality(compatibility="sagemaker")
    then, now = (monitor.observe(column(first, "ms")) for first in (THEN, NOW))
    assert outcomes(then, now, monitor=monitor)[BASELINE_DRIFT] == "violated"
    assert "Moment" not in str(monitor.measure(then))
