"""Read datasets, one file or a folder of CSV, JSON lines or Parquet, as batches."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pcsv
import pyarrow.parquet as pq

from model_monitor import store
from model_monitor.core.batch import BATCH_CELLS, BATCH_ROWS, RECORD
from model_monitor.errors import ConfigError, DataError
from model_monitor.rows import blocks
from model_monitor.rows.payloads import sides
from model_monitor.rows.payloads.breadth import COLUMNS_AT_MOST
from model_monitor.rows.sources import csv_text, delta
from model_monitor.rows.sources.capture_lines import pieces_of
from model_monitor.rows.sources.texts import json_documents
from model_monitor.rows.summary import (
    FOOTER,
    Rejected,
    Summary,
    batches_of,
    collected_rows,
    dataset_file,
    metadata_in,
    opened,
)

COLUMNS_OF_WINDOW = 2 * COLUMNS_AT_MOST

SUFFIXES = {"csv": (".csv", ".csv.gz"), "jsonl": (".jsonl", ".json", ".jsonl.gz"), "parquet": (".parquet",)}


@dataclass
class Dataset:
    """The files of a dataset; reading batches adds unreadable records to ``summary``."""

    files: list[store.File]
    format: str
    header: bool = True
    names: tuple[str, ...] = ()  # of columns in a CSV without a header
    summary: Summary = field(init=False)

    def __post_init__(self) -> None:
        self.summary = Summary({"files": [[file.address, file.size, file.changed] for file in self.files]})

    @classmethod
    def at(cls, address: str, format: str, header: bool = True, names: tuple[str, ...] = ()) -> Dataset:
        """The dataset at a file or folder. Raises ConfigError if there is none."""
        if format not in READERS:
            raise ConfigError(f"a dataset's format is one of {', '.join(READERS)}, not {format!r}")
        is_folder = not store.exists(address)
        if is_folder and delta.is_table(address):
            raise ConfigError(
                f"{address} is a Delta table, in whose folder are removed rows as well; export it as plain Parquet"
            )
        files = store.list_files(address, SUFFIXES[format] if is_folder else ("",))
        if not files:
            raise ConfigError(f"there is no dataset at {address}: no file that ends in {' or '.join(SUFFIXES[format])}")
        return cls(files, format, header, names)

    def unread(self) -> Dataset:
        """The same dataset, of which nothing has been read."""
        return replace(self)

    def pieces(self) -> Iterator[Any]:
        """The parts that can be read separately: batches, or a Parquet file's address and the number of a row group."""
        for file in self.files:
            yield from READERS[self.format](self, file)

    @staticmethod
    def rows(piece: Any) -> Iterable[pa.RecordBatch]:
        """The batches of a piece."""
        return row_group(piece[0], piece[1], dataset_file) if isinstance(piece, tuple) else [piece]

    def batches(self) -> Iterator[pa.RecordBatch]:
        return (batch for piece in self.pieces() for batch in self.rows(piece))


def csv_batches(dataset: Dataset, file: store.File) -> Iterator[pa.RecordBatch]:
    """A CSV file: values as text, empty values missing. Rows longer or shorter than the first are set aside."""
    first, names = first_row(dataset, file)
    header = first if dataset.header else b""
    for text in csv_text.csv_texts(blocks.pieces_of_large(file)) if names else ():
        for number, row, why in text.set_aside:
            dataset.summary.reject(Rejected(file.address, number, why or "", None, row.decode("utf-8", "replace")))
        content = text.content.lstrip(b"\r\n")
        skipped = 1 if header and content else 0
        content, header = content.removeprefix(header).lstrip(b"\r\n"), b"" if content else header
        if content:
            yield from csv_rows(content, names, partial(set_aside, dataset, file, text, skipped))


def set_aside(dataset: Dataset, file: store.File, text: csv_text.Text, skipped: int, row: pcsv.InvalidRow) -> str:
    reason = f"{row.actual_columns} values where the first line has {row.expected_columns}"
    number = text.numbers[skipped + (row.number or 1) - 1]
    dataset.summary.reject(Rejected(file.address, number, reason, None, row.text))
    return "skip"


def csv_rows(content: bytes, names: list[str], set_aside: Callable[[pcsv.InvalidRow], str]) -> Iterator[pa.RecordBatch]:
    """The rows of CSV without a header, as text."""
    table = pcsv.read_csv(
        pa.BufferReader(content),
        pcsv.ReadOptions(column_names=names, block_size=len(content) + 1, use_threads=False),
        pcsv.ParseOptions(newlines_in_values=True, invalid_row_handler=set_aside),
        pcsv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=[""]),
    )
    for batch in table.combine_chunks().to_batches():
        yield from slices(batch)


