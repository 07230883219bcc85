"""What is left behind after a window was judged? A folder of files, the last of which says that it is complete."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from model_monitor import store
from model_monitor.core.constraints import Constraint, Finding, Unlearned
from model_monitor.core.evaluation import evaluate, undefined
from model_monitor.core.measures import Measures, Undefined
from model_monitor.core.monitor import Monitor
from model_monitor.core.observed import Observed
from model_monitor.errors import ConfigError, DataError
from model_monitor.results import execution
from model_monitor.results.documents import (
    ANALYSIS,
    CONSTRAINTS,
    EXECUTION,
    STATISTICS,
    VIOLATIONS,
    Document,
    decode,
    documents_of,
    encode,
)

REJECTED = "rejected/records.jsonl"
PENDING = "pending"  # the state of a window's labels in which nothing is judged that needs them


@dataclass(frozen=True)
class Baseline:
    """The two files that a window is judged against, each with its address; None where there is none."""

    statistics: Document | None = None
    constraints: Document | None = None
    statistics_address: str | None = None
    constraints_address: str | None = None

    @classmethod
    def at(cls, statistics: str | None, constraints: str | None) -> Baseline:
        """The baseline of two addresses. Raises ConfigError if a file is not there or not JSON."""
        return cls(document_at(statistics), document_at(constraints), statistics, constraints)

    @property
    def exists(self) -> bool:
        return self.statistics is not None or self.constraints is not None

    def asks(self, monitor: Monitor[Any]) -> list[Constraint]:
        """The constraints; [] if there is no baseline. Raises ConfigError that names the files."""
        if not self.exists:
            return []
        try:
            return documents_of(monitor).constraints(self.statistics, self.constraints)
        except ConfigError as error:
            files = " and ".join(filter(None, [self.statistics_address, self.constraints_address]))
            raise ConfigError(f"{files}: {error}") from error

    def informs(self, monitor: Monitor[Any]) -> Monitor[Any]:
        """The monitor that reads a window as the baseline's rows were read. Raises ConfigError."""
        try:
            return documents_of(monitor).informed(self.statistics) or monitor
        except ConfigError as error:
            raise ConfigError(f"{self.statistics_address}: {error}") from error

    def names(self, monitor: Monitor[Any]) -> tuple[tuple[str, ...], bool]:
        """The columns that the baseline knows, in its order, and whether live columns take these names by position."""
        documents = documents_of(monitor)
        return tuple(documents.column_names(self.statistics, self.constraints)), documents.matches_by_position


def document_at(address: str | None) -> Document | None:
    if address is None:
        return None
    try:
        return decode(store.read(address), address)
    except FileNotFoundError as error:
        raise ConfigError(f"there is no {address}; make the baseline first, or correct the address") from error


def write_report(
    folder: str, monitor: Monitor[Any], observed: Observed, baseline: Baseline, about: Document, collected: Document
) -> dict[str, bytes]:
    """Judge a State, write the report's files into a folder, ``execution.json`` last; what they hold, by name.

    While labels are pending, statistics are not written, and only what needs no label is judged.
    """
    constraints = baseline.asks(monitor)
    monitor = baseline.informs(monitor)
    documents = documents_of(monitor)
    pending = is_pending(collected)
    measures = monitor.measure(observed.state)
    findings: list[Finding] = []
    if observed.rows:
        findings = evaluate(constraints, without_truth(monitor, measures) if pending else measures)
        findings += of_newcomers(monitor, measures, constraints)
    status, reason = verdict(
        observed, baseline, findings, collected.get("labels"), monitor.traits.measured_without_labels
    )
    addresses = {"statistics": baseline.statistics_address, "constraints": baseline.constraints_address}
    unusable = documents.unusable(observed.state)
    about = about | {"baseline": addresses}
    document = execution.execution(about, status, reason, collected, observed.rows, findings, unusable)
    statistics = documents.statistics(observed.state, constraints if observed.rows else [])
    if "labels" in collected:
        statistics |= documents.ground_truth(collected["labels"])
    files = {documents.statistics_name: statistics}
    if documents.constraints_name not in files:
        files[documents.constraints_name] = documents.suggested(observed.state)
    if pending:
        for name in files:
            store.delete(store.join(folder, name))
        files = {}
    files[VIOLATIONS] = documents.violations(findings, observed.state)
    return write_files(folder, files, collected, document)


