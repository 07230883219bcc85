"""Does the sentence of a violation say what changed, from what to what, and how far beyond chance?"""

from __future__ import annotations

import re

import numpy as np
import pytest

from model_monitor.core.constraints import Between, Bound, Constraint, Near, Within
from model_monitor.core.distributions import Categories, Numbers
from model_monitor.core.evaluation import evaluate
from model_monitor.core.measures import Estimate, Measure, Share, Subject
from model_monitor.results.anonymous import Anonymity
from model_monitor.results.sentences import quantiles, sentence_of

AMOUNT = Subject("amount")


def told(
    bound: Bound, measure: Measure, name: str = "spread", subject: Subject = AMOUNT, anonymity: Anonymity | None = None
) -> str:
    constraint = Constraint("check", subject, name, bound)
    measures = {(subject, name): measure}
    (finding,) = evaluate([constraint], measures)
    assert finding.outcome == "violated"
    return sentence_of(finding, measures, anonymity or Anonymity())


def normal(mean: float, scale: float = 1.0, n: int = 2000) -> Numbers:
    return Numbers(np.sort(np.random.default_rng(1).normal(mean, scale, n)), np.ones(n, int))


def test_a_shifted_number_is_told_by_its_median() -> None:
    before, after = Numbers(np.full(2000, 19.0), np.ones(2000, int)), Numbers(np.full(2000, 15.0), np.ones(2000, int))
    assert told(Near(before, "kolmogorov_smirnov", 0.1, 1e-4), after) == (
        "amount: median 19 → 15 (distance 1; chance alone reaches 0.07513; p-value 0; threshold 0.1)"
    )


def test_a_number_that_only_spreads_is_told_by_the_end_that_moved() -> None:
    sentence = told(Near(normal(0), "kolmogorov_smirnov", 0.1), normal(0, 10))
    assert sentence.startswith(("amount: 90 % quantile 1.", "amount: 10 % quantile -1."))
    assert "chance" not in sentence  # no level, so it was not weighed


def test_numbers_that_crowd_together_are_told_with_where_they_do() -> None:
    chance = np.random.default_rng(4)
    crowd = np.where(chance.random(2000) < 0.12, chance.normal(0.5, 0.01, 2000), chance.normal(size=2000))
    sentence = told(Near(normal(0), "kolmogorov_smirnov", 0.0, 1e-4), Numbers(np.sort(crowd), np.ones(2000, int)))
    assert re.match(r"amount: 0\.4\d+ to 0\.5\d+: 0\.\d+ % → \d\S* % of values \(distance 0\.0", sentence), sentence


@pytest.mark.parametrize("weights", [np.ones(100, int), np.arange(1, 101)])
def test_quantiles_are_those_of_the_rows(weights: np.ndarray) -> None:
    values = np.sort(np.random.default_rng(2).normal(size=100))
    shares = [0.0, 0.1, 0.5, 0.9, 1.0]
    rows = np.repeat(values, weights)
    expected = np.quantile(rows, shares, method="inverted_cdf")
    assert quantiles(Numbers(values, weights), shares) == pytest.approx(expected)


def test_a_category_is_told_with_its_shares() -> None:
    before, now = Categories({"AA": 120, "BB": 880}), Categories({"AA": 300, "BB": 700})
    assert told(Near(before, "largest_share_change", 0.1), now) == (
        "amount: 'AA' 12 % → 30 % of values (distance 0.18; threshold 0.1)"
    )
    assert "p-value" in told(Near(before, "chi_squared", 0.05), now)


def test_new_values_are_named_with_their_rows() -> None:
    now = Categories({"AT": 970, "XX": 20, "YY": 10}, rest=0)
    sentence = told(Within(frozenset({"AT"})), now, "values")
    assert sentence == "amount: 30 rows (3 %) with values not in the baseline: 'XX' (20 rows), 'YY' (10 rows)"


def test_texts_of_few_rows_and_of_private_columns_are_not_named() -> None:
    now = Categories({"AT": 970, "XX": 21, "Ada Lovelace": 9})
    sentence = told(Within(frozenset({"AT"})), now, "values")
    assert sentence == "amount: 30 rows (3 %) with values not in the baseline: 'XX' (21 rows), 1 more"
    private = Anonymity(private=("amount",))
    assert told(Within(frozenset({"AT"})), now, "values", anonymity=private) == (
        "amount: 30 rows (3 %) with values not in the baseline"
    )
    near = Near(Categories({"AT": 5, "BB": 5}), "largest_share_change", 0.1)
    assert "Ada" not in told(near, Categories({"AT": 1, "Ada": 9}))
    assert "AT" not in told(near, Categories({"AT": 100}), anonymity=private)


def test_of_a_private_number_no_value_is_told() -> None:
    private = Anonymity(private=("amount",))
    sentence = told(Near(normal(50), "kolmogorov_smirnov", 0.1), normal(60), anonymity=private)
    assert sentence.startswith("amount: its values moved (distance ")
    assert "50" not in sentence and "60" not in sentence


def test_values_of_another_type_are_counted_by_type() -> None:
    now = Categories({"Integral": 90, "String": 10})
    sentence = told(Within(frozenset({"Integral"})), now, "types")
    assert sentence == "amount: 10 rows (10 %) with values not of the baseline's type: 'String' (10 rows)"


def test_columns_that_are_missing_or_new_are_named() -> None:
    everything, now = Subject(), Categories({"a": 1, "c": 1})
    assert told(Within(frozenset("ab"), 2, counted=True), now, "columns", everything) == "columns missing: b"
    assert told(Within(frozenset("ab")), now, "columns", everything) == "columns not in the baseline: c"


def test_missing_values_are_told_as_such() -> None:
    bound = Between(low=0.99, level=0.01, drawn=Share(990, 1000))
    assert told(bound, Share(900, 1000), "completeness") == (
        "amount: missing 1 % → 10 % of rows (100 of 1,000), beyond chance, p-value 4.787e-21"
    )


def test_a_metric_is_told_with_its_bound_and_chance() -> None:
    bound = Between(low=0.7, level=0.01, drawn=Estimate(0.75, 0.001, 5000))
    sentence = told(bound, Estimate(0.6, 0.01, 1000), "auc", Subject())
    assert sentence.startswith("auc 0.75 → 0.6 (must be at least 0.7; chance alone explains 0.02")
    assert told(Between(high=1.0), 2.5, "minimum") == "amount: minimum 2.5 (must be at most 1)"


def test_a_segment_is_named() -> None:
    assert told(Between(high=1.0), 2.0, "m", AMOUNT.within("origin", "JFK")).startswith("amount [origin=JFK]: ")


def test_a_name_of_any_length_makes_a_short_sentence() -> None:
    sentence = told(Within(frozenset({"AT"})), Categories({"x" * 10_000: 50}), "values")
    assert len(sentence) < 200
    columns = Categories({"y" * 10_000: 1})
    assert len(told(Within(frozenset("a")), columns, "columns", Subject())) < 200
