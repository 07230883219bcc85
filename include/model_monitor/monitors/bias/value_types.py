"""Is the number that an option gives a value of its column, or a threshold?

SageMaker decides from the data (docs/sagemaker-formats.md, Bias). Its rules depend on the number of rows: in 40 rows,
labels of 0 and 1 are numbers on a scale; in 41 they are categories. The calibrated rules do not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from model_monitor.core.measures import Undefined
from model_monitor.core.states import Distinct, Moments, Record
from model_monitor.monitors import values
from model_monitor.monitors.answers import absent

Criterion = Sequence[str | int | float]

WHOLE = r"^[-+]?\d+$"
UNIQUE = 0.05  # share of distinct values from which SageMaker takes whole numbers for a scale
FEW = 20  # distinct numbers up to which the calibrated mode takes a whole number for a value
NO_THRESHOLD = "Threshold values must be provided for continuous features"  # SageMaker's words
NO_NUMBER = "Facet/label value provided must be a single numeric threshold for continuous data"
INTERVALS = re.compile(r"^\(([-+.\w]+), [-+.\w]+\](,\([-+.\w]+, [-+.\w]+\])*$")

CODES = 4  # codes are 0 to 3, sums of bits
EQUAL, ABOVE = 1, 2  # bits of a code: the value is one of the given ones; it is above the lowest given one


@dataclass(frozen=True)
class Typed(Record):
    """The evidence of a column's type: how many values are written as whole numbers, other numbers, booleans and other
    texts, and how many are missing; how many distinct values there are; and its numbers."""

    whole: int = 0
    fractional: int = 0
    booleans: int = 0
    texts: int = 0
    missing: int = 0
    distinct: Distinct = field(default_factory=Distinct)
    numbers: Moments = Moments()

    @classmethod
    def of(cls, array: pa.Array) -> Typed:
        """Of a column, missing values apart."""
        kind = array.type
        numbers = values.numbers(array)
        known = Moments.of(pc.drop_null(numbers).to_numpy())
        distinct = Distinct.of(pc.drop_null(values.canonical(array).unique()).to_pylist())
        missing = int(np.count_nonzero(absent(array)))
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
        """Whether SageMaker's CSV reader makes it a float column, as it does of whole numbers with gaps."""
        return self.fractional > 0 or self.missing > 0

    @property
    def numeric(self) -> bool:
        return self.n > 0 and not self.booleans and not self.texts


def written_as(array: pa.Array) -> tuple[int, int]:
    """How many texts are whole numbers, and how many booleans."""
    encoded = array if isinstance(array, pa.DictionaryArray) else array.cast(pa.string()).dictionary_encode()
    texts = [str(text if text is not None else "").strip().strip('"') for text in encoded.dictionary.to_pylist()]
    codes = pc.drop_null(encoded.indices).to_numpy()
    counts = np.bincount(codes, minlength=len(texts)).tolist()
    whole = sum(n for text, n in zip(texts, counts, strict=True) if re.match(WHOLE, text))
    return whole, sum(n for text, n in zip(texts, counts, strict=True) if text.lower() in values.BOOLEANS)


def on_a_scale(typed: Typed, criterion: Criterion) -> bool:
    """Whether the given value is a threshold: a single number of a numeric column that is not whole, or whole while
    the column has more than ``FEW`` distinct values. The number of rows does not matter."""
    number = number_of(criterion[0]) if len(criterion) == 1 else None
    if number is None or not typed.numeric:
        return False
    return number != int(number) or round(typed.distinct.estimate) > FEW


def on_a_scale_in_sagemaker(typed: Typed, criterion: Criterion) -> bool | Undefined:
    """Whether SageMaker takes the given value, if any, for a threshold; Undefined where it raises an error."""
    if len(criterion) > 1:
        return False
    number = number_of(criterion[0]) if criterion else None
    scale = typed.numeric and (typed.is_float or typed.distinct.estimate >= UNIQUE * typed.n - 1e-6)
    if scale and number is None:
        return Undefined(NO_NUMBER if criterion else NO_THRESHOLD)
    return scale


def number_of(value: str | int | float) -> float | None:
    """A value as a finite number; None if it is not one."""
    number: float | None = values.numbers(pa.array([str(value)]))[0].as_py()
    return number


def least(criterion: Criterion) -> str:
    """The lowest threshold, as a label."""
    return values.label_of(min(number for number in map(number_of, criterion) if number is not None)) or ""


def codes(array: pa.Array, criterion: Criterion) -> np.ndarray:
    """Each value's code: ``EQUAL`` if it is one of the given ones, plus ``ABOVE`` if it is above the lowest of them.

    Texts that mean the same label are equal, as ``values.canonical`` says.
    """
    wanted = pa.array([values.label_of(value) for value in criterion], pa.string())
    equal = pc.is_in(values.canonical(array), value_set=wanted, skip_nulls=True)
    bits = np.asarray(equal, np.int64) * EQUAL
    numbers = [number for number in map(number_of, criterion) if number is not None]
    if not numbers or len(numbers) < len(criterion):
        return bits
    above = values.numbers(array).to_numpy(zero_copy_only=False) > min(numbers)
    return np.asarray(bits + above * ABOVE)


def text_of(criterion: Criterion, scale: bool, *columns: Typed) -> str:
    """SageMaker's ``value_or_threshold``: values joined by commas, or intervals up to the columns' largest number.

    The intervals lie between the thresholds and the largest number, in order. As in SageMaker, the largest number is
    left out where its absolute value is a threshold, and a single number makes no interval.
    """
    if not scale:
        return ",".join(map(str, criterion))
    most = max((column.numbers.most for column in columns if column.numbers.n), default=None)
    breaks = [number for number in map(number_of, criterion) if number is not None]
    if most is not None and abs(most) not in breaks:
        breaks.append(most)
    whole = not any(column.is_float for column in columns) and not any(isinstance(v, float | str) for v in criterion)
    shown = [str(int(number)) if whole else repr(float(number)) for number in sorted(breaks)]
    return ",".join(f"({low}, {high}]" for low, high in pairwise(shown))


def key_of(text: str) -> str:
    """The part of a subject after the facet's name: ``= 1,2`` for values, ``> 40`` for intervals of any end."""
    if interval := INTERVALS.match(text):
        return f"> {values.label_of(interval[1])}"
    return f"= {','.join(sorted(values.label_of(value) or '' for value in text.split(',')))}"
