"""Read datasets, one file or a folder of CSV, JSON lines or Parquet, as batches."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from typing import Any
from urllib.parse import unquote

import numpy as np
import pyarrow as pa
import pyarrow.csv as pcsv

from model_monitor import store
from model_monitor.core.batch import BATCH_ROWS
from model_monitor.core.window import Window
from model_monitor.errors import ConfigError, DataError
from model_monitor.rows import blocks
from model_monitor.rows.payloads import sides
from model_monitor.rows.payloads.breadth import COLUMNS_AT_MOST
from model_monitor.rows.sources import csv_text, delta, forms
from model_monitor.rows.sources.capture_lines import pieces_of
from model_monitor.rows.sources.row_groups import row_group
from model_monitor.rows.sources.source import Listed, Source
from model_monitor.rows.sources.texts import json_documents
from model_monitor.rows.sources.whereabouts import without_files
from model_monitor.rows.summary import FOOTER, Rejected, Summary, dataset_file, metadata_in

NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"


@dataclass
class Dataset:
    """The files of a dataset; reading batches adds unreadable records to ``summary``, and warnings to ``notices``."""

    files: list[store.File]
    format: str
    header: bool = True
    names: tuple[str, ...] = ()  # of all columns, which a CSV without a header gets, and any other file must have
    beside: tuple[str, ...] = ()  # columns that a file may have although ``names`` lacks them
    separator: str | None = None  # of CSV; recognised if None
    exclude: tuple[str, ...] = ()  # columns that need not be readable
    keeps_index: bool = False  # whether pandas' index is judged, as SageMaker does
    folder: str = ""  # above the files, if it is one
    declared: tuple[str, ...] = ()  # names of an endpoint's columns, by which a first line of names is known
    summary: Summary = field(init=False)
    notices: list[str] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.summary = Summary({"files": [[file.address, file.size, file.changed] for file in self.files]})

    @classmethod
    def at(cls, address: str, format: str | None = None, header: bool = True, **settings: Any) -> Dataset:
        """The dataset at a file or folder; its format is recognised if None. Raises ConfigError if there is none."""
        if format not in (None, *READERS):
            raise ConfigError(f"a dataset's format is one of {', '.join(READERS)}, not {format!r}")
        is_folder = not store.exists(address)
        if is_folder and delta.is_table(address):
            raise ConfigError(
                f"{address} is a Delta table, in whose folder are removed rows as well; export it as plain Parquet"
            )
        endings = forms.SUFFIXES[format] if format else tuple(chain(*forms.SUFFIXES.values()))
        files = store.list_files(address, endings if is_folder else ("",))
        if not files:
            there = without_files(address, forms.IN_WORDS[format]).words
            if address.lower().endswith(endings):
                raise ConfigError(f"there is no dataset at {address}: there is no such file")
            raise ConfigError(f"there is no dataset at {address}: it {there.removeprefix(address).lstrip()}")
        kinds = {format} if format else {forms.format_of(file) for file in files}
        if len(kinds) > 1:
            raise ConfigError(f"{address} holds files of several formats; set format to one of {', '.join(READERS)}")
        return cls(files, kinds.pop() or "", header, folder=address if is_folder else "", **settings)

    @property
    def emptiness(self) -> str:
        """That it has no rows, in words."""
        address = self.folder or self.files[0].address
        if not any(file.size for file in self.files):
            return f"{address} is empty"
        is_headed = self.format == "csv" and self.header
        why = "; a first line of CSV is read as the names of its columns, unless header is false" if is_headed else ""
        return f"{address} holds no rows{why}"

    def unread(self) -> Dataset:
        """The same dataset, of which nothing has been read."""
        return replace(self)

    def notice(self, words: str | None) -> None:
        """Keep a warning about how the files are read, once."""
        if words and words not in self.notices:
            self.notices.append(words)

    def pieces(self) -> Iterator[Any]:
        """The parts that can be read separately: batches of text, or row groups of Parquet."""
        for file in self.files:
            forms.check_format(file, self.format)
            yield from READERS[self.format](self, file)

    @staticmethod
    def rows(piece: Any) -> Iterable[pa.RecordBatch]:
        """The batches of a piece."""
        return piece.read() if isinstance(piece, RowGroup) else [piece]

    def batches(self) -> Iterator[pa.RecordBatch]:
        return (batch for piece in self.pieces() for batch in self.rows(piece))

    def check(self, names: Sequence[str], file: store.File) -> None:
        """Raise ConfigError if the columns of a file are not those that ``names`` says."""
        own = [name for name in (*names, *self.partition_of(file)) if name]
        forms.check_headers(self.names, own, self.beside, file.address, in_order=self.format != "jsonl")

    def partition_of(self, file: store.File) -> dict[str, str | None]:
        """The columns that the folders of a file tell, as in ``country=CH/``: what Spark, PyArrow and pandas read."""
        below = file.address.removeprefix(self.folder) if self.folder else ""
        parts = [part.partition("=") for part in below.partition("?")[0].split("/")[:-1] if "=" in part]
        values = {unquote(name): unquote(value) for name, _, value in parts}
        return {name: None if value == NULL_PARTITION else value for name, value in values.items()}


@dataclass(frozen=True)
class AlreadyRead(Source):
    """A dataset that was read already; ``emptiness``: that it holds no rows, in words."""

    emptiness: str

    def listed(self, window: Window) -> list[Listed]:
        return []

    def looked_in(self, window: Window) -> str:
        return self.emptiness


@dataclass(frozen=True)
class RowGroup:
    """A row group of a Parquet file, without the columns in ``left_out``, and with a value for each of ``more``."""

    address: str
    index: int
    left_out: frozenset[str] = frozenset()
    more: Mapping[str, str | None] = field(default_factory=dict)

    def read(self) -> Iterator[pa.RecordBatch]:
        for batch in row_group(self.address, self.index, dataset_file, self.left_out):
            yield with_constants(batch, self.more)


def format_at(address: str) -> str:
    """The format of the files at an address: a dataset's, or ``capture``. Raises ConfigError if there are none."""
    dataset = Dataset.at(address)
    if dataset.format != "jsonl":
        return dataset.format
    is_captured = b'"captureData"' in forms.first_piece(dataset.files[0]).content.partition(b"\n")[0]
    return "capture" if is_captured else dataset.format