def first_row(dataset: Dataset, file: store.File) -> tuple[bytes, list[str]]:
    """The first row of a CSV file, and the names of its columns, of which a row that is set aside can't tell; none if
    there is no row. Raises DataError, and ConfigError."""
    rows = csv_text.csv_rows(blocks.pieces_of_large(file))
    _, row, why = next((row for row in rows if dataset.header or not row[2]), (0, b"", None))
    try:
        values = next(csv.reader([row.decode()]), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{file.address} can't be read as CSV in UTF-8: {error}") from error
    if why:
        raise DataError(f"{file.address} can't be read as CSV: in the header, {why}")
    if dataset.header:
        check_names(values, file.address)
        return row, values
    if dataset.names and values and len(dataset.names) != len(values):
        raise ConfigError(f"{file.address}: {len(values)} values a row, but {len(dataset.names)} headers name them")
    return row, list(dataset.names) or [f"_c{i}" for i in range(len(values))]


def jsonl_batches(dataset: Dataset, file: store.File) -> Iterator[pa.RecordBatch]:
    """A file of flat JSON objects, one per line or all in one list; numbers keep their spelling. Raises DataError for a
    list that can't be read."""
    documents = json_documents(blocks.pieces_of_large(file))
    for block in blocks.in_blocks(pieces_of(file.address, documents)):
        places, lines = [], []
        for name, number, line in block.lines:
            try:
                lines.append(line.decode("utf-8-sig"))
                places.append((name, number))
            except UnicodeDecodeError:
                dataset.summary.reject(Rejected(name, number, csv_text.NOT_UTF8, None, line.decode("utf-8", "replace")))
        side = sides.json_side(pa.array(lines, pa.string()))
        if len(side.column_names) > COLUMNS_AT_MOST:
            raise DataError(f"{file.address}: its rows have more than {COLUMNS_AT_MOST} columns together")
        for i, reason in sorted(side.problems.items()):
            dataset.summary.reject(Rejected(*places[i], reason, None, lines[i]))
        for batch in pa.table(side.columns(np.arange(len(lines)), [])).combine_chunks().to_batches():
            yield from slices(batch)


def row_groups(dataset: Dataset, file: store.File) -> Iterator[tuple[str, int]]:
    """The row groups of a Parquet file."""
    with dataset_file(file.address) as stream:
        metadata = metadata_in(stream)
    if FOOTER not in (metadata.metadata or {}):  # collected rows name their requests
        check_names(metadata.schema.to_arrow_schema().names, file.address)
    return ((file.address, i) for i in range(metadata.num_row_groups))


def check_names(names: Sequence[str], address: str) -> None:
    """Raise ConfigError for a column name that is reserved for requests, or is there twice."""
    if odd := [name for name in names if name.startswith("@")]:
        raise ConfigError(f"{address}: {odd[0]}: names with @ in front are kept for the request; rename it")
    if len(set(names)) < len(names):
        raise ConfigError(f"{address} names a column twice; give each a name of its own")


def row_groups_of(addresses: Iterable[str]) -> Iterator[tuple[str, int]]:
    """The row groups of files of collected rows: address and number. Raises DataError, also if all have too many
    columns together."""
    names: set[str] = set()
    for address in addresses:
        with opened(address) as file:
            count = file.num_row_groups
            names.update(file.schema_arrow.names)
        if len(names) > COLUMNS_OF_WINDOW:
            raise DataError(
                f"the rows of this window have more than {COLUMNS_OF_WINDOW} columns together, up to {address}; judge "
                "shorter windows, or see to it that requests don't name columns of their own"
            )
        yield from ((address, i) for i in range(count))


READERS: dict[str, Callable[[Dataset, store.File], Iterator[Any]]] = {
    "csv": csv_batches,
    "jsonl": jsonl_batches,
    "parquet": row_groups,
}


def row_group(
    address: str,
    index: int,
    opening: Callable[[str], AbstractContextManager[Any]] = collected_rows,
) -> Iterator[pa.RecordBatch]:
    """The rows of a Parquet file's row group; columns that are stored as dictionary codes stay so. The captured lines
    that are kept for merging are left out."""
    with opening(address) as stream:
        metadata = metadata_in(stream)
        coded = coded_columns(metadata, index)
        file = pq.ParquetFile(stream, metadata=metadata, read_dictionary=coded, page_checksum_verification=True)
        for f in file.schema_arrow:
            if pa.types.is_nested(f.type) or pa.types.is_binary(f.type) or pa.types.is_large_binary(f.type):
                raise DataError(
                    f"{address}: column '{f.name}' is {f.type}; make it text or numbers before it is judged"
                )
        rows = min(BATCH_ROWS, max(1, BATCH_CELLS // max(1, metadata.num_columns)))
        wanted = None
        if RECORD in file.schema_arrow.names:
            wanted = [name for name in file.schema_arrow.names if name != RECORD]
        yield from batches_of(file, index, rows, wanted)


def coded_columns(metadata: pq.FileMetaData, index: int) -> list[str]:
    """The columns of a row group that ``collect`` stored as codes; other writers code every column they can."""
    if FOOTER not in (metadata.metadata or {}):
        return []
    columns = [metadata.row_group(index).column(i) for i in range(metadata.num_columns)]
    return [column.path_in_schema for column in columns if column.has_dictionary_page]


def slices(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    for i in range(0, batch.num_rows, BATCH_ROWS):
        yield batch.slice(i, BATCH_ROWS)
