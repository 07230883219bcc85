"""Whatever happens to a file, each of its rows is judged or set aside, or the whole file is refused by its name.

What a row is, by format: of CSV a line that is not blank, or the lines of one well-formed quoted value; of capture
files, labels and JSON lines a line; of Parquet and Delta a row of the file as it was written.
"""

from __future__ import annotations

import csv
import gzip
import io
import os
import random
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.captures import HOUR, at, lines, record, side
from support.truths import truth

from model_monitor import store
from model_monitor.core.window import Window, iso
from model_monitor.errors import ConfigError, DataError
from model_monitor.rows import blocks
from model_monitor.rows.collect import Span, collect
from model_monitor.rows.labels.files import LabelFile
from model_monitor.rows.labels.reading import parts_of
from model_monitor.rows.labels.reading import read as read_labels
from model_monitor.rows.payloads import payload
from model_monitor.rows.sources import batch_rows, datasets, forms, table_rows
from model_monitor.rows.sources.csv_text import csv_rows
from model_monitor.rows.sources.mapping import TableColumns
from model_monitor.rows.sources.source import CaptureFolder, Listed
from model_monitor.rows.sources.tables import Table
from model_monitor.rows.sources.texts import json_documents

MUTATIONS = int(os.environ.get("MUTATIONS", "40"))  # of each format
ROWS = 60

ROW = [{"id": f"e{i}", "ts": iso(at(i / 2)), "age": i, "city": f"c{i % 5}", "score": i / 7} for i in range(ROWS)]
TABLE = TableColumns("ts", event_id="id", inputs=("age", "city"), outputs=("score",))
SIDES: list[tuple[Any, Any]] = [
    ("1,a\n", "0.5"),
    ({"age": 1, "city": "a"}, {"score": 0.5}),
    (side("MSxhCg==", "BASE64", "text/csv"), "0.5"),
    ('1,"a ""b"", c"\n2,d', "0.5\n0.25"),
]


def as_csv(quoting: Any = csv.QUOTE_MINIMAL, header: bool = True) -> bytes:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, quoting=quoting, lineterminator="\r\n" if quoting == csv.QUOTE_ALL else "\n")
    writer.writerows([list(ROW[0]), *map(dict.values, ROW)] if header else map(dict.values, ROW))
    return stream.getvalue().encode()


def as_parquet(**settings: Any) -> bytes:
    target = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(ROW), target, **settings)
    return target.getvalue()


def as_captures(given: Any, output: Any) -> bytes:
    return lines(record(row["id"], given, output, at(i / 2)) for i, row in enumerate(ROW))


Counts = tuple[int | None, int]  # rows in (None: as many as were written), and rows judged or set aside


def of_dataset(format: str) -> Callable[[Path], Counts]:
    def read(path: Path) -> Counts:
        dataset = datasets.Dataset.at(str(path), format)
        rows = [list(map(str, row.values())) for batch in dataset.batches() for row in batch.to_pylist()]
        if format == "parquet":
            return None, len(rows)
        content = content_of(path)
        if format == "jsonl":
            return sum(map(bool, map(bytes.strip, content.split(b"\n")))), len(rows) + dataset.summary.rejected
        separator = forms.separator_in(forms.first_piece(dataset.files[0]))
        header, names = datasets.first_row(dataset, dataset.files[0], separator)
        values = [value.encode() for row in [names, *rows] for value in row]
        values += [
            one["record"].encode() for one in dataset.summary.kept
        ]  # a row set aside may have several lines, too
        lines_of = [re.split(rb"\r\n|\r|\n", value) for value in values]
        several = sum(len(lines) - 1 - lines[1:-1].count(b"") for lines in lines_of)
        nonblank = sum(map(bool, content.removeprefix(b"\xef\xbb\xbf").splitlines()))
        return nonblank - bool(header), len(rows) + dataset.summary.rejected + several

    return read


