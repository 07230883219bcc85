"""Tables: a log with a row per request, in files of CSV, JSON lines or Parquet, or a Delta table."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from model_monitor import store
from model_monitor.core.window import EVER, HOUR, Window, floor_hour, iso
from model_monitor.errors import ConfigError
from model_monitor.rows.blocks import Block
from model_monitor.rows.sources.mapping import TableColumns
from model_monitor.rows.sources.source import Listed, Source, hours_around
from model_monitor.rows.sources.whereabouts import Whereabouts, edges, without_files
from model_monitor.store.ahead import AT_ONCE, ahead


@dataclass(frozen=True)
class Table(Source):
    """``path`` is the folder, or the Delta table's partition, of an hour or day; '' if all files are in one place."""

    uri: str
    columns: TableColumns
    format: str
    header: bool = True
    path: str = ""
    straggler_hours: int = 1
    separator: str | None = None  # of CSV; recognised if None

    def listed(self, window: Window) -> list[Listed]:
        """The files of a window's folders; of Parquet only those whose statistics admit one of its hours."""
        from model_monitor.rows.sources.table_rows import span_of

        hours, margin = hours_around(window, self.straggler_hours), self.straggler_hours * HOUR
        folders: dict[str, list[datetime]] = {}
        for hour in hours:
            folders.setdefault(hour.strftime(self.path), []).append(hour)
        listing = []
        for within, files in zip(folders.values(), self.files_in(list(folders)), strict=True):
            start, end = (within[0] - margin, within[-1] + margin) if self.path else (hours[0], hours[-1])
            span = Window(start, end + HOUR)
            for file, known in zip(files, ahead(lambda file: span_of(file, self), files, AT_ONCE), strict=True):
                if known is None:
                    listing.append(Listed(file, span))
                elif Listed(file, known).is_near(span):
                    listing.append(Listed(file, Window(max(known.start, span.start), min(known.end, span.end))))
        return listing

    def looked_in(self, window: Window) -> str:
        if not self.path:
            return f"looked for rows of this time in {self.uri}"
        hours = hours_around(window, self.straggler_hours)
        first, last = (hour.strftime(self.path) for hour in (hours[0], hours[-1]))
        return f"looked for rows in {store.join(self.uri, first)} to {last}"

    def whereabouts(self) -> Whereabouts:
        from model_monitor.rows.sources import delta, forms

        if self.path and not delta.is_table(self.uri):
            first, last = edges(self.uri, self.path.count("/") + 1)
            there = f"{self.uri} has folders {'/'.join(first)} to {'/'.join(last)}"
            return Whereabouts(there, is_any=True) if first else without_files(self.uri, forms.IN_WORDS[self.format])
        if files := next(iter(self.files_in([""]))):
            return Whereabouts(self.times_in(files), is_any=True)
        return without_files(self.uri, forms.IN_WORDS[self.format])

    def times_in(self, files: Sequence[store.File]) -> str:
        """From when until when rows of some files are, as far as statistics or the first row of a file tell."""
        from model_monitor.rows.sources.table_rows import span_of

        spans = [span for file in (files[0], files[-1]) if (span := span_of(file, self))]
        if spans:
            return f"there are rows from {iso(min(spans).start)} to {iso(max(span.end for span in spans))}"
        hour = self.hour_of(Listed(files[0], EVER))
        return f"the first row of {files[0].address} is of {iso(hour) if hour else 'no time that can be read'}"

    def files_in(self, folders: Sequence[str]) -> Iterator[list[store.File]]:
        """The files of each folder below the table's own ('' for all), or of each partition of a Delta table."""
        from model_monitor.rows.sources import delta, forms

        if delta.is_table(self.uri):
            if self.format != "parquet":
                raise ConfigError(f"{self.uri} is a Delta table, whose files are Parquet; write format: parquet")
            return map(delta.read(self.uri, self.columns).within, folders)
        if self.format == "parquet":
            delta.refuse_inside(self.uri, folders[0])
        suffixes = forms.SUFFIXES[self.format]
        addresses = (store.join(self.uri, folder) if folder else self.uri for folder in folders)
        return ahead(lambda address: store.list_files(address, suffixes), addresses, AT_ONCE)

    def blocks(self, files: Sequence[Listed], window: Window | None = None) -> Iterator[Block]:
        from model_monitor.rows.sources import table_rows

        return table_rows.blocks([entry.file for entry in files], self, window)

    def groups(self, files: Sequence[Listed]) -> list[Sequence[Listed]]:
        """Objects of JSON are read together: a member that one lacks may be in another."""
        return super().groups(files) if self.format != "jsonl" else [files] if files else []

    def hour_of(self, listed: Listed) -> datetime | None:
        """The hour of the first request in the file that has a time."""
        from model_monitor.rows.captures import parse

        times = (time.as_py() for block in self.blocks([listed]) for time in parse(block).times)
        return next(map(floor_hour, times), None)

    @property
    def origin(self) -> dict[str, Any]:
        separator = [self.separator] if self.separator else []
        return {"source": ["table", self.format, self.header, json.loads(json.dumps(asdict(self.columns))), *separator]}
