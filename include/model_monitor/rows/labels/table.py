"""A table of labels: which of its columns hold the id and the label, where its files are, and how they are read.

Tables are part of the configuration, so this module imports nothing heavy; what reads files is imported when used.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import chain
from typing import Any, ClassVar, Literal

from model_monitor import store
from model_monitor.core.window import Window
from model_monitor.errors import ConfigError
from model_monitor.store.ahead import AT_ONCE, ahead


@dataclass(frozen=True)
class LabelColumns:
    """The names of a table's columns.

    id: names a request by its inference id, or by its event id where it has none.
    label: the label; of a request for several rows a list with one for each. A row without one is no label yet.
    event_time: when the label became known: a timestamp, ISO 8601 (UTC if it has no zone), or an epoch. None: the
        folder of ``path`` tells, or nothing does.
    event_time_unit: of an epoch; guessed from its size if None.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    id: str
    label: str
    event_time: str | None = None
    event_time_unit: Literal["s", "ms", "us", "ns"] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that every file must have, each once."""
        return tuple(dict.fromkeys(filter(None, (self.id, self.label, self.event_time))))


@dataclass(frozen=True)
class LabelTable:
    """``path`` is the folder of an hour or a day; "" if all files count for every window."""

    columns: LabelColumns
    format: str | None = None  # recognised if None
    header: bool = True  # of CSV
    separator: str | None = None  # of CSV; recognised if None
    path: str = ""

    @property
    def rows_tell(self) -> bool:
        """Whether rows, or nothing, tell which labels count by a moment, rather than their folder."""
        return self.columns.event_time is not None or not self.path

    @property
    def origin(self) -> list[Any]:
        """How files are read, as far as labels depend on it."""
        return [asdict(self.columns), self.format, self.header, self.separator]

    @property
    def suffixes(self) -> tuple[str, ...]:
        """The endings of its files."""
        from model_monitor.rows.sources import forms

        return forms.SUFFIXES[self.format] if self.format else tuple(chain(*forms.SUFFIXES.values()))

    def all_files(self, uri: str) -> list[store.File]:
        """The files at or below an address. Raises ConfigError for a Delta table."""
        from model_monitor.rows.sources import delta

        if store.exists(uri):
            return store.list_files(uri)
        if delta.is_table(uri):
            raise ConfigError(f"{uri} is a Delta table, in whose folder are removed rows as well; export its labels")
        return store.list_files(uri, self.suffixes)

    def dated_files(self, uri: str, span: Window) -> Iterator[tuple[datetime, datetime, store.File]]:
        """The files in the folders of a span's hours, each with the first and the last hour of its folder."""
        hours: dict[str, list[datetime]] = {}
        for hour in span.hours():
            hours.setdefault(hour.start.strftime(self.path), []).append(hour.start)
        listings = ahead(lambda folder: store.list_files(store.join(uri, folder), self.suffixes), list(hours), AT_ONCE)
        for within, files in zip(hours.values(), listings, strict=True):
            yield from ((within[0], within[-1], file) for file in files)
