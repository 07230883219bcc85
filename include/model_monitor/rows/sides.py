"""How are the texts of one side of captured requests read: as CSV, as JSON, or as either in BASE64?"""

from __future__ import annotations

import base64
import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv
import pyarrow.json as pj

from model_monitor.rows.capture import is_unicode

CSV, JSON, ABSENT = "CSV", "JSON", ""

csv.field_size_limit(1 << 31)  # a payload may be one large value; what may be too large is for the endpoint to say

RAGGED = "rows of one payload differ in their number of values"
NAMED = -1  # the width of a JSON side; 0 is that of a side that was not captured


@dataclass
class Side:
    """One decoded side of some requests: per request how many rows, how wide, or why it can't be read."""

    counts: np.ndarray
    widths: np.ndarray
    problems: dict[int, str]
    lines: pa.StringArray | None = None  # of CSV: all rows one after the other
    table: dict[str, pa.Array] | None = None  # of JSON: the same, where each payload is one row
    objects: list[dict[str, str | None]] | None = None  # of other JSON: the same

    @property
    def column_names(self) -> list[str]:
        """The names that JSON brings; [] of CSV."""
        return list(dict.fromkeys(name for row in self.objects or () for name in row)) or list(self.table or ())

    def rows(self, requests: np.ndarray) -> np.ndarray:
        """The indices of the rows of some requests, in order."""
        counts = self.counts[requests]
        starts = (np.cumsum(self.counts) - self.counts)[requests]
        return np.repeat(starts - (np.cumsum(counts) - counts), counts) + np.arange(counts.sum())

    def columns(self, requests: np.ndarray, names: list[str]) -> dict[str, pa.Array]:
        """The rows of some requests, by column."""
        rows = self.rows(requests)
        if self.objects is not None:
            return columns_of_objects([self.objects[i] for i in rows.tolist()])
        if self.table is not None:
            return {name: column.take(pa.array(rows)) for name, column in self.table.items()}
        if self.lines is None:
            return {}
        chosen = self.lines if len(rows) == len(self.lines) else self.lines.take(pa.array(rows))
        return columns_of_lines(chosen, names)

    def names(self, requests: Sequence[int] | np.ndarray, names: list[str]) -> set[str]:
        """What the values of some requests are called."""
        if self.objects is None:
            return set(self.table or names)
        return {name for row in self.rows(np.asarray(requests)).tolist() for name in self.objects[row]}


def side_of(data: pa.StringArray, kind: str, one_by_one: bool = False) -> Side:
    """One side of requests that are written alike; ``one_by_one`` tells which JSON payload names which columns."""
    if kind == ABSENT:
        return Side(np.zeros(len(data), np.int64), np.zeros(len(data), np.int64), {})
    problems: dict[int, str] = {}
    if kind.startswith("BASE64"):
        data = unpacked(data, problems)
    side = csv_side(data) if kind.endswith(CSV) else json_side(data, one_by_one)
    side.problems |= problems
    return side


def unpacked(data: pa.StringArray, problems: dict[int, str]) -> pa.StringArray:
    """Texts out of base64; where there is none, an empty text and a problem."""
    texts = []
    for i, text in enumerate(data.to_pylist()):
        try:
            texts.append(base64.b64decode(text, validate=True).decode("utf-8"))
        except ValueError:
            problems[i] = "not a text in BASE64"
            texts.append("")
    return pa.array(texts, pa.string())


def csv_side(data: pa.StringArray) -> Side:
    """CSV texts (RFC 4180), of one row or several each; a missing newline at the end does not matter."""
    text = pc.utf8_rtrim(data, characters="\r\n")
    if pc.any(pc.match_substring_regex(text, '["\r]'), min_count=0).as_py():
        return quoted_csv_side(text)
    if pc.any(pc.match_substring(text, "\n"), min_count=0).as_py():
        rows = pc.split_pattern(text, "\n")
        counts, lines = pc.list_value_length(rows).to_numpy().astype(np.int64), rows.flatten()
    else:
        counts, lines = np.ones(len(text), np.int64), text
    widths = pc.count_substring(lines, ",").to_numpy().astype(np.int64) + 1
    firsts = np.cumsum(counts) - counts
    of_request, widest = widths[firsts], np.maximum.reduceat(widths, firsts) if len(firsts) else widths
    narrowest = np.minimum.reduceat(widths, firsts) if len(firsts) else widths
    ragged = {
        int(i): "rows of one payload differ in their number of values" for i in np.flatnonzero(widest != narrowest)
    }
    return Side(counts, of_request, ragged, lines=lines)


def quoted_csv_side(text: pa.StringArray) -> Side:
    """The same where a value may be in quotes, and so hold commas and newlines."""
    counts, widths, lines = [], [], []
    problems: dict[int, str] = {}
    for i, payload in enumerate(text.to_pylist()):
        try:
            rows = [row or [""] for row in csv.reader(io.StringIO(payload, newline=""), strict=True)] or [[""]]
        except csv.Error as error:
            problems[i], rows = f"not CSV: {error}", [[""]]
        if len({len(row) for row in rows}) > 1:
            problems[i] = RAGGED
        counts.append(len(rows))
        widths.append(len(rows[0]))
        lines += rows
    return Side(
        np.array(counts, np.int64),
        np.array(widths, np.int64),
        problems,
        lines=pa.array([requoted(row) for row in lines]),
    )


def requoted(row: Sequence[str]) -> str:
    return ",".join(
        f'"{value.replace(chr(34), chr(34) * 2)}"' if set('",\n\r') & set(value) else value for value in row
    )


