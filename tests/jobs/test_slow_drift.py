"""A difference that grows over weeks is not learned as usual, and is told as slow; one that comes at once is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from support.hours import Shop, violated

CALM, DAYS = 28, 42  # a baseline is judged by the first four weeks of windows, and then numbers grow for six
OVER = CALM + DAYS


def judged(root: Path, shift: Callable[[int], float]) -> list[dict[str, Any]]:
    """A window of each day."""
    shop = Shop(root)
    shop.learn()
    return [shop.judge(24 * day, shift(day)) for day in range(OVER)]


def drifts(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        one
        for one in document["findings"]
        if one["check"] == "baseline_drift_check" and one["column"] == "a" and one["outcome"] == "violated"
    ]


def test_what_grows_for_weeks_is_told_and_how_fast(tmp_path: Path) -> None:
    documents = judged(tmp_path, lambda day: max(0, day - CALM) * 0.015)
    assert not any(map(violated, documents[20:CALM]))
    assert all(map(drifts, documents[-14:]))
    [drift] = drifts(documents[-1])
    weeks, per_week = drift["slow"]["weeks"], drift["slow"]["per_week"]
    assert 4 <= weeks <= 6 and 0.02 < per_week < 0.06  # .1 standard deviations are 4 % of rows at most
    assert drift["sentence"].endswith(f"; slow: {100 * per_week:.2g} % a week for {weeks} weeks")


def test_what_came_at_once_is_not_slow_however_long_it_lasts(tmp_path: Path) -> None:
    documents = judged(tmp_path, lambda day: 0.6 * (day >= CALM))
    found = [drift for document in documents[CALM:] for drift in drifts(document)]
    assert len(found) == DAYS and not any("slow" in drift for drift in found)
