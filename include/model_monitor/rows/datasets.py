"""Which rows does a dataset hold? CSV, JSON lines and Parquet, a file or a folder of them, as batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.csv as pcsv
import pyarrow.parquet as pq

from model_monitor import store
from model_monitor.core.batch import BATCH_ROWS
from model_monitor.errors import ConfigError, DataError
from model_monitor.rows import capture, sides
from model_monitor.rows.capture import Rejected

SUFFIXES = {"csv": (".csv", ".csv.gz"), "jsonl": (".jsonl", ".json", ".jsonl.gz"), "parquet": (".parquet",)}
CSV_BLOCK_BYTES = 16 << 20
FOOTER = b"model_monitor"  # marks a Parquet file that ``collect`` wrote, and holds its summary


@dataclass
class Dataset:
    """The files of a dataset; ``rejected`` fills while batches are read."""

    files: list[store.File]
    format: str
    header: bool = True
    rejected: list[Rejected] = field(default_factory=list)

    @classmethod
    def at(cls, address: str, format: str, header: bool = True) -> Dataset:
        """The dataset at a file or folder. Raises ConfigError if there is none."""
        if format not in READERS:
            raise ConfigError(f"a dataset's format is one of {', '.join(READERS)}, not {format!r}")
        files = store.files(address) if not is_folder(address) else store.files(address, SUFFIXES[format])
        if not files:
            raise ConfigError(f"there is no dataset at {address}: no file that ends in {' or '.join(SUFFIXES[format])}")
        return cls(files, format, header)

    def pieces(self) -> Iterator[Any]:
        """What can be read apart: batches, or for Parquet the address of a file and the number of a row group."""
        for file in self.files:
            yield from READERS[self.format](self, file)

    @staticmethod
    def rows(piece: Any) -> Iterable[pa.RecordBatch]:
        """The batches of a piece."""
        return row_group(*piece) if isinstance(piece, tuple) else [piece]


def is_folder(address: str) -> bool:
    return not store.exists(address)


def csv_batches(dataset: Dataset, file: store.File) -> Iterator[pa.RecordBatch]:
    """A CSV file, every value as text, an empty one missing; rows of another width are set aside."""
    if not file.size:
        return
    seen = 0

    def set_aside(row: pcsv.InvalidRow) -> str:
        reason = f"{row.actual_columns} values where the first line has {row.expected_columns}"
        dataset.rejected.append(Rejected(file.address, row.number or 0, reason, None, row.text))
        return "skip"

    try:
        names = first_row(file)
        if not dataset.header:
            names = [f"_c{i}" for i in range(len(names))]
        elif len(set(names)) < len(names):
            raise ConfigError(f"{file.address}: the header names a column twice; give each a name of its own")
        stream = store.open_file(file.address)
        reader = pcsv.open_csv(
            pa.CompressedInputStream(stream, "gzip") if file.address.endswith(".gz") else stream,
            pcsv.ReadOptions(column_names=names, skip_rows=int(dataset.header), block_size=CSV_BLOCK_BYTES),
            pcsv.ParseOptions(newlines_in_values=True, invalid_row_handler=set_aside),
            pcsv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=[""]
            ),
        )
        for batch in reader:
            seen += batch.num_rows
            yield from slices(batch)
    except pa.ArrowInvalid as error:
        if seen or "Empty CSV" not in str(error):
            raise DataError(f"{file.address} can't be read as CSV: {error}") from error


def first_row(file: store.File) -> list[str]:
    """The values of a CSV file's first line."""
    import csv
    import io

    content = next(capture.chunks(file), b"")
    # A chunk may end inside a character; values that are not UTF-8 are refused when the rows are read.
    return next(csv.reader(io.StringIO(content.decode("utf-8-sig", "ignore"), newline="")), [])


def jsonl_batches(dataset: Dataset, file: store.File) -> Iterator[pa.RecordBatch]:
    """A file of flat JSON objects, one per line or all in one list; numbers keep the way they are written."""
    for block in capture.blocks([file]):
        objects = []
        for name, number, line in whole_or_lines(block):
            try:
                objects += [sides.flat(row) for row in sides.rows_of_json(line.decode("utf-8"))]
            except ValueError as error:
                dataset.rejected.append(Rejected(name, number, str(error), None, line.decode("utf-8", "replace")))
        for i in range(0, len(objects), BATCH_ROWS):
            yield pa.record_batch(sides.columns_of_objects(objects[i : i + BATCH_ROWS]))


def whole_or_lines(block: capture.Block) -> Sequence[tuple[str, int, bytes]]:
    lines = block.lines
    if lines and lines[0][2].lstrip().startswith(b"["):
        return [(lines[0][0], lines[0][1], block.content)]
    return lines


def row_groups(dataset: Dataset, file: store.File) -> Iterator[tuple[str, int]]:
    """The row groups of a Parquet file."""
    return row_groups_of([file.address])


def row_groups_of(addresses: Iterable[str]) -> Iterator[tuple[str, int]]:
    """The row groups of Parquet files: address and number. Raises DataError."""
    for address in addresses:
        try:
            with store.open_file(address) as stream:
                count = pq.read_metadata(stream).num_row_groups
        except FileNotFoundError as error:
            raise DataError(f"{address} is gone; collect the window again") from error
        except pa.ArrowInvalid as error:
            raise DataError(f"{address} can't be read as Parquet: {error}") from error
        yield from ((address, i) for i in range(count))


READERS: dict[str, Callable[[Dataset, store.File], Iterator[Any]]] = {
    "csv": csv_batches,
    "jsonl": jsonl_batches,
    "parquet": row_groups,
}


def row_group(address: str, index: int) -> Iterator[pa.RecordBatch]:
    """The rows of a Parquet file's row group; what was stored as codes into a dictionary stays so."""
    with store.open_file(address) as stream:
        metadata = pq.read_metadata(stream)
        file = pq.ParquetFile(stream, metadata=metadata, read_dictionary=coded_columns(metadata, index))
        if nested := [f.name for f in file.schema_arrow if pa.types.is_nested(f.type)]:
            raise DataError(f"{address}: column '{nested[0]}' is nested; flatten it before it can be judged")
        yield from file.iter_batches(BATCH_ROWS, row_groups=[index], use_threads=False)


def coded_columns(metadata: pq.FileMetaData, index: int) -> list[str]:
    """The columns of a row group that ``collect`` chose to store as codes; other writers code every column they can."""
    if FOOTER not in (metadata.metadata or {}):
        return []
    columns = [metadata.row_group(index).column(i) for i in range(metadata.num_columns)]
    return [column.path_in_schema for column in columns if column.has_dictionary_page]


def slices(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    for i in range(0, batch.num_rows, BATCH_ROWS):
        yield batch.slice(i, BATCH_ROWS)
