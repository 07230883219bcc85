"""Sample the rows to explain: always the same rows, and a smaller sample is part of a larger one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa

from model_monitor.core.batch import EVENT_ID, EVENT_TIME, columns
from model_monitor.core.hashing import hash_values
from model_monitor.errors import ConfigError

HASH = "@hash"
PLACE = "@place"  # among all rows


def sample(batches: Iterable[pa.RecordBatch], names: Sequence[str], count: int) -> tuple[pa.Table, int]:
    """At most ``count`` rows, in their original order, and how many they were taken from.

    Chosen are those with the smallest 64-bit hashes of the event id (of one request, the first rows), or of their place
    where there are no ids. They have the named columns (() for all judged ones), the event id and the event time.
    Memory holds at most twice as many rows, and a batch.

    Raises ConfigError if a column is not there.
    """
    waiting: list[pa.Table] = []
    held = seen = 0
    for batch in batches:
        wanted = [*(names or columns(batch)), *(n for n in (EVENT_ID, EVENT_TIME) if n in batch.schema.names)]
        if absent := [name for name in names if name not in batch.schema.names]:
            there = ", ".join(columns(batch)) or "none"
            raise ConfigError(f"there is no column '{absent[0]}' to explain; set features to some of: {there}")
        part = pa.Table.from_batches([batch.select(wanted)])
        places = np.arange(seen, seen + batch.num_rows)
        seen += batch.num_rows
        waiting.append(smallest(hashes_added(part, places), count))
        held += waiting[-1].num_rows
        if held > 2 * count:
            waiting = [smallest(joined(waiting), count)]
            held = waiting[0].num_rows
    if not waiting:
        return pa.table({name: pa.array([], pa.string()) for name in names}), 0
    rows = smallest(joined(waiting), count).sort_by(PLACE)
    return rows.drop_columns([HASH, PLACE]).combine_chunks(), seen


def hashes_added(rows: pa.Table, places: np.ndarray) -> pa.Table:
    ids = rows.column(EVENT_ID).cast(pa.string()).combine_chunks() if EVENT_ID in rows.column_names else None
    texts = pa.array(places).cast(pa.string()) if ids is None else ids
    return rows.append_column(HASH, pa.array(hash_values(texts))).append_column(PLACE, pa.array(places))


def smallest(rows: pa.Table, count: int) -> pa.Table:
    """The rows with the smallest hashes, the first ones among equal hashes."""
    if rows.num_rows <= count:
        return rows
    order = np.lexsort((rows.column(PLACE).to_numpy(), rows.column(HASH).to_numpy()))
    return rows.take(pa.array(order[:count]))


def joined(parts: Sequence[pa.Table]) -> pa.Table:
    """Parts with the same columns, which may be coded in one part and not in another."""
    return pa.concat_tables([decoded(part) for part in parts], promote_options="permissive")


def decoded(rows: pa.Table) -> pa.Table:
    for i, field in enumerate(rows.schema):
        if pa.types.is_dictionary(field.type):
            rows = rows.set_column(i, field.name, rows.column(i).cast(field.type.value_type))
    return rows
