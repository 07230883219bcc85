"""Numbers of a typed source, such as Parquet, counted as numbers: only different ones are written as texts, and only
while they are few."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from model_monitor.core.states import Counts
from model_monitor.monitors.canonical import WHOLE, of_floats

NUMERALS = 1000  # distinct numbers whose spelling is counted, in case the column holds words too
PROBE_ROWS = 2 * NUMERALS


@dataclass(frozen=True)
class TypedNumbers:
    """The numbers of a column that are not missing, as finite float64 in their order; how many of them are Integral;
    and how often each numeral occurs."""

    numbers: np.ndarray
    integral: int
    numerals: Counts


def typed_numbers(array: pa.Array, as_written: bool) -> TypedNumbers | None:
    """The numbers of an array of integers or floats. None for other types, for infinite numbers, and for those whose
    type is told by their text: of 2**63 and more, unless ``as_written``."""
    if pa.types.is_integer(array.type):
        values = array.drop_null().to_numpy()
        return TypedNumbers(values.astype(np.float64), len(values), numerals_of(values, texts_of_integers))
    if pa.types.is_float64(array.type) or pa.types.is_float32(array.type):
        return of_floating(array.drop_null(), as_written)
    return None


def of_floating(array: pa.Array, as_written: bool) -> TypedNumbers | None:
    stored = array.to_numpy()
    stored = stored[~np.isnan(stored)] if np.isnan(stored).any() else stored
    numbers = stored.astype(np.float64)
    if not (np.abs(numbers) < (np.inf if as_written else WHOLE)).all():
        return None
    if as_written:
        return TypedNumbers(numbers, 0, numerals_of(numbers, texts_of_fractional))
    numbers += 0.0  # -0.0 becomes 0.0, which is written alike
    is_whole = numbers == np.floor(numbers)
    if stored.dtype == np.float32:
        numbers = np.where(is_whole, numbers, as_spelt(stored))
    return TypedNumbers(numbers, int(is_whole.sum()), numerals_of(numbers, of_floats))


def as_spelt(stored: np.ndarray) -> np.ndarray:
    """Each float32 as the float64 that its fewest digits mean: 0.1, not the stored 0.10000000149."""
    spelt: np.ndarray = pa.array(stored).cast(pa.string()).cast(pa.float64()).to_numpy()
    return spelt


def numerals_of(values: np.ndarray, texts_of: Callable[[pa.Array], pa.StringArray]) -> Counts:
    """How often each text of a number occurs; beyond ``NUMERALS`` different ones only how many there are."""
    bits = pa.array(values.view(np.int64) if values.dtype == np.float64 else values)  # -0.0 is not 0.0
    if many_different(bits):
        return Counts(rest=len(values))
    pairs = bits.value_counts()
    counts = pairs.field("counts").to_pylist()
    if len(counts) > NUMERALS:
        return Counts(rest=len(values))
    different = pairs.field("values").to_numpy().view(values.dtype)
    return Counts(dict(zip(texts_of(pa.array(different)).to_pylist(), counts, strict=True)))


def many_different(values: pa.Array) -> bool:
    """Whether the first rows already show more than ``NUMERALS`` different values."""
    return len(values) > NUMERALS and len(values.slice(0, PROBE_ROWS).unique()) > NUMERALS


def texts_of_integers(values: pa.Array) -> pa.StringArray:
    return values.cast(pa.string())


def texts_of_fractional(values: pa.Array) -> pa.StringArray:
    """Numbers as SageMaker writes those of a typed source: whole ones with ``.0``."""
    return pc.replace_substring_regex(values.cast(pa.string()), r"^(-?\d+)$", r"\1.0")
