"""NDCG agrees with scikit-learn, and chance is weighed as it is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from model_monitor.core.importances import Importances, ndcg, ndcg_interval, ndcg_margin
from model_monitor.core.states import dump, load
from model_monitor.core.states.comoments import Comoments
from model_monitor.errors import DataError

TIED = st.sampled_from([0.0, 0.1, 0.25, 0.5, 3.0])
PAIRS = st.integers(2, 30).flatmap(
    lambda n: st.tuples(*[st.lists(st.one_of(TIED, st.floats(0, 10)), min_size=n, max_size=n)] * 2)
)


def of(*values: float) -> Importances:
    return Importances.of({f"f{i}": value for i, value in enumerate(values)})


def test_the_published_example_has_the_published_digits() -> None:
    assert ndcg(of(0.1, 0.2, 0.7), of(0.7, 0.5, 0.05)) == 0.687639624122622
    assert ndcg(of(0.9, 0.2, 0.1), of(0.7, 0.5, 0.05)) == 1.0


@given(PAIRS)
def test_it_is_scikit_learns_score_ties_included(pair: tuple[list[float], list[float]]) -> None:
    baseline, live = pair
    assume(max(baseline) > 1e-300)
    assert ndcg(of(*live), of(*baseline)) == pytest.approx(ndcg_score([baseline], [live]), rel=1e-13)


def test_what_scikit_learn_leaves_open_is_decided() -> None:
    assert ndcg(of(-0.3, 0.1), of(0.2, -0.5)) == ndcg(of(0.3, 0.1), of(0.2, 0.5))  # signs, as of medians
    assert ndcg(of(0.3), of(0.2)) == 1.0
    assert ndcg(of(0.3, 0.2), of(0.0, 0.0)) == 1.0
    assert ndcg(Importances.of({"x": 1.0}), of(0.2)) is None
    assert ndcg(Importances.of({}), Importances.of({})) is None


def test_an_absent_feature_ranks_last_and_a_new_one_is_left_out() -> None:
    baseline = Importances.of({"a": 0.5, "b": 0.3, "c": 0.2})
    without = ndcg(Importances.of({"b": 0.1, "c": 0.0, "new": 9.0}), baseline)
    assert without == pytest.approx(ndcg_score([[0.5, 0.3, 0.2]], [[-1, 0.1, 0.0]]), rel=1e-15)
    both_gone = ndcg(Importances.of({"a": 0.0}), baseline)
    assert both_gone == pytest.approx(ndcg_score([[0.5, 0.3, 0.2]], [[0.0, -1, -1]]), rel=1e-15)


def estimated(rows: np.ndarray, **more: int) -> Importances:
    sums = Comoments.of(tuple(f"f{i}" for i in range(rows.shape[1])), rows)
    return Importances(sums.names, sums.means, sums.covariance_of_means, sums.n, **more)


STEEP = np.geomspace(1.0, 0.01, 12)


@pytest.mark.parametrize("count", [20, 50, 300])
@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([0.5, 0.55, 0.3, 0.12, 0.1, 0.09, 0.02, 0.01], [0.55, 0.45, 0.3, 0.1, 0.11, 0.09, 0.02, 0.0]),
        ([0.3, 0.5, 0.2, 0.4, 0.1, 0.05], [0.6, 0.3, 0.2, 0.1, 0.1, 0.05]),
        (STEEP, STEEP),
        (np.roll(STEEP, 1), STEEP),
    ],
    ids=["near", "far", "unchanged", "rolled"],
)
def test_the_upper_end_is_passed_as_seldom_as_its_level_says(
    count: int, sizes: list[float], expected: list[float]
) -> None:
    """Of 300 windows the true NDCG is above the upper end in 5 %, or less; their attributions are skewed."""
    chance = np.random.default_rng(count)
    baseline, truth = of(*expected), ndcg(of(*sizes), of(*expected))
    assert truth is not None
    passed = 0
    for i in range(300):
        live = estimated(np.abs(chance.normal(size=(count, len(sizes)))) * sizes, resamples=200, seed=i)
        low, high = ndcg_interval(live, baseline, 0.05) or (1.0, 0.0)
        observed = ndcg(live, baseline)
        assert observed is not None and low <= observed <= high
        passed += high < truth - 1e-12
    assert passed / 300 <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 300)


def test_the_same_seed_gives_the_same_interval_and_errors_of_the_baseline_widen_it() -> None:
    rows = np.random.default_rng(0).gamma(1.0, [0.5, 0.4, 0.3], (30, 3))
    live, baseline = estimated(rows), of(0.5, 0.4, 0.3)
    vague = Importances(baseline.names, baseline.values, np.diag([0.2, 0.2, 0.2]) ** 2, 30)
    first, again = ndcg_interval(live, baseline, 0.025), ndcg_interval(live, baseline, 0.025)
    wider = ndcg_interval(live, vague, 0.025)
    assert first == again
    assert first is not None and wider is not None
    assert 0 <= wider[0] <= first[0] <= first[1] <= 1


def test_nothing_is_said_of_chance_where_nothing_is_known_of_it() -> None:
    assert ndcg_margin(of(0.5, 0.4), of(0.5, 0.4), 0.05) is None
    assert ndcg_interval(of(1.0, 2.0), of(0.5, 0.4), 0.05) is None


def test_features_that_never_vary_tie_in_every_resample() -> None:
    """Ties are averaged: which of two equal features the baseline had first makes no difference."""
    rows = np.random.default_rng(0).gamma(1.0, 1.0, (50, 4)) * [1, 1, 0, 0]
    found = [
        ndcg_interval(estimated(rows), Importances(("f0", "f1", *order), np.array([0.5, 0.3, 0.4, 0.1])), 0.05)
        for order in (("f2", "f3"), ("f3", "f2"))
    ]
    assert found[0] == pytest.approx(found[1], rel=1e-12)


ROWS = st.lists(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3), min_size=2, max_size=40)


@given(ROWS, st.integers(0, 40))
def test_comoments_of_parts_add_to_those_of_the_whole(rows: list[list[float]], cut: int) -> None:
    table, names = np.array(rows), ("a", "b", "c")
    parts = Comoments.of(names, table[:cut]) + Comoments.of(names, table[cut:])
    scale = max(1.0, float(np.square(table).max()))
    np.testing.assert_allclose(parts.covariance_of_means, np.cov(table.T) / len(table), atol=1e-9 * scale)
    np.testing.assert_allclose(parts.means, table.mean(axis=0), atol=1e-9 * scale)


def test_comoments_survive_their_codec_and_another_order_of_columns() -> None:
    table = np.random.default_rng(0).normal(size=(20, 3))
    state = Comoments.of(("a", "b", "c"), table)
    again = load(dump(state), Comoments())
    assert dump(again) == dump(state)
    both = state + Comoments.of(("c", "a", "b"), table[:, [2, 0, 1]])
    np.testing.assert_allclose(both.products, 2 * state.products)
    assert (state + Comoments()) is state
    with pytest.raises(DataError, match="not all have b"):
        state + Comoments.of(("a", "c"), table[:, ::2])
