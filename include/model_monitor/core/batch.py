"""What is in a batch of rows?

A batch is an Arrow ``RecordBatch``. Its columns are what the model was asked and answered, but those whose name starts
with ``@``: they say which request a row came from, are the same for every endpoint, and no monitor judges them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

EVENT_ID = "@event_id"  # text; one per request
INFERENCE_ID = "@inference_id"  # text, null where the caller gave none
EVENT_TIME = "@event_time"  # timestamp in UTC
RECORD = "@record"  # the captured line, on the first row of its request; only where labels will be merged with it
LABELLED = "@labelled"  # whether a label was merged with the row; absent where every row brings its own
REPEATED = "@repeated"  # whether an earlier label of the same request says the same: one that was delivered twice
EXPECTED_PREFIX = "@expected|"  # starts the column of explained rows with the expected answer, one for each label

BATCH_ROWS = 1 << 16  # of a batch at most,
BATCH_CELLS = 1 << 22  # and fewer if there are many columns


def columns(batch: pa.RecordBatch) -> list[str]:
    """The names of the columns that a monitor judges, in order."""
    return [name for name in batch.schema.names if not name.startswith("@")]


def without_repeats(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The rows without those that are there again because a label was delivered twice: they tell nothing new."""
    import pyarrow.compute as pc

    if REPEATED not in batch.schema.names:
        return batch
    repeated = pc.fill_null(batch.column(REPEATED), False)
    return batch.filter(pc.invert(repeated)) if pc.any(repeated).as_py() else batch


def renamed(batch: pa.RecordBatch, name_of: Callable[[list[str]], list[str]]) -> pa.RecordBatch:
    """The batch with the judged columns called otherwise; ``name_of`` gets their names in order and gives new ones."""
    fresh: Iterator[str] = iter(name_of(columns(batch)))
    return batch.rename_columns([name if name.startswith("@") else next(fresh) for name in batch.schema.names])
