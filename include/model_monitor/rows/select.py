"""Which rows and columns of what was collected does a schedule judge, and under which names?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from model_monitor.core.batch import EVENT_ID, EVENT_TIME, renamed
from model_monitor.core.hashing import hash_values
from model_monitor.core.window import Window
from model_monitor.rows.times import within

POSITION = re.compile(r"_c\d+")


@dataclass(frozen=True)
class Selection:
    """Rows of a window, of a share of requests, without some columns, named as the baseline names them.

    names: the baseline's columns in order; () if there is no baseline yet.
    by_position: whether even named columns take the baseline's names by position, as the original does.
    """

    window: Window | None = None
    share: float = 1.0
    exclude: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    by_position: bool = False

    def of(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """What is left of each batch; an empty one is left out."""
        for batch in batches:
            chosen = self.columns(self.sampled(self.in_window(batch)))
            if chosen.num_rows:
                yield chosen

    def in_window(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        if self.window is None or EVENT_TIME not in batch.schema.names:
            return batch
        inside = within(batch.column(EVENT_TIME), self.window)
        return batch if inside is None else batch.filter(inside)

    def sampled(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The requests whose event id hashes below the share: a smaller share is a subset of a larger one."""
        if self.share >= 1 or EVENT_ID not in batch.schema.names or not batch.num_rows:
            return batch
        return batch.filter(pa.array(hash_values(batch.column(EVENT_ID)) < int(self.share * 2**64)))

    def columns(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        batch = renamed(batch, self.called)
        judged = [name for name in batch.schema.names if name not in self.exclude]
        return batch if len(judged) == batch.num_columns else batch.select(judged)

    def called(self, live: Sequence[str]) -> list[str]:
        """What columns are called: as in the baseline, by position, if they have no names of their own."""
        if not self.names or not (self.by_position or all(map(POSITION.fullmatch, live))):
            return list(live)
        return [*self.names[: len(live)], *live[len(self.names) :]]
