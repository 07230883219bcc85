"""What changes from one baseline to another is told in words, and what chance brings is not."""

from __future__ import annotations

import numpy as np
import pytest

from model_monitor.core.constraints import Between, Bound, Constraint, Near, Unlearned, Within
from model_monitor.core.distributions import Categories, Numbers
from model_monitor.core.measures import EVERYTHING, Share, Subject
from model_monitor.verdicts.comparison import Change, Comparison, compare

AGE, PLAN = Subject("age"), Subject("plan")


def of(subject: Subject, bound: Bound, check: str = "check", measure: str = "m") -> Constraint:
    return Constraint(check, subject, measure, bound)


def words(before: Bound, after: Bound, measure: str = "m", private: tuple[str, ...] = ()) -> tuple[str, str] | None:
    """What is told of one constraint that changes; None if nothing is."""
    found = compare([of(PLAN, before, measure=measure)], [of(PLAN, after, measure=measure)], private)
    assert found.same == 1 - len(found.changes)
    return (found.changes[0].before, found.changes[0].after) if found.changes else None


def spread(shift: float, n: int = 1000) -> Numbers:
    return Numbers(np.linspace(0, 1, n) + shift, np.ones(n, np.int64))


def near(to: Numbers | Categories, threshold: float = 0.1, level: float | None = 0.01) -> Near:
    distance = "kolmogorov_smirnov" if isinstance(to, Numbers) else "largest_share_change"
    return Near(to, distance, threshold, level)


def test_nothing_changes_from_a_baseline_to_itself() -> None:
    same = [of(AGE, Between(0.5)), of(PLAN, near(spread(0)), "drift")]
    assert compare(same, same) == Comparison(same=2)


def test_columns_that_come_and_go_are_named_even_where_nothing_else_is_judged_of_them() -> None:
    def all_of(*names: str) -> Constraint:
        return of(EVERYTHING, Within(frozenset(names), counted=True), "missing_column_check", "columns")

    found = compare([all_of("age", "plan", "x"), of(AGE, Between(1))], [all_of("age", "y"), of(AGE, Between(1))])
    assert (found.added, found.removed) == (("y",), ("plan", "x"))
    assert not found.changes and found.same == 2


def test_what_only_one_baseline_judges_is_told() -> None:
    found = compare([of(AGE, Between(high=3.0))], [of(PLAN, Between(0.25, 0.75))])
    assert found.changes == (
        Change("check", PLAN, "m", "", "at least 0.25 and at most 0.75"),
        Change("check", AGE, "m", "at most 3", ""),
    )


@pytest.mark.parametrize(
    "before, after, told",
    [
        (Between(0.9), Between(0.8), ("at least 0.9", "at least 0.8")),
        (Between(0.9, drawn=Share(9, 10)), Between(0.9, drawn=Share(90, 100)), None),
        (Between(0.9, level=0.01), Between(0.9, level=0.02), None),
        (Between(0.9), Unlearned("no row has a label"), ("at least 0.9", "not learned: no row has a label")),
        (Within(frozenset("ab")), Within(frozenset("ab"), 0.9), ("of 2 values", "90 % of 2 values")),
    ],
)
def test_a_bound_changes_if_its_words_do(before: Bound, after: Bound, told: tuple[str, str] | None) -> None:
    assert words(before, after) == told


def test_types_are_named() -> None:
    integral, text = Within(frozenset({"Integral"})), Within(frozenset({"Fractional", "Integral"}))
    assert words(integral, text, "types") == ("Integral", "Fractional or Integral")
    assert words(integral, text, "types", ("plan",)) == ("Integral", "Fractional or Integral")


def test_new_values_are_named_if_enough_rows_have_them_and_their_column_is_not_private() -> None:
    before = Within(frozenset({"basic", "old"}), drawn=Categories({"basic": 50, "old": 9}))
    after = Within(frozenset({"basic", "gold", "Ann"}), drawn=Categories({"basic": 50, "gold": 10, "Ann": 2}))
    assert words(before, after) == ("of 2 values", "of 3 values: 2 new ('gold', …), 1 gone")
    for private in ("plan",), ("*",):
        assert words(before, after, private=private) == ("of 2 values", "of 3 values: 2 new, 1 gone")


def test_a_distribution_changes_if_it_moved_further_than_chance_takes_it() -> None:
    assert words(near(spread(0)), near(spread(0.01))) is None
    assert words(near(spread(0)), near(spread(0.085))) == (
        "kolmogorov smirnov at most 0.1",
        "kolmogorov smirnov at most 0.1; compared with what is in force: kolmogorov smirnov 0.085",
    )
    told = words(near(spread(0)), near(spread(0.5)))
    assert told and told[1].endswith("kolmogorov smirnov 0.5, which would be a violation")


def test_another_threshold_or_another_kind_of_distribution_is_told() -> None:
    assert words(near(spread(0)), near(spread(0), 0.2)) == (
        "kolmogorov smirnov at most 0.1",
        "kolmogorov smirnov at most 0.2",
    )
    told = words(near(spread(0)), near(Categories({"a": 5})))
    assert told and told[1].startswith("largest share change at most 0.1; compared with what is in force: ")
    assert told[1].endswith("not of one kind")


def test_of_a_p_value_only_a_violation_tells_a_change() -> None:
    def chi(counts: dict[str, int]) -> Near:
        return Near(Categories(counts), "chi_squared", 0.05)

    assert words(chi({"a": 500, "b": 500}), chi({"a": 505, "b": 495})) is None
    told = words(chi({"a": 500, "b": 500}), chi({"a": 900, "b": 100}))
    assert told and told[0] == "p-value at least 0.05" and "which would be a violation" in told[1]
