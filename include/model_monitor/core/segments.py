"""One monitor for all rows and for each segment of them, by the values of columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic, Self

import numpy as np

from model_monitor.core.batch import columns
from model_monitor.core.constraints import Constraint
from model_monitor.core.measures import Measures
from model_monitor.core.monitor import Monitor, S, Traits
from model_monitor.core.states import Keyed, Packed, Record, total
from model_monitor.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

    from model_monitor.core.window import Window

MAX_SEGMENTS = 1000  # of one column
WHOLE = re.compile(r"^(-?(?:0|[1-9][0-9]*))\.0+$")


@dataclass(frozen=True)
class Segments(Keyed[S]):
    """A State per value of a column. Raises DataError beyond ``MAX_SEGMENTS`` values."""

    column: str = ""

    def __post_init__(self) -> None:
        if len(self.items) > MAX_SEGMENTS:
            raise DataError(
                f"column '{self.column}' has more than {MAX_SEGMENTS:,} different values: segments are for columns "
                "with few values; group its values before they are captured, or take it out of 'segments'"
            )

    def __add__(self, other: Keyed[S]) -> Segments[S]:
        return Segments(self.like, super().__add__(other).items, self.column)

    def added(self, others: Sequence[Keyed[S]]) -> Segments[S]:
        return Segments(self.like, super().added(others).items, self.column)

    def unpack(self, packed: Packed) -> Segments[S]:
        return Segments(self.like, super().unpack(packed).items, self.column)


@dataclass(frozen=True)
class By(Monitor[Segments[S]], Generic[S]):
    """A monitor of each segment apart, by the text of one column, e.g. ``By("country", DataQuality())``.

    Null counts as empty text. A false-alarm budget is that of each segment: ``Segmented`` shares one among all.
    """

    column: str
    monitor: Monitor[S]

    @property
    def traits(self) -> Traits:  # type: ignore[override]  # read from the monitor inside, never set
        return self.monitor.traits

    @property
    def empty(self) -> Segments[S]:
        return Segments(self.monitor.empty, column=self.column)

    def observe(self, batch: pa.RecordBatch) -> Segments[S]:
        """Raises DataError if the column is not there, or has more than ``MAX_SEGMENTS`` different values."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if self.column not in batch.schema.names:
            there = ", ".join(columns(batch)) or "none"
            raise DataError(f"there is no column '{self.column}' to tell segments apart; the columns are: {there}")
        texts = pc.fill_null(batch.column(self.column).cast(pa.string()), "").dictionary_encode()
        like = self.monitor.empty
        written = [canonical(text) for text in texts.dictionary.to_pylist()]
        values = {value: place for place, value in enumerate(dict.fromkeys(written))}
        Segments(like, dict.fromkeys(values, like), self.column)  # raises before the work if there are too many
        codes = np.array([values[value] for value in written], np.int64)[texts.indices.to_numpy()]
        rows = batch.take(pa.array(np.argsort(codes, kind="stable")))
        ends = np.cumsum(np.bincount(codes, minlength=len(values))).tolist()
        parts = zip(values, [0, *ends], ends, strict=False)
        observed = {value: self.monitor.observe(rows.slice(start, end - start)) for value, start, end in parts}
        return Segments(like, observed, self.column)

    def measure(self, state: Segments[S]) -> Measures:
        return {
            (subject.within(self.column, value), name): measure
            for value, part in state.items.items()
            for (subject, name), measure in self.monitor.measure(part).items()
        }

    def suggest(self, baseline: Segments[S]) -> Iterator[Constraint]:
        for value, part in baseline.items.items():
            for c in self.monitor.suggest(part):
                yield within(c, self.column, value)

    def required(self, state: Segments[S]) -> Iterator[Constraint]:
        for value, part in state.items.items():
            for c in self.monitor.required(part):
                yield within(c, self.column, value)

    def kept(self, state: Segments[S]) -> Segments[S]:
        return replace(state, items={value: self.monitor.kept(part) for value, part in state.items.items()})

    def with_budget(self, share: float) -> Self:
        return replace(self, monitor=self.monitor.with_budget(share))