def content_of(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def in_collected(requests: Iterable[blocks.Block], path: Path) -> int:
    """How many records of some blocks were judged, or set aside, or repeat another."""
    some, target = list(requests), str(path.parent / "rows.parquet")
    spans = [Span(None, target, {"files": []})]
    [summary] = collect(
        lambda work: map(work, some), lambda r: payload.decode(r, payload.Names()), spans, lambda file: 0
    )
    counted = sum(summary.captured.values()) + summary.duplicates + summary.rejected
    assert counted == summary.records
    return counted


def of_captures(path: Path) -> Counts:
    source = CaptureFolder(str(path.parent))
    found = in_collected(source.blocks(source.listed(Window(at(0), at(60)))), path)
    return sum(map(bool, map(bytes.strip, content_of(path).split(b"\n")))), found


def in_texts(path: Path, format: str, header: bool) -> int | None:
    if format == "parquet":
        return None
    [pieces] = blocks.read(store.list_files(str(path)))
    return sum(1 for _ in csv_rows(pieces)) - header if format == "csv" else sum(1 for _ in json_documents(pieces))


def of_table(format: str) -> Callable[[Path], Counts]:
    def read(path: Path) -> Counts:
        requests = table_rows.blocks(store.list_files(str(path)), Table("", TABLE, format))
        return in_texts(path, format, True), in_collected(requests, path)

    return read


def of_batch(format: str) -> Callable[[Path], Counts]:
    def read(path: Path) -> Counts:
        listed = Listed(store.list_files(str(path))[0], Window(at(0), at(60)), HOUR)
        return in_texts(path, format, False), in_collected(batch_rows.blocks([listed], format), path)

    return read


def of_labels(path: Path) -> Counts:
    files = [LabelFile(HOUR, store.list_files(str(path))[0])]
    labels, reading = read_labels(files, parts_of(files, lambda keys: np.ones(len(keys), bool)))
    assert reading.records.total() == len(labels) + reading.rejected.total()
    return sum(map(bool, map(bytes.strip, content_of(path).split(b"\n")))), reading.records.total()


CAPTURED = [(f"captures {i}", "a.jsonl", as_captures(*sides), of_captures) for i, sides in enumerate(SIDES)]
TEXTS = {"csv": as_csv(), "jsonl": lines(ROW), "parquet": as_parquet()}
BARE = {"csv": as_csv(header=False)}
FORMATS: list[tuple[str, str, bytes, Callable[[Path], Counts]]] = [
    *CAPTURED,
    ("captures gzip", "a.jsonl.gz", gzip.compress(CAPTURED[0][2]), of_captures),
    *((f"table {kind}", f"a.{kind}", content, of_table(kind)) for kind, content in TEXTS.items()),
    *((f"batch {kind}", f"a.{kind}", content, of_batch(kind)) for kind, content in (TEXTS | BARE).items()),
    *((f"dataset {kind}", f"a.{kind}", content, of_dataset(kind)) for kind, content in TEXTS.items()),
    ("dataset quoted csv", "a.csv", as_csv(csv.QUOTE_ALL), of_dataset("csv")),
    ("dataset csv gzip", "a.csv.gz", gzip.compress(as_csv()), of_dataset("csv")),
    (
        "dataset checked parquet",
        "a.parquet",
        as_parquet(write_page_checksum=True, row_group_size=20),
        of_dataset("parquet"),
    ),
    ("labels", "labels.jsonl", lines(truth(row["id"], "1") for row in ROW), of_labels),
]

PIECES = [
    b'"',
    b'""',
    b",",
    b"\n",
    b"\r",
    b"\r\n",
    b"\x00",
    b"\xef\xbb\xbf",
    b"\xff",
    b"{",
    b"[",
    b"]",
    b"}",
    b"\\",
    b"\x85",
]


def mutated(content: bytes, chance: random.Random) -> bytes:
    """The content with one to four changes: bytes flipped, deleted, inserted, repeated, or cut off."""
    data = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        place, size = chance.randrange(len(data) + 1), chance.choice([1, 1, 2, 9, 90])
        kind = chance.choice(["flip", "flip", "delete", "insert", "insert", "quote", "repeat", "cut", "ends"])
        if kind == "flip" and place < len(data):
            data[place] ^= 1 << chance.randrange(8)
        elif kind == "delete":
            del data[place : place + size]
        elif kind == "insert":
            data[place:place] = chance.choice(PIECES)
        elif kind == "quote":
            commas = [i for i, byte in enumerate(data) if byte in b",\n"] or [0]
            place = chance.choice(commas) + chance.randint(0, 1)
            data[place:place] = b'"'
        elif kind == "repeat":
            data[place:place] = data[place : place + size]
        elif kind == "cut" and chance.random() < 0.3:
            del data[place:]
        elif kind == "ends" and chance.random() < 0.3:
            data = bytearray(
                bytes(data).replace(b"\n", chance.choice([b"\r", b"\r\n", b"\n\r"]), chance.choice([1, -1]))
            )
    return bytes(data)


def cases(content: bytes, name: str) -> Iterator[bytes]:
    chance = random.Random(f"rows {name}")
    for _ in range(MUTATIONS):
        yield mutated(content, chance)


@pytest.mark.parametrize(("name", "file", "content", "read"), FORMATS, ids=[name for name, _, _, _ in FORMATS])
def test_each_row_is_judged_or_set_aside_or_the_file_is_refused(
    tmp_path: Path, name: str, file: str, content: bytes, read: Callable[[Path], Counts]
) -> None:
    (tmp_path / file).write_bytes(content)
    assert read(tmp_path / file) in [(ROWS, ROWS), (None, ROWS)]
    for number, case in enumerate(cases(content, name)):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / file).write_bytes(case)
        try:
            rows, counted = read(folder / file)
        except (DataError, ConfigError) as error:
            assert file in str(error) or not case, case
        else:
            assert counted == (ROWS if rows is None else rows), case
        shutil.rmtree(folder)
