"""Read one side of captured requests: CSV, JSON, or either in BASE64."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv

from model_monitor.core.written import written_in
from model_monitor.rows.json_text import in_one
from model_monitor.rows.payloads.envelopes import RAGGED, Opened, as_one_row
from model_monitor.rows.payloads.headers import Headers
from model_monitor.rows.payloads.json_rows import (
    NAMED,
    Texts,
    columns_of_texts,
    flat_objects,
    rows_of_json,
    rows_of_payload,
    texts_of,
    width_of,
)

CSV, JSON, ABSENT = "CSV", "JSON", ""
NO_HEADERS = Headers()

csv.field_size_limit(1 << 31)  # a payload may be one large value; its size is up to the endpoint


@dataclass
class Side:
    """One decoded side of requests: each one's number of rows and their width, or why it can't be read. The width is
    the number of values of a row: 0 if the side was not captured, ``NAMED`` for values with names, ``EMPTY`` without
    rows."""

    counts: np.ndarray
    widths: np.ndarray
    problems: dict[int, str]
    lines: pa.StringArray | None = None  # of CSV: all rows
    table: dict[str, pa.Array] | None = None  # of JSON payloads of one row: all columns
    objects: list[Texts] | None = None  # of other JSON: all rows
    vectors: set[int] = field(default_factory=set)  # payloads that are one list of single values
    headed: set[int] = field(default_factory=set)  # payloads of CSV that start with the names of their columns

    @property
    def column_names(self) -> list[str]:
        """The names in JSON; [] for CSV."""
        named = (row for row in self.objects or () if isinstance(row, dict))
        return list(dict.fromkeys(name for row in named for name in row)) or list(self.table or ())

    def rows(self, requests: np.ndarray) -> np.ndarray:
        """The indices of the rows of these requests, in order."""
        return ranges((np.cumsum(self.counts) - self.counts)[requests], self.counts[requests])

    def columns(self, requests: np.ndarray, names: list[str]) -> dict[str, pa.Array]:
        """The columns of requests of one width."""
        rows = self.rows(requests)
        if self.objects is not None:
            return columns_of_texts([self.objects[i] for i in rows.tolist()], names)
        if self.table is not None:
            return {name: column.take(pa.array(rows)) for name, column in self.table.items()}
        if self.lines is None:
            return {}
        lines = self.lines if len(rows) == len(self.lines) else self.lines.take(pa.array(rows))
        return columns_of_lines(lines, names)

    def names(self, requests: Sequence[int] | np.ndarray, names: list[str]) -> set[str]:
        """The names of the values of these requests."""
        if self.objects is None:
            return set(self.table or names)
        objects = [self.objects[row] for row in self.rows(np.asarray(requests)).tolist()]
        return {name for row in objects for name in (row if isinstance(row, dict) else names)}

    def valued(self, request: int) -> set[str]:
        """The names of the values in a request's objects that are not missing."""
        objects = [self.objects[row] for row in self.rows(np.array([request])).tolist()] if self.objects else []
        named = (row for row in objects if isinstance(row, dict))
        return {name for row in named for name, value in row.items() if value is not None}

    def folded(self, requests: Collection[int]) -> Side:
        """The same side, with the vectors of these requests as one row each."""
        if not requests or self.objects is None:
            return self
        counts, widths = self.counts.copy(), self.widths.copy()
        objects: list[Texts] = []
        ends = np.cumsum(self.counts).tolist()
        for i, (count, end) in enumerate(zip(self.counts.tolist(), ends, strict=True)):
            rows = self.objects[end - count : end]
            if i in requests:
                counts[i], widths[i], rows = 1, self.widths[i] if is_named(rows) else count, [as_one_row(rows)]
            objects += rows
        return replace(self, counts=counts, widths=widths, objects=objects)


def is_named(rows: Sequence[Texts]) -> bool:
    return bool(rows) and isinstance(rows[0], dict)


