"""What was deleted, when, and what was left alone; and can a window still be judged?"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from model_monitor import store
from model_monitor.config import Endpoint
from model_monitor.core.window import HOUR, Window, floor_hour, iso, moment
from model_monitor.errors import ConfigError
from model_monitor.results.documents.protocol import Document, decode, encode
from model_monitor.results.sealed import sealed, unsealed
from model_monitor.store.folders import Entry

EXAMPLES = 20  # at most so many of what was left alone are named
UNITS = ("bytes", "kB", "MB", "GB", "TB")


@dataclass
class Part:
    """The deleted files of a kind, on a day or altogether."""

    files: int = 0
    bytes: int = 0
    first_hour: str = "9"
    last_hour: str = ""

    def add(self, files: int, size: int, first: str, last: str) -> None:
        self.files += files
        self.bytes += size
        self.first_hour, self.last_hour = min(self.first_hour, first), max(self.last_hour, last)


@dataclass
class Record:
    """The record of a day's runs, including the present one.

    It is written before anything is deleted. ``begun`` names the days, or months, whose deletion has begun and not
    ended, so that the run after an interrupted one does not count them twice.
    """

    about: Document
    address: str
    dry_run: bool
    parts: dict[tuple[str, str], Part] = field(default_factory=dict)  # by kind and day
    begun: set[str] = field(default_factory=set)
    anonymous: int = 0  # files of reports out of which values were taken
    left_alone: int = 0
    examples: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, endpoint: Endpoint, now: datetime, until: datetime, dry_run: bool) -> Record:
        """The day's record so far, to be continued. A dry run starts an empty one and writes none."""
        about = {"version": 1, "endpoint": endpoint.endpoint, "variant": endpoint.variant}
        about |= {"retention_days": endpoint.retention_days, "now": iso(now), "until": iso(until)}
        address = store.join(folder_of(endpoint), f"{now:%Y/%m/%d}", "deleted.json")
        record = cls(about, address, dry_run)
        try:
            earlier = {} if dry_run else noted_at(address)
        except FileNotFoundError:
            return record
        for part in earlier.get("days", []):
            key = part.pop("kind"), part.pop("day")
            record.parts[key] = Part(**part)
        record.begun = set(earlier.get("unfinished", []))
        record.anonymous = earlier.get("made_anonymous", 0)
        return record

    def begin(self, kind: str, units: Mapping[str, Sequence[tuple[datetime, Entry]]]) -> None:
        """Count the files, each with its hour, that are about to be deleted, except in units begun before."""
        fresh = units.keys() - self.begun
        for name in fresh:
            for time, entry in units[name]:
                hour = f"{time:%Y-%m-%dT%H}"
                self.parts.setdefault((kind, hour[:10]), Part()).add(1, entry.size, hour, hour)
        self.begun |= fresh
        if fresh:
            self.write()

    def end(self, name: str) -> None:
        self.begun.discard(name)

    def finish(self, all_gone: bool) -> None:
        """Write the record for the last time in a run."""
        if all_gone:
            self.begun.clear()
        self.write()

    def leave_alone(self, places: Iterable[str]) -> None:
        for place in places:
            self.left_alone += 1
            if len(self.examples) < EXAMPLES:
                name = place.partition("?")[0] if "://" in place else place
                self.examples.append(name.encode("utf-8", "backslashreplace").decode())

    def write(self) -> None:
        if not self.dry_run:
            store.write(self.address, sealed(encode(self.document())))

    def document(self) -> Document:
        return self.about | {
            "deleted": [{"kind": kind} | asdict(part) for kind, part in self.totals().items()],
            "days": [{"kind": kind, "day": day} | asdict(part) for (kind, day), part in sorted(self.parts.items())],
            "unfinished": sorted(self.begun),
            "made_anonymous": self.anonymous,
            "left_alone": {"count": self.left_alone, "examples": self.examples},
        }

    def totals(self) -> dict[str, Part]:
        """What was deleted, by kind."""
        totals: dict[str, Part] = {}
        for (kind, _), part in sorted(self.parts.items()):
            totals.setdefault(kind, Part()).add(part.files, part.bytes, part.first_hour, part.last_hour)
        return totals

    @property
    def message(self) -> str:
        """The run in one line, for a person."""
        verb = "would delete" if self.dry_run else "deleted"
        parts = [words(kind, part) for kind, part in self.totals().items()]
        if self.anonymous:
            parts.append(f"the values of single rows in {counted(self.anonymous)} of reports")
        about = f"{self.about['endpoint']}/{self.about['variant']}, before {self.about['until']}"
        message = f"{about}: {verb} {', '.join(parts) or 'nothing'}"
        if self.left_alone:
            message += f"; left alone {self.left_alone:,} that it does not know, such as "
            message += json.dumps(self.examples[0], ensure_ascii=True)
        return f"{message}."

    def summary(self) -> dict[str, Any]:
        """The result of a task: the message, counts, and the record's address; None for a dry run."""
        return {
            "message": self.message,
            "files": sum(part.files for part in self.parts.values()),
            "bytes": sum(part.bytes for part in self.parts.values()),
            "left_alone": self.left_alone,
            "record": None if self.dry_run else self.address,
        }