def with_constants(batch: pa.RecordBatch, values: Mapping[str, str | None]) -> pa.RecordBatch:
    """The rows with a column for each value that they don't have themselves."""
    for name, value in values.items():
        if name not in batch.schema.names:
            column = pa.array([value], pa.string()).take(pa.array(np.zeros(batch.num_rows, np.int64)))
            batch = batch.append_column(name, column)
    return batch


def csv_batches(dataset: Dataset, file: store.File) -> Iterator[pa.RecordBatch]:
    """A CSV file: values as text, empty values missing. Rows longer or shorter than the first are set aside."""
    separator = forms.separator_of(dataset.separator) or forms.separator_in(forms.first_piece(file))
    first, names = first_row(dataset, file, separator)
    header, partition = first if dataset.header else b"", dataset.partition_of(file)
    index = names[0] if names and not names[0] and dataset.header and not dataset.keeps_index else None
    if index is not None:
        dataset.notice(f"{file.address}: the first column has no name, as pandas writes its index; it is left out")
    for text in csv_text.csv_texts(blocks.pieces_of_large(file), separator) if names else ():
        for number, row, why in text.set_aside:
            dataset.summary.reject(Rejected(file.address, number, why or "", None, row.decode("utf-8", "replace")))
        content = text.content.lstrip(b"\r\n")
        skipped = 1 if header and content else 0
        content, header = content.removeprefix(header).lstrip(b"\r\n"), b"" if content else header
        if content:
            for batch in csv_rows(content, names, partial(set_aside, dataset, file, text, skipped), separator):
                own = batch if index is None else batch.drop_columns([index])
                yield with_constants(own, partition)


def set_aside(dataset: Dataset, file: store.File, text: csv_text.Text, skipped: int, row: pcsv.InvalidRow) -> str:
    reason = f"{row.actual_columns} values where the first line has {row.expected_columns}"
    number = text.numbers[skipped + (row.number or 1) - 1]
    dataset.summary.reject(Rejected(file.address, number, reason, None, row.text))
    return "skip"


def csv_rows(
    content: bytes, names: list[str], set_aside: Callable[[pcsv.InvalidRow], str], separator: bytes
) -> Iterator[pa.RecordBatch]:
    """The rows of CSV without a header, as text."""
    table = pcsv.read_csv(
        pa.BufferReader(content),
        pcsv.ReadOptions(column_names=names, block_size=len(content) + 1, use_threads=False),
        pcsv.ParseOptions(delimiter=separator.decode(), newlines_in_values=True, invalid_row_handler=set_aside),
        pcsv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=[""]),
    )
    for batch in table.combine_chunks().to_batches():
        yield from slices(batch)


