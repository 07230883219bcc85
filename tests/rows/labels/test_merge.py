"""Rows joined with their labels, judged by a join in plain Python."""

from __future__ import annotations

import json
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.captures import at, lines, record
from support.truths import truth

from model_monitor import store
from model_monitor.errors import ConfigError, DataError
from model_monitor.rows import blocks
from model_monitor.rows.collect import Span, collect
from model_monitor.rows.labels import reading as labels
from model_monitor.rows.labels.files import LabelFile
from model_monitor.rows.labels.merge import Joining, merge
from model_monitor.rows.payloads import payload
from model_monitor.rows.summary import Summary, summary_of


def merged(
    folder: Path, records: list[dict[str, Any]], truths: list[Any], joining: Joining | None = None, names: Any = None
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], Summary]:
    """The merged rows, the merged records, and what is told of both."""
    captured, label_file = folder / "capture.jsonl", folder / "labels.jsonl"
    captured.write_bytes(lines(records))
    label_file.write_bytes(lines(truths))
    files = store.list_files(str(captured))
    names = names or payload.Names()
    rows, target, left = (str(folder / name) for name in ("rows.parquet", "merged.parquet", "left.jsonl"))
    span = Span(None, rows, {"files": []})
    collect(
        lambda work: map(work, blocks.blocks(files)),
        lambda some: payload.decode(some, names),
        [span],
        lambda file: 0,
        keep_records=True,
    )
    label_files = [LabelFile.of(f) for f in store.list_files(str(label_file))]
    came, reading = labels.read(label_files, labels.parts_of(label_files, lambda keys: keys == keys))
    origin = {"files": [[str(label_file), 0, 0]]}
    summary = merge(rows, came.sorted_by_key(), joining or Joining("label"), target, left, reading.summary(origin))
    written = Path(left).read_text().splitlines() if Path(left).exists() else []
    return pq.read_table(target).to_pylist(), [json.loads(line) for line in written], summary


def pairs(rows: list[dict[str, Any]]) -> list[tuple[str, str | None, bool]]:
    return [(row["@event_id"], row["label"], row["@labelled"]) for row in rows]


def test_a_label_names_the_inference_id_or_the_event_id_where_the_caller_gave_none(tmp_path: Path) -> None:
    asked = [record("e1", inference="i1"), record("e2"), record("e3", inference=""), record("e4", inference="i4")]
    truths = [truth("i1", "1"), truth("e2", "0"), truth("e3", "1"), truth("e4", "0"), truth("elsewhere", "1")]
    rows, left, summary = merged(tmp_path, asked, truths)
    assert pairs(rows) == [("e1", "1", True), ("e2", "0", True), ("e3", "1", True), ("e4", None, False)]
    assert [one["eventMetadata"]["eventId"] for one in left] == ["e1", "e2", "e3"]
    found = {"requests": 4, "matched": 3, "records": 3, "duplicates": 0, "mismatched": 0, "dropped": 0}
    assert summary.labels == found | {"files": {str(tmp_path / "labels.jsonl"): [5, 0]}, "hours": {"": 3}}


def test_a_merged_record_is_the_captured_one_with_its_ground_truth(tmp_path: Path) -> None:
    asked = record("e1", '7,"a ""b"" \\ ü"\n', '{"x": 1}', at(1), inference="i1")
    _, [left], _ = merged(tmp_path, [asked], [truth("i1", '{"label": "ü\\n\\""}', "JSON")])
    assert left == asked | {"groundTruthData": {"data": '{"label": "ü\\n\\""}', "encoding": "JSON"}}


def test_every_pair_is_merged_or_only_that_with_the_last_label(tmp_path: Path) -> None:
    asked, truths = [record("e1"), record("e2")], [truth("e1", "1"), truth("e2", "0"), truth("e1", "0")]
    rows, left, summary = merged(tmp_path, asked, truths)
    assert pairs(rows) == [("e1", "1", True), ("e1", "0", True), ("e2", "0", True)]
    assert (len(left), summary.labels["duplicates"], summary.labels["matched"]) == (3, 1, 2)
    rows, left, summary = merged(tmp_path, asked, truths, Joining("label", "last"))
    assert pairs(rows) == [("e1", "0", True), ("e2", "0", True)]
    assert (len(left), summary.labels["duplicates"], summary.labels["matched"]) == (2, 1, 2)


