"""The columns of a batch of rows, which is an Arrow ``RecordBatch``.

They hold the model's inputs and outputs, except those with a name that starts with ``@``: these identify the request of
a row, are the same for every endpoint, and are judged by no monitor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

EVENT_ID = "@event_id"  # text; one per request
INFERENCE_ID = "@inference_id"  # text; null if the caller gave none
EVENT_TIME = "@event_time"  # timestamp in UTC
LATENCY = "@latency_ms"  # milliseconds; this and the next three only where rows are requests; null if unknown
STATUS = "@status_code"  # of HTTP
FAILED = "@failed"  # whether it is no request but for ``traffic``: it has no answer
SAMPLED = "@sampled_percent"  # the percentage (0..100] of requests of which this is one
RECORD = "@record"  # the captured line, on the first row of its request; only if labels will be merged
LABELLED = "@labelled"  # whether a label was merged with the row; absent if rows came with their labels
REPEATED = "@repeated"  # whether the row's label was delivered before, for the same request
EXPECTED_PREFIX = "@expected|"  # starts the column of explained rows with the expected answer, one for each label

BATCH_ROWS = 1 << 16  # the most rows of a batch,
BATCH_CELLS = 1 << 22  # and the most cells,
FEWEST_ROWS = 1 << 11  # but of a wide table so many rows: of fewer, each different number would be kept as a text


def columns(batch: pa.RecordBatch) -> list[str]:
    """The names of the columns that a monitor judges, in order."""
    return [name for name in batch.schema.names if not name.startswith("@")]


def without_repeats(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The rows without repeats: those of a label that was delivered before."""
    import pyarrow.compute as pc

    if REPEATED not in batch.schema.names:
        return batch
    repeated = pc.fill_null(batch.column(REPEATED), False)
    return batch.filter(pc.invert(repeated)) if pc.any(repeated).as_py() else batch


def renamed(batch: pa.RecordBatch, name_of: Callable[[list[str]], list[str]]) -> pa.RecordBatch:
    """The batch with new names of the judged columns; ``name_of`` maps their names, in order, to new ones."""
    fresh: Iterator[str] = iter(name_of(columns(batch)))
    return batch.rename_columns([name if name.startswith("@") else next(fresh) for name in batch.schema.names])
