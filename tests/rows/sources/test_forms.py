"""Is a file read as what it is, whatever it is called, or refused with what to do?"""

from __future__ import annotations

import bz2
import gzip
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from model_monitor.errors import ConfigError, DataError, MonitorError
from model_monitor.rows.sources import forms
from model_monitor.rows.sources.datasets import Dataset, format_at

ROWS = [{"id": "1", "city": "Bern", "amount": "3.5"}, {"id": "2", "city": "Genf", "amount": "4"}]
TEXTS = [["id", "city", "amount"], *(list(row.values()) for row in ROWS)]


def rows_of(dataset: Dataset) -> list[dict[str, Any]]:
    return [row for piece in dataset.pieces() for batch in dataset.rows(piece) for row in batch.to_pylist()]


def csv_of(separator: str, rows: list[list[str]] | None = None) -> bytes:
    return "".join(separator.join(row) + "\n" for row in rows or TEXTS).encode()


def json_of() -> bytes:
    return "".join(json.dumps(row) + "\n" for row in ROWS).encode()


def parquet_of() -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(ROWS), sink)
    return sink.getvalue().to_pybytes()


def zstd_of(content: bytes, codec: str = "zstd") -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, codec) as stream:
        stream.write(content)
    return sink.getvalue().to_pybytes()


PACKING = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".zst": zstd_of,
    ".lz4": lambda content: zstd_of(content, "lz4"),
}
CONTENT = {"csv": csv_of(","), "tsv": csv_of("\t"), "jsonl": json_of(), "json": json.dumps(ROWS, indent=1).encode()}


@pytest.mark.parametrize("name", ["as its name says", "under a name that says nothing"])
@pytest.mark.parametrize("packing", PACKING)
@pytest.mark.parametrize("kind", CONTENT)
def test_format_and_compression_are_recognised(kind: str, packing: str, name: str, tmp_path: Path) -> None:
    file = tmp_path / (f"a.{kind}{packing}" if name.startswith("as") else "part-0")
    file.write_bytes(PACKING[packing](CONTENT[kind]))
    assert rows_of(Dataset.at(str(file))) == ROWS
    if name.startswith("as"):
        assert rows_of(Dataset.at(str(tmp_path))) == ROWS