def columns_of_lines(lines: pa.StringArray, names: list[str]) -> dict[str, pa.ChunkedArray]:
    """Lines of CSV with as many values as names, all text; an empty value is missing."""
    if not len(lines):
        return {name: pa.array([], pa.string()) for name in names}
    content = (pc.binary_join(as_list(lines), "\n")[0].as_py() + "\n").encode()
    table = pcsv.read_csv(
        pa.BufferReader(content),
        pcsv.ReadOptions(use_threads=False, column_names=names, block_size=len(content) + 1),
        pcsv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        pcsv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            strings_can_be_null=True,
            null_values=[""],
        ),
    )
    return dict(zip(names, table.columns, strict=True))


def as_list(lines: pa.StringArray) -> pa.ListArray:
    return pa.ListArray.from_arrays(pa.array([0, len(lines)], pa.int32()), lines)


def json_side(data: pa.StringArray, one_by_one: bool = False) -> Side:
    """JSON texts: a flat object, a list of them, or one per line."""
    if not one_by_one and (table := flat_objects(data)) is not None:
        return Side(np.ones(len(data), np.int64), np.full(len(data), NAMED), {}, table=table)
    counts: list[int] = []
    objects: list[dict[str, str | None]] = []
    problems: dict[int, str] = {}
    for i, text in enumerate(data.to_pylist()):
        try:
            rows = [flat(row) for row in rows_of_json(text)]
        except ValueError as error:
            problems[i], rows = str(error), []
        counts.append(len(rows))
        objects += rows
    return Side(np.array(counts, np.int64), np.full(len(counts), NAMED), problems, objects=objects)


def flat_objects(texts: pa.StringArray) -> dict[str, pa.Array] | None:
    """Texts that are one flat object each, as columns of texts; None if they can't be read that way."""
    one_each = pc.match_substring_regex(texts, r"^[ \t]*\{[^\n]*\}[ \t]*$")  # anything else PyArrow must not be given
    if not len(texts) or not pc.all(one_each).as_py():
        return None
    content = pa.BufferReader(pc.binary_join(as_list(texts), "\n")[0].as_py().encode())
    reading = pj.ReadOptions(use_threads=False, block_size=content.size() + 1)
    try:
        table = pj.read_json(content, reading)
        times = [f for f in table.schema if pa.types.is_temporal(f.type)]
        if times:  # recognised among the texts, but a text stays as it is written
            content.seek(0)
            plain = pj.ParseOptions(explicit_schema=pa.schema([(f.name, pa.string()) for f in times]))
            table = pj.read_json(content, reading, plain).select(table.column_names)
    except pa.ArrowInvalid:
        return None
    if table.num_rows != len(texts) or any(name.startswith("@") for name in table.column_names):
        return None
    columns = {name: as_written(name, table.column(name).combine_chunks(), texts) for name in table.column_names}
    return columns if all(column is not None for column in columns.values()) else None


def as_written(name: str, column: pa.Array, texts: pa.StringArray) -> pa.StringArray | None:
    """A column read from JSON as texts; None if it is nested.

    How a number is written tells its type, and whether 5 was written as 5 or as 5.0 is not to be seen in a column of
    floats. So whole numbers among them are looked up in the texts.
    """
    if pa.types.is_nested(column.type):
        return None
    if not pa.types.is_floating(column.type):
        return column.cast(pa.string())
    if pc.any(pc.is_nan(column)).as_py():
        return None  # written NaN, or nan, or otherwise
    whole = pc.fill_null(pc.equal(pc.floor(column), column), False)
    written = column.cast(pa.string())
    if not pc.any(whole).as_py():
        return written
    key = re.escape(json.dumps(name)[1:-1])
    number = rf'"{key}"\s*:\s*(?P<number>-?\d[\d.eE+-]*)'
    found = pc.struct_field(pc.extract_regex(texts.filter(whole), number), "number")
    if found.null_count or not pc.all(pc.equal(found.cast(pa.float64()), column.filter(whole))).as_py():
        return None
    return pc.replace_with_mask(written, whole, found)


def rows_of_json(text: str) -> list[Any]:
    """The documents of a JSON payload. Numbers keep the way they are written, which tells their type."""
    try:
        document = loads(text)
    except ValueError:
        documents = [line for line in text.split("\n") if line.strip()]
        if len(documents) < 2:
            raise ValueError("not JSON") from None
        try:
            return [loads(line) for line in documents]
        except ValueError:
            raise ValueError("not JSON") from None
    return document if isinstance(document, list) else [document]


def loads(text: str) -> Any:
    try:
        return json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
    except RecursionError:
        raise ValueError("not JSON that can be read: nested too deeply") from None


def flat(row: Any) -> dict[str, str | None]:
    """A flat JSON object's values as texts. Raises ValueError for anything else."""
    if not isinstance(row, dict):
        raise ValueError("JSON without names for its values needs a preprocessing script")
    for name, value in row.items():
        if not is_unicode(f"{name}{value}"):
            raise ValueError("not Unicode text")
        if isinstance(value, dict | list):
            raise ValueError(f"'{name}' is nested; a preprocessing script can flatten it")
        if name.startswith("@"):
            raise ValueError(f"'{name}': names with @ in front are kept for the request; rename it")
    return {name: text_of(value) for name, value in row.items()}


def text_of(value: Any) -> str | None:
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    return None if value is None else str(value)


def columns_of_objects(objects: Sequence[Mapping[str, str | None]]) -> dict[str, pa.Array]:
    """Objects as columns of texts; a key that an object lacks is missing there."""
    names = dict.fromkeys(name for row in objects for name in row)
    return {name: pa.array([row.get(name) for row in objects], pa.string()) for name in names}
