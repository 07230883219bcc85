"""Select the rows and columns that a schedule judges, and name the columns as the baseline does."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from model_monitor.core.batch import EVENT_ID, EVENT_TIME, SAMPLED, columns, renamed
from model_monitor.core.hashing import hash_values
from model_monitor.core.window import Window
from model_monitor.rows.times import within

POSITION = re.compile(r"_c\d+")


@dataclass(frozen=True)
class Selection:
    """Rows of a window, of a share of its requests, without excluded columns, named as in the baseline."""

    window: Window | None = None
    share: float = 1.0
    exclude: tuple[str, ...] = ()
    names: tuple[str, ...] = ()  # the baseline's columns in order; () without a baseline
    by_position: bool = False  # rename even columns with names of their own by position, as SageMaker does
    answer: range = range(0)  # the places of the answer's values among the values of a request
    width: int = 0  # of a usual request: all its values; 0 if unknown

    def of(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The selected part of each batch; empty ones are left out."""
        for batch in batches:
            selected = self.columns(self.sampled(self.in_window(batch)))
            if selected.num_rows:
                yield selected

    def in_window(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        if self.window is None or EVENT_TIME not in batch.schema.names:
            return batch
        inside = within(batch.column(EVENT_TIME), self.window)
        return batch if inside is None else batch.filter(inside)

    def sampled(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The requests whose event id hashes below the share: a smaller share is a subset of a larger one. Each stands
        for as many more."""
        if self.share >= 1 or EVENT_ID not in batch.schema.names or not batch.num_rows:
            return batch
        batch = batch.filter(pa.array(hash_values(batch.column(EVENT_ID)) < int(self.share * 2**64)))
        if SAMPLED not in batch.schema.names:
            return batch
        place = batch.schema.get_field_index(SAMPLED)
        return batch.set_column(place, SAMPLED, pc.multiply(batch.column(SAMPLED), self.share))

    def columns(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        live = columns(batch)
        if self.lacks_answer and len(live) == self.width and are_nameless(live):
            batch = batch.drop_columns([live[i] for i in self.answer])
        batch = renamed(batch, self.column_names)
        names = [name for name in batch.schema.names if name not in self.exclude]
        return batch if len(names) == batch.num_columns else batch.select(names)

    @property
    def lacks_answer(self) -> bool:
        """Whether the baseline has as many columns as a request has inputs: it was learned of features only."""
        is_apart = 0 < len(self.answer) < self.width
        return is_apart and not self.by_position and len(self.names) == self.width - len(self.answer)

    def column_names(self, live: Sequence[str]) -> list[str]:
        """Columns without names of their own take the baseline's, by position; beside others that have names, those
        that are left, if there are as many."""
        nameless = [name for name in live if POSITION.fullmatch(name)]
        left = [name for name in self.names if name not in live]
        if not self.by_position and 0 < len(nameless) < len(live) and len(nameless) == len(left):
            fresh = dict(zip(nameless, left, strict=True))
            return [fresh.get(name, name) for name in live]
        if not self.names or not (self.by_position or are_nameless(live)):
            return list(live)
        return [*self.names[: len(live)], *live[len(self.names) :]]


def are_nameless(live: Sequence[str]) -> bool:
    """Whether no column has a name of its own."""
    return all(map(POSITION.fullmatch, live))
