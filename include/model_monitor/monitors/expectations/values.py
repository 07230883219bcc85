"""Columns as pandas holds them, each read as its rule needs it.

Values of captured CSV and JSON are texts, as they were written. A rule about texts (a pattern, a length, a set of
texts) reads them so; any other reads a numeral as its number, and "true" and "false" as booleans. That depends on the
value and the rule alone, never on the rows beside it, so chunks of rows add.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from model_monitor.monitors.columns import FRACTIONAL, INTEGRAL, PATTERNS
from model_monitor.monitors.expectations.rules import DOMAIN, TEXT_WORDS, TYPES, Rule, texts_in

if TYPE_CHECKING:
    import pandas as pd

Reading = Literal["text", "values", "types"]
Readings = dict[str, Reading]

NUMERALS = f"{PATTERNS[INTEGRAL]}|{PATTERNS[FRACTIONAL]}"
OF_NUMPY: dict[type, Any] = {int: np.int64, float: np.float64, bool: np.bool_}
BOOLEANS = ("true", "false")
EXACT = 1 << 53  # whole numbers up to here are themselves as float64


def readings_of(rule: Rule, condition: Any, columns: list[str]) -> Readings:
    """How a rule reads the columns it needs; ``condition`` is GX's row condition, ``columns`` all that there are."""
    readings: Readings = {}
    for name, about in conditions_of(condition):
        for column in columns if name is None else [name]:
            readings[column] = "text" if set(texts_in(about)) == {str} else "values"
    pairs = rule.kwargs.get("value_pairs_set")
    for i, column in enumerate(rule.columns):
        about = [pair[i] for pair in pairs if len(pair) > i] if pairs else rule.kwargs
        readings[column] = reading_of(rule, about)
    return readings


def reading_of(rule: Rule, about: Any) -> Reading:
    if rule.type in TYPES:
        return "types"
    if isinstance(about, Mapping):
        if any(word in rule.type for word in TEXT_WORDS):
            return "text"
        limits = ("value_set", "min_value", "max_value", "partition_object")
        about = [value for name, value in about.items() if name in limits and name not in DOMAIN]
        about = [value.get("values", 0.0) if isinstance(value, Mapping) else value for value in about]
    return "text" if set(texts_in(about)) == {str} else "values"


def conditions_of(condition: Any) -> Iterator[tuple[str | None, Any]]:
    """The columns that a row condition names, each with what it is compared with; None for all columns."""
    if condition is None:
        return
    if hasattr(condition, "conditions"):
        for part in condition.conditions:
            yield from conditions_of(part)
    elif hasattr(condition, "column"):
        yield condition.column.name, getattr(condition, "parameter", None)
    else:
        yield None, None


def frame(columns: Mapping[str, pa.Array], readings: Readings, rows: int) -> pd.DataFrame:
    """The columns that are there, each as it is read."""
    import pandas as pd

    there = {name: series(columns[name], how) for name, how in readings.items() if name in columns}
    return pd.DataFrame(there, index=pd.RangeIndex(rows), copy=False)


def series(array: pa.Array, how: Reading) -> pd.Series:
    array = decoded(array)
    if not is_text(array.type):
        return typed(array, how)
    if how == "text":
        return array.cast(pa.string()).to_pandas()
    coded = array.cast(pa.string()).dictionary_encode()
    parsed = numpy_objects(coded.dictionary) if how == "types" else parsed_texts(coded.dictionary)
    return taken(parsed, coded.indices)


def decoded(array: pa.Array) -> pa.Array:
    """The values of an array in one piece, without a dictionary."""
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    return array.dictionary_decode() if isinstance(array, pa.DictionaryArray) else array


def is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def typed(array: pa.Array, how: Reading) -> pd.Series:
    """Values of a typed source; whole numbers stay exact beside nulls."""
    import pandas as pd

    if how == "text" and pa.types.is_boolean(array.type):
        return array.cast(pa.string()).to_pandas()
    if pa.types.is_integer(array.type) and array.null_count:
        if how == "types":
            numbers = np.empty(len(array), object)
            numbers[:] = list(pc.fill_null(array, 0).to_numpy())  # NumPy's, which know how wide they are
            return pd.Series(numbers).mask(pd.Series(array.is_null().to_numpy(zero_copy_only=False)), None)
        ends = [end for end in pc.min_max(array).as_py().values() if end is not None]
        return array.to_pandas(integer_object_nulls=any(abs(end) > EXACT for end in ends))
    if pa.types.is_null(array.type):
        return pd.Series([None] * len(array), dtype=object)
    return array.to_pandas()


def parsed_texts(texts: pa.StringArray) -> np.ndarray:
    """Numbers if all texts are numerals, else an object for each."""
    if not len(texts) or not pc.all(pc.match_substring_regex(texts, NUMERALS)).as_py():
        return objects(texts)
    for kind in (pa.int64(), pa.float64()):
        try:
            numbers = np.asarray(texts.cast(kind))
        except pa.ArrowInvalid:  # fractions; or a sign that Arrow does not read: "+ 3"
            continue
        return objects(texts) if np.isinf(numbers).any() else numbers
    return objects(texts)


def objects(texts: pa.StringArray) -> np.ndarray:
    """A number, a boolean or the text itself for each text."""
    numeral = pc.match_substring_regex(texts, NUMERALS).to_pylist()
    parsed = [
        number(text) if is_numeral else text == "true" if text in BOOLEANS else text
        for text, is_numeral in zip(texts.to_pylist(), numeral, strict=True)
    ]
    result = np.empty(len(parsed), object)
    result[:] = parsed
    return result


def numpy_objects(texts: pa.StringArray) -> np.ndarray:
    """The same as NumPy's own: ``int64`` is one of GX's types, and Python's booleans would be whole numbers, too."""
    values = objects(texts)
    result = np.empty(len(values), object)
    result[:] = [OF_NUMPY.get(type(value), type(value))(value) if is_small(value) else value for value in values]
    return result


def is_small(value: object) -> bool:
    """Whether NumPy has a type for a value."""
    return not isinstance(value, int) or abs(value) < 1 << 63


def number(text: str) -> int | float | str:
    """A numeral as its number; beyond float64's range it stays a text."""
    plain = text.replace(" ", "")
    try:
        return int(plain)
    except ValueError:
        pass
    value = float(plain)
    return text if np.isinf(value) else value


def taken(values: np.ndarray, indices: pa.Array) -> pd.Series:
    """The values at some places, missing where an index is null."""
    import pandas as pd

    if not indices.null_count:
        return pd.Series(values[indices.to_numpy()] if len(values) else np.empty(len(indices), object))
    places = pc.fill_null(indices, len(values)).to_numpy()
    if values.dtype == np.int64 and not (np.abs(values) > EXACT).any():
        values = values.astype(np.float64)
    missing = np.array([np.nan]) if values.dtype == np.float64 else np.array([None], object)
    return pd.Series(np.concatenate([values, missing])[places])


def as_texts(array: pa.Array) -> pa.StringArray:
    """Values as they are written, to be shown; "null" for nulls."""
    array = decoded(array)
    try:
        texts = array.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        texts = pa.array([str(value) for value in array.to_pylist()], pa.string())
    return pc.fill_null(texts, "null")
