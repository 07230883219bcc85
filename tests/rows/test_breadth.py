"""Whoever calls an endpoint chooses names and sizes: neither makes a window cost without bound."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.captures import at, lines, record, side

from model_monitor.core.window import Window
from model_monitor.errors import DataError
from model_monitor.rows import blocks
from model_monitor.rows.collect import Span, collect
from model_monitor.rows.payloads import payload
from model_monitor.rows.payloads.breadth import COLUMNS_AT_MOST, RARE, TOO_WIDE
from model_monitor.rows.sources.datasets import Dataset
from model_monitor.rows.sources.row_groups import row_groups_of
from model_monitor.rows.sources.source import CaptureFolder
from model_monitor.rows.summary import Summary, writing


def collected(root: Path) -> tuple[Summary, list[dict[str, Any]], list[str]]:
    """The summary of the capture files in a folder, their rows and the names of columns."""
    source, target = CaptureFolder(str(root / "in")), str(root / "rows.parquet")
    listed = source.listed(Window(at(0), at(60)))
    spans = [Span(None, target, {"files": []})]
    [summary] = collect(
        lambda work: map(work, source.blocks(listed)),
        lambda r: payload.decode(r, payload.Names()),
        spans,
        lambda file: 0,
    )
    table = pq.read_table(target)
    return summary, table.select(["@event_id"]).to_pylist(), table.column_names


def put(root: Path, records: list[dict[str, Any]], files: int = 1) -> Path:
    (root / "in").mkdir(parents=True)
    for i in range(files):
        (root / f"in/{i}.jsonl").write_bytes(lines(records[i::files]))
    return root


def usual(count: int, width: int = 3) -> list[dict[str, Any]]:
    return [record(f"u{i}", {f"c{j}": j for j in range(width)}, {"p": 0.5}) for i in range(count)]


def strange(count: int, width: int = 1000, nested: bool = False) -> list[dict[str, Any]]:
    """Requests with names of their own."""
    rows = [{f"k{i}-{j}": 1 for j in range(width)} | {"c0": 1} for i in range(count)]
    return [record(f"s{i}", {"instances": [row]} if nested else row, {"p": 0.5}) for i, row in enumerate(rows)]


@pytest.mark.parametrize("nested", [False, True], ids=["flat", "in an envelope"])
def test_requests_with_columns_of_their_own_are_set_aside_however_they_are_ordered(
    tmp_path: Path, nested: bool
) -> None:
    records = usual(400) + strange(12, nested=nested)
    outcomes = set()
    for i in range(4):
        random.Random(i).shuffle(records)
        summary, rows, names = collected(put(tmp_path / str(i), records, files=1 + 3 * (i % 2)))
        assert summary.records == 412 and summary.reasons == {RARE: 12}
        assert sorted(names) == ["@event_id", "@event_time", "@inference_id", "c0", "c1", "c2", "p"]
        outcomes.add(tuple(sorted(row["@event_id"] for row in rows)))
    assert outcomes == {tuple(sorted(f"u{i}" for i in range(400)))}


def test_names_without_end_cost_by_their_length(tmp_path: Path) -> None:
    summary, rows, names = collected(put(tmp_path, strange(100, 400)))
    assert (summary.records, summary.reasons, rows, len(names)) == (100, {RARE: 100}, [], 3)


@pytest.mark.parametrize("width", [2000, 6000])
def test_wide_requests_are_judged(tmp_path: Path, width: int) -> None:
    summary, rows, names = collected(put(tmp_path, usual(30, width)))
    assert (summary.rejected, len(rows), len(names)) == (0, 30, width + 4)


def test_sparse_requests_are_judged_whose_columns_are_few_together(tmp_path: Path) -> None:
    records = [record(f"e{i}", {f"c{(i * 7 + j) % 4000}": 1 for j in range(40)}, {"p": 1}) for i in range(600)]
    summary, rows, names = collected(put(tmp_path, records))
    assert (summary.rejected, len(rows), len(names)) == (0, 600, 4000 + 4)


MANY = COLUMNS_AT_MOST + 1


@pytest.mark.parametrize(
    "given",
    [
        ",".join("1" * MANY),
        {str(i): 1 for i in range(MANY)},
        {"instances": [[1] * MANY]},
        [1] * MANY,
        {"instances": [{str(i): 1 for i in range(MANY)}]},
        side(json.dumps({str(i): 1 for i in range(MANY)}), "JSON", "application/json"),
    ],
    ids=["CSV", "JSON", "a list", "a vector", "named in an envelope", "as text"],
)
def test_a_request_with_too_many_values_is_set_aside_and_no_other(tmp_path: Path, given: Any) -> None:
    given = given if isinstance(given, str | dict) else side(json.dumps(given), "JSON")
    output = "1" if isinstance(given, str) else {"p": 1}
    records = [
        record("e", given, output),
        *(record(f"u{i}", "1" if output == "1" else {"a": 1}, output) for i in range(9)),
    ]
    summary, rows, _ = collected(put(tmp_path, records))
    assert (summary.reasons, len(rows)) == ({TOO_WIDE: 1}, 9)


def test_hours_with_too_many_columns_together_are_refused(tmp_path: Path) -> None:
    for i in range(3):
        table = pa.table({f"c{i}-{j}": ["1"] for j in range(8000)})
        with writing(str(tmp_path / f"{i}.parquet"), table.schema, [], Summary({})) as writer:
            writer.write_table(table)
    hours = [str(tmp_path / f"{i}.parquet") for i in range(3)]
    assert len(list(row_groups_of(hours[:2]))) == 2
    with pytest.raises(DataError, match=r"more than 20000 columns together.*2\.parquet"):
        list(row_groups_of(hours))


def test_a_dataset_whose_rows_all_have_columns_of_their_own_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(lines({f"k{i}-{j}": 1 for j in range(600)} for i in range(20)))
    with pytest.raises(DataError, match=r"a\.jsonl: its rows have more than 10000 columns together"):
        list(Dataset.at(str(tmp_path), "jsonl").batches())


@pytest.mark.parametrize("line", [b"\n", b"x\n", b"x,y\n"])
def test_a_small_gzip_file_of_many_lines_is_refused(
    tmp_path: Path, line: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "UNPACKED_LINES", 100_000)
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 100_000)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(line * 300_000))
    with pytest.raises(DataError, match=r"a\.csv\.gz has more than \d+ lines, packed into \d+ bytes"):
        list(Dataset.at(str(tmp_path), "csv").batches())


def test_a_gzip_file_that_unpacks_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "UNPACKED_BYTES", 1 << 20)
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.jsonl.gz").write_bytes(gzip.compress(b" " * (1 << 25)))
    with pytest.raises(DataError, match=r"a\.jsonl\.gz has more than \d+ MB, packed into"):
        collected(tmp_path)


def test_a_gzip_file_of_ordinary_requests_is_read(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.jsonl.gz").write_bytes(gzip.compress(lines(usual(5000))))
    assert collected(tmp_path)[0].rejected == 0
