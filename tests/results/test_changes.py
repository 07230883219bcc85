"""What changed between two spans is said in the column's unit; what few rows have, and private columns, are not."""

from __future__ import annotations

import numpy as np
import pytest

from model_monitor.core.constraints import Between, Constraint, Near, Within
from model_monitor.core.distributions import Categories, Numbers
from model_monitor.core.measures import Share, Subject
from model_monitor.results.anonymous import Anonymity
from model_monitor.results.changes import (
    Side,
    compared,
    in_unit,
    in_words,
    missing_values,
    names_shown,
    nearness,
    new_values,
)

PLAN = Subject("plan")


def numbers(*values: float) -> Side:
    return Side(Numbers(np.sort(np.array(values)), np.ones(len(values), np.int64)), Share(len(values), len(values)))


def plans(**counts: int) -> Side:
    return Side(Categories(counts), None)


def test_new_values_are_named_if_enough_rows_have_them_and_counted_otherwise() -> None:
    old, new = plans(a=100), plans(a=70, b=20, c=9, d=1)
    assert new_values(old, new, PLAN, Anonymity()) == ["3 new values in 30 % of values: 'b' (20 rows), 2 more"]
    private = Anonymity(private=["plan"])
    assert new_values(old, new, PLAN, private) == ["3 new values in 30 % of values"]
    assert names_shown(old, new, PLAN, Anonymity()) == ["a", "b"]
    assert names_shown(old, new, PLAN, private) == []
    unknown = Side(Categories({"a": 100}, rest=5))
    assert new_values(unknown, new, PLAN, Anonymity()) == []


def test_missing_values_are_told_only_beyond_chance() -> None:
    assert missing_values(Share(98, 100), Share(97, 100)) == []
    assert missing_values(Share(9800, 10000), Share(9000, 10000)) == ["missing 2 % → 10 % of rows"]
    assert missing_values(Share(9000, 10000), Share(9800, 10000)) == ["missing 10 % → 2 % of rows"]
    assert missing_values(None, Share(1, 2)) == missing_values(Share(0, 0), Share(1, 2)) == []


def test_quantiles_are_in_the_unit_of_the_column() -> None:
    before, after = numbers(*range(101)), numbers(*(10 * n for n in range(101)))
    assert [(c.before, c.after) for c in in_unit(before, after)] == [
        ("5", "50"),
        ("25", "250"),
        ("50", "500"),
        ("75", "750"),
        ("95", "950"),
        ("0 %", "0 %"),
    ]
    assert in_unit(Side(), after)[2] == ("median", "–", "500")
    assert in_unit(Side(), Side()) == []


def test_a_change_that_chance_explains_is_not_told() -> None:
    rng = np.random.default_rng(0)
    one, other, moved = (numbers(*rng.normal(mean, 1, 500)) for mean in (0, 0, 1))
    assert in_words(one, other, compared(one, other, PLAN, None), Anonymity()) == []
    [words] = in_words(one, moved, compared(one, moved, PLAN, None), Anonymity())
    assert words.startswith("median ") and "chance alone reaches" in words
    [words] = in_words(one, moved, compared(one, moved, PLAN, None), Anonymity(private=["plan"]))
    assert words.startswith("its values are spread otherwise (distance ")


def test_the_baseline_s_own_rule_compares_two_spans() -> None:
    near = Near(Categories({"a": 50, "b": 50}), "largest_share_change", 0.4, 0.01)
    rule = Constraint("baseline_drift_check", PLAN, "spread", near)
    finding = compared(plans(a=900, b=100), plans(a=600, b=400), PLAN, rule)
    assert finding and finding.observed == pytest.approx(0.3)
    assert (finding.outcome, finding.constraint.bound.threshold) == ("holds", 0.4)  # type: ignore[union-attr]
    assert compared(plans(a=1), numbers(1.0), PLAN, rule) is None
    assert compared(Side(), numbers(1.0), PLAN, rule) is None


def test_a_side_is_what_was_measured_or_what_a_baseline_remembers() -> None:
    spread, share = Categories({"a": 5}), Share(5, 6)
    measures = {(PLAN, "spread"): spread, (PLAN, "completeness"): share}
    assert Side.of(measures, PLAN) == Side(spread, share)
    assert Side.of(measures, Subject("x")) == Side()
    constraints = [
        Constraint("completeness_check", PLAN, "completeness", Between(0.8, drawn=share)),
        Constraint("baseline_drift_check", PLAN, "spread", Near(spread, "largest_share_change", 0.1)),
    ]
    assert Side.expected(constraints, PLAN) == Side(spread, share)
    known = [Constraint("categorical_values_check", PLAN, "values", Within(frozenset({"a"}), drawn=spread))]
    assert Side.expected(known, PLAN) == Side(spread, None)
    assert nearness(known, PLAN) is None
