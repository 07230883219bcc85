"""Find predictions in the payloads of requests, and labels in ground-truth records.

An attribute is a column's name, the index of a value of CSV, or a path into JSON.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from model_monitor.rows.captures import Records
from model_monitor.rows.json_text import is_unicode
from model_monitor.rows.payloads.envelopes import as_one_row, opened
from model_monitor.rows.payloads.json_rows import NAMED, text_of
from model_monitor.rows.payloads.jsonpaths import Find, compiled, document_of, is_path, values_at, written
from model_monitor.rows.payloads.payload import (
    LOST,
    SIDES,
    ContentTypes,
    Decode,
    Names,
    Rows,
    Shape,
    beside_answer,
    formats_of,
)
from model_monitor.rows.payloads.sides import ABSENT, CSV, JSON, csv_rows, from_base64, is_headed
from model_monitor.rows.summary import Rejected

Cells = dict[str, str | None]

KEYS_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Captured:
    """One side of a request: its text, and its format as ``payload.formats_of`` says."""

    kind: str
    data: str

    @property
    def text(self) -> str:
        return from_base64(self.data) if self.kind.startswith("BASE64") else self.data

    def is_in(self, kind: str) -> bool:
        return self.kind in (kind, f"BASE64 {kind}")


def extracting(paths: Sequence[str], names: Names) -> Decode:
    """A decoder of requests with nested JSON: one column of text per path, named by the path.

    A path is evaluated on the output and, if it finds nothing there, on the input (see ``values_at``). All paths that
    find something must find equally many values: the request's number of rows. A nested value becomes compact JSON.

    Flat values become columns too, after those of the paths; the first of equal names wins:

    * from JSON, output before input: the scalars of an object if there is one row, or of a list of as many objects;
    * from JSON input in an envelope (see ``envelopes``), also where a batch transform joined it with the output;
    * from CSV input with that many rows: its values, named by ``names``; also from JSON without names, if ``names`` has
      names for inputs.

    A request is rejected if its output is not JSON, if its input is labelled JSON and is not, or if the recorder left
    out either. Raises ConfigError for a path that can't be parsed.
    """
    finds = {path: compiled(path) for path in paths}

    def decode(records: Records) -> tuple[list[Rows], list[Rejected]]:
        by_shape: dict[Shape, dict[int, list[Cells]]] = {}
        headed: Counter[Shape] = Counter()
        rejected: list[Rejected] = []
        sides = (captured(records, side, names.types) for side in SIDES)
        for i, (output, input_) in enumerate(zip(*sides, strict=True)):
            try:
                shape, rows = rows_of(output, input_, finds, names)
                by_shape.setdefault(shape, {})[i] = rows
                headed[shape] += input_.is_in(CSV) and is_headed(input_.text, names.headers[1])
            except ValueError as error:
                rejected.append(records.reject(i, str(error)))
        parts = [(shape, Rows.of(shape, by_shape[shape])) for shape in sorted(by_shape)]
        return [
            replace(rows, headed=headed[shape] if i == 0 else 0) for shape, part in parts for i, rows in enumerate(part)
        ], rejected

    return decode


def captured(records: Records, side: str, types: ContentTypes) -> list[Captured]:
    texts = records.side(side, "data").to_pylist()
    return [Captured(kind, text or "") for kind, text in zip(formats_of(records, side, types), texts, strict=True)]


def rows_of(output: Captured, input_: Captured, finds: Mapping[str, Find], names: Names) -> tuple[Shape, list[Cells]]:
    """The shape and the rows of one request. Raises ValueError with the reason to reject it."""
    refuse_unreadable(output, input_, finds)
    documents = [document_of(side.text) for side in (output, input_) if side.is_in(JSON)]
    matches = {
        path: next(filter(None, (values_at(document, find) for document in documents)), [])
        for path, find in finds.items()
    }
    counts = {path: len(values) for path, values in matches.items() if values}
    if not counts:
        raise ValueError(f"nothing at {quoted(finds)}")
    if len(set(counts.values())) > 1:
        numbers = ", ".join(f"{count} at '{path}'" for path, count in counts.items())
        raise ValueError(f"the paths find different numbers of values: {numbers}")
    count = max(counts.values())
    rows: list[Cells] = [
        {path: written(values[i]) if values else None for path, values in matches.items()} for i in range(count)
    ]
    flat = [scalars(document, count) for document in documents]
    is_absent = input_.kind == ABSENT  # a batch transform may have joined it with the output
    question = documents[-1] if input_.is_in(JSON) else beside_answer(documents[0]) if is_absent else None
    if question is not None:
        flat.append(unwrapped(question, count, names))
    if input_.is_in(CSV):
        flat.append(csv_cells(input_, count, names))
    for part in filter(None, flat):
        for row, cells in zip(rows, part, strict=True):
            row |= {name: cell for name, cell in cells.items() if name not in row}
    width = NAMED if input_.is_in(JSON) else len(flat[-1][0]) if input_.is_in(CSV) and flat[-1] else 0
    return (NAMED if output.kind else 0, width), rows


def refuse_unreadable(output: Captured, input_: Captured, paths: Iterable[str]) -> None:
    """Raise ValueError with the reason if no path can apply to a request."""
    if output.kind == input_.kind == ABSENT:
        raise ValueError("neither input nor output was captured")
    for side in (output, input_):
        if side.kind.startswith("!") and (side is output or side.kind in LOST):
            raise ValueError(side.kind[1:])
    if output.is_in(CSV):
        raise ValueError(f"the output is CSV, which has no {quoted(paths)}; give an index or a name instead of a path")


def scalars(document: Any, count: int) -> list[Cells]:
    """The scalars of ``count`` objects; [] if the document is anything else."""
    objects = document if isinstance(document, list) else [document]
    if len(objects) != count or not all(isinstance(item, dict) for item in objects):
        return []
    return [
        {
            name: text_of(value)
            for name, value in item.items()
            if not isinstance(value, dict | list) and not name.startswith("@") and is_unicode(f"{name}{value}")
        }
        for item in objects
    ]


def unwrapped(document: Any, count: int, names: Names) -> list[Cells]:
    """The cells of ``count`` rows in an input's envelope; [] if the document is anything else."""
    rows = rows_in(document, count)
    widths = {len(row) for row in rows if isinstance(row, list)}
    if not widths:
        return scalars(rows, count)
    if len(rows) != count or len(widths) > 1 or not names.inputs:
        return []
    return [{name: written(value) for name, value in cells.items()} for cells in named(rows, names)]


