"""A sample of rows, for what can't be counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from heapq import nsmallest
from typing import ClassVar

from model_monitor.core.states.base import Packed, check_version

Key = tuple[int, str]  # the row's hash, and its text


@dataclass(frozen=True, slots=True)
class Sample:
    """The ``size`` distinct rows of the lowest hashes, with their counts.

    ``rows`` maps (hash of 64 bits, text) to a count. Any split and any order of the rows gives the same sample with
    exact counts (Cohen & Kaplan 2007, "Summarizing data using bottom-k sketches").

    >>> (Sample(2).adding({(5, "a"): 1, (7, "b"): 1}) + Sample(2).adding({(6, "c"): 1, (5, "a"): 1})).rows
    {(5, 'a'): 2, (6, 'c'): 1}
    """

    version: ClassVar[int] = 1

    size: int = 1000
    rows: Mapping[Key, int] = field(default_factory=dict)

    def adding(self, rows: Mapping[Key, int]) -> Sample:
        """The sample with these rows and counts added."""
        both = dict(self.rows)
        for key, n in rows.items():
            both[key] = both.get(key, 0) + n
        return Sample(self.size, {key: both[key] for key in nsmallest(self.size, both)})

    def __add__(self, other: Sample) -> Sample:
        return Sample(min(self.size, other.size), self.rows).adding(other.rows)

    @property
    def n(self) -> int:
        """The sum of the counts of the sampled rows."""
        return sum(self.rows.values())

    def pack(self) -> Packed:
        rows = [[number, text, n] for (number, text), n in self.rows.items()]
        return {"v": self.version, "size": self.size, "rows": rows}

    def unpack(self, packed: Packed) -> Sample:
        check_version(self, packed["v"])
        return Sample(packed["size"], {(number, text): n for number, text, n in packed["rows"]})
