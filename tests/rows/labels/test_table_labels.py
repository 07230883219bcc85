"""Tables of labels, in the formats and spellings that people have."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from model_monitor.errors import ConfigError
from model_monitor.rows.labels.files import LabelFile
from model_monitor.rows.labels.reading import parts_of, read
from model_monitor.rows.labels.table import LabelColumns, LabelTable

COLUMNS = LabelColumns("ride", "fare", "paid_at")
ROWS = [("a", "1", "2026-01-05T03:00:00Z"), ("b", None, "2026-01-05T04:00:00Z"), ("c", "0", "2026-01-05T05:30:00Z")]


def everything(keys: np.ndarray) -> np.ndarray:
    return np.ones(len(keys), bool)


def frame(rows: list[tuple[Any, ...]] = ROWS) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["ride", "fare", "paid_at"]).assign(tip=3.5)


def parquet(path: Path, table: pd.DataFrame) -> None:
    pq.write_table(pa.Table.from_pandas(table), path)


WRITERS: dict[str, Callable[[Path, pd.DataFrame], None]] = {
    "t.csv": lambda path, table: table.to_csv(path, index=False),
    "t.csv.gz": lambda path, table: table.to_csv(path, index=False),
    "semicolons.csv": lambda path, table: table.to_csv(path, index=False, sep=";"),
    "t.tsv": lambda path, table: table.to_csv(path, index=False, sep="\t"),
    "with index.csv": lambda path, table: table.to_csv(path),
    "t.parquet": parquet,
    "t.jsonl": lambda path, table: table.to_json(path, orient="records", lines=True),
    "list.json": lambda path, table: table.to_json(path, orient="records"),
}


def labels_in(folder: Path, table: LabelTable, until: datetime | None = None) -> list[tuple[Any, ...]]:
    files = [LabelFile(None, file) for file in table.all_files(str(folder))]
    labels, _ = read(files, parts_of(files, everything, table, until))
    hours = labels.hours_of(np.arange(len(labels)))
    return list(zip(labels.data.to_pylist(), labels.encodings.to_pylist(), hours, strict=True))


@pytest.mark.parametrize("name", WRITERS)
def test_the_same_labels_are_read_from_every_format(tmp_path: Path, name: str) -> None:
    WRITERS[name](tmp_path / name, frame())
    labels = labels_in(tmp_path, LabelTable(COLUMNS))
    assert labels == [("1", "CSV", "2026-01-05T03:00:00Z"), ("0", "CSV", "2026-01-05T05:00:00Z")]


@pytest.mark.parametrize("name", ["t.csv", "t.parquet", "t.jsonl"])
def test_only_labels_that_were_known_by_a_moment_count(tmp_path: Path, name: str) -> None:
    WRITERS[name](tmp_path / name, frame())
    until = datetime(2026, 1, 5, 5, tzinfo=UTC)
    assert labels_in(tmp_path, LabelTable(COLUMNS), until) == [("1", "CSV", "2026-01-05T03:00:00Z")]


@pytest.mark.parametrize(
    "moments",
    [
        pa.array([datetime(2026, 1, 5, 3, 30)], pa.timestamp("ns")),
        pa.array([datetime(2026, 1, 5, 3, 30, tzinfo=UTC)], pa.timestamp("ms", "Europe/Vienna")),
        pa.array([1767583800], pa.int64()),
        pa.array([1767583800000], pa.int64()),
        pa.array([1767583800.5], pa.float64()),
        pa.array(["2026-01-05T04:30:00+01:00"]),
        pa.array(["1767583800"]),
        pa.array(["2026-01-05 03:30:00"]).dictionary_encode(),
    ],
    ids=lambda column: str(column.type),
)
def test_times_are_read_as_tables_have_them(tmp_path: Path, moments: pa.Array) -> None:
    pq.write_table(pa.table({"ride": ["a"], "fare": ["1"], "paid_at": moments}), tmp_path / "t.parquet")
    assert labels_in(tmp_path, LabelTable(COLUMNS)) == [("1", "CSV", "2026-01-05T03:00:00Z")]


@pytest.mark.parametrize("day", [pa.array([date(2026, 1, 5)]), pa.array(["2026-01-05"])], ids=["date", "text"])
def test_a_date_counts_as_its_last_hour(tmp_path: Path, day: pa.Array) -> None:
    pq.write_table(pa.table({"ride": ["a"], "fare": ["1"], "paid_at": day}), tmp_path / "t.parquet")
    assert labels_in(tmp_path, LabelTable(COLUMNS)) == [("1", "CSV", "2026-01-05T23:00:00Z")]


@pytest.mark.parametrize(
    ("label", "data", "encoding"),
    [
        (pa.array(["late"]), "late", "CSV"),
        (pa.array(['a, "b"']), '"a, \\"b\\""', "JSON"),
        (pa.array([7]), "7", "CSV"),
        (pa.array([0.5]), "0.5", "CSV"),
        (pa.array([True]), "true", "CSV"),
        (pa.array([[0, 1]]), "[0,1]", "JSON"),
        (pa.array(["yes"]).dictionary_encode(), "yes", "CSV"),
    ],
    ids=["text", "comma", "integer", "double", "boolean", "list", "dictionary"],
)
def test_labels_of_every_type_are_read(tmp_path: Path, label: pa.Array, data: str, encoding: str) -> None:
    pq.write_table(pa.table({"ride": ["a"], "fare": label}), tmp_path / "t.parquet")
    [(found, how, _)] = labels_in(tmp_path, LabelTable(LabelColumns("ride", "fare")))
    assert (found, how) == (data, encoding)


@pytest.mark.parametrize("nothing", [None, float("nan")], ids=["null", "NaN"])
def test_a_row_without_a_label_is_no_label_yet(tmp_path: Path, nothing: Any) -> None:
    parquet(tmp_path / "t.parquet", pd.DataFrame({"ride": ["a", "b"], "fare": [nothing, 1.5]}))
    (tmp_path / "t.jsonl").write_text('{"ride": "a", "fare": null}\n{"ride": "b", "fare": 1.5}\n{"ride": "c"}\n')
    for kind in ("parquet", "jsonl"):
        labels = labels_in(tmp_path, LabelTable(LabelColumns("ride", "fare"), kind))
        assert [data for data, _, _ in labels] == ["1.5"]


@pytest.mark.parametrize("ids", [pa.array([7, 8]), pa.array([7.0, 8.0]), pa.array(["7", "8"])], ids=str)
def test_whole_numbers_name_the_same_requests_however_they_are_stored(tmp_path: Path, ids: pa.Array) -> None:
    pq.write_table(pa.table({"ride": ids, "fare": [1, 0]}), tmp_path / "t.parquet")
    (tmp_path / "t.csv").write_text("ride,fare\n7,1\n8,0\n")
    keys = []
    for kind in ("parquet", "csv"):
        table = LabelTable(LabelColumns("ride", "fare"), kind)
        files = [LabelFile(None, file) for file in table.all_files(str(tmp_path))]
        labels, _ = read(files, parts_of(files, everything, table))
        keys.append(labels.keys.tolist())
    assert keys[0] == keys[1]


def test_what_is_no_label_is_set_aside_with_its_line_in_the_words_of_the_table(tmp_path: Path) -> None:
    rows = ["ride,fare,paid_at", "a,1,2026-01-05T03:00Z", ",1,2026-01-05T03:00Z", "b,1,01/05/2026", "c,1"]
    path = tmp_path / "t.csv"
    path.write_text("\n".join([*rows, "d,1,", "e,0,2026-01-05T03:00Z"]) + "\n")
    table = LabelTable(COLUMNS)
    files = [LabelFile(None, file) for file in table.all_files(str(path))]
    labels, reading = read(files, parts_of(files, everything, table))
    assert labels.data.to_pylist() == ["1", "0"] and labels.lines.tolist() == [2, 7]
    assert {one.line: one.reason for one in reading.kept} == {
        3: "ride is missing",
        4: "paid_at: '01/05/2026' is no ISO 8601 time and no epoch",
        5: "2 values where the first line has 3",
        6: "paid_at is missing",
    }
    assert (reading.records[str(path)], reading.rejected[str(path)]) == (6, 4)


@pytest.mark.parametrize("name", ["t.csv", "t.parquet", "t.jsonl"])
@pytest.mark.parametrize("column", ["ride", "fare", "paid_at"])
def test_a_column_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path, name: str, column: str) -> None:
    WRITERS[name](tmp_path / name, frame().rename(columns={column: "else"}))
    words = f"{column}, which ground_truth.mapping names; it has .*else"
    with pytest.raises(ConfigError, match=words):
        labels_in(tmp_path, LabelTable(COLUMNS))


def test_csv_without_names_is_read_by_position(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,1\nb,0\n")
    assert len(labels_in(tmp_path, LabelTable(LabelColumns("_c0", "_c1"), header=False))) == 2


def test_a_delta_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "_delta_log").mkdir()
    with pytest.raises(ConfigError, match="Delta table"):
        LabelTable(COLUMNS).all_files(str(tmp_path))


def test_large_json_is_read_in_parts_and_numbers_keep_their_spelling(tmp_path: Path) -> None:
    lines = [json.dumps({"ride": i, "fare": 1.50}) for i in range(70_000)]
    (tmp_path / "t.jsonl").write_text("\n".join(lines).replace("1.5", "1.50"))
    labels = labels_in(tmp_path, LabelTable(LabelColumns("ride", "fare")))
    assert (len(labels), labels[-1][0]) == (70_000, "1.50")
