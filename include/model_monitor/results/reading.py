"""Read a report: its files belong to one run, and each is as it was written, or a DataError says which is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from model_monitor import store
from model_monitor.core.window import Window
from model_monitor.errors import DataError
from model_monitor.results.documents.protocol import (
    ANALYSIS,
    EXECUTION,
    STATISTICS,
    VIOLATIONS,
    Document,
    decode,
)
from model_monitor.results.measured import MEASURES
from model_monitor.results.sealed import digest_of, unsealed


@dataclass(frozen=True)
class Report:
    """The report in a folder; ``digest`` is the SHA-256 of ``execution.json``. The other files are read when asked for,
    which raises DataError if one is damaged or of another run, as while another run writes them."""

    folder: str
    execution: Document
    digest: str

    @classmethod
    def at(cls, folder: str) -> Report:
        """Raises DataError if there is none, or ``execution.json`` is damaged; StoreError."""
        if (report := cls.find(folder)) is None:
            raise DataError(f"there is no {store.join(folder, EXECUTION)}; run the task before this one first")
        return report

    @classmethod
    def find(cls, folder: str) -> Report | None:
        """The same; None if there is none."""
        address = store.join(folder, EXECUTION)
        if (content := read_or_none(address)) is None:
            return None
        return cls(folder, decode(unsealed(content, address), address), digest_of(content))

    @property
    def window(self) -> Window:
        return Window.of(self.execution["window"]["start"], self.execution["window"]["end"])

    @cached_property
    def violations(self) -> Sequence[Document]:
        """The entries of ``constraint_violations.json``."""
        entries: Sequence[Document] = self._of_one_run(VIOLATIONS).get("violations", [])
        return entries

    @cached_property
    def measures(self) -> Sequence[Document]:
        """The entries of ``measures.json``; [] of a report that could not judge anything."""
        entries: Sequence[Document] = self._of_one_run(MEASURES).get("measures", [])
        return entries

    @cached_property
    def statistics(self) -> Document:
        """``statistics.json`` or ``analysis.json``; {} if there is neither, as while labels are pending."""
        for name in (STATISTICS, ANALYSIS):
            address = store.join(self.folder, name)
            if (content := read_or_none(address)) is not None:
                return decode(content, address)
        return {}

    def _of_one_run(self, name: str) -> Document:
        """A file whose digest ``execution.json`` has; {} if it has none."""
        if (expected := self.execution.get("digests", {}).get(name)) is None:
            return {}
        address = store.join(self.folder, name)
        content = read_or_none(address) or b""
        if digest_of(content) != expected:
            raise DataError(f"{address} is damaged, or of another run than {EXECUTION}; run the window's tasks again")
        return decode(content, address)


def read_or_none(address: str) -> bytes | None:
    """A file's bytes; None if it is not there. Raises StoreError."""
    try:
        return store.read(address)
    except FileNotFoundError:
        return None
