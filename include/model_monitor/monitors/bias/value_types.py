"""Is a number that was given a value of its column, or a threshold?

The original tells from the data (section 2.4 of the specification of bias). Its rules depend on how many rows there
are: of 40 rows, labels of 0 and 1 are numbers on a scale, of 41 they are categories. The calibrated mode's do not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from model_monitor.core.constraints import Undefined
from model_monitor.core.states import Distinct, Moments, Record
from model_monitor.monitors import answers
from model_monitor.monitors import values as ground_truth

Given = Sequence[str | int | float]

WHOLE = r"^[-+]?\d+$"
UNIQUE = 0.05  # share of different values from which on the original takes whole numbers for a scale
FEW = 20  # different numbers, up to which the calibrated mode takes a whole number for one of them
NO_THRESHOLD = "Threshold values must be provided for continuous features"  # the original's words
NO_NUMBER = "Facet/label value provided must be a single numeric threshold for continuous data"
INTERVALS = re.compile(r"^\(([-+.\w]+), [-+.\w]+\](,\([-+.\w]+, [-+.\w]+\])*$")

CODES = 4  # there are, 0 to 3: bits added up
EQUAL, ABOVE = 1, 2  # bits of a code: the row's value is among those given; it is above the lowest of those given


@dataclass(frozen=True)
class Typed(Record):
    """What tells a column's type: how many of its values are written as whole numbers, as other numbers, as booleans
    and as other texts, and how many there are not; how many different ones there are; and its numbers."""

    whole: int = 0
    fractional: int = 0
    booleans: int = 0
    texts: int = 0
    missing: int = 0
    distinct: Distinct = field(default_factory=Distinct)
    numbers: Moments = Moments()

    @classmethod
    def of(cls, array: pa.Array) -> Typed:
        """Of a column; values that are none take no part."""
        kind = array.type
        numbers = ground_truth.numbers(array)
        known = Moments.of(pc.drop_null(numbers).to_numpy())
        distinct = Distinct.of(pc.drop_null(ground_truth.canonical(array).unique()).to_pylist())
        missing = int(np.count_nonzero(answers.absent(array)))
        present = len(array) - missing
        if pa.types.is_boolean(kind):
            return cls(booleans=present, missing=missing, distinct=distinct)
        if pa.types.is_integer(kind):
            return cls(whole=present, missing=missing, distinct=distinct, numbers=known)
        if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
            return cls(fractional=present, missing=missing, distinct=distinct, numbers=known)
        whole, booleans = written_as(array)
        return cls(whole, known.n - whole, booleans, present - known.n - booleans, missing, distinct, known)

    @property
    def n(self) -> int:
        return self.whole + self.fractional + self.booleans + self.texts

    @property
    def is_float(self) -> bool:
        """Whether the original's reader of CSV would make it one: whole numbers with gaps as well."""
        return self.fractional > 0 or self.missing > 0

    @property
    def numeric(self) -> bool:
        return self.n > 0 and not self.booleans and not self.texts


def written_as(array: pa.Array) -> tuple[int, int]:
    """How many texts are whole numbers, and how many are booleans."""
    encoded = array if isinstance(array, pa.DictionaryArray) else array.cast(pa.string()).dictionary_encode()
    texts = [str(text if text is not None else "").strip().strip('"') for text in encoded.dictionary.to_pylist()]
    codes = pc.drop_null(encoded.indices).to_numpy()
    counts = np.bincount(codes, minlength=len(texts)).tolist()
    whole = sum(n for text, n in zip(texts, counts, strict=True) if re.match(WHOLE, text))
    return whole, sum(n for text, n in zip(texts, counts, strict=True) if text.lower() in ground_truth.BOOLEANS)


def on_a_scale(typed: Typed, given: Given, calibrated: bool) -> bool | Undefined:
    """Whether what was given (nothing, values, or one number) is a threshold; or why nobody can tell.

    calibrated: a number that is not whole is a threshold, a whole one if the column has more than ``FEW`` different
    values, all numbers; nothing is asked of how many rows there are.
    """
    if len(given) > 1:
        return False
    number = number_of(given[0]) if given else None
    if calibrated and given:
        if number is None or not typed.numeric:
            return False
        return number != int(number) or round(typed.distinct.estimate) > FEW
    if calibrated:
        return False
    scale = typed.numeric and (typed.is_float or typed.distinct.estimate >= UNIQUE * typed.n - 1e-6)
    if scale and number is None:
        return Undefined(NO_NUMBER if given else NO_THRESHOLD)
    return scale


def number_of(value: str | int | float) -> float | None:
    """A value as a finite number, None if it is none."""
    number: float | None = ground_truth.numbers(pa.array([str(value)]))[0].as_py()
    return number


def least(given: Given) -> str:
    """The lowest of some thresholds, as a label."""
    return ground_truth.label_of(min(number for number in map(number_of, given) if number is not None)) or ""


def codes(array: pa.Array, given: Given) -> np.ndarray:
    """Of each value of a column, ``EQUAL`` and ``ABOVE`` added up, as it is one of those given, or above their lowest.

    Texts that mean the same label are equal, as ``ground_truth.canonical`` says.
    """
    wanted = pa.array([ground_truth.label_of(value) for value in given], pa.string())
    equal = pc.is_in(ground_truth.canonical(array), value_set=wanted, skip_nulls=True)
    found: np.ndarray = equal.to_numpy(zero_copy_only=False).astype(np.int64) * EQUAL
    numbers = [number for number in map(number_of, given) if number is not None]
    if not numbers or len(numbers) < len(given):
        return found
    above = ground_truth.numbers(array).to_numpy(zero_copy_only=False) > min(numbers)
    total: np.ndarray = found + above * ABOVE
    return total


def text_of(given: Given, scale: bool, *columns: Typed) -> str:
    """The original's ``value_or_threshold``: values joined by commas, or intervals up to the columns' largest number.

    The intervals are between the thresholds and the largest number in order; that is left out where its absolute value
    is a threshold, and without a second number there is no interval, which is the original's way.
    """
    if not scale:
        return ",".join(map(str, given))
    most = max((column.numbers.most for column in columns if column.numbers.n), default=None)
    breaks = [number for number in map(number_of, given) if number is not None]
    if most is not None and abs(most) not in breaks:
        breaks.append(most)
    whole = not any(column.is_float for column in columns) and not any(isinstance(v, float | str) for v in given)
    shown = [str(int(number)) if whole else repr(float(number)) for number in sorted(breaks)]
    return ",".join(f"({low}, {high}]" for low, high in pairwise(shown))


def key_of(text: str) -> str:
    """What follows the facet's name in a subject: ``= 1,2`` for values, ``> 40`` for intervals of any end."""
    if found := INTERVALS.match(text):
        return f"> {ground_truth.label_of(found[1])}"
    return f"= {','.join(sorted(ground_truth.label_of(value) or '' for value in text.split(',')))}"
