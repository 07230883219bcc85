"""A monitor of a user's own: how often each word of a column occurs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from model_monitor.core import Monitor
from model_monitor.core.constraints import Constraint, Near, Within
from model_monitor.core.distributions import Categories
from model_monitor.core.measures import Measures, Subject
from model_monitor.core.states import Counts


@dataclass(frozen=True)
class CountedWords(Monitor[Counts]):
    column: str = "country"

    @property
    def empty(self) -> Counts:
        return Counts()

    def observe(self, batch: pa.RecordBatch) -> Counts:
        return Counts.of(batch.column(self.column).cast(pa.string()).to_pylist())

    def measure(self, state: Counts) -> Measures:
        return {(Subject(self.column), "words"): Categories.of(state)}

    def suggest(self, baseline: Counts) -> Iterator[Constraint]:
        words = Categories.of(baseline)
        yield Constraint("words_check", Subject(self.column), "words", Within(frozenset(words.counts), 0.5))
        yield Constraint("drift_check", Subject(self.column), "words", Near(words, "largest_share_change", 0.5))
