"""Are columns of dates and times no list of categories, however they are spelt?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from test_odd_values import outcomes

from model_monitor.core import fold
from model_monitor.core.evaluation import evaluate
from model_monitor.monitors.data_quality import DataQuality
from model_monitor.monitors.moments import share_of_moments

N = 1000
BERLIN = timezone(timedelta(hours=1))
SPELLINGS: dict[str, Any] = {
    "date": lambda t: t.date(),
    "moment": lambda t: t,
    "moment of a zone": lambda t: t.replace(tzinfo=BERLIN),
    "ISO 8601": lambda t: t.replace(tzinfo=UTC).isoformat(),
    "with Z": lambda t: f"{t:%Y-%m-%dT%H:%M:%S.%fZ}",
    "of SQL": lambda t: f"{t:%Y-%m-%d %H:%M}",
    "slashes": lambda t: f"{t:%Y/%m/%d}",
    "European": lambda t: f"{t:%d.%m.%Y}",
    "American": lambda t: f"{t:%m/%d/%Y %H:%M:%S}",
    "basic": lambda t: f"{t:%Y%m%dT%H%M%SZ}",
    "months": lambda t: f"{t.year + t.month // 6}-{t.month:02d}",
}


def column(first: datetime, spell: Any, dictionary: bool = False, every: int = 31) -> pa.RecordBatch:
    values = [spell(first + timedelta(hours=24 * (i % every))) for i in range(N)]
    array = pa.array(values)
    return pa.record_batch({"x": array.dictionary_encode() if dictionary else array})


@pytest.mark.parametrize("dictionary", [False, True])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_dates_that_move_on_are_no_violation(spelling: str, dictionary: bool) -> None:
    spell = SPELLINGS[spelling]
    monitor = DataQuality()
    then = monitor.observe(column(datetime(2026, 1, 1), spell, dictionary))
    now = monitor.observe(column(datetime(2026, 9, 1), spell, dictionary))
    found = outcomes(then, now)
    assert found.pop("data_type_check") == "holds"
    assert found == {"completeness_check": "holds"}


def test_dates_of_many_windows_are_none_either() -> None:
    monitor = DataQuality()
    days = [datetime(2026, 1, 1) + timedelta(minutes=7 * i) for i in range(30_000)]
    batches = [pa.record_batch({"x": pa.array(days[i : i + 1000])}) for i in range(0, len(days), 1000)]
    assert set(outcomes(fold(monitor, batches), fold(monitor, batches[:3])).values()) == {"holds"}


def test_words_among_dates_are_of_another_type() -> None:
    monitor = DataQuality()
    dates = column(datetime(2026, 1, 1), SPELLINGS["ISO 8601"])
    words = pa.record_batch({"x": pa.array([*dates["x"].to_pylist()[:900], *["soon"] * 100])})
    assert outcomes(monitor.observe(dates), monitor.observe(words))["data_type_check"] == "violated"
    assert outcomes(monitor.observe(words), monitor.observe(words))["data_type_check"] == "holds"
    assert outcomes(monitor.observe(words), monitor.observe(dates))["data_type_check"] == "holds"


def test_words_that_became_dates_are_new_categories() -> None:
    monitor = DataQuality()
    words = monitor.observe(pa.record_batch({"x": pa.array(["soon", "late"] * 500)}))
    found = outcomes(words, monitor.observe(column(datetime(2026, 1, 1), SPELLINGS["date"])))
    assert found["baseline_drift_check"] == found["categorical_values_check"] == "violated"


@pytest.mark.parametrize(
    "words", [["10.0.0.1", "12:30", "1-2-3"], ["2026-1234", "1/2/26", "555-1234"], ["a 2026-01-01"]]
)
def test_what_only_looks_like_a_date_is_none(words: list[str]) -> None:
    assert share_of_moments(dict.fromkeys(words, 1)) == 0.0


def test_a_segments_dates_are_no_categories_either() -> None:
    monitor = DataQuality().of_segment()
    rows = column(datetime(2026, 1, 1), SPELLINGS["date"]), column(datetime(2026, 3, 1), SPELLINGS["date"])
    then, now = map(monitor.observe, rows)
    expected = monitor.suggest(then)
    assert {f.outcome for f in evaluate(expected, monitor.measure(now))} == {"holds"}


def test_sagemaker_mode_lists_dates_as_it_did() -> None:
    monitor = DataQuality(compatibility="sagemaker")
    state = monitor.observe(pa.record_batch({"x": pa.array(np.repeat(["2026-01-01", "2026-01-02"], 50).tolist())}))
    [expected] = monitor.expectations(state)
    assert expected.domain == ("2026-01-01", "2026-01-02")
    assert "Moment" not in str(monitor.measure(state))
