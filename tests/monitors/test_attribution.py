"""Attribution drift: laws, global values, verdicts, and what moved."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from model_monitor.config.monitors import monitor_of
from model_monitor.core import laws
from model_monitor.core.constraints import Finding, Near
from model_monitor.core.evaluation import evaluate
from model_monitor.core.importances import Importances, ndcg, ndcg_interval
from model_monitor.core.measures import Subject
from model_monitor.core.monitor import fold
from model_monitor.core.segments import By, Segmented
from model_monitor.core.states import dump, load
from model_monitor.errors import ConfigError, DataError
from model_monitor.monitors.attribution import ATTRIBUTIONS, DRIFT, EXPECTED, Attribution, Moved, moved
from model_monitor.monitors.attribution.state import Explained
from model_monitor.results.documents import plain

FEATURES = ("age", "sex", "hours", "country")
SIZES = np.array([0.5, 0.3, 0.15, 0.05])
METHODS = ("mean_abs", "median", "mean_sq")


def attributed(count: int, sizes: np.ndarray = SIZES, seed: int = 0) -> np.ndarray:
    """Attributions of rows: features x rows, with signs, features not independent."""
    chance = np.random.default_rng(seed)
    common = chance.normal(size=count)
    return np.array([size * (0.6 * common + 0.8 * chance.normal(size=count) + 0.5) for size in sizes])


def explained(values: np.ndarray, labels: tuple[str, ...] = ("label0",), **more: Any) -> pa.RecordBatch:
    columns = {
        f"{label}|{name}": v * (i + 1)
        for i, label in enumerate(labels)
        for name, v in zip(FEATURES[: len(values)], values, strict=True)
    }
    constant = {f"@expected|{label}": np.full(values.shape[1], 0.25 + i) for i, label in enumerate(labels)}
    ids = {"@event_id": [f"e{i}" for i in range(values.shape[1])]}
    return pa.record_batch({**columns, **constant, **ids, **more})


def judged(monitor: Attribution, baseline: Explained, live: Explained) -> Finding:
    """The finding of the order of features."""
    found = evaluate(monitor.suggest(baseline), monitor.measure(live))
    [finding] = [finding for finding in found if finding.constraint.check == DRIFT]
    return finding


@pytest.mark.parametrize("agg_method", METHODS)
def test_it_keeps_the_laws(agg_method: Any) -> None:
    rows = explained(attributed(400), ("no", "yes"))
    laws.check(Attribution(agg_method), rows)
    by = By("country of", Attribution(agg_method))
    segments = pa.array(np.random.default_rng(0).choice(["DE", "FR"], 400))
    laws.check(
        Segmented(Attribution(agg_method), (by,)), explained(attributed(400), ("no",), **{"country of": segments})
    )


def test_global_values_are_numpys() -> None:
    values = attributed(401)
    expected = {
        "mean_abs": np.abs(values).mean(axis=1),
        "median": np.median(values, axis=1),
        "mean_sq": np.square(values).mean(axis=1),
    }
    for method, numbers in expected.items():
        for part in (values, values[:, :400]):  # an odd and an even number of rows
            state = Attribution(method).observe(explained(part))  # type: ignore[arg-type]
            found = Attribution(method).global_values(state)["label0"]  # type: ignore[arg-type]
            if part is values:
                np.testing.assert_allclose(list(found.values()), numbers, rtol=1e-12)
        assert found["age"] == pytest.approx(
            {"mean_abs": np.abs(part[0]).mean(), "median": np.median(part[0]), "mean_sq": (part[0] ** 2).mean()}[method]
        )


@pytest.mark.parametrize("agg_method", METHODS)
def test_standard_errors_are_those_of_many_samples(agg_method: Any) -> None:
    monitor = Attribution(agg_method)
    states = [monitor.observe(explained(attributed(300, seed=i))) for i in range(200)]
    values = np.array([list(monitor.global_values(state)["label0"].values()) for state in states])
    errors = np.array([list(monitor.standard_errors(state)["label0"].values()) for state in states])
    np.testing.assert_allclose(errors.mean(axis=0), values.std(axis=0), rtol=0.15)
    covariance = np.mean([monitor.importances(state.labels.items["label0"]).covariance for state in states], axis=0)
    scale = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose(covariance / np.outer(scale, scale), np.corrcoef(values.T), atol=0.25)


def test_the_expected_value_is_told_exactly_and_averaged_where_it_changed() -> None:
    monitor = Attribution()
    values = attributed(3)
    one = monitor.observe(explained(values).set_column(4, "@expected|label0", pa.array([0.250623226165771] * 3)))
    other = monitor.observe(explained(values).set_column(4, "@expected|label0", pa.array([0.5] * 3)))
    assert monitor.expected(one + one + one) == {"label0": 0.250623226165771}
    assert monitor.expected(one + other)["label0"] == pytest.approx(0.3753116)
    assert monitor.measure(one)[Subject("label0"), EXPECTED] == 0.250623226165771


def test_a_window_of_unchanged_attributions_holds_and_another_order_is_violated() -> None:
    monitor = Attribution()
    baseline = monitor.observe(explained(attributed(300)))
    same = judged(monitor, baseline, monitor.observe(explained(attributed(300, seed=1))))
    assert (same.outcome, same.observed) == ("holds", 1.0)
    other = judged(monitor, baseline, monitor.observe(explained(attributed(300, SIZES[::-1], seed=1))))
    assert other.outcome == "violated"
    assert other.observed == pytest.approx(
        ndcg(Importances(FEATURES, SIZES[::-1]), Importances(FEATURES, SIZES)), abs=0.05
    )
    assert other.noise_floor is not None and other.observed + other.noise_floor < 0.9
    assert (other.constraint.check, other.constraint.subject) == (DRIFT, Subject("label0"))


def test_a_small_window_does_not_alarm_by_chance_but_does_in_sagemakers_way() -> None:
    """Two rows of which one is odd."""
    values = np.array([[0.1, 0.0], [0.2, 0.1], [0.9, 0.1], [0.05, 0.02]])
    calibrated, sagemaker = Attribution(), Attribution(compatibility="sagemaker")
    for monitor, outcome in ((calibrated, "holds"), (sagemaker, "violated")):
        baseline = monitor.observe(explained(attributed(300)))
        assert judged(monitor, baseline, monitor.observe(explained(values))).outcome == outcome


def test_one_row_is_undefined_by_default_and_judged_in_sagemakers_way() -> None:
    rows = explained(attributed(1))
    for compatibility, outcome in (("calibrated", "undefined"), ("sagemaker", "holds")):
        monitor = Attribution(compatibility=compatibility)  # type: ignore[arg-type]
        found = judged(monitor, monitor.observe(explained(attributed(300))), monitor.observe(rows))
        assert found.outcome == outcome
        assert (found.reason == "too few rows to tell chance from change") == (outcome == "undefined")


@pytest.mark.parametrize("count", [5, 30, 200])
def test_unchanged_attributions_alarm_no_more_often_than_the_budget_says(count: int) -> None:
    """Ten features that matter about as much, so that chance alone disturbs their order; 400 windows."""
    sizes = np.geomspace(1.0, 0.3, 10)
    chance = np.random.default_rng(count)
    monitor = Attribution(false_alarm_budget=0.05, ndcg_threshold=0.97, resamples=200)
    features = [f"f{i}" for i in range(10)]

    def window(rows: int) -> Explained:
        values = {f"label0|{name}": size * chance.normal(size=rows) for name, size in zip(features, sizes, strict=True)}
        return monitor.observe(pa.record_batch({**values, "@expected|label0": np.zeros(rows)}))

    baseline = window(300)
    alarms = sum(judged(monitor, baseline, window(count)).outcome == "violated" for _ in range(400))
    assert alarms / 400 <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)


def test_sagemakers_baseline_has_no_errors_and_is_judged_with_the_windows_alone() -> None:
    monitor = Attribution()
    live = monitor.observe(explained(attributed(300, SIZES[::-1])))
    values = {"label0": dict(zip(FEATURES, SIZES.tolist(), strict=True))}
    [constraint] = monitor.constraints(values)
    assert isinstance(constraint.bound, Near)
    [finding] = evaluate([constraint], monitor.measure(live))
    assert finding.outcome == "violated"
    importances = monitor.measure(live)[Subject("label0"), ATTRIBUTIONS]
    low, high = ndcg_interval(importances, constraint.bound.to, 0.025) or (0.0, 0.0)
    assert low <= (finding.observed or 0.0) <= high < 0.9


def test_the_threshold_is_not_passed_at_the_threshold() -> None:
    monitor = Attribution(compatibility="sagemaker", ndcg_threshold=0.687639624122622)
    live = monitor.observe(explained(np.array([[0.1], [0.2], [0.7]])))
    values = {"label0": {"age": 0.7, "sex": 0.5, "hours": 0.05}}
    [finding] = evaluate(monitor.constraints(values), monitor.measure(live))
    assert (finding.observed, finding.outcome) == (0.687639624122622, "holds")
    stricter = Attribution(compatibility="sagemaker", ndcg_threshold=0.687639624122623)
    assert [f.outcome for f in evaluate(stricter.constraints(values), stricter.measure(live))] == ["violated"]


def test_no_rows_are_undefined_never_green() -> None:
    monitor = Attribution()
    baseline = monitor.observe(explained(attributed(300)))
    assert judged(monitor, baseline, monitor.empty).outcome == "undefined"
    none = monitor.observe(explained(attributed(300)).slice(0, 0))
    assert judged(monitor, baseline, none).reason == "no row was explained"
    assert list(monitor.suggest(none)) == []
    of_label = {(Subject("label0"), ATTRIBUTIONS), (Subject("label0"), EXPECTED)}
    assert monitor.measure(none).keys() == {*of_label, (Subject(), "usable_rows")}


def test_rows_that_can_not_be_used_are_left_out_and_counted() -> None:
    values = attributed(100)
    odd = values.copy()
    odd[1, 7], odd[2, 9] = np.nan, np.inf
    monitor = Attribution()
    state = monitor.observe(explained(odd))
    assert (monitor.rows(state), list(monitor.unusable(state).values())) == (98, [2])
    kept = monitor.observe(explained(np.delete(values, [7, 9], axis=1)))
    assert monitor.global_values(state) == monitor.global_values(kept)


def test_windows_add_whatever_the_order_of_their_features_and_refuse_others() -> None:
    monitor = Attribution()
    rows = explained(attributed(50))
    other = rows.select([3, 2, 1, 0, 4, 5])
    both = monitor.observe(rows) + monitor.observe(other)
    assert list(monitor.global_values(both)["label0"]) == list(FEATURES)
    twice = fold(monitor, [rows, rows])
    assert monitor.global_values(both)["label0"] == pytest.approx(monitor.global_values(twice)["label0"])
    with pytest.raises(DataError, match="not all have country"):
        monitor.observe(rows) + monitor.observe(rows.select([0, 1, 2, 4]))


def test_rows_that_were_not_explained_are_refused() -> None:
    with pytest.raises(DataError, match="they were not explained"):
        Attribution().observe(pa.record_batch({"age": [1.0]}))


def test_a_state_of_another_agg_method_is_not_read() -> None:
    saved = dump(Attribution("median").observe(explained(attributed(5))))
    with pytest.raises(ValueError, match="agg_method is median, not mean_abs"):
        load(saved, Attribution().empty)


def test_a_feature_with_a_bar_in_its_name_and_columns_of_segments_are_told_apart() -> None:
    monitor = Attribution()
    columns = {
        "label0|a|b": [0.5, 0.4],
        "label0|c": [0.1, 0.2],
        "@expected|label0": [0.0, 0.0],
        "origin": ["JFK", "EWR"],
    }
    state = monitor.observe(pa.record_batch(columns))
    assert {label: list(values) for label, values in monitor.global_values(state).items()} == {"label0": ["a|b", "c"]}


def test_constraints_survive_being_written_plainly() -> None:
    monitor = Attribution(seed=3)
    state, other = (monitor.observe(explained(attributed(50, s))) for s in (SIZES, SIZES[::-1]))
    for constraints in (monitor.suggest(state), monitor.constraints(monitor.global_values(state))):
        some = list(constraints)
        again = [plain.constraint_of(json.loads(json.dumps(plain.written(one)))) for one in some]
        first, second = (evaluate(these, monitor.measure(other))[0] for these in (some, again))
        assert (first.observed, first.noise_floor, first.outcome) == (
            second.observed,
            second.noise_floor,
            second.outcome,
        )


def test_an_endpoint_file_names_it_and_its_options() -> None:
    assert monitor_of("attribution", {"agg_method": "median", "seed": 1}) == Attribution("median", seed=1)
    with pytest.raises(ConfigError, match="agg_method"):
        monitor_of("attribution", {"agg_method": "mean"})


def test_what_moved_is_told_furthest_first() -> None:
    baseline = {"a": 0.5, "b": 0.4, "c": 0.3, "d": 0.2, "gone": 0.1}
    live = {"a": 0.2, "b": 0.5, "c": 0.4, "d": 0.05, "new": 0.1}
    assert moved(baseline, live) == [
        Moved("gone", 5, None, 0.1, None),
        Moved("new", None, 4, None, 0.1),
        Moved("a", 1, 3, 0.5, 0.2),
        Moved("b", 2, 1, 0.4, 0.5),
        Moved("c", 3, 2, 0.3, 0.4),
        Moved("d", 4, 5, 0.2, 0.05),
    ]
    assert moved({"a": 0.5, "b": 0.5, "c": -0.6}, {"a": 1.0, "b": 1.0, "c": 2.0}) == []


@pytest.mark.parametrize(
    "options",
    [
        {"agg_method": "mean"},
        {"compatibility": "aws"},
        {"ndcg_threshold": 1.5},
        {"level": 1.0},
        {"false_alarm_budget": 0.0},
        {"resamples": 10},
        {"seed": -1},
    ],
)
def test_options_that_mean_nothing_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(options)).split("_")[0]):
        Attribution(**options)