def first_row(dataset: Dataset, file: store.File, separator: bytes) -> tuple[bytes, list[str]]:
    """The first row of a CSV file, and the names of its columns, of which a row that is set aside can't tell; none if
    there is no row. Raises DataError, and ConfigError."""
    rows = csv_text.csv_rows(blocks.pieces_of_large(file), separator)
    _, row, why = next((row for row in rows if dataset.header or not row[2]), (0, b"", None))
    _, second, _ = next((row for row in rows if not row[2]), (0, b"", None))
    try:
        values = next(csv.reader([row.decode()], delimiter=separator.decode()), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{file.address} can't be read as CSV in UTF-8: {csv_text.why_unread(error)}") from error
    if why:
        raise DataError(f"{file.address} can't be read as CSV: in the header, {why}")
    below = csv_text.values_of(second, separator) or []
    if dataset.header:
        for words in (forms.check_header(values, below, file.address), *forms.odd_names(values, file.address)):
            dataset.notice(words)
        check_names(values, file.address)
        dataset.check(values, file)
        return row, values
    dataset.notice(forms.check_first_row(values, below, dataset.names or dataset.declared, file.address))
    if dataset.names and values and len(dataset.names) != len(values):
        raise ConfigError(f"{file.address}: {len(values)} values a row, but {len(dataset.names)} headers name them")
    own = dataset.declared if len(dataset.declared) == len(values) else ()
    if dataset.declared and not own:
        dataset.notice(
            f"{file.address}: {len(values)} values a row, but columns names {len(dataset.declared)} "
            f"({forms.shortened(dataset.declared)}), so they are called _c0, _c1, ...; name each, or set header: true"
        )
    return row, list(dataset.names or own) or [f"_c{i}" for i in range(len(values))]


def jsonl_batches(dataset: Dataset, file: store.File) -> Iterator[pa.RecordBatch]:
    """A file of flat JSON objects, one per line or all in one list; numbers keep their spelling. Raises DataError for a
    list that can't be read."""
    documents = json_documents(blocks.pieces_of_large(file))
    seen: dict[str, None] = {}
    for block in blocks.in_blocks(pieces_of(file.address, documents)):
        places, lines = [], []
        for name, number, line in block.lines:
            try:
                lines.append(line.decode("utf-8-sig"))
                places.append((name, number))
            except UnicodeDecodeError:
                dataset.summary.reject(Rejected(name, number, csv_text.NOT_UTF8, None, line.decode("utf-8", "replace")))
        side = sides.json_side(pa.array(lines, pa.string()), left_out=frozenset(dataset.exclude))
        if len(side.column_names) > COLUMNS_AT_MOST:
            raise DataError(f"{file.address}: its rows have more than {COLUMNS_AT_MOST} columns together")
        for i, reason in sorted(side.problems.items()):
            dataset.summary.reject(Rejected(*places[i], reason, None, lines[i]))
        seen |= dict.fromkeys(side.column_names)
        dataset.check([*seen, *(name for name in dataset.names if name not in seen)], file)  # those may follow
        for batch in pa.table(side.columns(np.arange(len(lines)), [])).combine_chunks().to_batches():
            yield from (with_constants(part, dataset.partition_of(file)) for part in slices(batch))
    if seen:
        dataset.check(list(seen), file)


def row_groups(dataset: Dataset, file: store.File) -> Iterator[RowGroup]:
    """The row groups of a Parquet file."""
    with dataset_file(file.address) as stream:
        metadata = metadata_in(stream)
    schema, left_out = metadata.schema.to_arrow_schema(), frozenset(dataset.exclude)
    if FOOTER not in (metadata.metadata or {}):  # collected rows name their requests
        check_names(schema.names, file.address)
        if index := () if dataset.keeps_index else index_in(schema):
            dataset.notice(f"{file.address}: {', '.join(index)} is pandas' index and no column, so it is left out")
            left_out |= set(index)
        dataset.check([name for name in schema.names if name not in left_out], file)
    more = dataset.partition_of(file)
    return (RowGroup(file.address, i, left_out, more) for i in range(metadata.num_row_groups))


def index_in(schema: pa.Schema) -> tuple[str, ...]:
    """The columns in which pandas wrote the index of a table; a range is kept beside the columns."""
    columns = (schema.pandas_metadata or {}).get("index_columns", [])
    index = tuple(name for name in columns if isinstance(name, str) and name in schema.names)
    return index if len(index) < len(schema.names) else ()


def check_names(names: Sequence[str], address: str) -> None:
    """Raise ConfigError for a column name that is reserved for requests, or is there twice."""
    if odd := [name for name in names if name.startswith("@")]:
        raise ConfigError(f"{address}: {odd[0]}: names with @ in front are kept for the request; rename it")
    if twice := [name for i, name in enumerate(names) if name in names[:i]]:
        raise ConfigError(f"{address} names column '{twice[0]}' twice; give each a name of its own")


READERS: dict[str, Callable[[Dataset, store.File], Iterator[Any]]] = {
    "csv": csv_batches,
    "jsonl": jsonl_batches,
    "parquet": row_groups,
}


def slices(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    for i in range(0, batch.num_rows, BATCH_ROWS):
        yield batch.slice(i, BATCH_ROWS)