def words(kind: str, part: Part) -> str:
    """A part of the message.

    >>> words("captures", Part(1234, 1_200_000_000, "2026-01-01T00", "2026-01-31T23"))
    '1,234 files of captures from 2026-01-01T00 to 2026-01-31T23 (1.2 GB)'
    """
    first, last = part.first_hour, part.last_hour
    when = f"of {first}" if first == last else f"from {first} to {last}"
    return f"{counted(part.files)} of {kind} {when} ({size_of(part.bytes)})"


def counted(files: int) -> str:
    return "1 file" if files == 1 else f"{files:,} files"


def size_of(count: int) -> str:
    """A number of bytes with a unit that keeps it short.

    >>> size_of(999), size_of(1_240_000)
    ('999 bytes', '1.2 MB')
    """
    size, unit = float(count), 0
    while size >= 999.5 and unit < len(UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return f"{count} bytes" if unit == 0 else f"{size:.1f} {UNITS[unit]}"


def noted_at(address: str) -> Document:
    """What retention noted. Raises FileNotFoundError, DataError if it is damaged."""
    return decode(unsealed(store.read(address), address, "remove it and run retention again"), address)


def folder_of(endpoint: Endpoint) -> str:
    return store.join(endpoint.output, "_retention", endpoint.endpoint, endpoint.variant)


def mark_of(endpoint: Endpoint) -> str:
    """The address of the file that holds the moment."""
    return store.join(folder_of(endpoint), "until.json")


def deleted_until(endpoint: Endpoint) -> datetime | None:
    """The moment before which all hours are deleted; None if nothing ever was."""
    return noted_in(mark_of(endpoint))


def anonymous_mark_of(endpoint: Endpoint) -> str:
    """The address of the file that holds the moment before which all reports are anonymous."""
    return store.join(folder_of(endpoint), "anonymous.json")


def noted_in(address: str) -> datetime | None:
    try:
        return moment(noted_at(address)["until"])
    except FileNotFoundError:
        return None


def mark(address: str, until: datetime) -> None:
    """Note a moment; an earlier one than the one noted changes nothing."""
    noted = noted_in(address)
    if noted is None or noted < until:
        store.write(address, sealed(encode({"until": iso(until)})))


def needs_deleted(endpoint: Endpoint, window: Window, until: datetime | None) -> bool:
    """Whether a window's rows come from captures of hours before ``until``, so can't be collected again."""
    return until is not None and floor_hour(window.start) - endpoint.capture.straggler_hours * HOUR < until


def refuse_deleted(endpoint: Endpoint, window: Window) -> None:
    """Raise ConfigError for a window some of whose captures or rows are deleted: the rest is not the whole window."""
    until = deleted_until(endpoint)
    if until and needs_deleted(endpoint, window, until):
        gone, remedy = "captures", f"If you brought its captures back, remove {mark_of(endpoint)} first"
        if not endpoint.source.expires:
            gone, remedy = "rows", f"As {endpoint.capture.uri} was left alone, remove {mark_of(endpoint)} to judge it"
        raise ConfigError(
            f"{window} can't be judged any more: {gone} of hours before {iso(until)} were deleted, see retention_days. "
            f"An earlier report on it stays as it is. {remedy}"
        )
