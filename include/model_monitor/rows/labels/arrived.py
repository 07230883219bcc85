"""Which label files count for a window, and is the time for its labels over?

It is over when a label was collected after it, or when the caller says until when labels count; no clock is asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from model_monitor import store
from model_monitor.core.window import HOUR, Window, floor_hour, iso
from model_monitor.errors import ConfigError
from model_monitor.rows.blocks import SUFFIXES
from model_monitor.rows.labels.files import LabelFile, as_of
from model_monitor.rows.labels.table import LabelTable
from model_monitor.rows.sources import forms
from model_monitor.store.ahead import AT_ONCE, ahead

MARGIN = HOUR  # a label may be in a folder so long before its request, as clocks differ
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Arrived:
    """The label files that count for a window, whether no more are waited for, and until when they were collected;
    ``by_hour``: whether their folders say which hours they are for; ``until``: only labels known before count."""

    files: Sequence[LabelFile]
    is_over: bool
    as_of: str | None
    by_hour: bool = True
    until: datetime | None = None

    def for_hour(self, hour: Window, final_after: timedelta) -> list[LabelFile]:
        """The files that may hold labels of an hour's requests: the same for every window that the hour is in."""
        if not self.by_hour:
            return list(self.files)
        first, deadline = label_span(hour, final_after)
        return [f for f in self.files if f.hour and f.since and first <= f.hour and f.since < deadline]


def arrived(
    uri: str, window: Window, final_after: timedelta, until: datetime | None, table: LabelTable | None = None
) -> Arrived:
    """The label files of a window, by collection hour and address; with ``until`` only those collected before.

    Of a table in one place all files count, and its rows tell their times, if at all. Raises ConfigError.
    """
    until = until and (until.replace(tzinfo=UTC) if until.tzinfo is None else until)
    first, deadline = floor_hour(window.start) - MARGIN, window.end + final_after
    if table is not None and not table.path:
        files = [LabelFile(None, file) for file in table.all_files(uri)]
        as_of_then = iso(floor_hour(min(until, deadline))) if until and files else None
        return Arrived(files, until is not None and until >= deadline, as_of_then, False, until)
    label_files = dated_files(uri, first, deadline) if table is None else table_files(uri, first, deadline, table)
    rows_tell = table is not None and table.columns.event_time is not None
    dated = [(f, f.since if rows_tell else f.hour) for f in label_files if f.hour and first <= f.hour]
    in_time = sorted(
        (f for f, begin in dated if begin and (until is None or begin + HOUR <= until)), key=lambda f: (f.hour, f.file)
    )
    counting = [f for f in in_time if f.since and f.since < deadline]
    is_over = len(counting) < len(in_time) or (until is not None and until >= deadline)
    then = iso(floor_hour(min(until, deadline))) if until else as_of(counting)
    return Arrived(counting, is_over, then, until=until)


def label_span(hour: Window, final_after: timedelta) -> tuple[datetime, datetime]:
    """From when until when labels of an hour's requests are collected."""
    return hour.start - MARGIN, hour.end + final_after


def dated_files(uri: str, first: datetime, deadline: datetime) -> Iterator[LabelFile]:
    """The files of a span's days, and of one day more: it shows whether labels are being collected that come too late
    for this window."""
    days = [first + i * DAY for i in range((deadline.date() - first.date()).days + 2)]
    listings = ahead(lambda day: store.list_files(store.join(uri, f"{day:%Y/%m/%d}"), SUFFIXES), days, AT_ONCE)
    return (LabelFile.of(file) for files in listings for file in files)


def table_files(uri: str, first: datetime, deadline: datetime, table: LabelTable) -> Iterator[LabelFile]:
    """The same of a table with a folder for each hour or day."""
    span = Window(first, deadline + DAY)
    return (LabelFile(last, file, since) for since, last, file in table.dated_files(uri, span))


def all_below(uri: str, table: LabelTable | None = None) -> Arrived:
    """Every label file below an address, whenever it was collected. Raises ConfigError if there are none."""
    endings = ", ".join(SUFFIXES) if table is None else forms.IN_WORDS[table.format]
    listed = store.list_files(uri, SUFFIXES) if table is None else table.all_files(uri)
    label_files = [LabelFile.of(file) for file in listed]
    if not label_files:
        raise ConfigError(f"there are no label files at {uri}: none ends in {endings}")
    label_files.sort(key=lambda f: (f.hour is not None, f.hour, f.file))
    return Arrived(label_files, True, as_of(label_files), by_hour=False)
