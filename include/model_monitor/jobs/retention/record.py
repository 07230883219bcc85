"""What was deleted, when, and what was left alone? A record by the day of the run, and its words."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from model_monitor import store
from model_monitor.config import Endpoint
from model_monitor.core.window import iso
from model_monitor.results.documents import Document, decode, encode

EXAMPLES = 20  # so many of what was left alone are named
UNITS = ("bytes", "kB", "MB", "GB", "TB")
QUOTED = "reports"  # the kind of what is not deleted, but no longer quotes records


class Counted(NamedTuple):
    """A file that is deleted, or a report that no longer quotes records: of which kind, hour and size in bytes."""

    kind: str
    hour: datetime
    size: int


@dataclass
class Part:
    """What was deleted of a kind on a day, or altogether."""

    files: int = 0
    bytes: int = 0
    first: str = "9"
    last: str = ""

    def add(self, files: int, size: int, first: str, last: str) -> None:
        self.files += files
        self.bytes += size
        self.first, self.last = min(self.first, first), max(self.last, last)


@dataclass
class Record:
    """The record of a day's runs, of which the last is under way.

    It is written before something is deleted: who is interrupted has told what it began, and who goes on does not count
    it twice. ``begun`` names the days, or months, of which that was begun and not finished.
    """

    about: Document
    address: str
    dry_run: bool
    parts: dict[tuple[str, str], Part] = field(default_factory=dict)
    begun: set[str] = field(default_factory=set)
    left_alone: int = 0
    examples: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, endpoint: Endpoint, now: datetime, until: datetime, dry_run: bool) -> Record:
        """The record to go on with: the day's, if there was a run already. A dry run starts anew, and writes none."""
        about = {"version": 1, "endpoint": endpoint.endpoint, "variant": endpoint.variant}
        about |= {"retention_days": endpoint.retention_days, "now": iso(now), "until": iso(until)}
        address = store.join(
            endpoint.output, "_retention", endpoint.endpoint, endpoint.variant, f"{now:%Y/%m/%d}", "deleted.json"
        )
        record = cls(about, address, dry_run)
        try:
            earlier = {} if dry_run else decode(store.read(address), address)
        except FileNotFoundError:
            return record
        for one in earlier.get("days", []):
            key = one["kind"], one["day"]
            record.parts[key] = Part(one["files"], one["bytes"], one["first_hour"], one["last_hour"])
        record.begun = set(earlier.get("unfinished", []))
        return record

    def begin(self, some: Iterable[tuple[str, Iterable[Counted]]]) -> None:
        """Count what is about to be deleted of some days or months, but for those that were begun before."""
        for name, counted in (fresh := [one for one in some if one[0] not in self.begun]):
            for one in counted:
                hour = f"{one.hour:%Y-%m-%dT%H}"
                self.parts.setdefault((one.kind, hour[:10]), Part()).add(1, one.size, hour, hour)
            self.begun.add(name)
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
            store.write(self.address, encode(self.document()))

    def document(self) -> Document:
        def told(part: Part) -> Document:
            return {"files": part.files, "bytes": part.bytes, "first_hour": part.first, "last_hour": part.last}

        return self.about | {
            "deleted": [{"kind": kind} | told(part) for kind, part in self.totals().items()],
            "days": [{"kind": kind, "day": day} | told(part) for (kind, day), part in sorted(self.parts.items())],
            "unfinished": sorted(self.begun),
            "left_alone": {"count": self.left_alone, "examples": self.examples},
        }

    def totals(self) -> dict[str, Part]:
        """What was deleted, by kind."""
        found: dict[str, Part] = {}
        for (kind, _), part in sorted(self.parts.items()):
            found.setdefault(kind, Part()).add(part.files, part.bytes, part.first, part.last)
        return found

    @property
    def message(self) -> str:
        """What a person is told, in one line."""
        verb = "would delete" if self.dry_run else "deleted"
        told = [words(kind, part) for kind, part in self.totals().items() if kind != QUOTED]
        quoted = self.totals().get(QUOTED)
        what = f"{self.about['endpoint']}/{self.about['variant']}, before {self.about['until']}: "
        what += f"{verb} {', '.join(told) or 'nothing'}"
        if quoted:
            reports = "1 report" if quoted.files == 1 else f"{quoted.files:,} reports"
            what += f"; {reports} no longer quote{'s' if quoted.files == 1 else ''} records"
        if self.left_alone:
            what += f"; left alone {self.left_alone:,} that it does not know, such as "
            what += json.dumps(self.examples[0], ensure_ascii=True)
        return f"{what}."

    def summary(self) -> dict[str, Any]:
        """What a task passes on: the words, counts, and where the record is; None for a dry run."""
        deleted: Counter[str] = Counter()
        for kind, part in self.totals().items():
            if kind != QUOTED:
                deleted.update(files=part.files, bytes=part.bytes)
        return {
            "message": self.message,
            "files": deleted["files"],
            "bytes": deleted["bytes"],
            "left_alone": self.left_alone,
            "record": None if self.dry_run else self.address,
        }


def words(kind: str, part: Part) -> str:
    """The same in words.

    >>> words("captures", Part(1234, 1_200_000_000, "2026-01-01T00", "2026-01-31T23"))
    '1,234 files of captures from 2026-01-01T00 to 2026-01-31T23 (1.2 GB)'
    """
    files = "1 file" if part.files == 1 else f"{part.files:,} files"
    hours = f"of {part.first}" if part.first == part.last else f"from {part.first} to {part.last}"
    return f"{files} of {kind} {hours} ({size_of(part.bytes)})"


def size_of(count: int) -> str:
    """A number of bytes with a unit that keeps it short.

    >>> size_of(999), size_of(1_240_000)
    ('999 bytes', '1.2 MB')
    """
    size, unit = float(count), 0
    while size >= 999.5 and unit < len(UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return f"{count} bytes" if unit == 0 else f"{size:.1f} {UNITS[unit]}"
