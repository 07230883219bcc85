"""Does a schedule notice faults in copies of its past windows, and after how many windows? Nothing is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

from model_monitor import store
from model_monitor.config.execution import Assignment, Execution
from model_monitor.core.batch import columns
from model_monitor.core.constraints import Constraint
from model_monitor.core.observed import Counting, Observed
from model_monitor.core.states import dump
from model_monitor.core.window import Window
from model_monitor.errors import DataError
from model_monitor.jobs.compute_metrics import selection_of, watched
from model_monitor.jobs.earlier_windows import all_odds, side_of
from model_monitor.jobs.past_windows import MOST_SUMMED, observed_executions, states_within
from model_monitor.jobs.self_test.faults import KINDS, OF_REQUESTS, Fault, faults_for, with_values
from model_monitor.results.handover import Evidence
from model_monitor.rows.sources.row_groups import row_group, row_groups_of
from model_monitor.verdicts.baseline import Baseline
from model_monitor.verdicts.recalled import Recalled, Side
from model_monitor.verdicts.replay import violations_of
from model_monitor.verdicts.trailing import Part, trailing
from model_monitor.verdicts.verdict import Judge

if TYPE_CHECKING:
    import pyarrow as pa

WINDOWS, COLUMNS = 24, 30


@dataclass(frozen=True)
class Trial:
    """What came of a fault: in which window since it began (from 1) it was noticed first, None if in none, and ``by``
    which checks of which subjects. It does not ``apply`` where the monitor looks at none of its columns. ``masked``:
    what would tell is violated without the fault too."""

    kind: str
    columns: tuple[str, ...]
    applies: bool = True
    caught_after: int | None = None
    by: tuple[str, ...] = ()
    masked: bool = False


@dataclass(frozen=True)
class SelfTest:
    """The trials of a schedule on its past ``windows``, oldest first. ``reason``: why there is none; ``untried``: how
    many columns were left out."""

    schedule: str
    monitor: str
    windows: tuple[Window, ...] = ()
    trials: tuple[Trial, ...] = ()
    untried: int = 0
    reason: str = ""


@dataclass(frozen=True)
class Copy:
    """A past window whose rows are still there."""

    execution: Execution
    evidence: Evidence

    @cached_property
    def rows(self) -> pa.RecordBatch:
        """The rows that the schedule judges."""
        import pyarrow as pa

        pieces = row_groups_of(self.evidence.partitions)
        batches = selection_of(self.execution).of(batch for piece in pieces for batch in row_group(*piece))
        tables = [pa.Table.from_batches([with_values(batch)]) for batch in batches]
        whole = pa.concat_tables(tables or [pa.table({})], promote_options="permissive").combine_chunks()
        return next(iter(whole.to_batches()), pa.record_batch({}))


def self_test(assignment: Assignment, windows: int = WINDOWS, most_columns: int = COLUMNS) -> SelfTest:
    """Try each fault on the last windows, and on at most so many columns. Raises ConfigError, DataError, StoreError.

    What is violated without the fault as well does not count. The rows of all windows are held.
    """
    told = SelfTest(assignment.schedule.name, assignment.schedule.monitor)
    learner = assignment.monitor if assignment.schedule.explain is None else assignment.schedule.build_learner()
    side = replace(side_of(assignment, Baseline.of(assignment)), monitor=learner)
    recalled = Recalled(all_odds(assignment))
    judge = side.judge()
    if learner.traits.needs_baseline and not judge.baseline.exists:
        return replace(told, reason="there is no baseline yet to judge by")
    copies = [copy for copy in islice(copies_of(assignment), windows) if copy.rows.num_rows][::-1]
    if not copies:
        return replace(told, reason="no past window has its rows any more; run one, and try again")
    judge = side.judge(judges_twice=bool(recalled.beside(copies[-1].execution.window, side)))
    first = copies[0].rows
    names = [*columns(first), *(name for name in OF_REQUESTS if name in first.schema.names)]
    kept = names[:most_columns]
    faults = faults_for(first.select([*kept, *(name for name in first.schema.names if name not in names)]))
    bench = Bench(judge, copies, assignment, side, recalled)
    spans = tuple(copy.execution.window for copy in copies)
    return replace(told, windows=spans, trials=tuple(map(bench.tried, faults)), untried=len(names) - len(kept))


def copies_of(assignment: Assignment) -> Iterator[Copy]:
    """The past windows whose rows are all there, newest first."""
    for execution in observed_executions(assignment):
        try:
            evidence = Evidence.read(execution.observation.evidence)
        except DataError:
            continue
        if evidence.partitions and all(map(store.exists, evidence.partitions)):
            yield Copy(execution, evidence)


@dataclass(frozen=True)
class Bench:
    """A schedule's judge, and copies of its windows, oldest first; what these said of one another tells how much they
    vary, but nothing is compared with other windows."""

    judge: Judge
    copies: Sequence[Copy]
    assignment: Assignment
    side: Side
    recalled: Recalled

    @cached_property
    def healthy(self) -> list[tuple[bytes, set[str]]]:
        """The State of each window, and what it violates, without a fault."""
        parts, found = list(self.before), []
        for copy in self.copies:
            observed = self.observed(copy, None, 1)
            found.append((dump(observed), set(self.violated(self.judge, copy, observed, parts))))
            parts.append((copy.execution.window, observed))
        return found

    @cached_property
    def before(self) -> list[Part]:
        """The windows before all copies that their spans are sums of, the oldest first."""
        if not self.judge.also:
            return []
        first = self.copies[0].execution.window
        span = Window(first.end - max(self.judge.also), first.start)
        return [(window, observed) for window, observed, _ in states_within(self.assignment, span, MOST_SUMMED)]

    def violated(self, judge: Judge, copy: Copy, observed: Observed, parts: Sequence[Part]) -> tuple[str, ...]:
        """What is violated of a window, and of the spans that end with it."""
        window, days = copy.execution.window, dict[Any, Observed]()
        spans = (trailing(length, window, observed, parts[::-1], days) for length in judge.also)
        earlier = self.recalled.earlier(window, self.side)
        return violations_of(judge.verdict(observed, copy.evidence.labels, spans, earlier))

    def tried(self, fault: Fault) -> Trial:
        """A fault from the first window on, until it is noticed."""
        judge, masked, parts = self.about(fault), False, list(self.before)
        for number, (copy, (state, known)) in enumerate(zip(self.copies, self.healthy, strict=True), 1):
            observed = self.observed(copy, fault, number)
            if number == 1 and not self.is_apart and dump(observed) == state:
                return Trial(fault.kind, fault.columns, applies=False)
            found = self.violated(judge, copy, observed, parts)
            parts.append((copy.execution.window, observed))
            if new := [name for name in found if name not in known]:
                return Trial(fault.kind, fault.columns, True, number, tuple(dict.fromkeys(new)))
            masked = masked or bool(found)
        return Trial(fault.kind, fault.columns, masked=masked)

    def observed(self, copy: Copy, fault: Fault | None, number: int) -> Observed:
        """The State of a window's rows with a fault."""
        monitor = self.judge.monitor
        rows = fault.on(copy.rows.select(self.needed(copy.rows, fault)), number) if fault else copy.rows
        return watched(monitor, Counting(monitor).observe(rows), copy.evidence, copy.execution.window)

    def needed(self, rows: pa.RecordBatch, fault: Fault) -> list[str]:
        """The columns that can tell of a fault."""
        names: list[str] = rows.schema.names
        kept = {*fault.columns, *self.assignment.schedule.segments}
        return [name for name in names if name in kept or name.startswith("@")] if self.is_apart else names

    @property
    def is_apart(self) -> bool:
        """Whether no column tells anything of another."""
        return self.judge.monitor.traits.judges_columns_apart and not self.assignment.schedule.expectations

    def about(self, fault: Fault) -> Judge:
        """The judge of what a fault can change."""
        if not self.is_apart:
            return self.judge
        return only_about(self.judge, fault.columns)


def only_about(judge: Judge, names: Sequence[str]) -> Judge:
    """The judge of some columns, in windows and in spans."""
    learned = [constraint for constraint in judge.learned if concerns(constraint, names)]
    also = {length: only_about(one, names) for length, one in judge.also.items()}
    return replace(judge, learned=learned, also=also)


def concerns(constraint: Constraint, names: Sequence[str]) -> bool:
    """Whether a constraint is about one of the columns, in any segment."""
    return constraint.subject.column in names


def by_kind(test: SelfTest) -> dict[str, list[Trial]]:
    """The trials that apply, by kind of fault."""
    return {kind: [one for one in test.trials if one.kind == kind and one.applies] for kind in KINDS}
