"""The smallest change of a card is told in about four of five windows, and a smaller one is not."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from model_monitor.core.constraints import Between, Constraint
from model_monitor.core.evaluation import evaluate
from model_monitor.core.measures import EVERYTHING, Estimate
from model_monitor.monitors.data_quality import DataQuality
from model_monitor.verdicts.noise import Noise, key_of
from model_monitor.verdicts.power import Card, Sight, card_of, kind_of

ROWS = 500


def rows(chance: np.random.Generator, n: int, shift: float = 0.0, missing: float = 0.05) -> pa.RecordBatch:
    numbers = pa.array(chance.normal(shift, 2, n), mask=chance.random(n) < missing)
    return pa.record_batch({"x": numbers, "word": np.where(chance.random(n) < 0.3, "b", "a")})


@pytest.fixture(scope="module")
def monitor() -> DataQuality:
    return DataQuality()


@pytest.fixture(scope="module")
def learned(monitor: DataQuality) -> list[Constraint]:
    return list(monitor.suggest(monitor.observe(rows(np.random.default_rng(1), 10_000))))


@pytest.fixture(scope="module")
def sights(learned: list[Constraint]) -> dict[tuple[str, str], Sight]:
    card = card_of(learned, learned, ROWS, 24 * ROWS, 50)
    return {(str(one.subject), one.kind): one for one in card.sights}


def test_a_day_sees_less_than_a_window_does(sights: dict[tuple[str, str], Sight]) -> None:
    assert {("x", "shift"), ("x", "missing"), ("word", "share"), ("word", "unseen")} <= sights.keys()
    for one in sights.values():
        assert one.of_window and one.of_day and one.of_day < one.of_window
    assert sights["x", "shift"].scale == pytest.approx(2, rel=0.05)


@pytest.mark.parametrize("kind", ["shift", "missing"])
def test_four_of_five_windows_tell_a_change_of_this_size(
    monitor: DataQuality, learned: list[Constraint], sights: dict[tuple[str, str], Sight], kind: str
) -> None:
    size = sights["x", kind].of_window
    assert size
    [constraint] = [one for one in learned if str(one.subject) == "x" and kind_of(one) == kind]

    def told(change: float) -> float:
        chance, found = np.random.default_rng(2), 0
        for _ in range(60):
            given = (change, 0.05) if kind == "shift" else (0.0, 0.05 + change)
            measures = monitor.measure(monitor.observe(rows(chance, ROWS, *given)))
            found += evaluate([constraint], measures)[0].outcome == "violated"
        return found / 60

    assert told(size) > 0.6 and told(size / 2) < 0.4


def test_a_metric_is_solved_for_in_both_directions() -> None:
    drawn = Estimate(0.9, 0.002, 20_000)
    low = Constraint("LessThanThreshold", EVERYTHING, "auc", Between(low=0.9, level=0.01, drawn=drawn))
    high = Constraint("GreaterThanThreshold", EVERYTHING, "mae", Between(high=0.9, level=0.01, drawn=drawn))
    card = card_of([low, high], [], 200, None, 50)
    error = 0.002 * (20_000 / 200) ** 0.5
    expected = (2.33 + 0.84) * error  # of the normal distribution
    assert [one.of_window for one in card.sights] == pytest.approx([expected, expected], rel=0.1)
    assert card_of([low, high], [], 200, None, 1).left_out == 1


def test_a_change_must_stand_out_from_how_windows_varied_too() -> None:
    """Three times as far where they vary three times as much as their rows do; not learned from too few."""
    metric = Constraint(
        "LessThanThreshold", EVERYTHING, "auc", Between(low=0.9, level=0.01, drawn=Estimate(0.9, 0.002, 20_000))
    )
    sizes = np.abs(np.random.default_rng(4).normal(scale=3, size=400))

    def card(windows: int) -> Card:
        noise = Noise.of({key_of(metric): float(z)} for z in sizes[:windows])
        return card_of([metric], [metric], 200, 4800, 50, noise, Noise())

    alone, beside, few = (card(windows).sights[0] for windows in (0, 400, 19))
    assert alone.of_window and beside.of_window
    assert beside.of_window / alone.of_window == pytest.approx(3, rel=0.25)
    assert beside.of_day == alone.of_day and few == alone
    assert [card(windows).past_windows for windows in (0, 19, 400)] == [0, 0, 400]
