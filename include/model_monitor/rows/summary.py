"""What became of the records of a source: how many were read, and which were set aside, where and why?"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from model_monitor import store
from model_monitor.core.window import iso
from model_monitor.errors import DataError, StoreError

FOOTER = b"model_monitor"  # marks a Parquet file of collected rows, and holds its summary
KEPT_REJECTED = 1000  # so many records set aside are kept, the others only counted
KEPT_CHARACTERS = 2000

CHANGED = (
    "the sampling percentage changed: rows count alike in shares, distances and metrics, so the time with the higher "
    "percentage weighs more; counts of requests are scaled each by its own"
)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record set aside: which, and why. ``time`` is None if the record does not tell."""

    file: str
    line: int
    reason: str
    time: datetime | None = None
    text: str = ""


@dataclass
class Summary:
    """What became of the captured records of a span; ``origin`` is what the file was made from.

    ``captured`` is how many different requests that can be read were captured at which percentage. ``labels`` is what
    was found of ground truth, where it was looked for.
    """

    origin: dict[str, Any]
    records: int = 0
    rows: int = 0
    duplicates: int = 0
    rejected: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    kept: list[dict[str, Any]] = field(default_factory=list)
    captured: dict[str, int] = field(default_factory=dict)
    labels: dict[str, Any] = field(default_factory=dict)

    def reject(self, one: Rejected) -> None:
        self.rejected += 1
        self.reasons[one.reason] += 1
        if len(self.kept) < KEPT_REJECTED:
            place = {"file": one.file, "line": one.line, "reason": one.reason}
            self.kept.append(place | {"time": one.time and iso(one.time), "record": one.text[:KEPT_CHARACTERS]})


def percent(number: float) -> str:
    """A percentage as it is told.

    >>> [percent(number) for number in (20.0, 100.0, 12.5)]
    ['20', '100', '12.5']
    """
    return str(int(number)) if number.is_integer() else repr(number)


def sampling_of(captured: Iterable[Mapping[str, int]]) -> dict[str, Any]:
    """How requests were captured, and about how many there were; {} if each of them was.

    A request that was captured at p percent stands for 100/p (Horvitz & Thompson 1952, "A generalization of sampling
    without replacement from a finite universe").

    >>> sampling_of([{"20": 1000}, {"100": 10}])["requests"]
    5010
    """
    counts: Counter[str] = sum(map(Counter, captured), Counter())
    if not counts.keys() - {"100"}:
        return {}
    by_percentage = {p: counts[p] for p in sorted(counts, key=float)}
    told: dict[str, Any] = {
        "sampling": by_percentage,
        "requests": round(sum(n * 100 / Fraction(p) for p, n in by_percentage.items())),
    }
    return told | ({"note": CHANGED} if len(counts) > 1 else {})


def summary_of(address: str) -> Summary | None:
    """What the footer of a collected file says; None if there is no file, or one of another kind. Raises DataError."""
    try:
        with undamaged(address), store.open_file(address) as stream:
            content = (pq.read_metadata(stream).metadata or {}).get(FOOTER)
    except FileNotFoundError:
        return None
    if content is None:
        return None
    found = json.loads(content)
    return Summary(**(found | {"reasons": Counter(found["reasons"])}))


@contextmanager
def undamaged(address: str) -> Iterator[None]:
    """Turn what PyArrow raises on a damaged Parquet file into a DataError, and on a store into a StoreError."""
    try:
        yield
    except FileNotFoundError:
        raise
    except (pa.ArrowInvalid, OSError) as error:
        if "AWS Error" in str(error):
            raise StoreError(f"{address}: {error}") from error
        told = " ".join(str(error).split())
        raise DataError(f"{address} can't be read as Parquet: {told}; restore or remove it") from error
