"""What does a schedule judge against, and what can be learned from a baseline's State?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from model_monitor import store
from model_monitor.config.execution import Assignment
from model_monitor.core.constraints import Constraint
from model_monitor.core.measures import Undefined
from model_monitor.core.monitor import Monitor
from model_monitor.core.observed import Observed
from model_monitor.errors import ConfigError, DataError
from model_monitor.results.documents import documents_of
from model_monitor.results.documents.protocol import Document, decode, encode
from model_monitor.results.sealed import digest_of
from model_monitor.verdicts.published import Published, advice

Check = Callable[[str, bytes], None]  # of a file's address and content; raises if it may not be used


@dataclass(frozen=True)
class Baseline:
    """The two files that a window is judged against, each with its address; None where there is none. Of a version its
    ``name``, and when it was ``learned``: ISO 8601."""

    statistics: Document | None = None
    constraints_document: Document | None = None
    statistics_address: str | None = None
    constraints_address: str | None = None
    name: str | None = None
    learned: str | None = None

    @classmethod
    def at(cls, statistics: str | None, constraints: str | None, check: Check | None = None) -> Baseline:
        """The baseline of two addresses. Raises ConfigError if a file is not there or not JSON."""
        return cls(document_at(statistics, check), document_at(constraints, check), statistics, constraints)

    @classmethod
    def of(cls, assignment: Assignment) -> Baseline:
        """The baseline of a schedule: the files that it names, else the version in force, else nothing."""
        files = assignment.schedule.baseline
        if files.statistics or files.constraints:
            return cls.at(files.statistics, files.constraints)
        published = Published.find(assignment)
        if published is None:
            return cls()
        baseline = cls.version(assignment, published.name, published.digests)
        return replace(baseline, name=published.name, learned=published.learned)

    @classmethod
    def version(cls, assignment: Assignment, name: str, digests: Mapping[str, str] | None = None) -> Baseline:
        """A version of a baseline: its two files, or the one that is both. Raises ConfigError, and DataError for a file
        that does not have the digest of its name, if ``digests`` are given."""

        def check(address: str, content: bytes) -> None:
            if digests is not None and digest_of(content) != digests.get(store.name_of(address)):
                raise DataError(
                    f"{address} is not as it was published: it was edited since, or is damaged; to judge by it as it "
                    f"is, {advice(assignment, name)}"
                )

        documents, folder = documents_of(assignment.monitor), store.join(assignment.baselines, name)
        names = {documents.statistics_name, documents.constraints_name}
        statistics = store.join(folder, documents.statistics_name) if len(names) > 1 else None
        return cls.at(statistics, store.join(folder, documents.constraints_name), check)

    @property
    def exists(self) -> bool:
        return self.statistics is not None or self.constraints_document is not None

    @property
    def identity(self) -> str:
        """What tells it from another: the version, or the files that were put there."""
        return self.name or f"{self.statistics_address} {self.constraints_address}"

    @property
    def description(self) -> Document:
        """The addresses, and the version, as reports name them."""
        version = {"version": self.name} if self.name else {}
        return {"statistics": self.statistics_address, "constraints": self.constraints_address, **version}

    def constraints(self, monitor: Monitor[Any]) -> list[Constraint]:
        """The constraints of the baseline; [] if there is none. Raises ConfigError that names the files."""
        if not self.exists:
            return []
        with naming(self.statistics_address, self.constraints_address):
            return documents_of(monitor).constraints(self.statistics, self.constraints_document)

    def inform(self, monitor: Monitor[Any]) -> Monitor[Any]:
        """The monitor that reads a window as the baseline's rows were read. Raises ConfigError."""
        with naming(self.statistics_address):
            return documents_of(monitor).informed(self.statistics) or monitor

    def column_names(self, monitor: Monitor[Any]) -> tuple[tuple[str, ...], bool]:
        """The columns that the baseline knows, and whether live columns take these names by position."""
        documents = documents_of(monitor)
        with naming(self.statistics_address, self.constraints_address):
            names = documents.column_names(self.statistics, self.constraints_document)
        return tuple(names), documents.matches_by_position


@contextmanager
def naming(*addresses: str | None) -> Iterator[None]:
    """Put the addresses of the files that are read in front of a ConfigError."""
    try:
        yield
    except ConfigError as error:
        raise ConfigError(f"{' and '.join(filter(None, addresses))}: {error}") from error


def document_at(address: str | None, check: Check | None = None) -> Document | None:
    if not address:
        return None
    try:
        content = store.read(address)
    except FileNotFoundError as error:
        raise ConfigError(f"there is no {address}; make the baseline first, or correct the address") from error
    if check:
        check(address, content)
    return decode(content, address)


def check_learned(monitor: Monitor[Any], observed: Observed, emptiness: str = "the dataset holds no rows") -> None:
    """Raise DataError if nothing can be learned from a baseline's rows: none is there, which ``emptiness`` says in the
    user's words, or none has a usable label."""
    if not observed.rows:
        raise DataError(f"there is nothing to learn from: {emptiness}")
    measures = monitor.measure(observed.state)
    reasons = [measure.reason for measure in measures.values() if isinstance(measure, Undefined)]
    label_free = monitor.traits.measured_without_labels
    if reasons and all(constraint.measure in label_free for constraint in monitor.suggest(observed.state)):
        [(commonest, _)] = Counter(reasons).most_common(1)
        raise DataError(f"nothing can be learned of the dataset's {observed.rows} rows: {commonest}")


def baseline_files(monitor: Monitor[Any], observed: Observed) -> dict[str, bytes]:
    """The two files of a baseline by name, or the one that is both."""
    documents = documents_of(monitor)
    return {
        documents.statistics_name: encode(documents.statistics(observed.state)),
        documents.constraints_name: encode(documents.suggested(observed.state)),
    }
