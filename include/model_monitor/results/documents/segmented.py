"""The files of a monitor of all rows and of segments: those of all rows, with a list of segments beside."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from model_monitor.core.constraints import Constraint, Finding
from model_monitor.core.measures import Subject
from model_monitor.core.monitor import Monitor
from model_monitor.core.segments import By, Parts, Segmented, canonical, within
from model_monitor.errors import ConfigError
from model_monitor.results.documents.protocol import Document, Documents, in_front

SEGMENTS = "segments"
Segment = tuple[str, str]  # column and value


@dataclass(frozen=True)
class SegmentedDocuments(Documents[Parts[Any]]):
    """The files of all rows, each with a member ``segments``: a list of the same members for each segment, which
    ``segment`` names as ``{column: value}``, e.g. ``{"segment": {"origin": "JFK"}, "version": 0.0, ...}``.

    A reader of SageMaker's files finds everything about all rows in its usual place. ``documents_of`` gives the
    documents of the monitors inside.
    """

    monitor: Segmented[Any]
    documents_of: Callable[[Monitor[Any]], Documents[Any]]

    @property
    def whole(self) -> Documents[Any]:
        return self.documents_of(self.monitor.whole)

    @property
    def statistics_name(self) -> str:
        return self.whole.statistics_name

    @property
    def constraints_name(self) -> str:
        return self.whole.constraints_name

    def statistics(self, state: Parts[Any], constraints: Sequence[Constraint] = ()) -> Document:
        """A segment that has constraints but no State is listed with the statistics of no rows."""
        by_segment: dict[Segment | None, list[Constraint]] = {}
        for constraint in constraints:
            by_segment.setdefault(self.segment_of(constraint.subject), []).append(outside(constraint, self.monitor))
        states = states_of(self.monitor, state)
        segments = []
        for segment in ordered(self.monitor, [*states, *filter(None, by_segment)]):
            inside = monitor_of(self.monitor, segment)
            own = self.documents_of(inside).statistics(states.get(segment, inside.empty), by_segment.get(segment, []))
            segments.append(about(segment) | own)
        return self.whole.statistics(state.whole, by_segment.get(None, [])) | {SEGMENTS: segments}

    def suggested(self, state: Parts[Any]) -> Document:
        """A segment without constraints, such as one without a label, is left out."""
        states = states_of(self.monitor, state)
        shared = self.monitor.shared(len(states))
        return self.documents_of(shared.whole).suggested(state.whole) | {
            SEGMENTS: [
                about(segment) | self.documents_of(monitor_of(shared, segment)).suggested(states[segment])
                for segment in ordered(shared, states)
                if any(True for _ in monitor_of(shared, segment).suggest(states[segment]))
            ]
        }

    def constraints(self, statistics: Document | None, constraints: Document | None) -> list[Constraint]:
        """Those of all rows, then those of the segments that ``constraints.json`` lists, or else ``statistics.json``.

        A file without ``segments``, such as SageMaker's, constrains all rows only.
        """
        in_constraints, in_statistics = entries_of(constraints, self.monitor), entries_of(statistics, self.monitor)
        listed = in_statistics if constraints is None else in_constraints
        shared = self.monitor.shared(len(listed))
        result = self.documents_of(shared.whole).constraints(statistics, constraints)
        for segment in listed:
            documents = self.documents_of(monitor_of(shared, segment))
            try:
                own = documents.constraints(in_statistics.get(segment), in_constraints.get(segment))
            except ConfigError as error:
                raise ConfigError(f"segment {'='.join(segment)}: {error}") from error
            result += [within(constraint, *segment) for constraint in own]
        return result

    def violations(self, findings: Sequence[Finding], state: Parts[Any]) -> Document:
        """Those of a segment name it in ``segment`` too, and their description begins with it."""
        states = states_of(self.monitor, state)
        written: list[Document] = []
        for segment, group in groupby(findings, key=lambda f: self.segment_of(f.constraint.subject)):
            relative = [replace(f, constraint=outside(f.constraint, self.monitor)) for f in group]
            if segment is None:
                written += self.whole.violations(relative, state.whole)["violations"]
            else:
                inside = monitor_of(self.monitor, segment)
                own = self.documents_of(inside).violations(relative, states.get(segment, inside.empty))["violations"]
                words = in_front(dict([segment]))
                written += [v | {"description": words + v["description"]} | about(segment) for v in own]
        return {"violations": written}

    def details(self, finding: Finding, state: Parts[Any]) -> Document:
        segment = self.segment_of(finding.constraint.subject)
        if segment is None:
            return self.whole.details(finding, state.whole)
        inside = monitor_of(self.monitor, segment)
        relative = replace(finding, constraint=outside(finding.constraint, self.monitor))
        return self.documents_of(inside).details(relative, states_of(self.monitor, state).get(segment, inside.empty))

    @property
    def reports_labels(self) -> bool:
        return self.whole.reports_labels

    def informed(self, statistics: Document | None) -> Monitor[Any]:
        def of(monitor: Monitor[Any]) -> Monitor[Any]:
            return self.documents_of(monitor).informed(statistics) or monitor

        return Segmented(of(self.monitor.whole), tuple(By(by.column, of(by.monitor)) for by in self.monitor.by))

    @property
    def matches_by_position(self) -> bool:
        return self.whole.matches_by_position

    def column_names(self, statistics: Document | None, constraints: Document | None) -> list[str]:
        return self.whole.column_names(statistics, constraints)

    def segment_of(self, subject: Subject) -> Segment | None:
        """The segment of this monitor that a subject is about; None if it is about all rows."""
        outermost = subject.segment[:1]
        return outermost[0] if outermost and outermost[0][0] in self.monitor.columns else None


def monitor_of(monitor: Segmented[Any], segment: Segment) -> Monitor[Any]:
    """The monitor of one segment."""
    return next(by.monitor for by in monitor.by if by.column == segment[0])


def states_of(monitor: Segmented[Any], state: Parts[Any]) -> dict[Segment, Any]:
    """The State of each segment."""
    pairs = zip(monitor.by, state.by, strict=True)
    return {(by.column, value): part for by, segments in pairs for value, part in segments.items.items()}


def ordered(monitor: Segmented[Any], segments: Sequence[Segment] | Mapping[Segment, Any]) -> list[Segment]:
    """Each segment once: by the monitor's columns, then by value."""
    place = {column: i for i, column in enumerate(monitor.columns)}
    return sorted(set(segments), key=lambda segment: (place[segment[0]], segment[1]))


