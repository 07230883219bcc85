"""A sketch of the distribution of numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import ClassVar

import numpy as np

from model_monitor.core.states.base import Packed, check_version

K = 2048  # size of the sketch
C = 0.64  # how the capacity shrinks from level to level
TAIL = 1 << 16  # the most values that wait in order before they enter the sketch
AT_ONCE = 1 << 13  # values from which on sorting and thinning them is quicker than entering them one by one
FEW = 512  # items of equal weight: the standard deviation of a cumulative share is below 0.0007, as stated of sketches,
MANY = 4 * FEW  # and of so many it adds nothing that counts to what a sketch of many rows has of its own
SMALL = 0.0005  # twice the standard deviation of a share by compactions that do not count beside that of thinning
ENDS = 16  # of the least and of the greatest items, that stay as they are: rows far out count one by one


@cache
def capacity(level: int) -> int:
    """Items that a level holds before it may be compacted: 2050, 1314, 842, ..."""
    return 2 * (math.ceil(K * C**level / 2) + 1)


@cache
def total_capacity(height: int) -> int:
    """Items that a sketch of this many levels holds."""
    return sum(map(capacity, range(height)))


@dataclass(frozen=True, slots=True)
class Level:
    """Items of weight 2^level in the order of arrival, and how its compactions alternate."""

    items: np.ndarray = field(default_factory=lambda: np.empty(0))
    compactions: int = 0
    offset: int = 0

    def with_more(self, items: np.ndarray) -> Level:
        return Level(np.concatenate([self.items, items]), self.compactions, self.offset)

    def compacted(self) -> tuple[Level, np.ndarray]:
        """The level without its even items, and every second of these by size, for the level above."""
        offset = 1 - self.offset if self.compactions % 2 else self.offset
        even = len(self.items) // 2 * 2
        promoted = np.sort(self.items[:even])[offset::2]
        return Level(self.items[even:], self.compactions + 1, offset), promoted


@dataclass(frozen=True, eq=False)
class Quantiles:
    """A KLL-like sketch of numbers (Karnin, Lang & Liberty 2016) that compacts without chance.

    Level i holds items of weight 2^i. When and what to compact follows SageMaker (deequ's ``QuantileNonSample``), so
    that a stream gives the arrays of its ``statistics.json`` bit for bit; for this to hold in any cut of the stream, a
    batch keeps its values in order (``tail``) until it is added. The rank error stays below 0.5 % at 1e7 values.

    >>> q = Quantiles.of(np.array([3.0, 1.0])) + Quantiles.of(np.array([2.0]))
    >>> q.n, q.at(0.5)
    (3, 2.0)
    """

    version: ClassVar[int] = 2

    levels: tuple[Level, ...] = ()
    tail: np.ndarray = field(default_factory=lambda: np.empty(0))

    @classmethod
    def of(cls, values: np.ndarray) -> Quantiles:
        """The sketch of a 1-d float64 array of finite numbers, in its order."""
        return cls(tail=values) if len(values) <= TAIL else cls((Level(),)).entered(values)

    @classmethod
    def of_levels(cls, levels: Sequence[Sequence[float]]) -> Quantiles:
        """The sketch whose level i holds these items of weight 2^i, as ``statistics.json`` stores it."""
        return cls(tuple(Level(np.asarray(items, float)) for items in levels))

    def __add__(self, other: Quantiles) -> Quantiles:
        if not other.levels:
            return self.settled.entered(other.tail) if self.n else other
        return self.settled.merged(other.settled) if self.n else other

    @cached_property
    def settled(self) -> Quantiles:
        """The same with an empty tail."""
        return Quantiles(self.levels or (Level(),)).entered(self.tail) if len(self.tail) or not self.levels else self

    def entered(self, values: np.ndarray) -> Quantiles:
        """After these values have arrived one by one."""
        levels = list(self.levels)
        done = 0
        while done < len(values):
            room = max(1, room_of(levels) + 1)
            levels[0] = levels[0].with_more(values[done : done + room])
            done += room
            if room_of(levels) < 0:
                condense(levels)
        return Quantiles(tuple(levels))

    def merged(self, other: Quantiles) -> Quantiles:
        """Level by level, then compacted until it fits."""
        height = max(len(self.levels), len(other.levels))
        levels = [*self.levels, *[Level()] * (height - len(self.levels))]
        for i, level in enumerate(other.levels):
            levels[i] = levels[i].with_more(level.items)
        while room_of(levels) <= 0 and condense(levels):
            pass
        return Quantiles(tuple(levels))

    @property
    def n(self) -> int:
        """How many numbers were seen: the sum of all weights."""
        return len(self.tail) + sum(len(level.items) << i for i, level in enumerate(self.levels))

    def items(self) -> list[np.ndarray]:
        """The items of each level, lowest first: ``sketch.data`` of ``statistics.json``."""
        return [level.items for level in self.settled.levels]

    def weighted(self) -> tuple[np.ndarray, np.ndarray]:
        """Items and their weights by rising value; among equal values by rising weight. Both of one length."""
        items = self.items()
        values = np.concatenate(items)
        weights = np.concatenate([np.full(len(level), 1 << i, np.int64) for i, level in enumerate(items)])
        order = np.argsort(values, kind="stable")
        return values[order], weights[order]

    def at(self, share: float) -> float | None:
        """The smallest item with at least this share (0..1) of the weight at or below it; None if empty."""
        values, weights = self.weighted()
        if not len(values):
            return None
        reached = np.searchsorted(np.cumsum(weights), share * self.n, side="left")
        return float(values[min(int(reached), len(values) - 1)])

    def added(self, others: Sequence[Quantiles]) -> Quantiles:
        """All levels together, thinned at once where they do not fit."""
        parts = [one.settled.levels for one in (self, *others) if one.n]
        levels = [
            Level(np.concatenate([part[i].items for part in parts if i < len(part)]))
            for i in range(max(map(len, parts), default=0))
        ]
        if room_of(levels) >= 0:
            return Quantiles(tuple(levels))
        return thinned(levels, MANY)

    def thinned(self) -> Quantiles:
        """The same in a few hundred items, their share of the error included in what is stated of sketches; as it is
        if it has no more."""
        if self.n < 2 * FEW:
            return self
        levels = self.settled.levels if self.levels else (Level(self.tail),)
        compacted = math.sqrt(sum(level.compactions << 2 * i for i, level in enumerate(levels))) / self.n
        return thinned(levels, FEW if compacted <= SMALL else MANY)

    def sorted_if_many(self) -> Quantiles:
        """The same as fewer items, which are as good as those of a stream that is entered one by one, if many values
        wait to be."""
        return thinned([Level(self.tail)], MANY) if len(self.tail) >= AT_ONCE and not self.levels else self

    def pack(self) -> Packed:
        levels = self.settled.levels
        items = in_few_bytes(np.concatenate([level.items for level in levels]))
        return [self.version, items, [[len(level.items), level.compactions, level.offset] for level in levels]]

    def unpack(self, data: Packed) -> Quantiles:
        check_version(self, data[0])
        if data[0] == 1:
            return Quantiles(tuple(Level(np.frombuffer(items, "<f8"), n, offset) for items, n, offset in data[1]))
        items, levels, end = from_few_bytes(data[1]), [], 0
        for length, compactions, offset in data[2]:
            levels.append(Level(items[end : end + length], compactions, offset))
            end += length
        if end != len(items):
            raise ValueError(f"a sketch of {end} items has {len(items)}")
        return Quantiles(tuple(levels))


def in_few_bytes(items: np.ndarray) -> bytes:
    """Float64 as differences of their bits, first all lowest bytes, then the next: compresses well if they rise."""
    differences = np.diff(items.astype("<f8").view("<i8"), prepend=np.int64(0))
    return differences.view(np.uint8).reshape(-1, 8).T.tobytes()


def from_few_bytes(data: bytes) -> np.ndarray:
    """The inverse of ``in_few_bytes``; ValueError if it is no inverse."""
    differences = np.frombuffer(data, np.uint8).reshape(8, -1).T.copy().view("<i8").ravel()
    return np.cumsum(differences).view("<f8")


def thinned(levels: Sequence[Level], fewest: int) -> Quantiles:
    """A sketch of equal rows in ``fewest`` to twice as many items of one weight, and a few lighter ones."""
    n = sum(len(level.items) << i for i, level in enumerate(levels))
    top = max(0, (n // fewest).bit_length() - 1)
    lighter = [Level(level.items) for level in levels] + [Level()] * (top + 1 - len(levels))
    for i, level in enumerate(levels[:top]):
        left, taken = spread_out(np.sort(level.items), top - i, 0 if i else ENDS)
        lighter[i] = Level(left)
        lighter[top] = lighter[top].with_more(taken)
    lighter[top] = Level(np.sort(lighter[top].items))
    return Quantiles(tuple(lighter))


def spread_out(items: np.ndarray, times: int, ends: int) -> tuple[np.ndarray, np.ndarray]:
    """Rising items as those that stay, and one from the middle of each 2^``times`` neighbours of the others, in turns
    left and right of it, so that sums of many sketches lean to no side. The ``ends`` stay, and as many, evenly spread,
    as are over."""
    ends = min(ends, len(items) // 2)
    inner = items[ends : len(items) - ends]
    over = len(inner) % (1 << times)
    stays = (np.arange(over) * 2 + 1) * len(inner) // (2 * max(1, over))
    blocks = (np.delete(inner, stays) if over else inner).reshape(-1, 1 << times)
    middle = blocks.shape[1] // 2 - np.arange(len(blocks)) % 2
    left = np.concatenate([items[:ends], inner[stays], items[len(items) - ends :]])
    return left, blocks[np.arange(len(blocks)), middle]


def room_of(levels: Sequence[Level]) -> int:
    """How many more items fit; negative if there are too many."""
    return total_capacity(len(levels)) - sum([len(level.items) for level in levels])


def condense(levels: list[Level]) -> bool:
    """Compact the lowest level that is full, in place; False if none is."""
    for i, level in enumerate(levels):
        if len(level.items) >= capacity(i):
            if i + 1 == len(levels):
                levels.append(Level())
            levels[i], promoted = level.compacted()
            levels[i + 1] = levels[i + 1].with_more(promoted)
            return True
    return False
