"""Which texts does a report keep, at the edge of the rule and of what files may hold?"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_monitor.results.anonymous import FEWEST_ROWS, Anonymity

NOTHING_FOUND: dict[str, Any] = {"reason": "", "findings": []}


def column(counts: dict[str, int]) -> dict[str, Any]:
    """A text column's entry of statistics.json."""
    buckets = [{"value": value, "count": n} for value, n in counts.items()]
    common = {"num_present": sum(counts.values()), "num_missing": 0}
    distribution = {"categorical": {"buckets": buckets}}
    statistics = {"common": common, "distinct_count": float(len(counts)), "distribution": distribution}
    return {"name": "a", "inferred_type": "String", "string_statistics": statistics}


def anonymous(**files: dict[str, Any]) -> dict[str, Any]:
    documents = {f"{name}.json": document for name, document in files.items()}
    return Anonymity().of(documents, NOTHING_FOUND)[0]


@given(st.dictionaries(st.text(max_size=3), st.integers(1, 2 * FEWEST_ROWS), max_size=20))
def test_a_bucket_stays_if_enough_rows_have_it_and_no_row_is_lost(counts: dict[str, int]) -> None:
    kept = anonymous(statistics={"features": [column(counts)]})
    written = kept["statistics.json"]["features"][0]["string_statistics"]["distribution"]["categorical"]
    assert {b["value"]: b["count"] for b in written["buckets"]} == {v: n for v, n in counts.items() if n >= FEWEST_ROWS}
    other = written.get("other", {"values": 0, "count": 0})
    assert other["count"] + sum(b["count"] for b in written["buckets"]) == sum(counts.values())
    assert other["values"] + len(written["buckets"]) == len(counts)
    assert Anonymity().of(kept, NOTHING_FOUND)[0] == kept


@pytest.mark.parametrize(("least", "stays"), [(FEWEST_ROWS - 1, False), (FEWEST_ROWS, True)])
def test_a_domain_stays_whole_or_goes_as_part_of_it_would_refuse_the_rest(least: int, stays: bool) -> None:
    own = {"name": "a", "inferred_type": "String", "string_constraints": {"domains": ["x", "y"]}}
    kept = anonymous(statistics={"features": [column({"x": 50, "y": least})]}, constraints={"features": [own]})
    assert ("string_constraints" in kept["constraints.json"]["features"][0]) == stays


def test_predictions_of_model_quality_are_a_column_like_others() -> None:
    kept = anonymous(statistics={"predictions": column({"x": 50, "free text": 1})})
    assert "free text" not in str(kept)


@pytest.mark.parametrize("known", [True, False])
def test_a_small_segment_stays_if_the_baseline_knows_it(known: bool) -> None:
    segments = [
        {"segment": {"a": value}, "dataset": {"item_count": n}} for value, n in (("x", 50), ("Sm", 3), ("ll", 2))
    ]
    finding = {"measure": "completeness", "column": "b", "segment": {"a": "Sm"}, "reason": ""}
    execution = {"reason": "", "findings": [finding] if known else []}
    kept, _ = Anonymity().of({"statistics.json": {"segments": segments}}, execution)
    named = [entry["segment"]["a"] for entry in kept["statistics.json"]["segments"]]
    assert named == (["x", "Sm"] if known else ["x"])
    left_out = {"segments": 1, "rows": 2} if known else {"segments": 2, "rows": 5}
    assert kept["statistics.json"]["other_segments"] == left_out


def test_without_a_rule_files_stay_the_same_objects() -> None:
    files = {"statistics.json": {"features": [column({"x": 1})]}}
    assert Anonymity(fewest=0).of(files, NOTHING_FOUND)[0]["statistics.json"] is files["statistics.json"]
