"""What is left behind after a window was judged? A folder of files, the last of which says that it is complete."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from model_monitor import store
from model_monitor.core.constraints import Constraint, Finding, evaluate
from model_monitor.core.monitor import Monitor
from model_monitor.core.states import Record
from model_monitor.errors import ConfigError, DataError
from model_monitor.monitors.data_quality import DataQuality
from model_monitor.results import execution
from model_monitor.results.documents import (
    CONSTRAINTS,
    EXECUTION,
    STATISTICS,
    VIOLATIONS,
    Document,
    Documents,
    decode,
    encode,
)
from model_monitor.results.plain import PlainDocuments
from model_monitor.results.sagemaker import DataQualityDocuments

REJECTED = "rejected/records.jsonl"


def documents_of(monitor: Monitor[Any]) -> Documents[Any]:
    """The files of a monitor: those of the original where it had such a monitor, plain ones else."""
    return DataQualityDocuments(monitor) if isinstance(monitor, DataQuality) else PlainDocuments(monitor)


@dataclass(frozen=True)
class Observed(Record):
    """How many rows were observed, and the monitor's State of them."""

    rows: int
    state: Any


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
) -> Document:
    """Judge a State, write the report's files into a folder, ``execution.json`` last; that document."""
    documents = documents_of(monitor)
    constraints = baseline.asks(monitor)
    findings = evaluate(constraints, monitor.measure(observed.state)) if observed.rows else []
    status, reason = verdict(observed, baseline, findings)
    addresses = {"statistics": baseline.statistics_address, "constraints": baseline.constraints_address}
    document = execution.execution(about | {"baseline": addresses}, status, reason, collected, observed.rows, findings)
    write_files(
        folder,
        {
            STATISTICS: documents.statistics(observed.state, constraints if observed.rows else []),
            CONSTRAINTS: documents.suggested(observed.state),
            VIOLATIONS: documents.violations(findings, observed.state),
        },
        collected,
        document,
    )
    return document


def write_files(folder: str, files: dict[str, Document], collected: Document, document: Document) -> None:
    """A report's files; what was set aside is a file of its own, absent if there is nothing."""
    for name, content in files.items():
        store.write(store.join(folder, name), encode(content))
    rejected = store.join(folder, REJECTED)
    if kept := collected.get("kept"):
        store.write(rejected, "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in kept).encode())
    else:
        store.delete(rejected)
    store.write(store.join(folder, EXECUTION), encode(document))


@contextmanager
def reporting_failure(folder: str, about: Document) -> Iterator[None]:
    """Leave a report of what could not be judged and why: nothing of an earlier one over the same window stays."""
    try:
        yield
    except (ConfigError, DataError) as error:
        collected = error.collected if isinstance(error, DataError) else {}
        for name in (STATISTICS, CONSTRAINTS, VIOLATIONS):
            store.delete(store.join(folder, name))
        document = execution.execution(about, execution.FAILED, str(error), collected, None)
        write_files(folder, {}, collected, document)
        raise


def verdict(observed: Observed, baseline: Baseline, findings: Sequence[Finding]) -> tuple[str, str]:
    """The status, and the reason where it is not one of the original's two for success."""
    if not observed.rows:
        return execution.NO_DATA, "No records in this window"
    if not baseline.exists:
        return execution.NO_BASELINE, "Nothing to compare with: there is no baseline yet"
    if any(finding.outcome == "violated" for finding in findings):
        return execution.WITH_VIOLATIONS, ""
    if findings and all(finding.outcome == "undefined" for finding in findings):
        return execution.UNDEFINED, f"No constraint could be judged: {findings[0].reason}"
    return execution.COMPLETED, ""
