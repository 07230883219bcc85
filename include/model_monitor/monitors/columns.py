"""The State of one column: the types of its values, how many there are, and how they spread.

A value's type is how it is written, as in SageMaker (deequ's ``DataType``): ``1`` is Integral, ``1.0`` Fractional,
`` 7`` a String. A column from a typed source has its source's type. In the calibrated mode a value has one spelling,
whatever format carried it: ``1.0`` is 1 (``canonical``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from model_monitor.core.distributions import Categories, Distribution, Numbers
from model_monitor.core.states import Counts, Distinct, Moments, Quantiles, Record
from model_monitor.monitors.canonical import canonical
from model_monitor.monitors.plain_texts import plain_numbers
from model_monitor.monitors.typed_numbers import (
    NUMERALS,
    TypedNumbers,
    many_different,
    texts_of_fractional,
    typed_numbers,
)

INTEGRAL, FRACTIONAL, BOOLEAN, STRING, UNKNOWN = "Integral", "Fractional", "Boolean", "String", "Unknown"
KINDS = (INTEGRAL, FRACTIONAL, BOOLEAN, STRING)
PATTERNS = {
    INTEGRAL: r"^(?:[-+] ?)?\d+$",
    FRACTIONAL: r"^(?:[-+] ?)?\d+(?:\.\d+|(?:\.\d+)?[Ee][-+]?\d+)$",
    BOOLEAN: r"^(?:true|false)$",
}
NUMERIC = (INTEGRAL, FRACTIONAL)


@dataclass(frozen=True)
class Column(Record):
    """The State of one column: ``kinds`` counts the present values of each type; ``words`` and ``distinct`` are of the
    texts that are no numbers; ``numerals`` of those that are, or only their count beyond ``NUMERALS`` different ones.
    """

    kinds: Counts = Counts()
    numbers: Moments = Moments()
    quantiles: Quantiles = Quantiles()
    words: Counts = Counts()
    numerals: Counts = Counts()
    distinct: Distinct = Distinct()

    def __add__(self, other: Column) -> Column:
        return super().__add__(other).with_few_numerals()

    def added(self, others: Sequence[Column]) -> Column:
        return super().added(others).with_few_numerals()

    def with_few_numerals(self) -> Column:
        numerals = few(self.numerals)
        return self if numerals is self.numerals else replace(self, numerals=numerals)

    def sorted_if_many(self) -> Column:
        """The same, whose sketch is not that of SageMaker's stream but quicker to make."""
        sketch = self.quantiles.sorted_if_many()
        return self if sketch is self.quantiles else replace(self, quantiles=sketch)

    def kept(self) -> Column:
        """What is stored: the sketch thinned, and no text of an identifier."""
        return replace(self, quantiles=self.quantiles.thinned(), words=self.words.recurring())

    @property
    def present(self) -> int:
        """How many values are not missing."""
        return self.kinds.n

    @property
    def inferred_type(self) -> str:
        """The type of the whole column, from the types of its values (deequ's rule); Unknown if it has none."""
        kinds = self.kinds.values
        if not kinds:
            return UNKNOWN
        if STRING in kinds or BOOLEAN in kinds:
            return STRING
        return FRACTIONAL if FRACTIONAL in kinds else INTEGRAL

    @property
    def numeric_type(self) -> str | None:
        """The type of its numbers, whatever else it holds; None if it holds none."""
        return next((kind for kind in (FRACTIONAL, INTEGRAL) if kind in self.kinds.values), None)

    @property
    def prevailing_type(self) -> str:
        """The type of most of its values: a few odd ones among numbers do not make it a text."""
        odd = self.kinds.values.get(STRING, 0) + self.kinds.values.get(BOOLEAN, 0)
        return self.numeric_type or STRING if 2 * odd < self.present else self.inferred_type

    @property
    def is_numeric(self) -> bool:
        return self.inferred_type in NUMERIC

    @property
    def values(self) -> Counts:
        """How often each text was seen, words and numerals."""
        return self.words + self.numerals

    @property
    def distinct_count(self) -> float:
        """How many different texts; beyond those counted, words are estimated and numerals are those of the sketch."""
        words = self.distinct.estimate if self.words.rest else len(self.words.values)
        numerals = len(np.unique(self.quantiles.weighted()[0])) if self.numerals.rest else len(self.numerals.values)
        return float(words + numerals)