def ranges(starts: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """``counts[i]`` whole numbers from ``starts[i]`` on, for each i, one after the other."""
    indices: np.ndarray = np.repeat(starts - (np.cumsum(counts) - counts), counts) + np.arange(counts.sum())
    return indices


def in_step(output: Side, input_: Side) -> tuple[Side, Side]:
    """Both sides, with a vector as one row where that makes their numbers of rows equal."""
    if not output.vectors and not input_.vectors:
        return output, input_
    unequal = np.flatnonzero(output.counts != input_.counts).tolist()
    outputs = {i for i in unequal if i in output.vectors and (input_.counts[i] == 1 or i in input_.vectors)}
    inputs = {i for i in unequal if i in input_.vectors and (output.counts[i] == 1 or i in output.vectors)}
    return output.folded(outputs), input_.folded(inputs)


def side_of(
    data: pa.StringArray,
    kind: str,
    one_by_one: bool = False,
    left_out: Collection[str] = (),
    headers: Headers = NO_HEADERS,
) -> Side:
    """One side of requests of one format; ``one_by_one`` keeps which JSON payload names which columns."""
    if kind == ABSENT:
        return Side(np.zeros(len(data), np.int64), np.zeros(len(data), np.int64), {})
    problems: dict[int, str] = {}
    if kind.startswith("BASE64"):
        data = unpacked(data, problems)
    side = csv_side(data, headers) if kind.endswith(CSV) else json_side(data, one_by_one, rows_of_payload, left_out)
    side.problems |= problems
    return side


def unpacked(data: pa.StringArray, problems: dict[int, str]) -> pa.StringArray:
    """Texts decoded from BASE64; an undecodable one is empty and a problem."""
    texts = []
    for i, text in enumerate(data.to_pylist()):
        try:
            texts.append(from_base64(text))
        except ValueError as error:
            problems[i] = str(error)
            texts.append("")
    return pa.array(texts, pa.string())


def from_base64(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode("utf-8")
    except ValueError:
        raise ValueError("not a text in BASE64") from None


def csv_rows(text: str) -> list[list[str | None]]:
    """The rows of CSV (RFC 4180), at least one, of at least one value; an empty one is None. Raises ValueError."""
    try:
        rows = list(csv.reader(io.StringIO(text.rstrip("\r\n"), newline=""), strict=True))
    except csv.Error as error:
        raise ValueError(f"not CSV: {error}") from None
    return [[value or None for value in row] or [None] for row in rows] or [[None]]


def csv_side(data: pa.StringArray, headers: Headers = NO_HEADERS) -> Side:
    """CSV texts (RFC 4180), of one row or several each, perhaps below a header; a missing newline at the end does not
    matter."""
    text = pc.ascii_rtrim(data, characters="\r\n")
    headed = {i for i in headers.candidates(text) if is_headed(text[i].as_py(), headers)}
    if headed and headers.skipped:
        return replace(side_by_payload(text, lambda payload: headers.below(csv_rows(payload))), headed=headed)
    return replace(rows_of_csv(text), headed=headed)


def is_headed(text: str, headers: Headers) -> bool:
    """Whether a payload of CSV starts with the names of its columns."""
    try:
        return headers.are_over(csv_rows(text))
    except ValueError:
        return False


def rows_of_csv(text: pa.StringArray) -> Side:
    """CSV texts without newlines at their end, of rows only."""
    _, _, written = written_in(text)
    if (written == ord('"')).any() or (written == ord("\r")).any():
        return side_by_payload(text, lambda payload: Opened(list(csv_rows(payload))))  # values may hold newlines
    if (written == ord("\n")).any():
        rows = pc.split_pattern(text, "\n")
        counts, lines = pc.list_value_length(rows).to_numpy().astype(np.int64), rows.flatten()
    else:
        counts, lines = np.ones(len(text), np.int64), text
    widths = pc.count_substring(lines, ",").to_numpy().astype(np.int64) + 1
    firsts = np.cumsum(counts) - counts
    uneven = np.maximum.reduceat(widths, firsts) != np.minimum.reduceat(widths, firsts)
    return Side(counts, widths[firsts], {int(i): RAGGED for i in np.flatnonzero(uneven)}, lines=lines)


def columns_of_lines(lines: pa.StringArray, names: list[str]) -> dict[str, pa.ChunkedArray]:
    """Columns of CSV lines with a value for each name, all text; an empty value is missing."""
    if not len(lines):
        return {name: pa.array([], pa.string()) for name in names}
    content = (in_one(lines).as_py() + "\n").encode()
    table = pcsv.read_csv(
        pa.BufferReader(content),
        pcsv.ReadOptions(use_threads=False, column_names=names, block_size=len(content) + 1),
        pcsv.ParseOptions(quote_char=False, ignore_empty_lines=False),
        pcsv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=[""]),
    )
    return dict(zip(names, table.columns, strict=True))


def json_side(
    data: pa.StringArray,
    one_by_one: bool = False,
    read: Callable[[str], Opened] = rows_of_json,
    left_out: Collection[str] = (),
) -> Side:
    """JSON texts: a flat object, a list of them, one per line, or other rows that ``read`` finds; nested values of the
    names ``left_out`` are."""
    if not one_by_one and (table := flat_objects(data)) is not None:
        return Side(np.ones(len(data), np.int64), np.full(len(data), NAMED), {}, table=table)
    return side_by_payload(data, read, left_out)


def side_by_payload(data: pa.StringArray, read: Callable[[str], Opened], left_out: Collection[str] = ()) -> Side:
    """Payloads that are read one by one."""
    counts: list[int] = []
    widths: list[int] = []
    objects: list[Texts] = []
    problems: dict[int, str] = {}
    vectors: set[int] = set()
    for i, text in enumerate(data.to_pylist()):
        try:
            payload = read(text)
            rows = [texts_of(row, left_out) for row in payload.rows]
            width = width_of(rows)
            vectors |= {i} if payload.vector else set()
        except ValueError as error:
            problems[i], rows, width = str(error), [], NAMED
        counts.append(len(rows))
        widths.append(width)
        objects += rows
    return Side(np.array(counts, np.int64), np.array(widths, np.int64), problems, objects=objects, vectors=vectors)
