"""The seam between a report's numbers and the systems that show them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from model_monitor.core.window import iso
from model_monitor.errors import DataError


class TooOld(DataError):
    """A sink takes no numbers of a window that is so long ago."""


class StatisticSet(NamedTuple):
    """Many numbers in short: how many there are, their sum, the least and the largest."""

    number: float
    total: float
    least: float
    most: float


@dataclass(frozen=True)
class Point:
    """A finite number of a metric at one time; ``labels`` are CloudWatch's dimensions, OpenTelemetry's attributes."""

    name: str
    labels: tuple[tuple[str, str], ...]
    time: datetime
    value: float | StatisticSet
    unit: str = ""

    @property
    def identity(self) -> str:
        """The same for the same metric at the same time, whatever its value: 16 hexadecimal digits."""
        text = json.dumps([self.name, sorted(self.labels), iso(self.time)])
        return hashlib.sha256(text.encode()).hexdigest()[:16]


class Sink(Protocol):
    """A destination for the numbers of one execution."""

    @property
    def name(self) -> str:
        """A word for the record of what was sent, and for messages."""

    def points(self) -> Iterator[Point]:
        """What there is to send, by the execution's report alone; each metric once."""

    def batches(self, points: Sequence[Point]) -> Iterator[Sequence[Point]]:
        """The points cut into what one request takes."""

    def send(self, batch: Sequence[Point]) -> None:
        """Send all or raise: StoreError if it may succeed later, else ConfigError or DataError."""


def each_once(points: Iterator[Point]) -> list[Point]:
    """The points without those whose metric comes again later: one time has one value."""
    return list({point.identity: point for point in points}.values())


def cut(points: Sequence[Point], sizes: Sequence[int], most: int, most_bytes: int) -> Iterator[Sequence[Point]]:
    """Runs of at most ``most`` points and ``most_bytes``; ``sizes`` are the points' own. A larger one stands alone."""
    start = size = 0
    for i, own in enumerate(sizes):
        if i > start and (i - start == most or size + own > most_bytes):
            yield points[start:i]
            start, size = i, 0
        size += own
    if points:
        yield points[start:]
