"""Take the values of single rows out of the reports on windows whose captures are gone.

They are the sketches of numbers and, in SageMaker's mode, which has its files bit for bit, the texts that few rows
share; reports of the calibrated mode are written without these. A report that was done is not read again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from model_monitor import store
from model_monitor.config import Endpoint
from model_monitor.errors import ConfigError, StoreError
from model_monitor.jobs.retention.record import anonymous_mark_of, noted_in
from model_monitor.results.anonymous import Anonymity
from model_monitor.results.documents.protocol import ANALYSIS, CONSTRAINTS, EXECUTION, STATISTICS, decode, encode
from model_monitor.store.folders import Entry

FILES = (STATISTICS, CONSTRAINTS, ANALYSIS, EXECUTION)
MARGIN = timedelta(days=7)  # in which a run that was under way may still have written a report


@dataclass(frozen=True)
class OldReports:
    """How reports become anonymous, and ``since`` which hour they may not be (None: all)."""

    anonymity: Anonymity
    since: datetime | None

    @classmethod
    def of(cls, endpoint: Endpoint) -> OldReports:
        noted = noted_in(anonymous_mark_of(endpoint))
        return cls(Anonymity(private=endpoint.columns.private, keeps_sketches=False), noted and noted - MARGIN)

    def among(self, entries: Iterable[tuple[datetime | None, Entry]]) -> dict[str, list[str]]:
        """The files to look at, by the folder of their report, of entries with their hours."""
        folders: dict[str, list[str]] = {}
        for hour, entry in entries:
            folder, _, name = entry.path.rpartition("/")
            if entry.kind == "file" and name in FILES and hour and (self.since is None or hour >= self.since):
                folders.setdefault(folder, []).append(name)
        return {folder: names for folder, names in folders.items() if EXECUTION in names}

    def changed_in(self, folder: str, names: Iterable[str]) -> dict[str, bytes]:
        """The files of a report that must be written again. Raises StoreError, and ConfigError for files that are not
        as they were written."""
        addresses = {name: store.join(folder, name) for name in names}
        found = {name: decode(store.read(address), address) for name, address in addresses.items()}
        try:
            documents = {name: document for name, document in found.items() if name != EXECUTION}
            kept, execution = self.anonymity.of(documents, found[EXECUTION])
        except (KeyError, TypeError, ValueError, AttributeError) as error:  # a file that a person edited
            raise ConfigError(f"{folder}: is no report as it was written: {error!r}") from error
        written: Mapping[str, dict[str, object]] = kept | {EXECUTION: execution}
        return {addresses[name]: encode(d) for name, d in written.items() if d != found[name]}

    def make_anonymous(self, folder: str, names: Iterable[str], dry_run: bool) -> int | StoreError | ConfigError:
        """How many files of a report were, or would be, written again; or why that can't be."""
        try:
            changed = self.changed_in(folder, names)
            for address, content in () if dry_run else changed.items():
                store.write(address, content)
        except (StoreError, ConfigError) as error:
            return error
        except FileNotFoundError:  # deleted in this moment
            return 0
        return len(changed)