def spread(column: Column, missing: int, kind: str | None = None, as_sketch: bool = False) -> Distribution | None:
    """How a column's values are distributed, or of a numeric ``kind`` (None: its own) its numbers; None if it has none.
    ``missing``: the rows without a value. ``as_sketch``: even where few different numbers were counted exactly."""
    if not column.present:
        return None
    if (kind or column.inferred_type) not in NUMERIC:
        return Categories.of(column.values, missing)
    if not as_sketch and (counts := counted_numbers(column)):
        return Numbers.counted(counts)
    numbers = Numbers.of(column.quantiles, column.numbers.minimum, column.numbers.maximum)
    return numbers if numbers.n else None


def counted_numbers(column: Column) -> dict[float, int]:
    """How often each number occurs, where its sketch summarises rows and few different numbers do not; else {}."""
    if column.numerals.rest or not column.numerals.values or len(column.quantiles.items()) < 2:
        return {}
    counts: dict[float, int] = {}
    numbers, _ = numbers_of(texts := pa.array(column.numerals.values, pa.string()), kinds_of(texts))
    for number, n in zip(numbers.tolist(), column.numerals.values.values(), strict=True):
        counts[number] = counts.get(number, 0) + n
    return {} if any(map(math.isnan, counts)) else counts


def few(numerals: Counts) -> Counts:
    """All counts or, beyond ``NUMERALS``, only their total: the same in any order of arrival."""
    return numerals if not numerals.rest and len(numerals.values) <= NUMERALS else Counts(rest=numerals.n)


def observe(array: pa.Array, as_written: bool = True) -> Column:
    """The State of a column's values: texts, numbers, booleans, times or a dictionary of them; nulls are missing.

    ``as_written``: how a value is spelt counts, as in SageMaker; else it has one spelling in all formats.
    """
    if (numbers := typed_numbers(array, as_written) or plain_numbers(array, as_written)) is not None:
        column = observe_numbers(numbers)
    else:
        column = by_text(array.dictionary_encode() if pa.types.is_boolean(array.type) else array, as_written)
    return column if as_written else column.sorted_if_many()


def by_text(array: pa.Array, as_written: bool) -> Column:
    """The State of values of any type, by the texts of all, or of the different ones."""
    array = array if as_written else canonical(array)
    if isinstance(array, pa.DictionaryArray):
        return observe_dictionary(array)
    kind, texts = as_text(array.drop_null())
    if not len(texts):
        return Column()
    if many_different(texts):
        return observe_texts(texts, kind)
    return observe_dictionary(texts.dictionary_encode(), kind)


def observe_numbers(typed: TypedNumbers) -> Column:
    """The State of values that are all numbers."""
    kinds = np.zeros(len(KINDS), np.int64)
    kinds[KINDS.index(INTEGRAL)] = typed.integral
    kinds[KINDS.index(FRACTIONAL)] = len(typed.numbers) - typed.integral
    return column_of(kinds, typed.numbers, {}, typed.numerals)


def as_text(array: pa.Array) -> tuple[str | None, pa.Array]:
    """Values as texts, and their type if the source has one."""
    if pa.types.is_string(array.type):
        return None, array
    if pa.types.is_floating(array.type) or pa.types.is_decimal(array.type):
        # A decimal by way of its text: Arrow's own conversion multiplies, and is a digit off.
        array = (array.cast(pa.string()) if pa.types.is_decimal(array.type) else array).cast(pa.float64())
        return FRACTIONAL, texts_of_fractional(array.filter(pc.invert(pc.is_nan(array))))
    kind = INTEGRAL if pa.types.is_integer(array.type) else None if pa.types.is_boolean(array.type) else STRING
    return (None if pa.types.is_large_string(array.type) else kind), array.cast(pa.string())


