"""How often each score was seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from model_monitor.core.states.base import Listed

BOUND = 1 << 16  # distinct scores
HALF = int(np.float64(0.5).view(np.int64))


@dataclass(frozen=True, eq=False)
class Scores(Listed):
    """How often each score in [0, 1] was seen; one for each true label shows how well scores rank.

    ``keys`` and ``counts`` are int64, by rising key: an integer in the order of scores (bits of the float64 below 1/2,
    mirrored above, so that the grid is as fine near 1 as near 0), without its lowest ``level`` bits. ``level`` is the
    smallest that leaves ``BOUND`` keys, so the State is the same in any cut or order of the rows.

    >>> s = Scores.of(np.array([0.9, 0.1])) + Scores.of(np.array([0.9]))
    >>> s.values().tolist(), s.counts.tolist()
    ([0.1, 0.9], [1, 2])
    """

    level: int = 0
    keys: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    counts: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))

    @classmethod
    def of(cls, scores: np.ndarray) -> Scores:
        """Of a 1-d float64 array of numbers in [0, 1]."""
        keys, counts = np.unique(keys_of(scores), return_counts=True)
        return cls(0, keys, counts.astype(np.int64)).bounded()

    def __add__(self, other: Scores) -> Scores:
        if not len(self.keys) or not len(other.keys):
            return self if len(self.keys) else other
        level = max(self.level, other.level)
        a, b = self.at(level), other.at(level)
        return summed(level, np.concatenate([a.keys, b.keys]), np.concatenate([a.counts, b.counts])).bounded()

    def added(self, others: Sequence[Scores]) -> Scores:
        parts = [part for part in (self, *others) if len(part.keys)]
        if len(parts) < 2:
            return parts[0] if parts else self
        level = max(part.level for part in parts)
        coarse = [part.at(level) for part in parts]
        return summed(
            level, np.concatenate([part.keys for part in coarse]), np.concatenate([part.counts for part in coarse])
        ).bounded()

    def at(self, level: int) -> Scores:
        """The same at a coarser level."""
        if level == self.level:
            return self
        return summed(level, self.keys >> (level - self.level), self.counts)

    def bounded(self) -> Scores:
        """The same on the finest grid that leaves ``BOUND`` keys."""
        if len(self.keys) <= BOUND:
            return self
        # Neighbours become one key once all bits in which they differ are dropped.
        dropped = np.bincount(bit_length(self.keys[1:] ^ self.keys[:-1]), minlength=65)
        left = 1 + dropped.sum() - np.cumsum(dropped)
        return self.at(self.level + int(np.argmax(left <= BOUND)))

    @property
    def n(self) -> int:
        """How many scores were seen."""
        return int(self.counts.sum())

    def values(self) -> np.ndarray:
        """The scores by rising value, float64; on a coarser grid the lower end of each cell."""
        return scores_of(self.keys << self.level)


def summed(level: int, keys: np.ndarray, counts: np.ndarray) -> Scores:
    """Scores of keys in any order, equal ones joined."""
    order = np.argsort(keys, kind="stable")
    keys, counts = keys[order], counts[order]
    first = np.flatnonzero(np.append(True, keys[1:] != keys[:-1]))
    return Scores(level, keys[first], np.add.reduceat(counts, first))


def keys_of(scores: np.ndarray) -> np.ndarray:
    """An integer for each score, in the order of the scores and different for different ones."""
    low = scores < 0.5
    # 1 - s is exact from 1/2 on (Sterbenz); adding 0.0 makes -0.0 the same as 0.0.
    bits = (np.where(low, scores, 1.0 - scores) + 0.0).view(np.int64)
    return np.where(low, bits, 2 * HALF - bits)


def scores_of(keys: np.ndarray) -> np.ndarray:
    """The inverse of ``keys_of``."""
    low = keys < HALF
    scores = np.where(low, keys, 2 * HALF - keys).view(np.float64)
    return np.where(low, scores, 1.0 - scores)


def bit_length(integers: np.ndarray) -> np.ndarray:
    """How many bits each non-negative int64 takes; 0 for 0."""
    high = integers >> 32
    halves = np.where(high > 0, high, integers & 0xFFFFFFFF)
    return np.asarray(np.frexp(halves.astype(np.float64))[1] + np.where(high > 0, 32, 0))


def on_one_grid(*states: Scores) -> tuple[np.ndarray, list[np.ndarray]]:
    """The scores of all states by rising value, and how often each was seen in each state, all of one length."""
    level = max((s.level for s in states), default=0)
    coarse = [s.at(level) for s in states]
    keys = np.unique(np.concatenate([s.keys for s in coarse]))
    counts = [np.zeros(len(keys), np.int64) for _ in coarse]
    for state, count in zip(coarse, counts, strict=True):
        count[np.searchsorted(keys, state.keys)] = state.counts
    return Scores(level, keys).values(), counts
