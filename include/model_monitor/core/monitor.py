"""The contract of every monitor: rows become a State, States add, everything else reads a State."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, ClassVar, Protocol, Self, TypeVar

if TYPE_CHECKING:
    import pyarrow as pa

    from model_monitor.core.constraints import Constraint
    from model_monitor.core.measures import Measures
    from model_monitor.core.states import State
    from model_monitor.core.window import Window

SET_ASIDE = "set_aside_check"  # of how many rows a monitor could use, in reports; that it holds is no verdict
USABLE = "usable_rows"  # its measure: the Share of rows that were not set aside

S = TypeVar("S", bound="State")
S_co = TypeVar("S_co", bound="State", covariant=True)


@dataclass(frozen=True)
class Traits:
    """What schedules and reports must know of a monitor before or beside its four verbs.

    needs_labels: without ground truth there is nothing to observe.
    needs_explanations: its rows are feature attributions, which a task before it makes.
    measured_without_labels: names of the measures that are judged even while labels are pending. That they hold is no
        verdict: if nothing else could be judged, the window is undefined.
    newcomer_check: the check reported as undefined for a subject that the baseline lacks, e.g. a group never seen
        before; None: nothing is reported of newcomers.
    needs_baseline: without a baseline nothing that it learns can be judged.
    judges_requests: its rows are the requests themselves, one each, also those that failed, with the columns from
        ``LATENCY`` to ``SAMPLED`` of ``core.batch`` and none of what was asked and answered.
    judges_silence: a window without any row is judged as others are, rather than being one without data.
    judging: names of the options that only judge: whatever they are, the same rows give the same State. Only these can
        be tried out on stored States.
    judges_columns_apart: what is found of a column depends on its own values alone, and on those that name segments.
    """

    needs_labels: bool = False
    needs_explanations: bool = False
    measured_without_labels: frozenset[str] = frozenset()
    newcomer_check: str | None = None
    needs_baseline: bool = True
    judges_requests: bool = False
    judges_silence: bool = False
    judging: frozenset[str] = frozenset()
    judges_columns_apart: bool = False


class Observer(Protocol[S_co]):
    """Turns rows into a State."""

    @property
    @abstractmethod
    def empty(self) -> S_co:
        """The State of no rows."""

    @abstractmethod
    def observe(self, batch: pa.RecordBatch) -> S_co:
        """The State of some rows; how rows are cut into batches changes nothing that is measured."""


class Monitor(Observer[S], Protocol[S]):
    """The base class of monitors: a frozen dataclass whose fields are its whole configuration."""

    traits: ClassVar[Traits] = Traits()

    @abstractmethod
    def measure(self, state: S) -> Measures:
        """Numbers and distributions, by subject and name; None for a number that does not exist."""

    @abstractmethod
    def suggest(self, baseline: S) -> Iterator[Constraint]:
        """Constraints that the baseline itself satisfies."""

    def required(self, state: S) -> Iterator[Constraint]:
        """Constraints that a person set: they hold of any rows, without a baseline. ``state`` tells which segments
        there are."""
        return iter(())

    def unusable(self, state: S) -> dict[str, int]:
        """How many rows were set aside, by reason; {} for a monitor that judges every row."""
        return {}

    def watch(self, window: Window | None, records: int, set_aside: int) -> S:
        """What is known beside rows, to add to their State: that a window was watched (None: that of the rows' own
        times), and of how many records how many were set aside. Asked of monitors that judge silence."""
        return self.empty

    def kept(self, state: S) -> S:
        """What is stored of a State of a window, or of a baseline: its measures are the same within what is stated of
        sketches. All of it by default."""
        return state

    def of_segment(self) -> Monitor[S]:
        """The monitor as it judges the rows of a segment, which may be few; itself by default."""
        return self

    def with_budget(self, share: float) -> Self:
        """The monitor with a share (0..1) of its false-alarm budget; itself if it has none."""
        return self


def fold(monitor: Observer[S], batches: Iterable[pa.RecordBatch]) -> S:
    """The State of all rows."""
    return reduce(add, map(monitor.observe, batches), monitor.empty)
