"""What was learned of a baseline's dataset, and why some of it may surprise: for logs, XCom and ``baseline.json``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from model_monitor.config.execution import Assignment
from model_monitor.config.monitors import attributes_of
from model_monitor.core.constraints import Constraint, Unlearned
from model_monitor.core.monitor import Monitor
from model_monitor.core.observed import Observed
from model_monitor.core.segments import Segmented
from model_monitor.errors import ConfigError, printable
from model_monitor.monitors.columns import NUMERIC, STRING, Column
from model_monitor.monitors.data_quality import DataQuality, Table
from model_monitor.monitors.expectations import Joined
from model_monitor.monitors.numbered_moments import advice, why_not_compared
from model_monitor.results.documents.protocol import Document
from model_monitor.results.execution import counted
from model_monitor.results.handover import Collected
from model_monitor.rows.payloads.jsonpaths import is_path
from model_monitor.verdicts.versions import description_in

SHOWN = 20  # columns and sentences in a log, and values of a column
VALUES = 3
DECORATED = re.compile(r"[-+]?[$€£¥]? ?(?:\d{1,3}(?:[ ,.'_’]\d{3})+|\d+)(?:[.,]\d+)? ?[%$€£¥]?")
MOST = 100  # columns in XCom
COLUMNS, ODD_VALUES, UNLEARNED = "columns", "odd_values", "unlearned"  # members of ``baseline.json``


@dataclass(frozen=True)
class Learned:
    """How many rows, which columns with their types, which declared ones are not among them, a sentence for each
    column that holds numbers and other values, one on those of dates and times, and one for what can't be judged."""

    rows: int
    columns: Mapping[str, str] = field(default_factory=dict)
    absent: Sequence[str] = ()
    odd_values: Sequence[str] = ()
    unlearned: Sequence[str] = ()

    @property
    def description(self) -> Document:
        """What ``baseline.json`` keeps."""
        odd = {ODD_VALUES: list(self.odd_values)} if self.odd_values else {}
        return {COLUMNS: dict(self.columns), **odd, **({UNLEARNED: list(self.unlearned)} if self.unlearned else {})}

    @property
    def summary(self) -> Document:
        """For XCom: names, types and counts, the first of very many."""
        columns = dict(list(self.columns.items())[:MOST])
        more = {"more_columns": len(self.columns) - MOST} if len(self.columns) > MOST else {}
        absent, odd = list(self.absent)[:MOST], list(self.odd_values)[:SHOWN]
        return {
            "rows": self.rows,
            "columns": columns,
            **more,
            "absent": absent,
            ODD_VALUES: odd,
            UNLEARNED: list(self.unlearned),
        }

    @property
    def sentences(self) -> list[str]:
        """For a log or a terminal."""
        listed = shortened([f"{name} ({kind})" for name, kind in self.columns.items()])
        about = f"learned from {counted(self.rows, 'row')}"
        about += f", {counted(len(self.columns), 'column')}: {listed}" if self.columns else ""
        absent = [f"named under columns, and not in the dataset: {shortened(self.absent)}"] if self.absent else []
        more = len(self.odd_values) - SHOWN
        rest = [f"and {more} more columns hold numbers and other values"] if more > 0 else []
        return [printable(text) for text in (about, *absent, *self.odd_values[:SHOWN], *rest, *self.unlearned)]


def learned_of(assignment: Assignment, observed: Observed, collected: Collected) -> Learned:
    """What a State was learned from. Raises ConfigError if the dataset has no column that the endpoint declares."""
    columns, odd = collected.columns, tuple[str, ...]()
    monitor, state = of_all_rows(assignment.learner, observed.state)
    if isinstance(monitor, DataQuality) and isinstance(state, Table):
        items, private = state.columns.items, assignment.private
        columns = {name: monitor.kind_of(name, column) for name, column in items.items()}
        odd = tuple(
            sentence
            for name, column in items.items()
            for sentence in mixture(name, column, columns[name], not {"*", name}.isdisjoint(private))
        )
        odd += tuple(about_moments(monitor, state))
    unlearned = tuple(unlearned_in(assignment.learner.suggest(observed.state)))
    learned = Learned(observed.rows, columns, absent_in(assignment, columns), odd, unlearned)
    refuse_unrelated(assignment, learned)
    return learned


