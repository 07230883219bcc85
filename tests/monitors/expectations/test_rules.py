"""Rules are judged as Great Expectations judges them; plain pandas is the independent judge."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from model_monitor.core import laws
from model_monitor.core.evaluation import evaluate
from model_monitor.core.measures import Share
from model_monitor.core.monitor import fold
from model_monitor.core.segments import By, Segmented
from model_monitor.core.states import dump, load
from model_monitor.monitors.data_quality import DataQuality
from model_monitor.monitors.expectations import Expectations, Joined, Rule, library
from model_monitor.monitors.expectations.rowwise import lowest_of
from model_monitor.monitors.expectations.state import EXAMPLES, Checked
from model_monitor.monitors.expectations.suite import words_of

N = 2000
DRAW = np.random.default_rng(0)
FRAME = pd.DataFrame(
    {
        "minutes": [str(i % 300) if i % 50 else None for i in range(N)],
        "ratio": [f"{x:.3f}" for x in DRAW.normal(10, 2, N)],
        "origin": DRAW.choice(["EWR", "JFK", "LGA"], N),
        "departure": [str(9 + i % 3) for i in range(N)],  # as texts, "9" would come after "10"
        "arrival": [str(10 + i % 2) for i in range(N)],
        "typed": DRAW.normal(size=N),
        "count": pd.array([i if i % 9 else None for i in range(N)], dtype="Int64"),
        "late": [i % 3 == 0 for i in range(N)],
    }
)
ROWS = pa.RecordBatch.from_pandas(FRAME, preserve_index=False)
NUMBERS = FRAME.assign(
    **{name: pd.to_numeric(FRAME[name]) for name in ("minutes", "ratio", "departure", "arrival", "count")}
)


def rule(name: str, **kwargs: Any) -> Rule:
    return Rule(name, kwargs)


BETWEEN = "expect_column_values_to_be_between"
ROW_WISE: list[tuple[Rule, Callable[[pd.DataFrame], pd.Series]]] = [  # what is unexpected, by plain pandas
    (
        rule(BETWEEN, column="minutes", min_value=5, max_value=250),
        lambda f: ~f.minutes.between(5, 250) & f.minutes.notna(),
    ),
    (rule(BETWEEN, column="ratio", min_value=8, strict_min=True), lambda f: f.ratio <= 8),
    (rule("expect_column_values_to_be_in_set", column="origin", value_set=["EWR", "JFK"]), lambda f: f.origin == "LGA"),
    (rule("expect_column_values_to_not_be_in_set", column="minutes", value_set=[7]), lambda f: f.minutes == 7),
    (rule("expect_column_values_to_be_in_set", column="late", value_set=[True]), lambda f: ~f.late),
    (rule("expect_column_values_to_not_be_null", column="minutes"), lambda f: f.minutes.isna()),
    (rule("expect_column_values_to_be_null", column="count"), lambda f: f["count"].notna()),
    (rule("expect_column_values_to_match_regex", column="origin", regex="^[EJ]"), lambda f: f.origin == "LGA"),
    (rule("expect_column_value_lengths_to_equal", column="origin", value=3), lambda f: f.origin.str.len() != 3),
    (
        rule("expect_column_pair_values_a_to_be_greater_than_b", column_A="arrival", column_B="departure"),
        lambda f: f.arrival <= f.departure,
    ),
    (
        rule("expect_multicolumn_sum_to_equal", column_list=["arrival", "departure"], sum_total=20),
        lambda f: f.arrival + f.departure != 20,
    ),
    (
        rule(
            BETWEEN,
            column="ratio",
            max_value=11,
            row_condition={
                "type": "comparison",
                "column": {"name": "origin"},
                "operator": "==",
                "parameter": "JFK",
            },
        ),
        lambda f: (f.ratio > 11) & (f.origin == "JFK"),
    ),
]
WHOLE: list[tuple[Rule, Callable[[pd.DataFrame], float]]] = [  # the number that is judged, by plain pandas
    (rule("expect_column_mean_to_be_between", column="ratio", min_value=9, max_value=11), lambda f: f.ratio.mean()),
    (rule("expect_column_stdev_to_be_between", column="typed", max_value=0.5), lambda f: f.typed.std()),
    (rule("expect_column_max_to_be_between", column="count", max_value=1999), lambda f: f["count"].max()),
    (rule("expect_column_min_to_be_between", column="minutes", min_value=2), lambda f: f.minutes.min()),
    (rule("expect_column_median_to_be_between", column="minutes", min_value=2), lambda f: f.minutes.median()),
    (rule("expect_column_sum_to_be_between", column="departure", max_value=2), lambda f: f.departure.sum()),
    (
        rule("expect_column_unique_value_count_to_be_between", column="origin", min_value=3),
        lambda f: f.origin.nunique(),
    ),
    (rule("expect_table_row_count_to_equal", value=N), len),
    (rule("unexpected_rows_expectation", unexpected_rows_query="SELECT * FROM {batch} WHERE minutes > 290"),
     lambda f: (f.minutes > 290).sum()),
]  # fmt: skip
OTHERS = [
    rule("expect_column_max_to_be_between", column="count", max_value=1999, strict_max=True),
    rule("expect_column_values_to_be_unique", column="count"),
    rule("expect_compound_columns_to_be_unique", column_list=["origin", "typed"]),
    rule("expect_column_value_z_scores_to_be_less_than", column="typed", threshold=3, double_sided=True, mostly=0.9),
    rule("expect_column_distinct_values_to_be_in_set", column="origin", value_set=["EWR", "JFK"]),
    rule(
        "expect_column_quantile_values_to_be_between",
        column="typed",
        quantile_ranges={"quantiles": [0.1, 0.5], "value_ranges": [[-2, 0], [-0.2, 0.2]]},
    ),
    rule("expect_column_values_to_be_of_type", column="count", type_="int64"),
    rule("expect_column_values_to_be_in_type_list", column="minutes", type_list=["int", "float"]),
    rule("expect_table_columns_to_match_set", column_set=["origin"], exact_match=False),
    rule("expect_column_to_exist", column="origin"),
    rule("expect_column_values_to_match_like_pattern", column="origin", like_pattern="E%"),
]


def judged(rules: list[Rule], rows: pa.RecordBatch = ROWS) -> list[Any]:
    monitor = Expectations(tuple(rules))
    state = monitor.observe(rows)
    return evaluate(monitor.required(state), monitor.measure(state))


@pytest.mark.parametrize(("asked", "unexpected"), ROW_WISE, ids=lambda one: getattr(one, "type", ""))
def test_as_many_rows_are_unexpected_as_pandas_counts(
    asked: Rule, unexpected: Callable[[pd.DataFrame], pd.Series]
) -> None:
    monitor = Expectations((asked,))
    state = fold(monitor, [ROWS.slice(0, 700), ROWS.slice(700)])
    [tally] = state.tallies
    assert asked.how == "rows" and tally.problem.text == ""
    assert tally.unexpected == int(unexpected(NUMBERS).fillna(False).sum())
    judged_rows = N if not asked.condition else int((NUMBERS.origin == "JFK").sum())
    assert tally.evaluated + tally.missing == judged_rows
    share = (tally.evaluated - tally.unexpected) / tally.evaluated
    for mostly, outcome in [(share, "holds"), (min(1.0, share + 1e-9), "violated")]:
        if share < 1:
            [finding] = judged([Rule(asked.type, asked.kwargs | {"mostly": mostly})])
            assert finding.outcome == outcome


@pytest.mark.parametrize(("asked", "number"), WHOLE, ids=lambda one: getattr(one, "type", ""))
def test_the_number_is_that_of_pandas_and_the_verdict_that_of_gx(
    asked: Rule, number: Callable[[pd.DataFrame], float]
) -> None:
    [finding] = judged([asked])
    assert finding.observed == pytest.approx(float(number(NUMBERS)))
    assert finding.outcome == ("holds" if succeeds(asked) else "violated")


def succeeds(asked: Rule) -> bool:
    """What Great Expectations itself says of the rows as pandas has them."""
    if asked.type == "unexpected_rows_expectation":
        return False
    gx = library.imported()
    from great_expectations.expectations.registry import get_expectation_impl

    source = gx.get_context(mode="ephemeral").data_sources.add_pandas("judge")
    batch = source.add_dataframe_asset("a").add_batch_definition_whole_dataframe("b").get_batch({"dataframe": NUMBERS})
    return bool(batch.validate(get_expectation_impl(asked.type)(**asked.kwargs)).success)


@pytest.mark.parametrize("asked", OTHERS, ids=lambda one: one.type)
def test_rules_without_a_number_are_judged_as_gx_judges_them(asked: Rule) -> None:
    [finding] = judged([asked])
    unlike = "expect_column_values_to_match_like_pattern"  # which GX can't do in pandas
    assert finding.outcome == ("holds" if asked.type != unlike and succeeds(asked) else "violated")


def test_the_laws_hold_of_all_kinds_of_rules_and_of_segments() -> None:
    monitor = Expectations(tuple([one for one, _ in ROW_WISE] + [one for one, _ in WHOLE] + OTHERS))
    laws.check(monitor, ROWS)
    few = Expectations((ROW_WISE[0][0], WHOLE[0][0]))
    laws.check(Segmented(few, (By("origin", few),)), ROWS)


def test_the_laws_hold_of_a_monitor_with_rules_beside_it() -> None:
    rules = Expectations((ROW_WISE[0][0], WHOLE[0][0]))
    laws.check(Joined(DataQuality(), rules), ROWS)
    laws.check(Joined(Segmented(DataQuality(), (By("origin", DataQuality()),)), rules), ROWS)


def test_segments_have_a_finding_for_each_rule() -> None:
    monitor = Segmented(few := Expectations((ROW_WISE[0][0],)), (By("origin", few),))
    state = monitor.observe(ROWS)
    segments = [c.subject.segment for c in monitor.required(state)]
    assert segments == [(), *((("origin", value),) for value in state.by[0].items)]


def test_what_needs_a_whole_column_is_refused_beyond_a_stated_size() -> None:
    asked = [rule("expect_column_mean_to_be_between", column="typed", min_value=-1), ROW_WISE[0][0], OTHERS[-2]]
    asked.append(rule("expect_table_row_count_to_equal", value=N))
    monitor = Expectations(tuple(asked), whole_window_mb=0.01)
    parts = [monitor.observe(ROWS.slice(start, 500)) for start in range(0, N, 500)]
    state = load(dump(parts[0] + parts[1] + parts[2] + parts[3]), monitor.empty)
    assert state.held.batches == () and state.held.size == 8 * N
    mean, between, exists, count = evaluate(monitor.required(state), monitor.measure(state))
    assert mean.reason == "it needs whole columns, which take 0.0 MB, more than the 0.01 MB of whole_window_mb"
    assert (between.outcome, exists.outcome, count.outcome) == ("violated", "holds", "holds")


def test_the_size_of_what_is_held_does_not_depend_on_how_rows_are_cut() -> None:
    monitor = Expectations((rule("expect_column_values_to_be_unique", column="ratio"),))
    sizes = {fold(monitor, [ROWS.slice(i, n) for i in range(0, N, n)]).held.size for n in (N, 7, 333)}
    assert len(sizes) == 1


def test_one_rule_with_other_arguments_has_a_measure_of_its_own() -> None:
    twice = Expectations((ROW_WISE[0][0], rule(BETWEEN, column="minutes", max_value=9)))
    assert [name for _, name in twice.keys] == [BETWEEN, f"{BETWEEN} (2)"]


def test_examples_are_the_same_however_rows_come_and_are_as_written() -> None:
    monitor = Expectations((rule(BETWEEN, column="ratio", max_value=10),))
    whole, parts = monitor.observe(ROWS), fold(monitor, [ROWS.slice(1500), ROWS.slice(0, 1500)])
    assert dict(whole.tallies[0].examples.rows) == dict(parts.tallies[0].examples.rows)
    assert {text for _, text in whole.tallies[0].examples.rows} <= set(FRAME.ratio)


@pytest.mark.parametrize("different", [3, 12, 5000, 1 << 40])
def test_the_lowest_hashes_are_found_with_exact_counts_however_many_there_are(different: int) -> None:
    hashes = np.random.default_rng(1).integers(0, different, 5000).astype(np.uint64)
    values, counts = np.unique(hashes, return_counts=True)
    lowest, first, found = lowest_of(hashes)
    assert (lowest.tolist(), found.tolist()) == (values[:EXAMPLES].tolist(), counts[:EXAMPLES].tolist())
    assert hashes[first].tolist() == lowest.tolist()


def test_of_private_columns_no_value_is_kept() -> None:
    for private in (("ratio",), ("*",)):
        [tally] = Expectations((rule(BETWEEN, column="ratio", max_value=10),), private=private).observe(ROWS).tallies
        assert tally.unexpected and not tally.examples.rows


@pytest.mark.parametrize(
    ("name", "share"), [("int", 4 / 7), ("int64", 4 / 7), ("float", 1 / 7), ("bool", 1 / 7), ("str", 1 / 7)]
)
def test_the_type_of_a_text_is_how_it_is_written(name: str, share: float) -> None:
    rows = pa.record_batch({"x": ["1", "2", "-3", "007", "1.0", "true", "word", None]})
    [finding] = judged([rule("expect_column_values_to_be_of_type", column="x", type_=name)], rows)
    assert finding.observed == pytest.approx(share)


def test_words_are_gx_s_own_or_the_rule_s() -> None:
    asked = rule(BETWEEN, column="minutes", min_value=0, mostly=0.95)
    assert words_of(asked) == "minutes values must be greater than or equal to 0, at least 95 % of the time"
    assert words_of(Rule(asked.type, asked.kwargs, description="No flight takes less than no time")).startswith(
        "No flight"
    )
    assert "quantile_ranges" in words_of(OTHERS[5])  # for which GX has no sentence


def test_a_state_of_rules_holds_shares_that_json_can_hold() -> None:
    monitor = Expectations((OTHERS[5],))
    [outcome] = monitor.outcomes(monitor.observe(ROWS))
    assert isinstance(outcome.measure, Share) and type(outcome.observed["values"][0]) is float


def test_gx_is_told_to_send_nothing_and_has_no_project_folder(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    judged([WHOLE[0][0]])
    assert not list(tmp_path.iterdir())
    assert "posthog" not in sys.modules


def test_empty_rows_ask_gx_nothing() -> None:
    monitor = Expectations((rule("no_such_rule", column="x"),))
    assert isinstance(monitor.observe(ROWS.slice(0, 0)), Checked)