def canonical(value: str) -> str:
    """The text of a segment: whole numbers without ``.0`` and booleans in small letters, as sources differ in these.

    >>> canonical("7.0"), canonical("True"), canonical("1.10"), canonical("007.0")
    ('7', 'true', '1.10', '007.0')
    """
    if value.lower() in ("true", "false"):
        return value.lower()
    return WHOLE.sub(r"\1", value)


def within(constraint: Constraint, column: str, value: str) -> Constraint:
    """The constraint in the rows where a column has a value."""
    return replace(constraint, subject=constraint.subject.within(column, value))


@dataclass(frozen=True)
class Parts(Record, Generic[S]):
    """The State of all rows, and of the segments by each column."""

    whole: S
    by: tuple[Segments[S], ...] = ()

    def __add__(self, other: Parts[S]) -> Parts[S]:
        return Parts(self.whole + other.whole, tuple(a + b for a, b in zip(self.by, other.by, strict=True)))

    def added(self, others: Sequence[Parts[S]]) -> Parts[S]:
        states = (self, *others)
        by = zip(*(state.by for state in states), strict=True)
        return Parts(total([state.whole for state in states]), tuple(map(total, by)))


@dataclass(frozen=True)
class Segmented(Monitor[Parts[S]], Generic[S]):
    """A monitor of all rows, and of each segment of them by one or more columns, each column apart.

    The whole has one half of a false-alarm budget, and the segments of the baseline share the other half evenly. A
    segment that only a window has is measured, but not constrained; one that only the baseline has is undefined.
    """

    whole: Monitor[S]
    by: tuple[By[S], ...]

    @property
    def traits(self) -> Traits:  # type: ignore[override]  # read from the monitor inside, never set
        return self.whole.traits

    @property
    def empty(self) -> Parts[S]:
        return Parts(self.whole.empty, tuple(by.empty for by in self.by))

    @property
    def columns(self) -> list[str]:
        return [by.column for by in self.by]

    def observe(self, batch: pa.RecordBatch) -> Parts[S]:
        return Parts(self.whole.observe(batch), tuple(by.observe(batch) for by in self.by))

    def measure(self, state: Parts[S]) -> Measures:
        measures = dict(self.whole.measure(state.whole))
        for by, segments in zip(self.by, state.by, strict=True):
            measures |= by.measure(segments)
        return measures

    def suggest(self, baseline: Parts[S]) -> Iterator[Constraint]:
        shared = self.shared(sum(len(segments.items) for segments in baseline.by))
        yield from shared.whole.suggest(baseline.whole)
        for by, segments in zip(shared.by, baseline.by, strict=True):
            yield from by.suggest(segments)

    def required(self, state: Parts[S]) -> Iterator[Constraint]:
        yield from self.whole.required(state.whole)
        for by, segments in zip(self.by, state.by, strict=True):
            yield from by.required(segments)

    def unusable(self, state: Parts[S]) -> dict[str, int]:
        return self.whole.unusable(state.whole)

    def watch(self, window: Window | None, records: int, set_aside: int) -> Parts[S]:
        return replace(self.empty, whole=self.whole.watch(window, records, set_aside))

    def kept(self, state: Parts[S]) -> Parts[S]:
        by = zip(self.by, state.by, strict=True)
        return Parts(self.whole.kept(state.whole), tuple(by.kept(segments) for by, segments in by))

    def with_budget(self, share: float) -> Self:
        return replace(self, whole=self.whole.with_budget(share), by=tuple(by.with_budget(share) for by in self.by))

    def shared(self, segments: int) -> Self:
        """The monitor with the budget shared, given how many segments the baseline has, of all columns."""
        if not segments:
            return self
        by = tuple(by.with_budget(0.5 / segments) for by in self.by)
        return replace(self, whole=self.whole.with_budget(0.5), by=by)
