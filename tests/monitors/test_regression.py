"""Regression metrics and their errors against scikit-learn, NumPy and SageMaker's published numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as judge

from model_monitor.core.measures import Estimate, Undefined
from model_monitor.core.states import dump, load
from model_monitor.monitors.model_quality import regression
from model_monitor.monitors.model_quality.outcomes import Estimated, Fit

NUMBERS = st.integers(-50, 50).map(lambda i: i / 4)
PAIRS = st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=60)


@given(PAIRS)
def test_metrics_are_those_of_scikit_learn_or_undefined(pairs: list[tuple[float, float]]) -> None:
    truth, predicted = np.array(pairs).T
    found = regression.metrics(Estimated.of(truth, predicted))
    expected = {
        "mae": judge.mean_absolute_error(truth, predicted),
        "mse": judge.mean_squared_error(truth, predicted),
        "rmse": judge.root_mean_squared_error(truth, predicted),
    }
    if truth.min() == truth.max():
        assert isinstance(found["r2"], Undefined)
    else:
        expected["r2"] = judge.r2_score(truth, predicted)
    some = truth != 0
    if some.any():
        expected["mean_absolute_percentage_error"] = judge.mean_absolute_percentage_error(truth[some], predicted[some])
    else:
        assert isinstance(found["mean_absolute_percentage_error"], Undefined)
    for name, value in expected.items():
        assert found[name].value == pytest.approx(value, rel=1e-9, abs=1e-12), name


def test_sagemakers_example_is_reproduced() -> None:
    """The regression view of its documentation's confusion matrix."""
    truth = np.repeat([0.0, 0.0, 1.0, 1.0], [1180, 510, 268, 138])
    predicted = np.repeat([0.0, 1.0, 0.0, 1.0], [1180, 510, 268, 138])
    found = regression.metrics(Estimated.of(truth, predicted))
    assert (found["mae"].value, found["mse"].value) == (0.3711832061068702, 0.3711832061068702)
    assert found["rmse"].value == 0.609248066149471
    assert found["r2"].value == pytest.approx(-1.3766111872212665, rel=1e-15)


@given(PAIRS, st.integers(0, 60))
def test_the_sums_do_not_depend_on_how_rows_are_cut(pairs: list[tuple[float, float]], at: int) -> None:
    truth, predicted = np.array(pairs).T
    squared = (truth - predicted) ** 2
    whole = Fit.of(truth, squared)
    added = Fit.of(truth[:at], squared[:at]) + Fit.of(truth[at:], squared[at:])
    for name in ("cubes", "fourths", "errors", "errors_along", "errors_across"):
        assert getattr(added, name) == pytest.approx(getattr(whole, name), rel=1e-9, abs=1e-6), name
    assert dump(load(dump(added), Fit())) == dump(added)


def test_a_large_offset_of_the_truth_does_not_spoil_the_error_of_r2() -> None:
    r = np.random.default_rng(4)
    x = r.normal(size=5000)
    predicted = x + r.normal(size=5000) * 0.5
    near, far = (regression.metrics(Estimated.of(x + shift, predicted + shift))["r2"] for shift in (0.0, 1e6))
    assert far.error == pytest.approx(near.error, rel=1e-6)


def test_the_error_of_r2_is_that_of_leaving_out_rows() -> None:
    r = np.random.default_rng(5)
    truth = r.gamma(2, size=400)
    predicted = truth + r.normal(size=400) * (0.3 + 0.2 * truth)
    whole = np.ones(400, bool)
    left = []
    for i in range(400):
        whole[i] = False
        left.append(judge.r2_score(truth[whole], predicted[whole]))
        whole[i] = True
    expected = np.sqrt(399 / 400 * ((np.array(left) - np.mean(left)) ** 2).sum())
    assert regression.metrics(Estimated.of(truth, predicted))["r2"].error == pytest.approx(expected, rel=0.03)


def test_errors_of_means_are_standard_errors_and_unknown_for_one_row() -> None:
    truth, predicted = np.array([1.0, 2.0, 4.0]), np.array([1.5, 2.0, 2.0])
    found = regression.metrics(Estimated.of(truth, predicted))
    gaps = np.abs(truth - predicted)
    assert found["mae"].error == pytest.approx(gaps.std(ddof=1) / np.sqrt(3))
    assert found["rmse"].error == pytest.approx(found["mse"].error / (2 * found["rmse"].value))
    alone = regression.metrics(Estimated.of(truth[:1], predicted[:1]))
    assert alone["mae"] == Estimate(0.5, None, 1)
    assert isinstance(alone["r2"], Undefined)


def test_numbers_too_large_for_their_squares_are_undefined_not_infinite() -> None:
    found = regression.metrics(Estimated.of(np.array([1e200, -1e200]), np.array([-1e200, 0.0])))
    assert isinstance(found["mse"], Undefined)
    assert isinstance(found["rmse"], Undefined)
    assert isinstance(found["r2"], Undefined)
    assert isinstance(found["mae"], Estimate)


def test_residuals_are_truth_less_prediction() -> None:
    found = regression.residual_quantiles(Estimated.of(np.arange(101.0), np.zeros(101)))
    assert found is not None
    assert found == {"0.01": 1.0, "0.05": 5.0, "0.25": 25.0, "0.5": 50.0, "0.75": 75.0, "0.95": 95.0, "0.99": 99.0}
    assert regression.residual_quantiles(Estimated()) is None
