"""What usually goes wrong with data, done to a copy of a window's rows. Rows in, rows out; no chance is asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from model_monitor.core.batch import FAILED, LATENCY, STATUS, columns

KINDS = ("unit change", "null burst", "category swap", "stuck value", "swapped columns", "slow drift")
FACTOR = 1000.0  # of a unit change, e.g. from metres to kilometres
BURST = 5  # every fifth row loses its value
STEP = 0.1  # standard deviations by which a slow drift grows from one window to the next
KNOWN = 100_000  # rows that tell what a column holds
OF_REQUESTS = (LATENCY, STATUS, FAILED)  # columns that are judged where rows are requests

Change = Callable[[pa.Array, int], pa.Array]  # the values of a column, in the nth window since the fault began


@dataclass(frozen=True)
class Fault:
    """What is done to one column, or to two: ``kind`` as people call it, and the columns' names."""

    kind: str
    columns: tuple[str, ...]
    change: Change | None = None  # None: the two columns' values are exchanged

    def on(self, batch: pa.RecordBatch, window: int) -> pa.RecordBatch:
        """The rows with the fault, in the ``window``-th window since it began (from 1). Others' columns stay."""
        places = [batch.schema.get_field_index(name) for name in self.columns]
        if -1 in places:
            return batch
        arrays = [batch.column(place) for place in places]
        changed = arrays[::-1] if self.change is None else [self.change(array, window) for array in arrays]
        for place, name, array in zip(places, self.columns, changed, strict=True):
            batch = batch.set_column(place, name, array)
        return batch


@dataclass(frozen=True)
class Seen:
    """What a column of past rows holds: its most frequent text and its rarest, and how far its numbers spread."""

    name: str
    values: tuple[str, ...]  # () of no value, one where all rows have the same
    deviation: float | None  # None where most values are no numbers

    @classmethod
    def of(cls, name: str, array: pa.Array) -> Seen:
        texts = array.drop_null()[:KNOWN].cast(pa.string())
        counts = Counter(dict(zip(*(part.to_pylist() for part in texts.value_counts().flatten()), strict=True)))
        numbers = numbers_in(texts)
        known = numbers[np.isfinite(numbers)]
        is_number = name != STATUS and array.type != pa.bool_() and 2 * len(known) > len(texts)
        ordered = sorted(counts, key=lambda value: (-counts[value], value))
        return cls(name, tuple(dict.fromkeys([*ordered[:1], *ordered[-1:]])), float(known.std()) if is_number else None)


def faults_for(batch: pa.RecordBatch) -> list[Fault]:
    """The faults that may befall the columns of some rows, in the order of the kinds, then of the columns."""
    names = [*columns(batch), *(name for name in OF_REQUESTS if name in batch.schema.names)]
    seen = [one for one in (Seen.of(name, batch.column(name)) for name in names) if one.values]
    numbers = [one for one in seen if one.deviation is not None]
    texts = [one for one in seen if one.deviation is None and len(one.values) > 1]
    return [
        *(Fault("unit change", (one.name,), scaled) for one in numbers),
        *(Fault("null burst", (one.name,), burst) for one in seen),
        *(Fault("category swap", (one.name,), partial(swapped, pair=one.values)) for one in texts),
        *(Fault("stuck value", (one.name,), partial(stuck, value=one.values[0])) for one in seen),
        *(Fault("swapped columns", pair) for side in (numbers, texts) for pair in pairs_of(side)),
        *(Fault("slow drift", (one.name,), partial(drifted, step=STEP * (one.deviation or 0.0))) for one in numbers),
    ]


def with_values(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The rows with the values themselves instead of codes into a dictionary."""
    arrays = [a.dictionary_decode() if isinstance(a, pa.DictionaryArray) else a for a in batch.columns]
    return pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)


def pairs_of(seen: Sequence[Seen]) -> list[tuple[str, str]]:
    """Each column with the next one."""
    return [(one.name, other.name) for one, other in pairwise(seen)]


def scaled(array: pa.Array, window: int) -> pa.Array:
    return with_numbers(array, lambda numbers: numbers * FACTOR)


def drifted(array: pa.Array, window: int, step: float) -> pa.Array:
    return with_numbers(array, lambda numbers: numbers + window * step)


def burst(array: pa.Array, window: int) -> pa.Array:
    return pc.if_else(pa.array(np.arange(len(array)) % BURST == 0), pa.scalar(None, array.type), array)


def swapped(array: pa.Array, window: int, pair: tuple[str, ...]) -> pa.Array:
    texts = array.cast(pa.string())
    one, other = (pc.equal(texts, value) for value in pair)
    changed = pc.if_else(one, pair[1], pc.if_else(other, pair[0], texts))
    return pc.if_else(pc.is_null(texts), None, changed).cast(array.type)


def stuck(array: pa.Array, window: int, value: str) -> pa.Array:
    return pa.repeat(pa.scalar(value), len(array)).cast(array.type)


def with_numbers(array: pa.Array, change: Callable[[np.ndarray], np.ndarray]) -> pa.Array:
    """The array with other numbers; texts that are none stay, whole numbers stay whole."""
    texts = array.cast(pa.string())
    numbers = numbers_in(texts)
    known, changed = np.isfinite(numbers), change(numbers)
    if pa.types.is_floating(array.type):
        return pa.array(np.where(known, changed, numbers), array.type, mask=pc.is_null(array).to_numpy(False))
    if pa.types.is_integer(array.type):
        whole = pa.array(np.where(known, np.rint(changed), 0.0), mask=~known)
        return whole.cast(pa.int64(), safe=False).cast(array.type, safe=False)
    written = [written_as(number, text) for number, text in zip(changed.tolist(), texts.to_pylist(), strict=True)]
    return pc.if_else(pa.array(known), pa.array(written, pa.string()), texts).cast(array.type)


def written_as(number: float, text: str | None) -> str:
    """A number as a text, whole where the other text is."""
    return str(round(number)) if np.isfinite(number) and text and text.lstrip("+-").isdecimal() else repr(number)


def numbers_in(texts: pa.Array) -> np.ndarray:
    """Each text as a float64; NaN where it is none."""
    is_number = pc.match_substring_regex(texts, r"^[-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?$")
    plain = pc.if_else(pc.fill_null(is_number, False), pc.replace_substring_regex(texts, r"^\+", ""), None)
    return np.asarray(pc.fill_null(plain.cast(pa.float64()), float("nan")).to_numpy(zero_copy_only=False))
