"""Ground-truth records, as they are written in the wild."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.truths import truth

from model_monitor import store
from model_monitor.core.hashing import hash_values
from model_monitor.rows.labels import reading as labels
from model_monitor.rows.labels.files import LabelFile, Labels, collected_in


def everything(keys: np.ndarray) -> np.ndarray:
    return np.ones(len(keys), bool)


def read(folder: Path) -> tuple[Labels, labels.Reading]:
    files = [LabelFile.of(file) for file in store.list_files(str(folder))]
    return labels.read(files, labels.parts_of(files, everything))


def put(folder: Path, content: bytes | str, name: str = "2026/01/05/03/1.jsonl") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    content = content.encode() if isinstance(content, str) else content
    path.write_bytes(gzip.compress(content, mtime=0) if name.endswith(".gz") else content)
    return path


ONE, TWO = truth("a", "1"), truth("b", "0")


@pytest.mark.parametrize(
    "content",
    [
        f"{json.dumps(ONE)}\n{json.dumps(TWO)}\n",
        f"{json.dumps(ONE)}\r\n\r\n  {json.dumps(TWO)}",
        json.dumps([ONE, TWO]),
        f"{json.dumps([ONE])}\n{json.dumps(TWO)}\n",
        json.dumps([ONE, TWO], indent=2),
        "\ufeff" + json.dumps(ONE) + "\n" + json.dumps(TWO),
        "\ufeff" + json.dumps([ONE, TWO], indent=2),
        json.dumps(ONE | {"custom": {"deep": [1, None]}}) + "\n" + json.dumps(TWO),
    ],
    ids=[
        "lines",
        "blank lines",
        "one list",
        "list and object",
        "list over lines",
        "byte order mark",
        "mark and list",
        "more members",
    ],
)
@pytest.mark.parametrize("name", ["2026/01/05/03/1.jsonl", "2026/01/05/03/1.json.gz"])
def test_records_are_read_however_they_are_put_into_lines(tmp_path: Path, content: str, name: str) -> None:
    put(tmp_path, content, name)
    found, reading = read(tmp_path)
    assert found.keys.tolist() == hash_values(pa.array(["a", "b"])).tolist()
    assert found.data.to_pylist() == ["1", "0"]
    assert (sum(reading.records.values()), reading.kept) == (2, [])


def test_one_bad_record_of_a_list_costs_no_other(tmp_path: Path) -> None:
    put(tmp_path, json.dumps([ONE, None, 17, TWO]))
    found, reading = read(tmp_path)
    assert found.data.to_pylist() == ["1", "0"]
    assert [one.reason for one in reading.kept] == ["not a label record: record is not an object"] * 2


def test_a_list_with_a_record_on_each_line_may_be_of_any_size(tmp_path: Path) -> None:
    many = 100_000
    put(tmp_path, "[\n" + ",\n".join(json.dumps(truth(f"e{i}", "1")) for i in range(many)) + "\n]\n")
    found, reading = read(tmp_path)
    assert (len(found), reading.kept) == (many, [])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "not JSON, perhaps cut off; write a record per line"),
        ("null", "not a label record: record is not an object"),
        ("17", "not a label record: record is not an object"),
        ("[null]", "not a label record: record is not an object"),
        (json.dumps(truth("a", 1)), "not a label record: data is not a text"),
        (json.dumps({"groundTruthData": {"data": "1", "encoding": "CSV"}}), "no eventMetadata.eventId"),
        (json.dumps(truth("", "1")), "no eventMetadata.eventId"),
        (json.dumps({"eventMetadata": "a"}), "not a label record: eventMetadata is not an object"),
        (b"\xff\xfe", "not JSON, perhaps cut off; write a record per line"),
    ],
)
def test_what_is_no_record_is_set_aside_with_file_and_line_and_loses_no_other(
    tmp_path: Path, line: str | bytes, reason: str
) -> None:
    bad = line if isinstance(line, bytes) else line.encode()
    path = put(tmp_path, json.dumps(ONE).encode() + b"\n" + bad + b"\n" + json.dumps(TWO).encode())
    found, reading = read(tmp_path)
    assert found.data.to_pylist() == ["1", "0"]
    [rejected] = reading.kept
    assert (rejected.file, rejected.line, rejected.reason) == (str(path), 2, reason)
    assert reading.records[str(path)] == 3


def test_only_wanted_labels_are_kept_and_all_are_counted(tmp_path: Path) -> None:
    path = put(tmp_path, "".join(json.dumps(truth(f"e{i}", str(i))) + "\n" for i in range(1000)))
    some = hash_values(pa.array(["e7", "e700"]))
    files = [LabelFile.of(store.list_files(str(path))[0])]
    found, reading = labels.read(files, labels.parts_of(files, lambda keys: np.isin(keys, some)))
    assert (found.data.to_pylist(), found.lines.tolist()) == (["7", "700"], [8, 701])
    assert reading.records[str(path)] == 1000


@pytest.mark.parametrize(
    ("address", "hours"),
    [
        ("s3://b/labels/2026/01/05/03/1.jsonl?region=x", (3, 3)),
        ("/labels/2026/01/05/23/4559.jsonl", (23, 23)),
        ("/labels/2026/01/05/07/30/part-0/1.jsonl", (7, 7)),
        ("/2020/01/01/labels/2026/01/05/07/1.jsonl", (7, 7)),
        ("/labels/2026/01/05/1.jsonl", (0, 23)),
        ("/labels/2026/13/05/03/1.jsonl", None),
        ("/labels/1.jsonl", None),
    ],
)
def test_a_folder_tells_when_its_labels_were_collected(address: str, hours: tuple[int, int] | None) -> None:
    assert collected_in(address) == (
        (None, None) if hours is None else tuple(datetime(2026, 1, 5, hour, tzinfo=UTC) for hour in hours)
    )


def values(*pairs: tuple[str | None, str | None], attribute: str | int = "label") -> list[Any]:
    """The labels of each record, or the reason why there are none."""
    data, encodings = (pa.array(side, pa.string()) for side in zip(*pairs, strict=True))
    keys = np.zeros(len(pairs), np.uint64)
    some = Labels([], keys, keys.astype(np.int32), keys.astype(np.int64), data, encodings).values(attribute)
    texts = some.texts.to_pylist()
    return [
        some.problems.get(i) or texts[start : start + count]
        for i, (start, count) in enumerate(zip(some.starts, some.counts, strict=True))
    ]


def test_labels_are_taken_out_of_csv_and_json() -> None:
    assert values(("1", "CSV"), ("0\n", "CSV"), ("", "CSV"), ("x", None)) == [["1"], ["0"], [None], ["x"]]
    assert values(("1\n0\n", "CSV"), ('{"label": 1.0}', "JSON"), ("[1, 0]", "JSON")) == [
        ["1", "0"],
        ["1.0"],
        ["1", "0"],
    ]
    nested = ('{"instances":[{"label":0},{"label":1}]}', "JSON")
    assert values(nested, attribute="instances[*].label") == [["0", "1"]]
    assert values(("a,1,b", "CSV"), attribute=1) == [["1"]]


def test_a_record_whose_label_cannot_be_told_says_why() -> None:
    [csv, encoding, keys] = values(("a,b,c", "CSV"), ("MQ==", "BASE64"), ('{"x":1,"y":2}', "JSON"))
    assert "index" in csv
    assert "BASE64" in encoding
    assert "x" in keys
    assert "y" in keys


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(st.lists(st.tuples(texts, st.sampled_from(["CSV", "JSON", None])), min_size=1, max_size=20))
def test_ground_truth_as_json_is_what_was_read(pairs: list[tuple[str, str | None]]) -> None:
    data, encodings = (pa.array(side, pa.string()) for side in zip(*pairs, strict=True))
    keys = np.zeros(len(pairs), np.uint64)
    written = Labels([], keys, keys.astype(np.int32), keys.astype(np.int64), data, encodings).as_json()
    assert [json.loads(text) for text in written.to_pylist()] == [{"data": d, "encoding": e} for d, e in pairs]