def observe_dictionary(array: pa.DictionaryArray, kind: str | None = None) -> Column:
    """The State of values given as codes into a dictionary; each distinct value is parsed once."""
    dictionary_kind, texts = as_text(array.dictionary)
    codes = array.indices.drop_null().to_numpy()
    counts = np.bincount(codes, minlength=len(texts))
    kind = kind or dictionary_kind
    numbers, kinds = numbers_of(texts, kinds_of(texts, kind), typed=kind is not None)
    stream = np.empty(0) if np.isnan(numbers).all() else numbers[codes]
    return column_of(
        np.bincount(kinds, weights=counts, minlength=len(KINDS)),
        stream[~np.isnan(stream)],
        counted(texts, counts, np.isnan(numbers)),
        few(Counts(counted(texts, counts, ~np.isnan(numbers)))),
    )


def counted(texts: pa.StringArray, counts: np.ndarray, mask: np.ndarray) -> dict[str, int]:
    """The chosen texts of a dictionary that occur, with their counts."""
    used = np.flatnonzero(mask & (counts > 0))
    return dict(zip(texts.take(pa.array(used)).to_pylist(), counts[used].tolist(), strict=True))


def observe_texts(texts: pa.StringArray, kind: str | None = None) -> Column:
    """The State of texts that are mostly distinct."""
    numbers, kinds = numbers_of(texts, kinds_of(texts, kind), typed=kind is not None)
    numeric = ~np.isnan(numbers)
    words = {} if numeric.all() else value_counts(texts.filter(pa.array(~numeric)))
    numerals = texts if numeric.all() else texts.filter(pa.array(numeric))
    return column_of(
        np.bincount(kinds, minlength=len(KINDS)),
        numbers[numeric],
        words,
        Counts(rest=len(numerals)) if many_different(numerals) else few(Counts(value_counts(numerals))),
    )


def value_counts(texts: pa.StringArray) -> dict[str, int]:
    pairs = texts.value_counts()
    return dict(zip(pairs.field("values").to_pylist(), pairs.field("counts").to_pylist(), strict=True))


def column_of(kinds: np.ndarray, numbers: np.ndarray, words: dict[str, int], numerals: Counts) -> Column:
    return Column(
        Counts({kind: int(n) for kind, n in zip(KINDS, kinds, strict=True) if n}),
        Moments.of(numbers),
        Quantiles.of(numbers),
        Counts(words).bounded(),
        numerals,
        Distinct.of(words),
    )


def kinds_of(texts: pa.StringArray, kind: str | None = None) -> np.ndarray:
    """The type of each text as an index into ``KINDS``."""
    if kind is not None:
        return np.full(len(texts), KINDS.index(kind))
    kinds = np.full(len(texts), KINDS.index(STRING))
    left = len(texts)
    for name, pattern in PATTERNS.items():
        if left:
            matches = pc.match_substring_regex(texts, pattern).to_numpy(zero_copy_only=False)
            kinds[matches] = KINDS.index(name)
            left -= int(matches.sum())
    return kinds


def numbers_of(texts: pa.StringArray, kinds: np.ndarray, typed: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Each text as float64, NaN where it is no finite number, and the types again: a number written beyond float64's
    range is a String; an infinite one of a typed source keeps its type."""
    numeric = kinds <= KINDS.index(FRACTIONAL)
    numbers = np.full(len(texts), math.nan)
    if numeric.any():
        written = texts if numeric.all() else texts.filter(pa.array(numeric))
        try:
            numbers[numeric] = written.cast(pa.float64()).to_numpy()
        except pa.ArrowInvalid:  # a sign that Arrow does not read: "+ 3", "- 7"
            plain = pc.replace_substring_regex(written, r"^\+ ?", "")
            numbers[numeric] = pc.replace_substring_regex(plain, r"^- ", "-").cast(pa.float64()).to_numpy()
        infinite = np.isinf(numbers)
        numbers[infinite] = math.nan
        kinds = kinds if typed else np.where(infinite, KINDS.index(STRING), kinds)
    return numbers, kinds
