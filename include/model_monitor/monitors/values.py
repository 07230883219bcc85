"""Labels and predictions as canonical values, however they were written."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from model_monitor.core import batch as batches
from model_monitor.errors import DataError

NUMBER = r"^[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?$"
LONGEST = 400  # digits of a number: a longer text is no number
CODE = re.compile(r"^[-+]?0\d")  # "007" is a code, not the number 7
BOOLEANS = {"true": "1", "false": "0"}
EXACT = 1 << 53  # beyond, not every whole number is a float64


def canonical(array: pa.Array) -> pa.StringArray:
    """Labels that mean the same as one text; null where there is none.

    ``1``, ``"1"`` (with JSON's quotes), ``1.0``, ``true`` and ``True``, as text or typed, are "1"; ``false`` is "0";
    other numbers are written as Python does, whole ones without ".0"; any other text is itself without space around
    it. Null, NaN and empty text are null.

    >>> canonical(pa.array(["1.0", "True", " yes ", "1e-3", ""])).to_pylist()
    ['1', '1', 'yes', '0.001', None]
    """
    if isinstance(array, pa.DictionaryArray):
        return canonical(array.dictionary).take(array.indices)
    if pa.types.is_nested(array.type):
        array = pa.array([None if value is None else json.dumps(value) for value in array.to_pylist()], pa.string())
    if pa.types.is_decimal(array.type):
        array = array.cast(pa.float64())
    encoded = array.dictionary_encode()
    texts = [label_of(value) for value in encoded.dictionary.to_pylist()]
    return pa.array(texts, pa.string()).take(encoded.indices)


def label_of(value: object) -> str | None:
    """One label's text, as ``canonical`` says."""
    if value is None or value != value:
        return None
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        return text_of_number(value)
    text = unquoted(str(value).strip())
    if not text:
        return None
    if text.lower() in BOOLEANS:
        return BOOLEANS[text.lower()]
    if len(text) > LONGEST or not re.match(NUMBER, text) or CODE.match(text):
        return text
    number = float(text)
    if re.fullmatch(r"[-+]?\d+", text):
        return str(int(text))
    return text_of_number(number) if math.isfinite(number) else text


def text_of_number(number: float) -> str:
    whole = math.isfinite(number) and number == int(number) and abs(number) < EXACT
    return str(int(number)) if whole else repr(number)


def unquoted(text: str) -> str:
    """A text without JSON's quotes around it."""
    if len(text) > 1 and text[0] == text[-1] == '"':
        try:
            inside = str(json.loads(text)).strip()
            inside.encode()  # raises for a lone surrogate, which JSON can spell and no file can hold
            return inside
        except ValueError:
            return text[1:-1].strip()
    return text


def numbers(array: pa.Array) -> pa.DoubleArray:
    """Values as float64; null where one is no finite number. Texts may have an exponent (``1e-3``) and JSON's quotes.

    >>> numbers(pa.array(["1e-3", "2", "x", None])).to_pylist()
    [0.001, 2.0, None, None]
    """
    if isinstance(array, pa.DictionaryArray):
        return numbers(array.dictionary).take(array.indices)
    kind = array.type
    if pa.types.is_boolean(kind):
        return array.cast(pa.int8()).cast(pa.float64())
    if pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind):
        return finite(array.cast(pa.float64(), safe=False))
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return pa.nulls(len(array), pa.float64())
    texts = pc.utf8_trim(pc.utf8_trim_whitespace(array), '"')
    written = pc.fill_null(pc.match_substring_regex(texts, NUMBER), False)
    signed = pc.fill_null(pc.starts_with(texts, "+"), False)
    texts = pc.if_else(signed, pc.utf8_slice_codeunits(texts, 1), texts)
    return finite(pc.if_else(written, texts, pa.scalar(None, texts.type)).cast(pa.float64()))


def finite(array: pa.DoubleArray) -> pa.DoubleArray:
    return pc.if_else(pc.is_finite(array), array, pa.scalar(None, pa.float64()))


def in_order(labels: Iterable[str]) -> list[str]:
    """Labels by their number where they are numbers, then the others by text."""
    return sorted(labels, key=order_of)


def order_of(label: str) -> tuple[bool, float, str]:
    """The sort key of a label in ``in_order``."""
    try:
        number = float(label)
    except ValueError:
        number = math.nan
    return (math.isnan(number), 0.0 if math.isnan(number) else number, label)


def listed(labels: Iterable[str], most: int = 5) -> str:
    """Labels for a message: ``"a, b and 3 more"``."""
    ordered = in_order(labels)
    more = f" and {len(ordered) - most} more" if len(ordered) > most else ""
    return ", ".join(ordered[:most]) + more


def column(batch: pa.RecordBatch, attribute: str | int) -> pa.Array:
    """The judged column called so or, for an index (``0`` or ``"0"``), the i-th judged column from 0.

    Raises DataError, naming the columns there are.
    """
    names = batches.columns(batch)
    if (name := name_of(attribute, names)) is not None:
        return batch.column(name)
    raise DataError(
        f"the rows have no column '{attribute}'; name one of theirs: {', '.join(names) or 'they have none'}"
    )


def name_of(attribute: str | int | None, names: list[str]) -> str | None:
    """The column called so or with this index; None if there is none."""
    if str(attribute) in names:
        return str(attribute)
    return names[int(str(attribute))] if str(attribute).isdecimal() and int(str(attribute)) < len(names) else None


def vectors(array: pa.Array) -> pa.ListArray | None:
    """A column of lists, or of texts that are JSON lists, as lists of float64, null where there is none; None if the
    column holds no list at all."""
    if isinstance(array, pa.DictionaryArray):
        array = array.dictionary.take(array.indices)
    if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
        texts = pc.utf8_trim_whitespace(array)
        listed = pc.fill_null(pc.match_substring_regex(texts, r"^\[.*\]$"), False)
        if not pc.any(listed).as_py():
            return None
        inner = pc.utf8_trim(pc.if_else(listed, texts, pa.scalar(None, texts.type)), "[]")
        array = pc.split_pattern(inner, ",")
    elif pa.types.is_fixed_size_list(array.type):
        array = array.cast(pa.list_(array.type.value_type))
    elif not (pa.types.is_list(array.type) or pa.types.is_large_list(array.type)):
        return None
    lengths = pc.fill_null(pc.list_value_length(array), 0).to_numpy(zero_copy_only=False)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    mask = pc.is_null(array) if array.null_count else None
    return pa.ListArray.from_arrays(pa.array(offsets), numbers(array.flatten()), mask=mask)