def of_newcomers(monitor: Monitor[Any], measures: Measures, constraints: Sequence[Constraint]) -> Iterator[Finding]:
    """What can't be judged because the baseline says nothing of it: a group that appears only now, or that had too few
    rows in a segment."""
    check = monitor.traits.newcomer_check
    known = {constraint.subject for constraint in constraints}
    if check is None or not known:
        return
    found = {subject for subject, _ in measures if subject.column is not None}
    for subject in sorted(found - known, key=str):
        reason = f"the baseline says nothing of {subject}"
        yield undefined(Constraint(check, subject, "baseline", Unlearned(reason)), reason)


def is_pending(collected: Document) -> bool:
    return "labels" in collected and collected["labels"]["state"] == PENDING


def without_truth(monitor: Monitor[Any], measures: Measures) -> Measures:
    """The measures while labels are pending: those that need none are as they are, all others undefined."""
    kept = monitor.traits.measured_without_labels
    pending = Undefined("labels are pending")
    return {key: measure if key[1] in kept else pending for key, measure in measures.items()}


def write_files(
    folder: str, files: Mapping[str, Document], collected: Document, document: Document
) -> dict[str, bytes]:
    """A report's files; what was set aside is a file of its own, absent if there is nothing."""
    contents = {name: encode(content) for name, content in files.items()}
    if kept := collected.get("kept"):
        contents[REJECTED] = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in kept).encode()
    else:
        store.delete(store.join(folder, REJECTED))
    contents[EXECUTION] = encode(document)
    for name, content in contents.items():
        store.write(store.join(folder, name), content)
    return contents


@contextmanager
def reporting_failure(folder: str, about: Document) -> Iterator[None]:
    """Leave a report of what could not be judged and why: nothing of an earlier one over the same window stays."""
    try:
        yield
    except (ConfigError, DataError) as error:
        collected = error.collected if isinstance(error, DataError) else {}
        for name in (STATISTICS, CONSTRAINTS, ANALYSIS, VIOLATIONS):
            store.delete(store.join(folder, name))
        document = execution.execution(about, execution.FAILED, str(error), collected, None)
        write_files(folder, {}, collected, document)
        raise


def verdict(
    observed: Observed,
    baseline: Baseline,
    findings: Sequence[Finding],
    labels: Document | None = None,
    beside: Collection[str] = (),
) -> tuple[str, str]:
    """The status, and the reason where it is not one of the original's two for success.

    ``beside`` names measures that can't speak for the others: a window in which only they could be judged is undefined.
    """
    if not observed.rows:
        return execution.NO_DATA, "No records in this window"
    violated = any(finding.outcome == "violated" for finding in findings)
    if labels and labels["state"] == PENDING:
        return execution.WITH_VIOLATIONS if violated else execution.LABELS_PENDING, why_pending(labels)
    if not baseline.exists:
        return execution.NO_BASELINE, "Nothing to compare with: there is no baseline yet"
    if violated:
        return execution.WITH_VIOLATIONS, ""
    mattering = [f for f in findings if f.constraint.measure not in beside] or findings
    if mattering and all(finding.outcome == "undefined" for finding in mattering):
        return execution.UNDEFINED, f"No constraint could be judged: {mattering[0].reason}"
    return execution.COMPLETED, ""


def why_pending(labels: Document) -> str:
    """In words, for a person: how many labels there are, how many it takes, and whether more are waited for."""
    share = f"{labels['minimum_coverage']:.4%}".rstrip("0%").rstrip(".") + " %"
    had = f"{labels['matched']} of {labels['requests']} requests have a label"
    if not labels["matched"] and labels["unmatched"]:
        came = f"none of {labels['files']} label files of its time" if labels["files"] else "there is no label file"
        had = f"No request has a label: {came} in {labels['source']}/yyyy/mm/dd/hh"
    more = "no more are waited for" if labels["over"] else "the window is judged when more have come"
    return f"{had}, minimum_coverage is {share}; {more}"