def rows_in(document: Any, count: int) -> list[Any]:
    """The rows of a document, [] if it can't be opened. A list of single values is one row if one is expected."""
    try:
        payload = opened(document)
    except ValueError:
        return []
    return [as_one_row(payload.rows)] if payload.vector and count == 1 else list(payload.rows)


def named(rows: Sequence[Any], names: Names) -> list[dict[str, Any]]:
    """Rows of inputs of one width, by name."""
    if isinstance(rows[0], dict):  # by a header
        return [dict(row) for row in rows]
    columns = names.of_shape(0, len(rows[0]))[1]
    return [dict(zip(columns, row, strict=True)) for row in rows]


def csv_cells(input_: Captured, count: int, names: Names) -> list[Cells]:
    """The cells of ``count`` rows of CSV; [] if it is anything else."""
    try:
        rows = names.headers[1].below(csv_rows(input_.text)).rows
    except ValueError:
        return []
    return named(rows, names) if len(rows) == count and len(set(map(len, rows))) == 1 else []


def label_values(data: str, encoding: str | None, attribute: str | int) -> list[str | None]:
    """The labels in one ground-truth record, one for each row of the request; None where it is missing.

    CSV (the default encoding): one label per line, its only value or the one at the attribute's index. JSON: a scalar
    is a label, a list has one in each item, and an object has it at the attribute's path or name, or as its only value;
    a list of scalars there has one label in each. Raises ValueError with a short reason, ConfigError.

    >>> label_values('{"instances": [{"label": 0}, {"label": 1.0}]}', "JSON", "instances[*].label")
    ['0', '1.0']
    """
    if encoding in (None, CSV):
        names, *rest = csv_rows(data)
        if rest and not str(attribute).isdecimal() and names.count(str(attribute)) == 1:  # a header
            return [label_of_row(row, str(names.index(str(attribute)))) for row in rest]
        return [label_of_row(row, str(attribute)) for row in (names, *rest)]
    if encoding != JSON:
        raise ValueError(f"labels in {encoding} can't be read; write them as CSV or JSON")
    values = labels_in(document_of(data), attribute)
    if any(isinstance(value, dict | list) for value in values):
        raise ValueError("a label is nested; give the path to it as ground_truth_attribute, e.g. instances[*].label")
    return [written(value) for value in values]


def labels_in(document: Any, attribute: str | int) -> list[Any]:
    """The labels in a JSON document, as ``label_values`` says."""
    name = str(attribute)
    one_by_one = isinstance(document, list)
    if is_path(attribute) and any(isinstance(item, dict | list) for item in (document if one_by_one else [document])):
        values = values_at(document, compiled(name))
        if not values:
            raise ValueError(f"nothing at '{name}'{having(document)}")
        return values
    if one_by_one:
        return [label_of(item, name) for item in document]
    label = label_of(document, name)
    return label if isinstance(label, list) else [label]


def label_of_row(row: Sequence[str | None], name: str) -> str | None:
    if len(row) == 1:
        return row[0]
    if name.isdecimal() and int(name) < len(row):
        return row[int(name)]
    advice = f"index {name} is not among them" if name.isdecimal() else "give an index as ground_truth_attribute"
    raise ValueError(f"{len(row)} values; {advice}")


def label_of(document: Any, name: str) -> Any:
    """A scalar or a list itself; of an object the member of that name, or the only one."""
    if not isinstance(document, dict):
        return document
    if name not in document and len(document) != 1:
        raise ValueError(f"nothing at '{name}'{having(document)}")
    return document[name] if name in document else next(iter(document.values()))


def having(document: Any) -> str:
    """The keys that exist instead."""
    first = next((item for item in document if isinstance(item, dict)), {}) if isinstance(document, list) else document
    more = ", ..." if len(first) > KEYS_SHOWN else ""
    return f"; the keys are {quoted(list(first)[:KEYS_SHOWN])}{more}" if first else ""


def quoted(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
