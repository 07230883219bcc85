"""Does a dataset give the rows that its files hold, as they are written?"""

from __future__ import annotations

import csv
import decimal
import gzip
import io
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_monitor.core.states import dump
from model_monitor.engines.local import LOCAL
from model_monitor.errors import ConfigError, DataError
from model_monitor.jobs import by_hand
from model_monitor.monitors.data_quality import DataQuality
from model_monitor.rows.sources.datasets import Dataset

BOM = b"\xef\xbb\xbf"


def rows_of(dataset: Dataset) -> list[dict[str, Any]]:
    return [row for piece in dataset.pieces() for batch in dataset.rows(piece) for row in batch.to_pylist()]


def read(root: Path, format: str, header: bool = True) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The rows of the dataset in a folder, and what was set aside."""
    dataset = Dataset.at(str(root), format, header)
    rows = rows_of(dataset)
    assert dataset.summary.rejected == len(dataset.summary.kept)
    return rows, dataset.summary.kept


def put(root: Path, content: bytes, name: str = "a.csv") -> Path:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_bytes(content)
    return root


TWO = [{"a": "1", "b": "x"}, {"a": "2.0", "b": None}]


@pytest.mark.parametrize(
    "content",
    [
        b"a,b\n1,x\n2.0,\n",
        b"a,b\n1,x\n2.0,",
        b"a,b\r\n1,x\r\n2.0,\r\n",
        BOM + b"a,b\n1,x\n2.0,\n",
        b'"a","b"\n"1","x"\n"2.0",""\n',
        b"\na,b\n1,x\n\n2.0,\n",
    ],
    ids=["plain", "no final newline", "CRLF", "BOM", "quoted", "blank lines"],
)
def test_values_of_csv_are_texts_and_an_empty_one_is_missing(tmp_path: Path, content: bytes) -> None:
    assert read(put(tmp_path, content), "csv") == (TWO, [])
    (tmp_path / "a.csv").unlink()
    assert read(put(tmp_path, gzip.compress(content), "a.csv.gz"), "csv") == (TWO, [])


@pytest.mark.parametrize("content", [b"1,x\n2.0,\n", BOM + b"1,x\n2.0,\n", b"\n1,x\n2.0,\n"])
def test_csv_without_a_header_has_positions_for_names(tmp_path: Path, content: bytes) -> None:
    rows = [{"_c0": row["a"], "_c1": row["b"]} for row in TWO]
    assert read(put(tmp_path, content), "csv", header=False) == (rows, [])


@pytest.mark.parametrize("content", [b"", b"\n", b"a,b\n", b"a,b", BOM + b"a,b\r\n", BOM])
def test_csv_without_rows_has_none_and_is_nothing_to_learn_from(tmp_path: Path, content: bytes) -> None:
    assert read(put(tmp_path, content), "csv") == ([], [])
    with pytest.raises(DataError, match="nothing to learn from"):
        by_hand.baseline(
            by_hand.Question("data_quality", {}), by_hand.Source(str(tmp_path), "csv"), str(tmp_path / "out"), 0.01
        )


def test_rows_of_another_width_are_set_aside_and_counted(tmp_path: Path) -> None:
    put(tmp_path, b'a,b\n1,x\n1,2,3\n4\n"q\nq",y\n5,6,7\n2.0,\n')
    rows, rejected = read(tmp_path, "csv")
    assert rows == [TWO[0], {"a": "q\nq", "b": "y"}, TWO[1]]
    assert [one["record"] for one in rejected] == ["1,2,3", "4", "5,6,7"]
    assert [one["line"] for one in rejected][:2] == [3, 4]


def test_the_share_of_rows_set_aside_is_held_against_a_baseline(tmp_path: Path) -> None:
    put(tmp_path / "in", b"a,b\n" + b"1,x\n" * 99 + b"1\n")
    by_hand.baseline(
        by_hand.Question("data_quality", {}), by_hand.Source(str(tmp_path / "in"), "csv"), str(tmp_path / "out"), 0.01
    )
    counts = json.loads((tmp_path / "out/execution.json").read_text())["counts"]
    assert (counts["records"], counts["rejected"], counts["judged"]) == (100, 1, 99)
    put(tmp_path / "in", b"a,b\n" + b"1,x\n" * 98 + b"1\n")
    with pytest.raises(DataError, match=r"1 of 99 records.*a\.csv line 100"):
        by_hand.baseline(
            by_hand.Question("data_quality", {}),
            by_hand.Source(str(tmp_path / "in"), "csv"),
            str(tmp_path / "out"),
            0.01,
        )


def test_names_and_values_may_hold_newlines_commas_and_quotes(tmp_path: Path) -> None:
    put(tmp_path, b'"a\nx","b ""c"", d"\n"1\n\n2","say ""hi"", you"\n')
    assert read(tmp_path, "csv") == ([{"a\nx": "1\n\n2", 'b "c", d': 'say "hi", you'}], [])


@pytest.mark.parametrize(
    ("content", "error", "words"),
    [
        (b"a,a\n1,2\n", ConfigError, "twice"),
        (b"a,b\n1,\xff\n", DataError, "UTF.?8"),
        (b"a,\xff\n1,2\n", DataError, "write it anew in UTF-8"),
        (b"a,b\n1,\xff,3\n", DataError, "a.csv"),
        (b'"a,b\n' + b"1,2\n" * 50_000, DataError, "a.csv"),
    ],
    ids=["a name twice", "not UTF-8", "a header that is not UTF-8", "not UTF-8 and too wide", "a quote never closed"],
)
def test_csv_that_cannot_be_read_is_one_clear_error(tmp_path: Path, content: bytes, error: type, words: str) -> None:
    with pytest.raises(error, match=words) as raised:
        by_hand.baseline(
            by_hand.Question("data_quality", {}),
            by_hand.Source(str(put(tmp_path, content)), "csv"),
            str(tmp_path / "out"),
            0.01,
        )
    assert "a.csv" in str(raised.value) and "\n" not in str(raised.value)


PACKED = gzip.compress(b"a,b\n" + b"".join(b"%d,x\n" % i for i in range(5000)))


@pytest.mark.parametrize("harmed", ['"', '"\n"', 'x"'])
def test_a_quote_in_the_header_that_another_one_closes_far_below_eats_no_rows(tmp_path: Path, harmed: str) -> None:
    lines = ['"p,n,c', *(f"0.{i},{i},a" for i in range(40)), harmed, *(f"0.{i},{i},b" for i in range(20))]
    put(tmp_path, "\n".join(lines).encode(), "a.csv")
    with pytest.raises(DataError, match="in the header, a quote opens that does not close"):
        list(Dataset.at(str(tmp_path), "csv").batches())


@pytest.mark.parametrize(
    "content",
    [PACKED[:-4], PACKED[: len(PACKED) // 2], PACKED[:20], b"\x00a,b\n1,2\n"],
    ids=["trailer", "half", "head", "no gzip"],
)
@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_a_damaged_gzip_file_is_an_error_that_names_it(tmp_path: Path, content: bytes, format: str) -> None:
    put(tmp_path, content, f"a.{format}.gz")
    with pytest.raises(DataError, match=r"gz is damaged"):
        read(tmp_path, format)


def test_a_folder_holds_the_rows_of_its_files_in_the_order_of_their_names(tmp_path: Path) -> None:
    for i, name in enumerate(["b.csv", "a.csv", "sub/part-0.csv", "c.csv.gz"]):
        content = b"a\n%d\n" % i
        put(tmp_path, gzip.compress(content) if name.endswith("gz") else content, name)
    for name in ["_SUCCESS", "README.md", "_temporary/0/d.csv", ".ipynb_checkpoints/a.csv", ".a.csv.crc", "_e.csv"]:
        put(tmp_path, b"a\n9\n", name)
    assert [row["a"] for row in read(tmp_path, "csv")[0]] == ["1", "0", "3", "2"]


def test_a_single_file_may_have_any_name(tmp_path: Path) -> None:
    put(tmp_path, b"a\n1\n", "train.txt")
    assert rows_of(Dataset.at(str(tmp_path / "train.txt"), "csv")) == [{"a": "1"}]


@pytest.mark.parametrize("where", ["", "nothing", "readme.md/x"])
def test_no_dataset_is_an_error_that_says_what_was_looked_for(tmp_path: Path, where: str) -> None:
    put(tmp_path, b"", "readme.md")
    with pytest.raises(ConfigError, match=r"\.parquet"):
        Dataset.at(str(tmp_path / where), "parquet")
    with pytest.raises(ConfigError, match="format"):
        Dataset.at(str(tmp_path), "xlsx")


@given(
    st.lists(st.lists(st.text(st.sampled_from('a1,"\n é'), max_size=5), min_size=2, max_size=2), max_size=8),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_csv_is_what_was_written(rows: list[list[str]], end: str, header: bool) -> None:
    import tempfile

    text = io.StringIO(newline="")
    names = ["a,\n", "b"] if header else ["_c0", "_c1"]
    csv.writer(text, lineterminator=end).writerows([names, *rows] if header else rows)
    with tempfile.TemporaryDirectory() as folder:
        found = read(put(Path(folder), text.getvalue().encode()), "csv", header)
    assert found == ([dict(zip(names, [value or None for value in row], strict=True)) for row in rows], [])


def test_numbers_in_json_lines_keep_the_way_they_are_written(tmp_path: Path) -> None:
    put(tmp_path, b'{"a":1,"b":1.0}\n\n{"b":1e5,"c":true}\r\n{"a":12345678901234567890123,"b":null}', "a.jsonl")
    rows, rejected = read(tmp_path, "jsonl")
    assert not rejected
    assert [{k: v for k, v in row.items() if v is not None} for row in rows] == [
        {"a": "1", "b": "1.0"},
        {"b": "1e5", "c": "true"},
        {"a": "12345678901234567890123"},
    ]


def test_lines_that_are_no_flat_object_are_set_aside_under_their_numbers(tmp_path: Path) -> None:
    bad = [b"x", b'{"a":{}}', b"3", b'{"a":"\xff"}', b'{"a":"\\ud800"}', b"[" * 9999, b'{"@event_id":1}']
    put(tmp_path, b"\n".join([b'{"a":1}', *bad, b'{"a":2}']), "a.jsonl")
    rows, rejected = read(tmp_path, "jsonl")
    assert [row["a"] for row in rows] == ["1", "2"]
    assert sorted(one["line"] for one in rejected) == list(range(2, 2 + len(bad)))
    json.dumps(rejected, ensure_ascii=False).encode()


@pytest.mark.parametrize("indent", [None, 1])
def test_a_json_file_may_be_one_list(tmp_path: Path, indent: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model_monitor.rows.blocks.BLOCK_BYTES", 50)  # larger than what is read at once
    put(tmp_path, json.dumps([{"a": i, "b": "x\n"} for i in range(30)], indent=indent).encode(), "a.json")
    assert read(tmp_path, "jsonl") == ([{"a": str(i), "b": "x\n"} for i in range(30)], [])


def test_json_lines_may_start_with_a_byte_order_mark(tmp_path: Path) -> None:
    assert read(put(tmp_path, BOM + b'{"a":1}\n{"a":2}\n', "a.jsonl"), "jsonl") == ([{"a": "1"}, {"a": "2"}], [])


TYPED = {
    "whole": ([1, None], "Integral"),
    "real": ([1.5, None], "Fractional"),
    "nan": ([1.5, float("nan")], "Fractional"),
    "infinite": ([1.5, float("inf")], "Fractional"),
    "whole reals": ([1.0, 2.0], "Integral"),
    "half": (pa.array(np.array([1, 2.5], np.float16)), "Fractional"),
    "decimal": ([decimal.Decimal("1.50"), None], "Fractional"),
    "large": (pa.array([2**63, 2**64 - 1], pa.uint64()), "Integral"),
    "yes or no": ([True, None], "String"),
    "text": (["a", None], "String"),
    "large text": (pa.array(["a", "b"], pa.large_string()), "String"),
    "codes": (pa.array(["a", "b"]).dictionary_encode(), "String"),
    "coded numbers": (pa.array([1, 2]).dictionary_encode(), "Integral"),
    "time": ([datetime(2026, 1, 5, tzinfo=UTC), None], "String"),
    "day": ([date(2026, 1, 5), None], "String"),
    "nothing": (pa.nulls(2), "Unknown"),
}


@pytest.mark.parametrize(("values", "kind"), TYPED.values(), ids=TYPED)
def test_columns_of_parquet_keep_their_types(tmp_path: Path, values: Any, kind: str) -> None:
    pq.write_table(pa.table({"x": values}), tmp_path / "a.parquet")
    by_hand.baseline(
        by_hand.Question("data_quality", {}), by_hand.Source(str(tmp_path), "parquet"), str(tmp_path / "out"), 0.01
    )
    (feature,) = json.loads((tmp_path / "out/statistics.json").read_text())["features"]
    assert (feature["name"], feature["inferred_type"]) == ("x", kind)


@pytest.mark.parametrize("values", [[[1]], [{"a": 1}], [b"\xff"]], ids=["list", "struct", "binary"])
def test_a_column_that_no_monitor_can_judge_is_an_error_that_names_it(tmp_path: Path, values: Any) -> None:
    pq.write_table(pa.table({"good": [1], "odd one": values}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"a\.parquet.*'odd one'"):
        by_hand.baseline(
            by_hand.Question("data_quality", {}), by_hand.Source(str(tmp_path), "parquet"), str(tmp_path / "out"), 0.01
        )


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + bytes(100) + b"PAR1", b"a,b\n1,2\n"])
def test_a_file_that_is_no_parquet_is_an_error_that_names_it(tmp_path: Path, content: bytes) -> None:
    put(tmp_path, content, "a.parquet")
    with pytest.raises(DataError, match=r"a\.parquet"):
        by_hand.baseline(
            by_hand.Question("data_quality", {}), by_hand.Source(str(tmp_path), "parquet"), str(tmp_path / "out"), 0.01
        )


def test_a_parquet_file_that_names_a_column_twice_is_an_error(tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"]), tmp_path / "a.parquet")
    with pytest.raises(ConfigError, match=r"a\.parquet names column 'a' twice"):
        list(Dataset.at(str(tmp_path), "parquet").batches())


def test_a_parquet_file_with_a_damaged_page_is_an_error_that_names_it(tmp_path: Path) -> None:
    table = pa.table({"a": [f"text {i * 7919 % 100_003}" for i in range(20_000)]})
    pq.write_table(table, tmp_path / "a.parquet", compression="zstd", use_dictionary=False)
    content = bytearray((tmp_path / "a.parquet").read_bytes())
    content[100:2000] = bytes(1900)
    put(tmp_path, bytes(content), "a.parquet")
    with pytest.raises(DataError, match=r"a\.parquet"):
        by_hand.baseline(
            by_hand.Question("data_quality", {}), by_hand.Source(str(tmp_path), "parquet"), str(tmp_path / "out"), 0.01
        )


def test_parquet_is_read_row_group_by_row_group(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": list(range(10))}), tmp_path / "a.parquet", row_group_size=3)
    dataset = Dataset.at(str(tmp_path), "parquet")
    assert len(list(dataset.pieces())) == 4
    assert [row["a"] for row in rows_of(dataset)] == list(range(10))


@pytest.mark.parametrize("compatibility", ["calibrated", "sagemaker"])
@pytest.mark.parametrize("different", [3, 9_000], ids=["few", "many"])
def test_texts_that_another_writer_stored_as_codes_have_the_state_of_their_texts(
    tmp_path: Path, different: int, compatibility: str
) -> None:
    texts = pa.array([None if i % 7 == 0 else f"value {i * 7919 % different}" for i in range(70_000)])
    states = []
    for name, is_coded in (("coded", True), ("plain", False)):
        pq.write_table(pa.table({"a": texts}), tmp_path / f"{name}.parquet", use_dictionary=is_coded)
        dataset = Dataset.at(str(tmp_path / f"{name}.parquet"))
        assert pa.types.is_dictionary(next(dataset.batches()).column("a").type) == (is_coded and different == 3)
        monitor = DataQuality(compatibility=compatibility)
        states.append(dump(LOCAL.fold(monitor, dataset.pieces(), dataset.rows)))
    assert states[0] == states[1]
