"""Whatever the rows hold, a rule holds, is violated, or is undefined with a reason; it never raises."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from model_monitor.core.evaluation import evaluate
from model_monitor.core.states import dump, load
from model_monitor.errors import ConfigError
from model_monitor.monitors.expectations import Expectations, Rule
from model_monitor.monitors.expectations.suite import problems_of
from model_monitor.results.documents import documents_of
from model_monitor.results.documents.protocol import encode

KINDS: dict[str, pa.Array] = {  # columns of each kind, each with a value that is odd
    "numerals": pa.array(["1", "2.5", None, "-3", "+ 4", "007"]),
    "words": pa.array(["a", "", None, "ü", "NaN", "1e999"]),
    "mixed": pa.array(["1", "x", None, "true", "2", "3"]),
    "nothing": pa.nulls(6, pa.string()),
    "null": pa.nulls(6),
    "floats": pa.array([1.0, float("nan"), float("inf"), None, -0.0, 1e308]),
    "ints": pa.array([1, None, 2**62, -5, 0, 7]),
    "bytes": pa.array([b"\xff", b"", None, b"a", b"b", b"c"]),
    "flags": pa.array([True, False, None, True, True, False]),
    "times": pa.array([datetime(2026, 1, d, tzinfo=UTC) if d % 2 else None for d in range(1, 7)]),
    "decimals": pa.array([Decimal("1.10"), None, Decimal("2"), Decimal("3"), Decimal("4"), Decimal("5")]),
    "lists": pa.array([[1, 2], None, [], [3], [4], [5]]),
    "structs": pa.array([{"a": 1}, None, {"a": 2}, {"a": 3}, {"a": 4}, {"a": 5}]),
    "coded": pa.array(["x", None, "y", "x", "y", "7"]).dictionary_encode(),
}
RULES = [
    ("expect_column_values_to_be_between", {"min_value": 0, "max_value": 10}),
    ("expect_column_values_to_be_between", {"min_value": datetime(2026, 1, 2)}),
    ("expect_column_values_to_be_in_set", {"value_set": [1, 2]}),
    ("expect_column_values_to_be_in_set", {"value_set": ["a", "1"]}),
    ("expect_column_values_to_match_regex", {"regex": "^a"}),
    ("expect_column_values_to_match_regex", {"regex": "("}),
    ("expect_column_values_to_not_be_null", {}),
    ("expect_column_values_to_be_unique", {}),
    ("expect_column_values_to_be_increasing", {}),
    ("expect_column_value_z_scores_to_be_less_than", {"threshold": 3, "double_sided": True}),
    ("expect_column_values_to_be_of_type", {"type_": "int64"}),
    ("expect_column_values_to_match_strftime_format", {"strftime_format": "%Y"}),
    ("expect_column_values_to_be_json_parseable", {}),
    ("expect_column_mean_to_be_between", {"min_value": 0}),
    ("expect_column_max_to_be_between", {"max_value": 3, "strict_max": True}),
    ("expect_column_quantile_values_to_be_between",
     {"quantile_ranges": {"quantiles": [0.5], "value_ranges": [[0, 1]]}}),
    ("expect_column_distinct_values_to_be_in_set", {"value_set": ["a"]}),
    ("expect_column_most_common_value_to_be_in_set", {"value_set": ["a"]}),
    ("expect_column_kl_divergence_to_be_less_than",
     {"partition_object": {"values": ["a", "b"], "weights": [0.5, 0.5]}, "threshold": 0.1}),
    ("expect_column_values_to_match_like_pattern", {"like_pattern": "a%"}),
]  # fmt: skip


def outcome(rows: pa.RecordBatch, *rules: Rule, **options: Any) -> list[Any]:
    """The findings, by way of all that a report is made of."""
    monitor = Expectations(rules, **options)
    state = load(dump(monitor.observe(rows)), monitor.empty)
    findings = evaluate(monitor.required(state), monitor.measure(state))
    documents = documents_of(monitor)
    for document in (documents.statistics(state), documents.violations(findings, state), documents.suggested(state)):
        encode(document)
    for finding in findings:
        json.dumps(documents.details(finding, state), allow_nan=False)
        assert (finding.outcome == "undefined") == bool(finding.reason)
    return findings


@pytest.mark.parametrize("column", KINDS)
def test_any_rule_on_any_kind_of_column_has_an_outcome(column: str) -> None:
    rules = [Rule(name, {"column": column} | kwargs) for name, kwargs in RULES]
    pair = Rule("expect_column_pair_values_a_to_be_greater_than_b", {"column_A": column, "column_B": "mixed"})
    rows = pa.record_batch([*KINDS.values()], names=[*KINDS])
    assert len(outcome(rows, *rules, pair)) == len(RULES) + 1


def test_a_column_that_is_not_there_is_undefined() -> None:
    rows = pa.record_batch({"a": ["1"]})
    for name, kwargs in RULES:
        [finding] = outcome(rows, Rule(name, {"column": "nope"} | kwargs))
        assert (finding.outcome, finding.reason) == ("undefined", "there is no column 'nope'")
    condition = {"type": "comparison", "column": {"name": "nope"}, "operator": ">", "parameter": 1}
    [finding] = outcome(rows, Rule("expect_column_values_to_be_null", {"column": "a", "row_condition": condition}))
    assert finding.reason == "there is no column 'nope'"


def test_a_wrong_type_is_undefined_with_what_gx_says() -> None:
    rows = pa.record_batch({"word": ["a", "b"], "number": ["1", "2"]})
    mean, between, pair, sql = outcome(
        rows,
        Rule("expect_column_mean_to_be_between", {"column": "word", "min_value": 0}),
        Rule("expect_column_values_to_be_between", {"column": "word", "min_value": 0}),
        Rule("expect_column_pair_values_a_to_be_greater_than_b", {"column_A": "number", "column_B": "word"}),
        Rule("unexpected_rows_expectation", {"unexpected_rows_query": "SELECT nope FROM {batch}"}),
    )
    assert {f.outcome for f in (mean, between, pair, sql)} == {"undefined"}
    assert (
        "mean" in mean.reason and "type" in between.reason and "str" in pair.reason and "no such column" in sql.reason
    )
    assert not any("Traceback" in f.reason or "\n" in f.reason for f in (mean, between, pair, sql))


def test_no_value_of_a_private_column_is_in_a_reason() -> None:
    rows = pa.record_batch({"mail": ["eve@example.org", "3"]})
    rules = [Rule(name, {"column": "mail"} | kwargs) for name, kwargs in RULES]
    monitor = Expectations(tuple(rules), private=("mail",))
    state = monitor.observe(rows)
    findings = evaluate(monitor.required(state), monitor.measure(state))
    documents = documents_of(monitor)
    texts = [json.dumps(documents.violations(findings, state)), json.dumps(documents.statistics(state)), repr(findings)]
    assert not any("eve@" in text for text in texts) and b"eve@" not in dump(monitor.observe(rows.select([])))


def test_no_rows_and_no_values_are_never_green() -> None:
    rules = [Rule(name, {"column": "a"} | kwargs) for name, kwargs in RULES]
    monitor = Expectations(tuple(rules))
    assert {f.outcome for f in evaluate(monitor.required(monitor.empty), monitor.measure(monitor.empty))} == {
        "undefined"
    }
    findings = outcome(pa.record_batch({"a": pa.nulls(5, pa.string())}), *rules)
    known = {f.constraint.measure: (f.outcome, f.reason) for f in findings}
    assert known.pop("expect_column_values_to_not_be_null") == ("violated", "")
    assert {outcome for outcome, _ in known.values()} == {"undefined"}
    assert known["expect_column_mean_to_be_between"][1] == "all 5 values are missing"


def test_a_missing_value_is_no_example() -> None:
    rows = pa.record_batch({"text": ["null", None, "a", None]})
    monitor = Expectations((Rule("expect_column_values_to_not_be_null", {"column": "text"}),))
    [finding] = evaluate(monitor.required(state := monitor.observe(rows)), monitor.measure(state))
    [told] = documents_of(monitor).violations([finding], state)["violations"]
    assert (told["unexpected_count"], told["examples"]) == (2, [])
    assert "null" not in told["description"].rpartition(":")[2]


def test_five_thousand_unexpected_values_of_ten_kilobytes_leave_a_small_state_and_report() -> None:
    rows = pa.record_batch({"text": [f"{i:05d}" * 2000 for i in range(5000)]})
    monitor = Expectations((Rule("expect_column_values_to_be_in_set", {"column": "text", "value_set": ["a"]}),))
    state = monitor.observe(rows)
    [finding] = evaluate(monitor.required(state), monitor.measure(state))
    document = documents_of(monitor).violations([finding], state)
    assert len(dump(state)) < 10_000 and len(encode(document)) < 10_000
    assert document["violations"][0]["unexpected_count"] == 5000
    assert all(len(text) == 101 and text.endswith("…") for text in document["violations"][0]["examples"])
    unique = Expectations((Rule("expect_column_values_to_be_unique", {"column": "text"}),), whole_window_mb=1)
    [finding] = evaluate(unique.required(state := unique.observe(rows)), unique.measure(state))
    assert finding.outcome == "undefined" and "47.7 MB" in finding.reason


def test_numbers_of_numpy_are_written_as_json_has_them() -> None:
    rows = pa.record_batch({"x": np.arange(10, dtype=np.float32), "y": np.arange(10, dtype=np.int8)})
    quantiles = {"quantiles": [0.5], "value_ranges": [[100, 200]]}
    outcome(
        rows,
        Rule("expect_column_quantile_values_to_be_between", {"column": "x", "quantile_ranges": quantiles}),
        Rule("expect_column_max_to_be_between", {"column": "y", "max_value": 1}),
        Rule("expect_column_most_common_value_to_be_in_set", {"column": "y", "value_set": [77]}),
        Rule("expect_column_values_to_be_in_set", {"column": "x", "value_set": [77]}),
    )


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (
            Rule("expect_column_values_to_be_betwen", {"column": "a"}),
            "did you mean 'expect_column_values_to_be_between'?",
        ),
        (Rule("ExpectColumnToExist", {"column": "a"}), "did you mean 'expect_column_to_exist'?"),
        (Rule("expect_column_to_exist", {"colum": "a"}), "no argument 'colum'; did you mean 'column'?"),
        (Rule("expect_column_to_exist", {}), "needs the argument 'column'"),
        (Rule("expect_column_values_to_be_null", {"column": "a", "mostly": 2}), "less than or equal to 1"),
        (Rule("expect_column_values_to_be_between", {"column": "a"}), "cannot both be None"),
        (
            Rule("expect_column_max_to_be_between", {"column": "a", "max_value": {"$PARAMETER": "x"}}),
            "the suite parameter 'x' has no value here",
        ),
        (
            Rule(
                "expect_column_values_to_be_null",
                {"column": "a", "row_condition": '@pd.io.common.os.system("id")', "condition_parser": "pandas"},
            ),
            "@ and __ reach into the program",
        ),
    ],
)
def test_a_rule_that_gx_does_not_accept_is_refused_in_words(rule: Rule, words: str) -> None:
    [(place, problem), *_] = problems_of(rule)
    assert words in problem and place[0] in ("type", "kwargs")
    with pytest.raises(ConfigError, match="expectation " + rule.type):
        Expectations((rule,)).observe(pa.record_batch({"a": ["1"]}))
