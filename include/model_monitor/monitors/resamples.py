"""Which rows are in which of the original's resamples?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from model_monitor.core import batch as batches

if TYPE_CHECKING:
    from collections.abc import Iterable

RESAMPLES = 5
KEPT = 0.8  # of the rows, each for itself
ENOUGH = 200  # rows, below which the original tells no deviation


def chosen(batch: pa.RecordBatch, seed: int) -> np.ndarray:
    """Whether each row is in each of the five resamples: booleans, (5, rows).

    Told by a hash, so that the same rows make the same choice: of the event id where every row has one of its own; else
    with the row's values or, without event ids, with its values and its place in the batch.
    """
    rows = marks(batch)
    kept = [uniform(rows + mixed(np.uint64(seed % (1 << 32) * RESAMPLES + i))) < KEPT for i in range(RESAMPLES)]
    return np.array(kept).reshape(RESAMPLES, batch.num_rows)


def deviation(values: list[float | None]) -> float | None:
    """The population's standard deviation of the resampled values, around their mean; None if one is undefined.

    >>> deviation([12 / 23, 12 / 23, 13 / 24, 15 / 25, 13 / 21])
    0.040858304459939265
    """
    known = [value for value in values if value is not None]
    return float(np.std(known)) if known and len(known) == len(values) else None


def marks(batch: pa.RecordBatch) -> np.ndarray:
    """A 64-bit number for each row."""
    if batches.EVENT_ID in batch.schema.names:
        ids = batch.column(batches.EVENT_ID)
        marks = hashed([ids], batch.num_rows)
        if len(ids.unique()) == batch.num_rows:
            return marks
    else:
        marks = np.arange(batch.num_rows, dtype=np.uint64)
    values = hashed([batch.column(name) for name in batches.columns(batch)], batch.num_rows)
    both: np.ndarray = mixed(marks) ^ values
    return both


def hashed(columns: Iterable[pa.Array], rows: int) -> np.ndarray:
    """A hash of the values of each row, in the order of the columns; lists of values take no part."""
    from pandas.util import hash_array

    total = np.zeros(rows, np.uint64)
    for array in columns:
        if isinstance(array, pa.DictionaryArray):
            array = array.dictionary.take(array.indices)
        if not pa.types.is_nested(array.type):
            total = mixed(total + hash_array(array.to_numpy(zero_copy_only=False), categorize=False))
    return total


def mixed(values: np.ndarray | np.uint64) -> np.ndarray:
    """Steele, Lea & Flood's (2014) splitmix64: numbers whose bits all depend on all bits."""
    with np.errstate(over="ignore"):
        z = np.asarray(values, np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        last: np.ndarray = z ^ (z >> np.uint64(31))
        return last


def uniform(values: np.ndarray) -> np.ndarray:
    """Numbers in [0, 1) of mixed 64-bit ones."""
    numbers: np.ndarray = (mixed(values) >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return numbers
