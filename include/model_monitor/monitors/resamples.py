"""SageMaker's five resamples of a window's rows, and the deviation of a metric over them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from model_monitor.core import batch as batches
from model_monitor.core.hashing import combine, hash_values, mix

RESAMPLES = 5
KEPT = 0.8  # of the rows, each for itself
ENOUGH = 200  # rows, below which SageMaker gives no deviation


def chosen(batch: pa.RecordBatch, seed: int) -> np.ndarray:
    """Whether each row is in each of the five resamples: booleans, (5, rows).

    Told by a hash, so that the same rows make the same choice: of the event id where every row has one of its own; else
    with the row's values or, without event ids, with its values and its place in the batch.
    """
    rows = marks(batch)
    masks = [uniform(rows + mix(np.uint64(seed % (1 << 32) * RESAMPLES + i))) < KEPT for i in range(RESAMPLES)]
    return np.array(masks).reshape(RESAMPLES, batch.num_rows)


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
        marks = combine([hash_values(ids)], batch.num_rows)
        if len(ids.unique()) == batch.num_rows:
            return marks
    else:
        marks = np.arange(batch.num_rows, dtype=np.uint64)
    columns = [decoded(batch.column(name)) for name in batches.columns(batch)]
    values = combine([hash_values(column) for column in columns if not pa.types.is_nested(column.type)], batch.num_rows)
    return np.asarray(mix(marks) ^ values)


def decoded(array: pa.Array) -> pa.Array:
    return array.dictionary.take(array.indices) if isinstance(array, pa.DictionaryArray) else array


def uniform(values: np.ndarray) -> np.ndarray:
    """Numbers in [0, 1) of mixed 64-bit ones."""
    return np.asarray((mix(values) >> np.uint64(11)).astype(np.float64) * 2.0**-53)