def test_a_label_that_was_delivered_twice_is_told_from_a_second_opinion(tmp_path: Path) -> None:
    asked = [record("e1"), record("e2")]
    truths = [truth("e1", "1"), truth("e2", "0"), truth("e1", "1"), truth("e1", "0"), truth("e1", "0")]
    rows, _, _ = merged(tmp_path, asked, truths)
    found = [(row["@event_id"], row["label"], row["@repeated"]) for row in rows]
    first = [("e1", "1", False), ("e1", "1", True), ("e1", "0", False), ("e1", "0", True)]
    assert found == [*first, ("e2", "0", False)]


def test_one_record_labels_all_rows_of_a_request_in_their_order(tmp_path: Path) -> None:
    asked = [record("e1", "1,a\n2,b\n", "0.1\n0.2"), record("e2", "3,c\n", "0.3")]
    truths = [truth("e1", '{"instances":[{"label":0},{"label":1}]}', "JSON"), truth("e2", "1")]
    rows, left, _ = merged(tmp_path, asked, truths, Joining("instances[*].label"))
    assert [(row["_c0"], row["instances[*].label"]) for row in rows] == [("0.1", "0"), ("0.2", "1"), ("0.3", "1")]
    assert len(left) == 2


def test_labels_that_do_not_fit_their_request_are_set_aside_and_counted(tmp_path: Path) -> None:
    asked = [record("e1", "1,a\n2,b\n", "0.1\n0.2"), record("e2"), record("e3")]
    truths = [truth("e1", "1"), truth("e2", "1,2"), truth("e3", "0")]
    rows, left, summary = merged(tmp_path, asked, truths)
    assert pairs(rows) == [("e1", None, False), ("e1", None, False), ("e2", None, False), ("e3", "0", True)]
    assert (len(left), summary.labels["mismatched"], summary.labels["matched"]) == (1, 2, 1)
    reasons = [(one["line"], one["reason"]) for one in summary.kept]
    assert reasons[0] == (1, "1 labels for 2 predictions")
    assert (reasons[1][0], "index" in reasons[1][1]) == (2, True)


def test_without_labels_rows_stay_and_no_merged_records_are_left(tmp_path: Path) -> None:
    (tmp_path / "left.jsonl").write_text("of an earlier run\n")
    rows, left, summary = merged(tmp_path, [record("e1")], [truth("other", "1")])
    assert (pairs(rows), left) == ([("e1", None, False)], [])
    assert not (tmp_path / "left.jsonl").exists()
    assert summary_of(str(tmp_path / "merged.parquet")) == summary


def test_a_captured_column_of_the_labels_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="has a column 'label'"):
        merged(tmp_path, [record("e1", {"label": 1})], [truth("e1", "1")])


ids = st.sampled_from([f"id{i}" for i in range(8)])
captures = st.lists(st.tuples(ids, st.one_of(st.none(), ids)), max_size=12, unique_by=lambda pair: pair[0])


@settings(max_examples=60, deadline=None)
@given(captures, st.lists(st.tuples(ids, st.sampled_from("01")), max_size=16), st.sampled_from(["all", "last"]))
def test_the_join_is_that_of_plain_python(asked: Any, truths: Any, duplicates: Any) -> None:
    if not asked:
        return
    with tempfile.TemporaryDirectory() as folder:
        records = [record(event, inference=inference) for event, inference in asked]
        rows, left, summary = merged(
            Path(folder), records, [truth(i, label) for i, label in truths], Joining("label", duplicates)
        )
    labels_of = defaultdict(list)
    for i, label in truths:
        labels_of[i].append(label)
    expected = []
    for event, inference in asked:
        mine = labels_of[inference or event]
        mine = mine[-1:] if duplicates == "last" else mine
        expected += [(event, label, True) for label in mine] or [(event, None, False)]
    assert pairs(rows) == expected
    assert [(one["eventMetadata"]["eventId"], one["groundTruthData"]["data"], True) for one in left] == [
        pair for pair in expected if pair[2]
    ]
    assert summary.labels["requests"] == len(asked)
    assert summary.labels["matched"] == len({event for event, _, labelled in expected if labelled})


def test_one_id_for_all_requests_is_told_instead_of_joining_each_with_each(tmp_path: Path) -> None:
    asked = [record(f"e{i}", inference="default") for i in range(300)]
    with pytest.raises(DataError, match="300 labels name one request, 'default'"):
        merged(tmp_path, asked, [truth("default", "1")] * 300)
    rows, _, _ = merged(tmp_path, asked, [truth("default", "1")] * 300, Joining("label", "last"))
    assert len(rows) == 300
