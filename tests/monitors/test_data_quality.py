"""What is judged, and how; and the laws that make it a monitor."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from model_monitor.core import laws
from model_monitor.core.constraints import Finding
from model_monitor.core.evaluation import evaluate
from model_monitor.core.measures import EVERYTHING, Subject
from model_monitor.core.monitor import fold
from model_monitor.core.segments import By
from model_monitor.monitors.data_quality import DataQuality, Rules, Table, of_completeness


def rows(n: int = 4000, seed: int = 0) -> pa.RecordBatch:
    """A table of every kind of column that there is."""
    r = np.random.default_rng(seed)
    return pa.record_batch(
        {
            "fraction": [f"{v:.3f}" for v in r.normal(size=n)],
            "whole": [str(v) for v in r.integers(0, 50, n)],
            "typed": r.normal(size=n),
            "word": [None if v < 0.1 else "xyz"[int(v * 3)] for v in r.random(n)],
            "mixed": [str(v) if v % 7 else "n/a" for v in r.integers(0, 3000, n)],
            "flag": pa.array(r.random(n) < 0.5),
            "id": [f"id{i}" for i in range(n)],
            "nothing": pa.nulls(n, pa.string()),
            "@event_id": [str(i) for i in range(n)],
        }
    )


MONITORS = [
    DataQuality(),
    DataQuality(compatibility="sagemaker"),
    DataQuality(compatibility="sagemaker", rules=Rules(robust=False)),
    DataQuality(check_non_negative=True, strict_types=True),
    DataQuality(rules=Rules(categorical_method="ChiSquared")),
    By("word", DataQuality()),
]


@pytest.mark.parametrize("monitor", MONITORS, ids=lambda m: type(m).__name__)
def test_the_laws_hold(monitor) -> None:
    laws.check(monitor, rows())


@settings(max_examples=15)
@given(
    st.lists(
        st.fixed_dictionaries({"a": st.sampled_from(["1", "2.5", "x", None]), "b": st.sampled_from(["7", "-3", None])}),
        min_size=1,
        max_size=30,
    )
)
def test_the_laws_hold_on_any_rows(table: list[dict[str, str | None]]) -> None:
    schema = pa.schema([("a", pa.string()), ("b", pa.string())])
    laws.check(DataQuality(check_non_negative=True), pa.RecordBatch.from_pylist(table, schema))


def judged(monitor: DataQuality, before: dict, after: dict) -> dict[tuple[str | None, str], Finding]:
    """Findings of some live columns against baseline columns, by column and check."""
    base = monitor.observe(pa.record_batch(before))
    live = monitor.observe(pa.record_batch(after))
    findings = evaluate(monitor.suggest(base), monitor.measure(live))
    return {(f.constraint.subject.column, f.constraint.check): f for f in findings}


ONES = ["1"] * 100


def test_nulls_count_for_completeness_and_not_for_types() -> None:
    found = judged(DataQuality(), {"a": ONES}, {"a": ["1"] * 70 + [None] * 10})
    assert found["a", "data_type_check"].outcome == "holds"
    completeness = found["a", "completeness_check"]
    assert (completeness.outcome, completeness.observed) == ("violated", 0.875)


def test_whole_numbers_satisfy_fractional_unless_types_are_strict_and_not_the_other_way_round() -> None:
    fractions = {"a": ["1.5"] * 100}
    assert judged(DataQuality(), fractions, {"a": ONES})["a", "data_type_check"].outcome == "holds"
    assert judged(DataQuality(strict_types=True), fractions, {"a": ONES})["a", "data_type_check"].outcome == "violated"
    assert judged(DataQuality(), {"a": ONES}, {"a": ["1.5"] * 9})["a", "data_type_check"].observed == 0.0


def test_a_missing_and_an_extra_column_are_both_found_and_shared_ones_still_judged() -> None:
    found = judged(DataQuality(), {"a": ONES, "b": ONES}, {"a": ["x"] * 10, "c": ONES[:10]})
    assert found[None, "missing_column_check"].outcome == "violated"
    assert found[None, "extra_column_check"].outcome == "violated"
    assert found["a", "data_type_check"].outcome == "violated"
    assert found["b", "completeness_check"].outcome == "undefined"


def test_an_all_missing_column_violates_completeness_alone() -> None:
    found = judged(DataQuality(), {"a": ONES}, {"a": pa.nulls(50, pa.string())})
    assert {check for (_, check), f in found.items() if f.outcome == "violated"} == {"completeness_check"}
    assert found["a", "baseline_drift_check"].outcome == "undefined"


def test_a_value_outside_the_domain_is_found_and_a_missing_one_is_inside() -> None:
    words = {"a": ["paris", "lyon"] * 100}
    inside = judged(DataQuality(), words, {"a": ["paris", None] * 50})["a", "categorical_values_check"]
    outside = judged(DataQuality(), words, {"a": ["paris", None] * 45 + ["rome"] * 10})["a", "categorical_values_check"]
    assert (inside.outcome, outside.outcome, outside.observed) == ("holds", "violated", 90 / 100)
    once = {"a": ["paris", None] * 50 + ["rome"]}
    assert judged(DataQuality(), words, once)["a", "categorical_values_check"].outcome == "holds"
    compatible = DataQuality(compatibility="sagemaker")
    assert judged(compatible, words, once)["a", "categorical_values_check"].outcome == "violated"


def test_texts_that_mostly_occur_once_are_no_domain() -> None:
    assert ("a", "categorical_values_check") not in judged(DataQuality(), {"a": list("abcdef")}, {"a": ["z"]})


def test_negative_numbers_are_found_only_if_asked_for() -> None:
    before, after = {"a": ONES}, {"a": ["-1", *ONES]}
    assert ("a", "non_negative_check") not in judged(DataQuality(), before, after)
    assert judged(DataQuality(check_non_negative=True), before, after)["a", "non_negative_check"].outcome == "violated"


def test_the_compatible_mode_compares_no_column_whose_type_changed_and_the_default_does() -> None:
    before, after = {"a": [str(i) for i in range(500)]}, {"a": [f"{i + 900}.5" for i in range(500)]}
    compatible = judged(DataQuality(compatibility="sagemaker"), before, after)["a", "baseline_drift_check"]
    assert compatible.outcome == "undefined"
    assert judged(DataQuality(), before, after)["a", "baseline_drift_check"].outcome == "violated"


def test_a_column_of_numbers_that_becomes_words_has_no_distance() -> None:
    drift = judged(DataQuality(), {"a": ONES}, {"a": ["x"] * 50})["a", "baseline_drift_check"]
    assert (drift.outcome, drift.reason) == ("undefined", "spread and its baseline are not of one kind")


def test_a_large_distance_in_a_tiny_window_is_noise_and_says_so() -> None:
    before = {"a": [str(i) for i in range(5000)]}
    drift = judged(DataQuality(), before, {"a": ["10", "4000", "4100", "4500"]})["a", "baseline_drift_check"]
    assert drift.outcome == "holds"
    assert drift.noise_floor > drift.observed > 0.1
    simple = DataQuality(rules=Rules(robust=False))
    assert (
        judged(simple, before, {"a": ["10", "4000", "4100", "4500"]})["a", "baseline_drift_check"].outcome == "violated"
    )


def test_completeness_just_below_an_incomplete_baseline_is_noise_and_far_below_is_not() -> None:
    before = {"a": ["1", "1", "1", "1", None] * 1000}
    slightly, far = {"a": ["1"] * 78 + [None] * 22}, {"a": ["1"] * 50 + [None] * 50}
    assert judged(DataQuality(), before, slightly)["a", "completeness_check"].outcome == "holds"
    assert judged(DataQuality(), before, far)["a", "completeness_check"].outcome == "violated"
    compatible = DataQuality(compatibility="sagemaker")
    assert judged(compatible, before, slightly)["a", "completeness_check"].outcome == "violated"


def test_windows_of_unchanged_data_raise_false_alarms_no_more_often_than_the_budget() -> None:
    """300 windows of 20 columns at a budget of 2 %; more than the bound would be chance once in a thousand."""
    monitor = DataQuality(false_alarm_budget=0.02, rules=Rules(numeric_threshold=0.0, categorical_threshold=0.0))
    r = np.random.default_rng(3)

    def drawn(n: int) -> pa.RecordBatch:
        numbers = {f"n{i}": r.normal(size=n) for i in range(12)}
        words = {f"w{i}": r.choice(["a", "b", "c", None], n, p=[0.5, 0.2, 0.1, 0.2]) for i in range(8)}
        return pa.record_batch({k: pa.array(v) for k, v in (numbers | words).items()})

    constraints = list(monitor.suggest(monitor.observe(drawn(50_000))))
    alarms = 0
    for _ in range(300):
        found = evaluate(constraints, monitor.measure(monitor.observe(drawn(150))))
        alarms += any(f.outcome == "violated" for f in found)
    assert alarms <= stats.binom.ppf(0.999, 300, 0.02)


def test_chi_squared_judges_a_p_value() -> None:
    monitor = DataQuality(rules=Rules(categorical_method="ChiSquared"))
    before = {"a": ["x", "y"] * 500}
    assert judged(monitor, before, {"a": ["x", "y"] * 50})["a", "baseline_drift_check"].outcome == "holds"
    assert judged(monitor, before, {"a": ["x"] * 80 + ["y"] * 20})["a", "baseline_drift_check"].outcome == "violated"


def test_an_empty_window_is_undefined_throughout() -> None:
    monitor = DataQuality()
    constraints = monitor.suggest(monitor.observe(rows(100)))
    assert {f.outcome for f in evaluate(constraints, monitor.measure(monitor.empty))} == {"undefined"}


def test_a_column_that_appears_midway_was_missing_before() -> None:
    monitor = DataQuality()
    state = fold(monitor, [pa.record_batch({"a": ["1", "2"]}), pa.record_batch({"a": ["3"], "b": ["4"]})])
    assert (state.rows, state.missing("a"), state.missing("b")) == (3, 0, 2)
    assert state.columns.items.keys() == {"a", "b"}
    assert (EVERYTHING, "columns") in monitor.measure(state)


def test_five_thousand_columns_are_judged() -> None:
    monitor = DataQuality()
    wide = pa.record_batch({f"c{i}": [str(i), "2", "3"] for i in range(5000)})
    findings = evaluate(monitor.suggest(monitor.observe(wide)), monitor.measure(monitor.observe(wide)))
    assert {f.outcome for f in findings} == {"holds"}


def test_fewer_missing_values_violate_too_unless_a_person_set_the_least() -> None:
    half = {"a": ["1", None] * 1000}
    bound = judged(DataQuality(), half, half)["a", "completeness_check"].constraint.bound
    assert (bound.low, bound.high) == (0.5, 0.5)
    complete = judged(DataQuality(), half, {"a": ["1"] * 500})["a", "completeness_check"]
    assert complete.outcome == "violated"
    assert complete.p_value == pytest.approx(stats.fisher_exact([[500, 0], [1000, 1000]]).pvalue)
    compatible = DataQuality(compatibility="sagemaker")
    assert judged(compatible, half, {"a": ["1"] * 500})["a", "completeness_check"].outcome == "holds"
    by_hand = of_completeness(0.4, None, 0.001)
    assert (by_hand.low, by_hand.high) == (0.4, None)


def test_a_threshold_is_0_unless_a_person_set_it_and_0_1_where_chance_is_not_weighed() -> None:
    before = {"a": [str(i % 500) for i in range(5000)], "w": ["x", "y"] * 2500}

    def thresholds(monitor: DataQuality) -> set[float]:
        found = judged(monitor, before, before).values()
        return {f.constraint.bound.threshold for f in found if f.constraint.check == "baseline_drift_check"}

    assert thresholds(DataQuality()) == {0.0}
    assert thresholds(DataQuality(effect_threshold=0.03)) == {0.03}
    assert thresholds(DataQuality(effect_threshold=0.03, rules=Rules(numeric_threshold=0.2))) == {0.2, 0.03}
    assert thresholds(DataQuality(rules=Rules(robust=False))) == {0.1}
    assert thresholds(DataQuality(compatibility="sagemaker")) == {0.1}
    with pytest.raises(ValueError, match="effect_threshold is 0 to 1, not 3"):
        DataQuality(effect_threshold=3)


def test_an_effect_threshold_keeps_a_change_that_is_beyond_chance_from_being_a_violation() -> None:
    r = np.random.default_rng(1)
    before, after = {"a": r.normal(size=20_000)}, {"a": r.normal(0.2, 1, 20_000)}
    for threshold, outcome in ((0.0, "violated"), (0.05, "violated"), (0.1, "holds")):
        drift = judged(DataQuality(effect_threshold=threshold), before, after)["a", "baseline_drift_check"]
        assert (drift.outcome, drift.constraint.bound.threshold) == (outcome, threshold)
        assert drift.p_value < 1e-9 and drift.noise_floor < drift.observed < 0.1


def test_the_budget_is_shared_by_the_parts_of_checks() -> None:
    monitor = DataQuality(false_alarm_budget=0.1)
    table = pa.record_batch({"n": [str(i) for i in range(200)], "w": ["x", "y"] * 100})
    levels = [c.bound.level for c in monitor.suggest(monitor.observe(table)) if getattr(c.bound, "level", None)]
    assert sum(levels) == pytest.approx(0.1)
    assert max(levels) == pytest.approx(6 * min(levels))


def test_few_numbers_of_many_rows_are_compared_by_their_counts() -> None:
    monitor, table = DataQuality(), pa.record_batch({"n": [str(i % 7) for i in range(30_000)]})
    spread = monitor.measure(monitor.observe(table))[Subject("n"), "spread"]
    assert spread.is_exact and spread.values.tolist() == list(range(7)) and spread.n == 30_000
    compatible = DataQuality(compatibility="sagemaker")
    assert not compatible.measure(compatible.observe(table))[Subject("n"), "spread"].is_exact


def test_a_thousand_columns_are_judged_within_a_second() -> None:
    monitor, r = DataQuality(), np.random.default_rng(1)
    few = {f"c{i}": r.normal(size=20_000) for i in range(10)} | {f"w{i}": r.integers(0, 9, 20_000) for i in range(10)}
    learned, live = (monitor.observe(pa.record_batch(few).slice(0, n)) for n in (20_000, 1000))
    wide = [Table(state.rows, replace(state.columns, items={f"{k}{i}": column for i in range(50)
            for k, column in state.columns.items.items()})) for state in (learned, live)]  # fmt: skip
    constraints, measures = list(monitor.suggest(wide[0])), monitor.measure(wide[1])
    start = time.process_time()
    findings = evaluate(constraints, measures)
    assert time.process_time() - start < 2  # a second where nothing else runs
    assert len(findings) == 2 + 3 * 1000
