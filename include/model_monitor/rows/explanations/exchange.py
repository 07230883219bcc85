"""Write rows as an endpoint's requests, and read the numbers in its answers."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.csv as pcsv

from model_monitor.errors import ConfigError
from model_monitor.rows.explanations.models import Exchange
from model_monitor.rows.payloads.jsonpaths import Find, compiled

PLACEHOLDER = re.compile(r'"\$\{([^}"]+)\}"|\$\{([^}"]+)\}|\$(features_kvp|feature_names|features|records|record)\b')
BOOLEANS = {"true": True, "false": False}

Render = Callable[[Sequence[Any]], bytes]
Part = bytes | Render

encode = msgspec.json.encode  # NaN becomes null


class Translator:
    """Both directions of an ``Exchange``, for rows with these features."""

    def __init__(self, exchange: Exchange, features: Sequence[str]) -> None:
        """Raises ConfigError if a template or a path can't be used."""
        self.exchange = exchange
        self.accept = exchange.accept_type or exchange.content_type
        self.place = exchange.label if exchange.probability is None else exchange.probability
        self.index, self.find = self.where(self.place)
        lines = exchange.content_type == "application/jsonlines"
        record = exchange.content_template if lines else exchange.record_template
        self.record = record_of(record or "$features", list(features))
        self.around = around_of(exchange) if exchange.content_type == "application/json" else (b"", b"")

    def where(self, place: str | int | None) -> tuple[int | None, Find | None]:
        """The column of CSV, or the path into JSON, where the numbers are. Raises ConfigError."""
        if place is None:
            return None, None
        if self.accept != "text/csv":
            return None, compiled(str(place))
        if not str(place).isdecimal():
            raise ConfigError(f"an answer in CSV has no '{place}'; give the index of a column as probability or label")
        return int(place), None

    def question(self, rows: np.ndarray) -> bytes:
        """A request's body for rows (2-d)."""
        if self.exchange.content_type == "text/csv":
            return csv_of(rows)
        values = zip(*map(values_of_column, rows.T), strict=True)
        records = [b"".join(p if isinstance(p, bytes) else p(row) for p in self.record) for row in values]
        if self.exchange.content_type == "application/jsonlines":
            return b"\n".join(records) + b"\n"
        before, after = self.around
        return before + b"[" + b",".join(records) + b"]" + after

    def answers(self, body: bytes, count: int) -> np.ndarray:
        """The numbers in an answer to ``count`` rows: float64, answers x outputs. Raises ValueError with the reason if
        there are none."""
        text = body.decode()
        values = self.of_csv(text, count) if self.accept == "text/csv" else self.of_json(text, count)
        if not values:
            raise ValueError("it is empty")
        try:
            numbers = np.array(values, np.float64)
        except (ValueError, TypeError):
            raise ValueError(f"it has no number for each row, but {json.dumps(values)[:200]}") from None
        return numbers.reshape(len(numbers), -1) if numbers.ndim < 3 else numbers

    def of_csv(self, text: str, count: int) -> list[Any]:
        rows = [row for row in csv.reader(io.StringIO(text)) if row]
        if len(rows) == 1 and len(rows[0]) == count:  # some endpoints write all answers on one line
            rows = [[value] for value in rows[0]]
        if self.index is not None:
            if short := next((row for row in rows if len(row) <= self.index), None):
                raise ValueError(f"there is no column {self.index} in {','.join(short)[:200]!r}")
            rows = [[row[self.index]] for row in rows]
        return [json.loads(row[0]) if len(row) == 1 and row[0].startswith("[") else row for row in rows]

    def of_json(self, text: str, count: int) -> list[Any]:
        if self.accept == "application/jsonlines":
            return [self.values_in(json.loads(line)) for line in text.splitlines() if line.strip()]
        values = self.values_in(json.loads(text))
        nested = any(isinstance(value, list) for value in values)
        return [values] if count == 1 and len(values) != 1 and not nested else values

    def values_in(self, document: Any) -> list[Any]:
        if self.find is None:
            return document if isinstance(document, list) else [document]
        values = self.find(document)
        if not values:
            raise ValueError(f"there is nothing at '{self.place}' in {json.dumps(document)[:200]}")
        return values


def around_of(exchange: Exchange) -> tuple[bytes, bytes]:
    """The body before and after the list of records. Raises ConfigError."""
    template = exchange.content_template or "$records"
    before, mark, after = re.sub(r"\$record\b", "$records", template).partition("$records")
    if not mark:
        raise ConfigError(f"content_template {template!r} has no $records, where the rows belong")
    return before.encode(), after.encode()


def record_of(template: str, features: list[str]) -> list[Part]:
    """The template of a row, in parts. Raises ConfigError."""
    parts: list[Part] = []
    end = 0
    for match in PLACEHOLDER.finditer(template):
        quoted, bare, word = match.groups()
        parts.append(template[end : match.start()].encode())
        parts.append(part_of(quoted or bare, word, features))
        end = match.end()
    if not end:
        raise ConfigError(f"the template {template!r} of a row has no $features, where its values belong")
    return [*parts, template[end:].encode()]


def part_of(name: str | None, word: str | None, features: list[str]) -> Part:
    if name is not None:
        if name not in features:
            raise ConfigError(f"a template has '${{{name}}}', but the features are {', '.join(features)}")
        place = features.index(name)
        return lambda row: encode(row[place])
    if word == "features":
        return encode
    if word == "features_kvp":
        return lambda row: encode(dict(zip(features, row, strict=True)))
    if word == "feature_names":
        return encode(features)
    raise ConfigError(f"${word} belongs into the content_template of JSON; the template of a row has $features")


def values_of_column(column: np.ndarray) -> list[Any]:
    """Values for JSON: a column of whole numbers as integers, the texts true and false as booleans."""
    if column.dtype != object:
        missing = np.isnan(column)
        whole = bool((missing | (np.floor(column) == column)).all()) and bool((np.abs(column[~missing]) < 2**53).all())
        if not whole:
            return list(column.tolist())
        return [None if gone else int(value) for value, gone in zip(column.tolist(), missing.tolist(), strict=True)]
    return [whole_or_same(BOOLEANS.get(value, value) if isinstance(value, str) else value) for value in column.tolist()]


def whole_or_same(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value


def csv_of(rows: np.ndarray) -> bytes:
    """Rows as CSV without a header; a missing value is empty, a whole number has no decimals."""
    if rows.dtype == object:
        stream = io.StringIO()
        texts = [[whole_or_same(value) for value in row] for row in rows.tolist()]
        csv.writer(stream, lineterminator="\n").writerows(texts)
        return stream.getvalue().encode()
    columns = [pa.array(rows[:, i], from_pandas=True) for i in range(rows.shape[1])]
    table = pa.Table.from_arrays(columns, names=[str(i) for i in range(len(columns))])
    target = io.BytesIO()
    pcsv.write_csv(table, target, pcsv.WriteOptions(include_header=False, quoting_style="none"))
    return target.getvalue()