@pytest.mark.parametrize("name", ["a.parquet", "part-0"])
def test_parquet_is_recognised(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(parquet_of())
    assert rows_of(Dataset.at(str(tmp_path / name))) == ROWS


def test_captures_are_told_from_json_lines(tmp_path: Path) -> None:
    for name, first in (("captures", b'{"captureData":{},"eventMetadata":{}}\n'), ("rows", json_of())):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.jsonl").write_bytes(first)
    assert format_at(str(tmp_path / "captures")) == "capture"
    assert format_at(str(tmp_path / "rows")) == "jsonl"


@pytest.mark.parametrize("mark", list(forms.FOREIGN), ids=[what.partition(";")[0] for what in forms.FOREIGN.values()])
@pytest.mark.parametrize("format", [None, "csv", "jsonl", "parquet"])
def test_what_is_not_read_is_called_by_its_name(mark: bytes, format: str | None, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(mark + bytes(range(256)))
    with pytest.raises(DataError, match=r"a.csv is (an? |compressed|text).*; .*"):
        rows_of(Dataset.at(str(tmp_path / "a.csv"), format))


@pytest.mark.parametrize(
    ("content", "format", "message"),
    [
        (parquet_of(), "csv", "is a Parquet file; set format: parquet"),
        (parquet_of(), "jsonl", "is a Parquet file; set format: parquet"),
        (csv_of(","), "parquet", "can't be read as Parquet"),
        (json_of(), "csv", "is JSON; set format: jsonl"),
        (json_of(), "parquet", "can't be read as Parquet"),
    ],
)
def test_a_format_that_is_not_the_files_is_refused(content: bytes, format: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(MonitorError, match=message):
        rows_of(Dataset.at(str(tmp_path / "a"), format))


def test_a_folder_of_several_formats_asks_which(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(csv_of(","))
    (tmp_path / "b.jsonl").write_bytes(json_of())
    with pytest.raises(ConfigError, match="several formats"):
        Dataset.at(str(tmp_path))
    assert rows_of(Dataset.at(str(tmp_path), "csv")) == ROWS


@pytest.mark.parametrize("is_set", [True, False])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_a_separator_is_recognised_or_set(separator: str, is_set: bool, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(csv_of(separator))
    assert rows_of(Dataset.at(str(tmp_path), separator=separator if is_set else None)) == ROWS


@pytest.mark.parametrize("separator", ["^", ":", "tab", "Semicolon"])
def test_any_separator_can_be_set(separator: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(csv_of({"tab": "\t", "Semicolon": ";"}.get(separator, separator)))
    assert rows_of(Dataset.at(str(tmp_path), separator=separator)) == ROWS


def test_quotes_and_decimal_commas_do_not_mislead(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b'id;city;amount\n1;"Bern; west\nside";3,5\n2;"a ""b""";4,5\n')
    assert [list(row.values()) for row in rows_of(Dataset.at(str(tmp_path)))] == [
        ["1", "Bern; west\nside", "3,5"],
        ["2", 'a "b"', "4,5"],
    ]


def test_one_column_of_texts_with_semicolons_stays_one_column(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"place\n48.1;11.5\n46.9;7.4\n")
    assert rows_of(Dataset.at(str(tmp_path))) == [{"place": "48.1;11.5"}, {"place": "46.9;7.4"}]


@pytest.mark.parametrize("separator", ["", ";;", '"', "\n", "é"])
def test_what_can_be_no_separator_is_refused(separator: str) -> None:
    with pytest.raises(ValueError, match="separator is one character"):
        forms.separator_of(separator)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("39,12.5,0", "41,13.5,1"),
        ("39,Private,12.5,yes", "50,State,13.5,no"),
        ("1.5,a", "2.5,b"),
        ("0,0,1", "1,0,1"),
    ],
)
def test_a_first_row_is_not_taken_for_names(first: str, second: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"{first}\n{second}\n")
    with pytest.raises(DataError, match=r"looks like a row.*set header: false"):
        rows_of(Dataset.at(str(tmp_path)))
    assert len(rows_of(Dataset.at(str(tmp_path), header=False))) == 2


@pytest.mark.parametrize("names", ["0,1,2", "country,2019,2020", "a,b,c"])
def test_names_that_happen_to_be_numbers_stay_names(names: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"{names}\nx,1,2\n")
    assert list(rows_of(Dataset.at(str(tmp_path)))[0]) == names.split(",")


def test_names_are_not_taken_for_a_row(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(csv_of(","))
    with pytest.raises(DataError, match="is the names of the columns; set header: true"):
        rows_of(Dataset.at(str(tmp_path), header=False, declared=("id", "city", "amount")))
    dataset = Dataset.at(str(tmp_path), header=False)
    assert len(rows_of(dataset)) == 3
    assert "looks like names of columns" in dataset.notices[0]


def test_without_a_header_the_declared_columns_name_the_dataset(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(csv_of(",", TEXTS[1:]))
    assert rows_of(Dataset.at(str(tmp_path), header=False, declared=("id", "city", "amount"))) == ROWS
    assert list(rows_of(Dataset.at(str(tmp_path), header=False, declared=("id", "city")))[0]) == ["_c0", "_c1", "_c2"]


@pytest.mark.parametrize("named", [None, "customer"])
@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_pandas_index_is_no_column(format: str, named: str | None, tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1, 2]}, index=pd.Index([7, 9], name=named))
    frame.to_csv(tmp_path / "a.csv") if format == "csv" else frame.to_parquet(tmp_path / "a.parquet")
    dataset, own = Dataset.at(str(tmp_path)), Dataset.at(str(tmp_path), keeps_index=True)
    is_told = named is None or format == "parquet"  # CSV has a named index as any column
    assert [[*row] for row in rows_of(dataset)] == [["a"] if is_told else [named, "a"]] * 2
    assert bool(dataset.notices) == is_told
    assert len(rows_of(own)[0]) == 2


@pytest.mark.parametrize("format", ["csv", "jsonl", "parquet"])
def test_folders_of_a_partition_are_columns_as_spark_and_pandas_read_them(format: str, tmp_path: Path) -> None:
    for folder in ("country=CH/day=1", "country=New%20York/day=2"):
        (tmp_path / folder).mkdir(parents=True)
        content = {"csv": b"a\n5\n", "jsonl": b'{"a": 5}\n', "parquet": None}[format]
        file = tmp_path / folder / f"part-0.{format}"
        file.write_bytes(content) if content else pq.write_table(pa.table({"a": ["5"]}), file)
    rows = sorted(rows_of(Dataset.at(str(tmp_path))), key=lambda row: str(row["day"]))
    assert rows == [
        {"a": "5", "country": "CH", "day": "1"},
        {"a": "5", "country": "New York", "day": "2"},
    ]
    if format == "parquet":
        theirs = pd.read_parquet(tmp_path).astype(str)
        assert theirs.to_dict("records") == rows


def test_a_partition_without_a_value_is_missing(tmp_path: Path) -> None:
    (tmp_path / "country=__HIVE_DEFAULT_PARTITION__").mkdir()
    (tmp_path / "country=__HIVE_DEFAULT_PARTITION__" / "a.csv").write_bytes(b"a\n5\n")
    assert rows_of(Dataset.at(str(tmp_path))) == [{"a": "5", "country": None}]


@pytest.mark.parametrize("rows", [1, 3])
def test_of_a_name_that_an_object_repeats_the_last_value_counts_as_in_pandas(rows: int, tmp_path: Path) -> None:
    text = '{"twice": 1, "twice": 2}\n' * rows
    (tmp_path / "a.jsonl").write_text(text)
    theirs = pd.read_json(tmp_path / "a.jsonl", lines=True).astype(str).to_dict("records")
    assert rows_of(Dataset.at(str(tmp_path))) == theirs


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_a_name_that_two_columns_have_is_refused(format: str, tmp_path: Path) -> None:
    file = tmp_path / f"a.{format}"
    if format == "parquet":
        pq.write_table(pa.Table.from_arrays([pa.array([1]), pa.array([2])], ["twice", "twice"]), file)
    else:
        file.write_bytes(b"twice,twice\n1,2\n")
    with pytest.raises(ConfigError, match="names column 'twice' twice"):
        rows_of(Dataset.at(str(file)))


@pytest.mark.parametrize("format", ["jsonl", "parquet"])
@pytest.mark.parametrize("values", [[["x"]], [{"k": 1}], [b"\xff"]], ids=["list", "object", "bytes"])
def test_what_is_excluded_need_not_be_readable(format: str, values: list[Any], tmp_path: Path) -> None:
    if format == "jsonl" and isinstance(values[0], bytes):
        pytest.skip("JSON has no bytes")
    if format == "jsonl":
        (tmp_path / "a.jsonl").write_text(json.dumps({"a": 5, "tags": values[0]}) + "\n")
    else:
        pq.write_table(pa.table({"a": ["5"], "tags": pa.array(values)}), tmp_path / "a.parquet")
    assert rows_of(Dataset.at(str(tmp_path), exclude=("tags",))) == [{"a": "5"}]
    dataset = Dataset.at(str(tmp_path))
    try:
        assert rows_of(dataset) == []
    except DataError as error:
        assert "column 'tags'" in str(error) and "exclude" in str(error)
    else:
        assert "exclude it" in dataset.summary.kept[0]["reason"]


@pytest.mark.parametrize("order", ["le", "be"])
@pytest.mark.parametrize(("kind", "format"), [("csv", None), ("csv", "csv"), ("jsonl", None), ("jsonl", "jsonl")])
def test_utf_16_without_a_mark_is_told(kind: str, format: str | None, order: str, tmp_path: Path) -> None:
    (tmp_path / f"a.{kind}").write_bytes(CONTENT[kind].decode().encode(f"utf-16-{order}"))
    with pytest.raises(DataError, match="is text in UTF-16; write it in UTF-8"):
        rows_of(Dataset.at(str(tmp_path / f"a.{kind}"), format))


@pytest.mark.parametrize("kind", CONTENT)
def test_a_file_that_was_unpacked_and_kept_its_name_is_read(kind: str, tmp_path: Path) -> None:
    (tmp_path / f"a.{kind}.gz").write_bytes(CONTENT[kind])
    assert rows_of(Dataset.at(str(tmp_path / f"a.{kind}.gz"))) == ROWS


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|", "^", "~", " "])
def test_excels_line_that_says_the_separator_is_followed(separator: str, end: str, mark: str, tmp_path: Path) -> None:
    text = f"{mark}sep={separator}\n{csv_of(separator).decode()}".replace("\n", end)
    (tmp_path / "a.csv").write_bytes(text.encode())
    assert rows_of(Dataset.at(str(tmp_path / "a.csv"))) == ROWS


@pytest.mark.parametrize(
    ("first", "words"),
    [
        ("id^city^amount", "has one column only, 'id^city^amount'; if there are more, set separator"),
        ("id  city  amount", "has one column only"),
        ("id\x01city\x01amount", "has one column only"),
        ("id:city:amount", "has one column only"),
        ("id | city | amount", "spaces around names of columns belong to them: 'id ', ' city ', ' amount'"),
        ("id, city, amount", "spaces around names of columns belong to them: ' city', ' amount'"),
        ("id,city,amount,", "column 4 has no name, as where lines end with a separator"),
        ("id,,amount", "column 2 has no name"),
        ("amount", ""),
        ("amount (%)", ""),
        ("id,city name,amount", ""),
    ],
)
def test_names_that_look_misread_are_warned_about(first: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"{first}\n" + f"{first.replace('id', '1').replace('amount', '2.5')}\n" * 20)
    dataset = Dataset.at(str(tmp_path / "a.csv"))
    rows_of(dataset)
    found = "; ".join(notice.removeprefix(f"{tmp_path}/a.csv") for notice in dataset.notices)
    assert words in found if words else not found
