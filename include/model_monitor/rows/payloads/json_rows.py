"""Read rows from JSON: objects by name or lists by position, all values as texts."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from model_monitor.rows.json_text import documents_of, in_one, is_unicode
from model_monitor.rows.payloads.breadth import COLUMNS_AT_MOST, TOO_WIDE, are_crowded
from model_monitor.rows.payloads.envelopes import RAGGED, Opened, Row, lines_opened, opened

NAMED = -1  # the width of rows of named values
EMPTY = -2  # the width without rows
NESTED = (dict, list)
AS_WRITTEN = dict.fromkeys(("parse_int", "parse_float", "parse_constant"), str)  # which tells a number's type
NESTING_AT_MOST = 500  # at some ten thousand PyArrow's reader ends the process

Texts = dict[str, str | None] | list[str | None]  # a row: its values by name, or by position


def rows_of_json(text: str) -> Opened:
    """The objects of a JSON text: one, those of a list, or one per line. Raises ValueError."""
    documents = documents_of(text, **AS_WRITTEN)
    rows = documents[0] if len(documents) == 1 and isinstance(documents[0], list) else documents
    if not all(isinstance(row, dict) for row in rows):
        raise ValueError("JSON without names for its values needs a preprocessing script")
    return Opened(rows)


def rows_of_payload(text: str) -> Opened:
    """The rows of a captured JSON payload, out of its envelope. Raises ValueError."""
    documents = documents_of(text, **AS_WRITTEN)
    return opened(documents[0]) if len(documents) == 1 else lines_opened(documents)


def texts_of(row: Row, left_out: Collection[str] = ()) -> Texts:
    """A row's values as texts, without nested ones of the names ``left_out``. Raises ValueError for other nested
    values, a lone surrogate or too many values."""
    if len(row) > COLUMNS_AT_MOST:
        raise ValueError(TOO_WIDE)
    if isinstance(row, dict):
        return flat({k: v for k, v in row.items() if k not in left_out or not isinstance(v, NESTED)})
    if any(isinstance(value, NESTED) for value in row):
        raise ValueError("a value is nested; a preprocessing script can flatten it")
    return all_unicode(row)


def flat(row: Mapping[str, Any]) -> dict[str, str | None]:
    """A flat JSON object's values as texts. Raises ValueError if it is not flat."""
    all_unicode(row)
    for name, value in row.items():
        if isinstance(value, NESTED):
            raise ValueError(f"'{name}' is nested; a preprocessing script can flatten it, or exclude it")
        if name.startswith("@"):
            raise ValueError(f"'{name}': names with @ in front are kept for the request; rename it")
    return dict(zip(row, all_unicode(row.values()), strict=True))


def all_unicode(values: Iterable[Any]) -> list[str | None]:
    """Single values as texts. Raises ValueError for a lone surrogate."""
    texts = [value if type(value) is str else text_of(value) for value in values]
    if not is_unicode("".join(filter(None, texts))):
        raise ValueError("not Unicode text")
    return texts


def text_of(value: Any) -> str | None:
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    return None if value is None else str(value)


def columns_of_objects(objects: Sequence[Mapping[str, str | None]]) -> dict[str, pa.Array]:
    """Objects as columns of texts; a key that an object lacks is missing there."""
    names = dict.fromkeys(name for row in objects for name in row)
    return {name: pa.array([row.get(name) for row in objects], pa.string()) for name in names}


def columns_of_texts(rows: Sequence[Texts], names: Sequence[str]) -> dict[str, pa.Array]:
    """Columns of rows that are all objects, or all lists with a value for each name."""
    objects = [row for row in rows if isinstance(row, dict)]
    if objects or not rows:
        return columns_of_objects(objects)
    columns = zip(*rows, strict=True)
    return {name: pa.array(column, pa.string()) for name, column in zip(names, columns, strict=True)}


def width_of(rows: Sequence[Texts]) -> int:
    """The width of rows: their number of values, or ``NAMED``. Raises ValueError if they differ."""
    widths = {NAMED if isinstance(row, dict) else len(row) for row in rows}
    if len(widths) > 1:
        raise ValueError("some values have names and others have none" if NAMED in widths else RAGGED)
    return widths.pop() if widths else EMPTY


def flat_objects(texts: pa.StringArray) -> dict[str, pa.Array] | None:
    """Texts of one flat object each, as columns of texts; None if they are anything else."""
    one_each = pc.match_substring_regex(texts, r"^[ \t]*\{[^\n]*\}[ \t]*$")  # on anything else PyArrow may crash
    if not len(texts) or not pc.all(one_each).as_py() or nesting_may_exceed(texts, NESTING_AT_MOST):
        return None
    if are_crowded(texts):  # PyArrow takes long for each column
        return None
    content = pa.BufferReader(in_one(texts).as_py().encode())
    reading = pj.ReadOptions(use_threads=False, block_size=content.size() + 1)
    try:
        table = pj.read_json(content, reading)
        if any(pa.types.is_nested(f.type) for f in table.schema):  # PyArrow 26 can't even put lists of nulls together
            return None
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


def nesting_may_exceed(texts: pa.StringArray, depth: int) -> bool:
    """Whether a text may nest deeper than ``depth``: it has that many brackets, perhaps within quotes."""
    if (pc.max(pc.binary_length(texts)).as_py() or 0) <= depth:
        return False
    opens = (pc.max(pc.count_substring(texts, bracket)).as_py() or 0 for bracket in "[{")
    return bool(sum(opens) > depth)


def as_written(name: str, column: pa.Array, texts: pa.StringArray) -> pa.StringArray | None:
    """A column of single values as the JSON spells them; None if that can't be known. A number's spelling tells its
    type, but a column of floats does not show whether 5 was written as 5 or 5.0. So whole numbers are looked up in the
    texts."""
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
    spellings = pc.struct_field(pc.extract_regex(texts.filter(whole), number), "number")
    if spellings.null_count or not pc.all(pc.equal(spellings.cast(pa.float64()), column.filter(whole))).as_py():
        return None
    return pc.replace_with_mask(written, whole, spellings)
