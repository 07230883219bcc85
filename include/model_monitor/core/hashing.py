"""64-bit hashes of values and rows: the same in every process, as states, samples and files depend on them.

The recorder samples requests by a hash of its own (``recorder.records.is_sampled``): with this one, a schedule's share
of what was captured would be all of it.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

MISSING = np.uint64(0x5BD1E995)


def hash_values(values: pa.Array) -> np.ndarray:
    """A hash of each value."""
    from pandas.util import hash_array  # slow to import

    return np.asarray(hash_array(values.to_numpy(zero_copy_only=False), categorize=False))


def hash_coded(values: pa.DictionaryArray) -> np.ndarray:
    """A hash of each value's text, ``MISSING`` for null; each entry of the dictionary is hashed once."""
    texts = ["" if value is None else str(value) for value in values.dictionary.to_pylist()]
    table = np.append(hash_values(pa.array(texts, pa.string())), MISSING)
    codes = pc.fill_null(values.indices.cast(pa.int64()), len(texts)).to_numpy()
    return np.asarray(table[codes])


def combine(columns: Iterable[np.ndarray], rows: int, factor: int = 1) -> np.ndarray:
    """One hash for each row, of the hashes of its values in the order of the columns."""
    total = np.zeros(rows, np.uint64)
    for hashes in columns:
        total = mix(total * np.uint64(factor) + hashes)
    return total


def mix(values: np.ndarray | np.uint64) -> np.ndarray:
    """Steele, Lea & Flood's (2014) splitmix64: numbers whose bits all depend on all bits."""
    with np.errstate(over="ignore"):
        z = np.asarray(values, np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(z ^ (z >> np.uint64(31)))


def among(keys: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Which of some hashes are among ``wanted``, which are sorted."""
    if not len(wanted):
        return np.zeros(len(keys), bool)
    matches: np.ndarray = wanted[np.minimum(np.searchsorted(wanted, keys), len(wanted) - 1)] == keys
    return matches