def outside(constraint: Constraint, monitor: Segmented[Any]) -> Constraint:
    """A constraint as the monitor inside a segment made it."""
    segment = constraint.subject.segment
    inner = segment[1:] if segment and segment[0][0] in monitor.columns else segment
    return replace(constraint, subject=Subject(constraint.subject.column, inner))


def about(segment: Segment) -> Document:
    return {"segment": {segment[0]: segment[1]}}


def entries_of(document: Document | None, monitor: Segmented[Any]) -> dict[Segment, Document]:
    """The entries of a file's ``segments``, by segment. Raises ConfigError."""
    listed = (document or {}).get(SEGMENTS, [])
    if not isinstance(listed, list):
        raise ConfigError(f"'{SEGMENTS}' must be a list of objects, each with a 'segment'")
    entries: dict[Segment, Document] = {}
    for entry in listed:
        segment = segment_named(entry, monitor.columns)
        if segment in entries:
            raise ConfigError(f"segment {'='.join(segment)} is listed twice; delete one")
        entries[segment] = entry
    return entries


def segment_named(entry: Any, known: Sequence[str]) -> Segment:
    """The one segment that an entry is about. Raises ConfigError if it is none, or by another column."""
    named = entry.get("segment") if isinstance(entry, Mapping) else None
    if not isinstance(named, Mapping) or len(named) != 1 or not all(isinstance(v, str) for v in named.values()):
        raise ConfigError(
            f'an entry of \'{SEGMENTS}\' must name one column and its value, e.g. "segment": {{"origin": "JFK"}}'
        )
    [(column, value)] = named.items()
    if column not in known:
        raise ConfigError(
            f"the baseline has segments by '{column}', but this schedule has them by {', '.join(known)}: "
            f"add '{column}' to its 'segments', or make the baseline again"
        )
    return column, canonical(value)
