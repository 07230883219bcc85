"""Which values were asked and answered? Payloads of captured requests, decoded into columns.

Each side (output, input) is decoded on its own as CSV or JSON. A payload of several rows becomes as many rows; outputs
come before inputs. The *shape* of a request says which columns its rows have: for CSV the number of values on each
side, for JSON that they carry names.
"""

from __future__ import annotations

import base64
import binascii
import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv

from model_monitor.rows.capture import Records, Rejected

SIDES = ("endpointOutput", "endpointInput")  # outputs before inputs
CSV, JSON, ABSENT = "CSV", "JSON", ""

NAMED = -1  # the width of a JSON side; 0 is that of a side that was not captured
Shape = tuple[int, int]


@dataclass(frozen=True)
class Names:
    """What the values of CSV payloads are called: declared names by position, ``_c0``, ``_c1``, ... beyond them."""

    outputs: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()

    def of_shape(self, outputs: int, inputs: int) -> tuple[list[str], list[str]]:
        """The names of so many outputs and so many inputs."""
        declared = [*self.outputs, *self.inputs] if outputs else [*self.inputs]
        names = [*declared, *(f"_c{i}" for i in range(len(declared), outputs + inputs))][: outputs + inputs]
        return names[:outputs], names[outputs:]


@dataclass(frozen=True)
class Rows:
    """Rows of one shape: the judged columns, all text, and for each request its index and how many rows it has."""

    shape: Shape
    columns: pa.Table
    requests: np.ndarray
    counts: np.ndarray


@dataclass
class Side:
    """One decoded side of some requests: per request how many rows, how wide, or why it can't be read."""

    counts: np.ndarray
    widths: np.ndarray
    problems: dict[int, str]
    lines: pa.StringArray | None = None  # of CSV: all rows one after the other
    objects: list[dict[str, str | None]] | None = None  # of JSON: the same

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
        if self.lines is None:
            return {}
        chosen = self.lines if len(rows) == len(self.lines) else self.lines.take(pa.array(rows))
        return columns_of_lines(chosen, names)

    def names(self, requests: Sequence[int] | np.ndarray, names: list[str]) -> set[str]:
        """What the values of some requests are called."""
        if self.objects is None:
            return set(names)
        return {name for row in self.rows(np.asarray(requests)).tolist() for name in self.objects[row]}


def decode(records: Records, names: Names) -> tuple[list[Rows], list[Rejected]]:
    """Rows by shape, and the requests that can't be read."""
    formats = [formats_of(records, side) for side in SIDES]
    found: list[Rows] = []
    rejected: list[Rejected] = []
    pairs = list(zip(*formats, strict=True))
    for pair in sorted(set(pairs)):
        chosen = np.array([i for i, p in enumerate(pairs) if p == pair], np.int64)
        part = records if len(chosen) == len(records) else records.take(chosen)
        rows, problems = decode_alike(part, pair, names)
        found += [Rows(r.shape, r.columns, chosen[r.requests], r.counts) for r in rows]
        rejected += [part.reject(i, reason) for i, reason in sorted(problems.items())]
    return found, rejected


def formats_of(records: Records, side: str) -> list[str]:
    """How each request's side is to be read: CSV, JSON, absent, or a sentence why it can't be."""
    data, encodings = records.side(side, "data"), records.side(side, "encoding")
    if (
        not data.null_count
        and encodings.null_count == 0
        and len(encodings.unique()) == 1
        and encodings[0].as_py() in (CSV, JSON)
    ):
        return [encodings[0].as_py()] * len(encodings)
    types = records.side(side, "observedContentType")
    return [
        ABSENT if value is None else format_of(encoding, kind)
        for value, encoding, kind in zip(data.to_pylist(), encodings.to_pylist(), types.to_pylist(), strict=True)
    ]


def format_of(encoding: str | None, content_type: str | None) -> str:
    if encoding in (CSV, JSON):
        return encoding
    if encoding == "BASE64":
        kind = (content_type or "").partition(";")[0].strip().lower()
        if kind in ("text/csv", "application/csv"):
            return "BASE64 CSV"
        return "BASE64 JSON" if "json" in kind else f"!BASE64 of '{kind}' needs a preprocessing script"
    return f"!unknown encoding {encoding!r}"