def about_moments(monitor: DataQuality, state: Table) -> Iterator[str]:
    """A sentence on the columns of each kind of dates and times, and on those of numbers that may be some."""
    reasons: dict[str, list[str]] = {}
    perhaps: dict[str, list[str]] = {}
    for expected in monitor.expectations(state):
        if monitor.is_of_moments(expected.name, state.columns.items[expected.name]):
            reasons.setdefault(why_not_compared(expected.spread), []).append(expected.name)
        elif unit := monitor.unit_of_unnamed(expected):
            perhaps.setdefault(unit, []).append(expected.name)
    yield from (f"{shortened(names)}: {reason}" for reason, names in reasons.items())
    yield from (advice(shortened(names), unit) for unit, names in perhaps.items())


def learned_in(assignment: Assignment, version: str) -> Learned:
    """What the version in a folder was learned from, as its description says; nothing of one that has none."""
    description = description_in(version)
    columns = description.get(COLUMNS, {})
    absent = absent_in(assignment, columns) if columns else ()
    return Learned(
        description.get("rows", 0), columns, absent, description.get(ODD_VALUES, ()), description.get(UNLEARNED, ())
    )


def unlearned_in(suggested: Iterable[Constraint]) -> Iterator[str]:
    """A sentence for each reason that a baseline could not tell a bound of all rows."""
    reasons: dict[str, dict[str, None]] = {}
    for constraint in suggested:
        if isinstance(constraint.bound, Unlearned) and not constraint.subject.segment:
            reasons.setdefault(constraint.bound.reason, {})[f"{constraint.subject} {constraint.measure}".strip()] = None
    for reason, names in list(reasons.items())[:SHOWN]:
        yield f"not judged: {shortened(list(names))}: {reason}"


def refuse_unrelated(assignment: Assignment, learned: Learned) -> None:
    """Raise ConfigError if a baseline shares no column with those that the endpoint declares: no window could be
    compared with it. An answer that is named by a place or a path is in any dataset that has been learned from."""
    declared, schedule = assignment.endpoint.columns.names, assignment.schedule
    is_by_place = any(is_path(name) or str(name).isdecimal() for name in attributes_of(schedule.options))
    if is_by_place or schedule.judges_requests or not declared or not learned.columns:
        return
    if not learned.columns.keys().isdisjoint(declared):
        return
    raise ConfigError(
        f"the baseline of '{schedule.name}' has no column that the endpoint has: the dataset's are "
        f"{shortened(list(learned.columns))}, and columns names {shortened(declared)}; name them alike, or set "
        "baseline: {header: ...} if its first line is read wrongly"
    )


def absent_in(assignment: Assignment, columns: Mapping[str, str]) -> tuple[str, ...]:
    """The columns that the endpoint declares and a dataset lacks, but those that nobody judges."""
    declared = assignment.endpoint.columns
    return tuple(name for name in declared.names if name not in columns and name not in declared.exclude)


def of_all_rows(monitor: Monitor[Any], state: Any) -> tuple[Monitor[Any], Any]:
    """A monitor and its State without segments and without the rules beside it."""
    if isinstance(monitor, Segmented):
        return of_all_rows(monitor.whole, state.whole)
    return of_all_rows(monitor.own, state.own) if isinstance(monitor, Joined) else (monitor, state)


def mixture(name: str, column: Column, kind: str, is_private: bool) -> Iterator[str]:
    """A sentence on a column that holds numbers and other values: what it became, and because of which of them."""
    numbers = sum(column.kinds.values.get(numeric, 0) for numeric in NUMERIC)
    others = column.present - numbers
    if kind == STRING and (decorated := decorated_in(column)):
        example = "" if is_private else f", such as '{decorated[0]}'"
        yield f"{name} is learned as text, but most of its values are numbers with signs{example}: write them as 1234.5"
        return
    if not numbers or not others:
        return
    frequent = [f"'{value}' ({counted(n, 'row')})" for value, n in column.words.most_frequent(VALUES)]
    examples = "" if is_private or not frequent else f": {', '.join(frequent)}"
    share = f"{others:,} of its {column.present:,} values {'is no number' if others == 1 else 'are no numbers'}"
    became = "compared as numbers, although" if kind in NUMERIC else "learned as text, because"
    yield f"{name} is {became} {share}{examples}"


def decorated_in(column: Column) -> list[str]:
    """The numbers of a column that are written with a comma, a unit or spaces, if that is most of its values."""
    found = {word: n for word, n in column.words.values.items() if DECORATED.fullmatch(word)}
    return list(found) if 2 * sum(found.values()) > column.present else []


def shortened(names: Sequence[str]) -> str:
    """Some names, the first of many."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return (", ".join(names[:SHOWN]) + more) or "none"
