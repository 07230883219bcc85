"""Which rows does the flip test look at, and what does it need of them?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from model_monitor.core import batch as batches
from model_monitor.core.hashing import combine, hash_coded, hash_values
from model_monitor.core.states import Sample
from model_monitor.core.states.sample import Key as SampleKey
from model_monitor.monitors import answers
from model_monitor.monitors import values as ground_truth
from model_monitor.monitors.bias.facets import Members, columns_of
from model_monitor.monitors.bias.flips import MAX_FEATURES

if TYPE_CHECKING:
    from model_monitor.monitors.bias import Bias


def of(monitor: Bias, rows: pa.RecordBatch, members: list[Members], predictions: np.ndarray) -> Sample:
    """The sample of some usable rows, by the hash of the event id or, where there is none, of what the row holds.

    Each is kept as a JSON list: the facets' keys (null where there is none), the prediction's code, each facet's own
    columns, and the features by name: numbers, other texts as they are, null for none.
    """
    names = features_of(monitor, rows)
    if not monitor.sample_rows or not rows.num_rows or len(names) > MAX_FEATURES:
        return Sample(monitor.sample_rows)
    alike = batches.EVENT_ID not in rows.schema.names  # rows of one content have one text, those of one event may not
    contents = [pa.array(predictions), *map(keys_of, members), *(ground_truth.column(rows, name) for name in names)]
    columns = contents if alike else [rows.column(batches.EVENT_ID)]
    hashes = combine(map(hash_column, columns), rows.num_rows, factor=3)
    lowest, first, counts = np.unique(hashes, return_index=True, return_counts=True)
    chosen, times = first[: monitor.sample_rows], counts[: monitor.sample_rows]
    if not alike:
        chosen = np.flatnonzero(hashes <= lowest[: monitor.sample_rows][-1])
        times = np.ones(len(chosen), np.int64)
    found: dict[SampleKey, int] = {}
    own = [list(columns_of(facet, batches.columns(rows))) for facet in monitor.facets]
    for row, text, n in zip(chosen.tolist(), texts(rows, chosen, names, members, predictions, own), times, strict=True):
        key = (int(hashes[row]), text)
        found[key] = found.get(key, 0) + int(n)
    return Sample(monitor.sample_rows).adding(found)


def features_of(monitor: Bias, rows: pa.RecordBatch) -> list[str]:
    """The columns that neighbours are told by, before a facet's own are left out."""
    if monitor.features:
        return list(monitor.features)
    judged = batches.columns(rows)
    answer = (monitor.ground_truth_attribute, monitor.inference_attribute, monitor.probability_attribute)
    taken = {judged[int(n)] if str(n) not in judged and str(n).isdecimal() else str(n) for n in answer if n is not None}
    return [name for name in judged if name not in taken]


def keys_of(members: Members) -> pa.Array:
    """The key of each row as a text."""
    texts = pa.array([str(key) for key in members.keys], pa.string())
    return texts.take(pa.array(members.index, mask=members.index < 0))


def texts(
    rows: pa.RecordBatch,
    chosen: np.ndarray,
    names: list[str],
    members: list[Members],
    predictions: np.ndarray,
    own: list[list[str]],
) -> Iterator[str]:
    """What is kept of each of the chosen rows."""
    place = pa.array(chosen)
    values = [values_of(ground_truth.column(rows, name).take(place)) for name in names]
    keys = [[some.keys[i] if i >= 0 else None for i in some.index[chosen].tolist()] for some in members]
    for i, prediction in enumerate(predictions[chosen].tolist()):
        features = {name: value[i] for name, value in zip(names, values, strict=True)}
        yield json.dumps([[key[i] for key in keys], prediction, own, features], ensure_ascii=False)


def values_of(array: pa.Array) -> list[Any]:
    """Numbers, texts that are no numbers, None where there is nothing."""
    numbers = ground_truth.numbers(array)
    odd = pc.and_(pc.is_null(numbers), pa.array(~answers.absent(array)))
    if not pc.any(odd).as_py():
        values: list[Any] = numbers.to_pylist()
        return values
    others = ground_truth.canonical(array).to_pylist()
    return [
        other if strange else number
        for number, other, strange in zip(numbers.to_pylist(), others, odd.to_pylist(), strict=True)
    ]


def hash_column(array: pa.Array) -> np.ndarray:
    """A hash of each value, however the column is encoded."""
    kind = array.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        array = array.cast(pa.int8()) if pa.types.is_boolean(kind) else array
        return hash_values(array.cast(pa.float64()))  # else nulls alone would decide whether whole numbers are floats
    if isinstance(array, pa.DictionaryArray):
        return hash_coded(array)
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    return hash_coded((array if is_text else ground_truth.canonical(array)).dictionary_encode())