def decode_alike(records: Records, formats: Sequence[str], names: Names) -> tuple[list[Rows], dict[int, str]]:
    """Rows of requests whose sides are written alike, and why others can't be read, by index."""
    for kind in formats:
        if kind.startswith("!"):
            return [], dict.fromkeys(range(len(records)), kind[1:])
    if not any(formats):
        return [], dict.fromkeys(range(len(records)), "neither input nor output was captured")
    sides = [side_of(records.side(side, "data"), kind) for side, kind in zip(SIDES, formats, strict=True)]
    problems = sides[1].problems | sides[0].problems
    output, given = sides
    if all(formats):
        unequal = np.flatnonzero(output.counts != given.counts)
        problems = {
            int(i): f"output has {output.counts[i]} rows, input has {given.counts[i]}" for i in unequal
        } | problems
    counts = np.maximum(output.counts, given.counts)
    fine = np.ones(len(records), bool)
    fine[list(problems)] = False
    shapes = np.stack([output.widths, given.widths])
    found = []
    for shape in np.unique(shapes[:, fine], axis=1).T.tolist():
        called = names.of_shape(*(max(0, width) for width in shape))
        chosen = np.flatnonzero(fine & (shapes[0] == shape[0]) & (shapes[1] == shape[1]))
        clashes = clashing(output, given, chosen, called)
        problems |= clashes
        chosen = np.array([i for i in chosen.tolist() if i not in clashes], np.int64) if clashes else chosen
        if len(chosen):
            columns = output.columns(chosen, called[0]) | given.columns(chosen, called[1])
            found.append(Rows((shape[0], shape[1]), pa.table(columns), chosen, counts[chosen]))
    return found, problems


def clashing(output: Side, given: Side, chosen: np.ndarray, called: tuple[list[str], list[str]]) -> dict[int, str]:
    """The requests whose output and input name the same column, which only JSON can."""
    if output.objects is None and given.objects is None:
        return {}
    twice = output.names(chosen, called[0]) & given.names(chosen, called[1])
    own = {int(i): output.names([i], called[0]) & given.names([i], called[1]) for i in chosen} if twice else {}
    if twice and not any(own.values()):
        own = dict.fromkeys(own, twice)  # named on one side here, on the other there: nobody can tell them apart
    advice = "is in both output and input; rename one, or use a preprocessing script"
    return {i: f"'{min(names)}' {advice}" for i, names in own.items() if names}


def side_of(data: pa.StringArray, kind: str) -> Side:
    """One side of requests that are written alike."""
    if kind == ABSENT:
        return Side(np.zeros(len(data), np.int64), np.zeros(len(data), np.int64), {})
    problems: dict[int, str] = {}
    if kind.startswith("BASE64"):
        data = unpacked(data, problems)
    side = csv_side(data) if kind.endswith(CSV) else json_side(data)
    side.problems |= problems
    return side


def unpacked(data: pa.StringArray, problems: dict[int, str]) -> pa.StringArray:
    """Texts out of base64; where there is none, an empty text and a problem."""
    texts = []
    for i, text in enumerate(data.to_pylist()):
        try:
            texts.append(base64.b64decode(text, validate=True).decode("utf-8"))
        except (binascii.Error, UnicodeDecodeError):
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
            problems[i] = "rows of one payload differ in their number of values"
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


def json_side(data: pa.StringArray) -> Side:
    """JSON texts: a flat object, a list of them, or one per line."""
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


def rows_of_json(text: str) -> list[Any]:
    """The documents of a JSON payload. Numbers keep the way they are written, which tells their type."""
    try:
        document = loads(text)
    except ValueError:
        documents = [line for line in text.splitlines() if line.strip()]
        if len(documents) < 2:
            raise ValueError("not JSON") from None
        try:
            return [loads(line) for line in documents]
        except ValueError:
            raise ValueError("not JSON") from None
    return document if isinstance(document, list) else [document]


def loads(text: str) -> Any:
    return json.loads(text, parse_int=str, parse_float=str, parse_constant=str)


def flat(row: Any) -> dict[str, str | None]:
    """A flat JSON object's values as texts. Raises ValueError for anything else."""
    if not isinstance(row, dict):
        raise ValueError("JSON without names for its values needs a preprocessing script")
    for name, value in row.items():
        if isinstance(value, dict | list):
            raise ValueError(f"'{name}' is nested; a preprocessing script can flatten it")
    return {name: text_of(value) for name, value in row.items()}


def text_of(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


def columns_of_objects(objects: Sequence[Mapping[str, str | None]]) -> dict[str, pa.Array]:
    """Objects as columns of texts; a key that an object lacks is missing there."""
    names = dict.fromkeys(name for row in objects for name in row)
    return {name: pa.array([row.get(name) for row in objects], pa.string()) for name in names}
