"""The one shape of all monitors: rows become a State, states add, everything else reads a State."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from model_monitor.core.constraints import Constraint, Measures
from model_monitor.core.states import Keyed, State

if TYPE_CHECKING:
    import pyarrow as pa

S = TypeVar("S", bound=State)
S_co = TypeVar("S_co", bound=State, covariant=True)


class Observer(Protocol[S_co]):
    """What turns rows into a State."""

    @property
    def empty(self) -> S_co:
        """The State of no rows."""

    def observe(self, batch: pa.RecordBatch) -> S_co:
        """The State of some rows; how rows are cut into batches changes nothing that is measured."""


class Monitor(Observer[S], Protocol[S]):
    """A frozen dataclass; its fields are its whole configuration."""

    def measure(self, state: S) -> Measures:
        """Numbers and distributions, by subject and name; None for a number that does not exist."""

    def suggest(self, baseline: S) -> Iterator[Constraint]:
        """Constraints that the baseline itself satisfies."""


def fold(monitor: Observer[S], batches: Iterable[pa.RecordBatch]) -> S:
    """The State of all rows."""
    return reduce(add, map(monitor.observe, batches), monitor.empty)


@dataclass(frozen=True)
class By(Generic[S]):
    """A monitor of each segment apart: rows are told apart by the text of one column, null being its own segment.

    ``By("country", DataQuality())`` measures and suggests for each country; its State is a map of States.
    """

    column: str
    monitor: Monitor[S]

    @property
    def empty(self) -> Keyed[S]:
        return Keyed(self.monitor.empty)

    def observe(self, batch: pa.RecordBatch) -> Keyed[S]:
        import pyarrow as pa
        import pyarrow.compute as pc

        segments = pc.fill_null(batch.column(self.column).cast(pa.string()), "")
        rows_of = {value: pc.equal(segments, value) for value in segments.unique().to_pylist()}
        return Keyed(
            self.monitor.empty, {value: self.monitor.observe(batch.filter(rows)) for value, rows in rows_of.items()}
        )

    def measure(self, state: Keyed[S]) -> Measures:
        return {
            (subject.within(self.column, value), name): measure
            for value, part in state.items.items()
            for (subject, name), measure in self.monitor.measure(part).items()
        }

    def suggest(self, baseline: Keyed[S]) -> Iterator[Constraint]:
        for value, part in baseline.items.items():
            for c in self.monitor.suggest(part):
                yield Constraint(c.check, c.subject.within(self.column, value), c.measure, c.bound)
