"""How often each score was seen, and how well scores rank."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

from model_monitor.core import ranking
from model_monitor.core.states import Scores, dump, load, scores
from model_monitor.core.states.scores import keys_of, on_one_grid, scores_of

PROBABILITIES = st.floats(0, 1, allow_nan=False)
TINY_BOUND = 16


def same(a: Scores, b: Scores) -> bool:
    return a.level == b.level and np.array_equal(a.keys, b.keys) and np.array_equal(a.counts, b.counts)


@given(st.lists(PROBABILITIES, min_size=1))
def test_keys_are_in_the_order_of_scores_and_tell_the_score(values: list[float]) -> None:
    array = np.array(values)
    order = np.argsort(array)
    assert (np.diff(keys_of(array)[order]) >= 0).all()
    assert np.array_equal(scores_of(keys_of(array)), array)


@given(st.lists(st.lists(PROBABILITIES, max_size=40), min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_the_state_is_exactly_the_same_however_rows_are_cut_and_ordered(parts: list[list[float]], chance) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scores, "BOUND", TINY_BOUND)  # so that a few numbers overflow it
        every = [value for part in parts for value in part]
        whole = Scores.of(np.array(every))
        assert len(whole.keys) <= TINY_BOUND
        added = sum((Scores.of(np.array(part)) for part in parts), Scores())
        chance.shuffle(every)
        one_by_one = sum((Scores.of(np.array([value])) for value in every), Scores())
        assert same(added, whole)
        assert same(one_by_one, whole)
        assert same(whole + Scores(), whole)
        assert dump(load(dump(whole), Scores())) == dump(whole)
        if whole.level:  # one bit less would not fit
            finer = np.unique(keys_of(np.array(every)) >> (whole.level - 1))
            assert len(finer) > TINY_BOUND


def test_a_negative_zero_is_zero() -> None:
    assert same(Scores.of(np.array([-0.0])), Scores.of(np.array([0.0])))


def counts_of(values: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    _, (positives, negatives) = on_one_grid(Scores.of(values[truth]), Scores.of(values[~truth]))
    return positives, negatives


@given(st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.5, 0.7, 1.0]) | PROBABILITIES, st.booleans()), min_size=1))
def test_area_and_average_precision_are_those_of_scikit_learn(rows: list[tuple[float, bool]]) -> None:
    values, truth = np.array([value for value, _ in rows]), np.array([is_true for _, is_true in rows])
    counts = counts_of(values, truth)
    if truth.all() or not truth.any():
        assert ranking.auc(*counts) is None
        assert ranking.curves(*counts, 100) is None
    else:
        assert ranking.auc(*counts) == pytest.approx(roc_auc_score(truth, values), abs=1e-12)
    if truth.any():
        expected = average_precision_score(truth, values)
        assert ranking.average_precision(*counts) == pytest.approx(expected, abs=1e-12)
    else:
        assert ranking.average_precision(*counts) is None


def exact_auc(values: np.ndarray, truth: np.ndarray) -> float:
    """By midranks of all rows (Mann & Whitney)."""
    order = np.argsort(values)
    ranked, first = values[order], np.flatnonzero(np.append(True, np.diff(values[order]) > 0))
    sizes = np.diff(np.append(first, len(ranked)))
    midranks = np.repeat(first + (sizes + 1) / 2, sizes)
    m = int(truth.sum())
    return float((midranks[truth[order]].sum() - m * (m + 1) / 2) / (m * (len(truth) - m)))


SHAPES = {
    "uniform": lambda r, n: r.random(n),
    "tiny": lambda r, n: np.exp(-40 * r.random(n)),
    "near one": lambda r, n: 1 - np.exp(-30 * r.random(n)),
    "ties": lambda r, n: np.round(r.random(n), 3),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_area_of_ten_million_rows_is_off_by_less_than_a_ten_thousandth(shape: str) -> None:
    """Ten million rows in all, over the four shapes."""
    r = np.random.default_rng(11)
    n = 2_500_000
    values = SHAPES[shape](r, n)
    truth = r.random(n) < 0.2 + 0.6 * values
    positives, negatives = Scores(), Scores()
    for start in range(0, n, 1 << 19):
        part, of_part = values[start : start + (1 << 19)], truth[start : start + (1 << 19)]
        positives, negatives = positives + Scores.of(part[of_part]), negatives + Scores.of(part[~of_part])
    assert max(len(positives.keys), len(negatives.keys)) <= scores.BOUND
    assert len(dump(positives)) < 1_000_000
    _, counts = on_one_grid(positives, negatives)
    tolerance = 1e-12 if shape == "ties" else 1e-4
    assert ranking.auc(*counts) == pytest.approx(exact_auc(values, truth), abs=tolerance)


def test_the_error_of_the_area_is_delongs_where_that_is_larger() -> None:
    """By the definition: the variances of each row's share of beaten rows of the other class."""
    r = np.random.default_rng(2)
    values, truth = np.round(r.random(300), 2), r.random(300) < 0.4
    up, down = values[truth], values[~truth]
    beats = (up[:, None] > down).astype(float) + 0.5 * (up[:, None] == down)
    expected = np.sqrt(beats.mean(1).var(ddof=1) / len(up) + beats.mean(0).var(ddof=1) / len(down))
    assert ranking.auc_error(*counts_of(values, truth)) == pytest.approx(expected, rel=0.15)
    assert ranking.auc_error(*counts_of(values, truth)) >= expected * (1 - 1e-12)


def test_scores_that_part_a_few_rows_without_fault_are_not_certain() -> None:
    assert 0.01 < ranking.auc_error(np.array([0, 5]), np.array([5, 0])) < 0.2
    assert ranking.auc_error(np.array([0, 1]), np.array([5, 0])) is None


@given(st.integers(3, 12), st.integers(1, 80))
def test_curves_keep_their_ends_whatever_is_left_out(points: int, different: int) -> None:
    ones = np.ones(different, np.int64)
    found, whole = ranking.curves(ones, ones, points), ranking.curves(ones, ones, 10_000)
    assert found is not None
    assert whole is not None
    assert (len(whole.true_positive_rates), len(whole.recalls)) == (different + 2, different + 1)
    for curve in ("false_positive_rates", "true_positive_rates", "precisions", "recalls"):
        kept, every = getattr(found, curve), getattr(whole, curve)
        assert len(kept) == min(points, len(every))
        assert (kept[0], kept[-1]) == (every[0], every[-1])


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(any), min_size=1, max_size=40))
def test_curves_are_scikit_learns_to_the_last_digit_with_sparks_ends(counts: list[tuple[int, int]]) -> None:
    positives, negatives = np.array(counts).T
    curves = ranking.curves(positives, negatives, 10_000)
    if curves is None:
        assert not positives.any() or not negatives.any()
        return
    truth, scores = np.repeat([1, 0], len(counts)), np.tile(np.arange(len(counts)), 2)
    weights = np.concatenate([positives, negatives])
    false, true, _ = roc_curve(truth, scores, sample_weight=weights, drop_intermediate=False)
    precisions, recalls, _ = precision_recall_curve(truth, scores, sample_weight=weights)
    assert curves.false_positive_rates == [*false, 1.0]
    assert curves.true_positive_rates == [*true, 1.0]
    assert curves.recalls == recalls[::-1].tolist()
    assert curves.precisions == [precisions[-2], *precisions[-2::-1]]
