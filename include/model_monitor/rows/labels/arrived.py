"""Which label files count for a window, and is the time for its labels over?

It is over when a label was collected after it, or when the caller says until when labels count; no clock is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from model_monitor import store
from model_monitor.core.window import HOUR, Window, floor_hour, iso
from model_monitor.errors import ConfigError
from model_monitor.rows.blocks import SUFFIXES
from model_monitor.rows.labels.files import LabelFile, as_of
from model_monitor.store.ahead import AT_ONCE, ahead

MARGIN = HOUR  # a label may be in a folder so long before its request, as clocks differ
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Arrived:
    """The label files that count for a window, whether no more are waited for, and until when they were collected;
    ``by_hour``: whether their folders say which hours they are for."""

    files: Sequence[LabelFile]
    is_over: bool
    as_of: str | None
    by_hour: bool = True

    def for_hour(self, hour: Window, final_after: timedelta) -> list[LabelFile]:
        """The files that may hold labels of an hour's requests: the same for every window that the hour is in."""
        if not self.by_hour:
            return list(self.files)
        first, deadline = hour.start - MARGIN, hour.end + final_after
        return [f for f in self.files if f.hour and f.since and first <= f.hour and f.since < deadline]


def arrived(uri: str, window: Window, final_after: timedelta, until: datetime | None) -> Arrived:
    """The label files of a window, by collection hour and address; with ``until`` only those collected before."""
    until = until and (until.replace(tzinfo=UTC) if until.tzinfo is None else until)
    first, deadline = floor_hour(window.start) - MARGIN, window.end + final_after
    # One day more shows whether labels are being collected that come too late for this window.
    days = [first + i * DAY for i in range((deadline.date() - first.date()).days + 2)]
    listings = ahead(lambda day: store.list_files(store.join(uri, f"{day:%Y/%m/%d}"), SUFFIXES), days, AT_ONCE)
    label_files = (LabelFile.of(file) for files in listings for file in files)
    in_time = sorted(
        (f for f in label_files if f.hour and first <= f.hour and (until is None or f.hour + HOUR <= until)),
        key=lambda f: (f.hour, f.file),
    )
    counting = [f for f in in_time if f.since and f.since < deadline]
    is_over = len(counting) < len(in_time) or (until is not None and until >= deadline)
    return Arrived(counting, is_over, iso(floor_hour(min(until, deadline))) if until else as_of(counting))


def all_below(uri: str) -> Arrived:
    """Every label file below an address, whenever it was collected. Raises ConfigError if there are none."""
    label_files = [LabelFile.of(file) for file in store.list_files(uri, SUFFIXES)]
    if not label_files:
        raise ConfigError(f"there are no label files at {uri}: none ends in {', '.join(SUFFIXES)}")
    label_files.sort(key=lambda f: (f.hour is not None, f.hour, f.file))
    return Arrived(label_files, True, as_of(label_files), by_hour=False)
