"""The page of Great Expectations about a window: made of the State, harmless, and the same each time."""

from __future__ import annotations

import re

import pyarrow as pa
import pytest

from model_monitor.core.segments import By, Segmented
from model_monitor.monitors.data_quality import DataQuality
from model_monitor.monitors.expectations import Expectations, Joined, Rule
from model_monitor.results import data_docs

SCRIPT = "<script>alert(1)</script>"
ROWS = pa.record_batch({"plan": ["a", SCRIPT, "b"] * 30, "x<b>y": [1.0, 2.0, 3.0] * 30})
QUANTILES = {"quantiles": [0.1, 0.5], "value_ranges": [[-2, 0], [-0.1, 0.1]]}
RULES = Expectations(
    (
        Rule("expect_column_values_to_be_in_set", {"column": "plan", "value_set": ["a"]}),
        Rule("expect_column_mean_to_be_between", {"column": "x<b>y", "min_value": 5}),
        Rule("expect_column_mean_to_be_between", {"column": "nope", "min_value": 5}),
        Rule("expect_column_quantile_values_to_be_between", {"column": "x<b>y", "quantile_ranges": QUANTILES}),
        Rule("unexpected_rows_expectation", {"unexpected_rows_query": "SELECT * FROM {batch} WHERE plan = 'b'"}),
    )
)


def page(monitor: object = RULES) -> str:
    state = monitor.observe(ROWS)  # type: ignore[attr-defined]
    return data_docs.page(monitor, state, "rules", "2026-01-05T03:00:00Z/2026-01-05T04:00:00Z").decode()


def test_it_shows_each_rule_with_what_was_counted() -> None:
    text = page()
    assert "60 unexpected values found" in re.sub(r"\s+", " ", text)
    assert "there is no column &" in text or "there is no column '" in text
    assert "values must belong to this set" in text


def test_it_is_the_same_each_time_and_for_rules_beside_a_monitor_and_in_segments() -> None:
    assert page() == page() == page(Joined(DataQuality(), RULES)) == page(Segmented(RULES, (By("plan", RULES),)))


OLD_CONDITION = {"row_condition": 'col("plan") == "<b>"', "condition_parser": "great_expectations"}
NEW_CONDITION = {"type": "comparison", "column": {"name": "plan"}, "operator": "<", "parameter": "b"}


@pytest.mark.parametrize(
    "rule",
    [
        Rule("expect_column_values_to_be_null", {"column": "plan"} | OLD_CONDITION),
        Rule("expect_column_values_to_be_null", {"column": "plan", "row_condition": NEW_CONDITION}),
        Rule("expect_column_values_to_match_regex", {"column": "plan", "regex": "(?P<x>a)<"}),
        Rule("expect_column_values_to_match_json_schema", {"column": "plan", "json_schema": {"title": "<i>"}}),
        Rule("expect_column_values_to_match_like_pattern", {"column": "plan", "like_pattern": "<%"}),
        Rule("expect_column_pair_values_to_be_equal", {"column_A": "plan", "column_B": "x<b>y"}),
        Rule("expect_column_pair_values_to_be_in_set", {
            "column_A": "plan", "column_B": "plan", "value_pairs_set": [["<", "b"]]}),
        Rule("expect_table_columns_to_match_set", {"column_set": ["<u>"]}),
        Rule("expect_table_row_count_to_be_between", {"min_value": 1}),
        Rule("expect_column_kl_divergence_to_be_less_than", {
            "column": "plan", "threshold": 0.1, "partition_object": {"values": ["a", "<"], "weights": [0.5, 0.5]}}),
        Rule("expect_column_values_to_be_unique", {"column": "plan"}, description="<em>plans</em>", notes="<em>"),
    ],
    ids=lambda rule: rule.type,
)  # fmt: skip
def test_each_kind_of_rule_has_a_place_on_it_and_brings_no_html(rule: Rule) -> None:
    text = page(Expectations((rule,)))
    assert 'id="section-2"' in text and "Rendering failed" not in text
    assert not [tag for tag in ("<i>", "<u>", "<em>", "(?P<x>", "x<b>y") if tag in text]


def test_what_callers_sent_is_no_html_and_looking_at_it_does_not_tell_gx() -> None:
    text = page()
    assert SCRIPT not in text and "x<b>y" not in text and "&lt;script&gt;alert(1)" in text
    assert "great-expectations-web-assets" not in text
