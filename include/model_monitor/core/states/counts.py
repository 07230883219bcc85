"""How often each value was seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import nlargest
from operator import itemgetter

from model_monitor.core.states.base import Record

BOUND = 10_000
AT_ONCE = 5 * BOUND  # texts that wait until a sum is bounded
MANY_ONCE = 1000  # texts that occur once: identifiers rather than categories


@dataclass(frozen=True, slots=True)
class Counts(Record):
    """How often each text was seen, for at most ``BOUND`` distinct ones; the rest only as a total.

    Beyond, the most frequent are kept, and a kept count is too low by at most ``undercount`` (Agarwal et al. 2012,
    "Mergeable summaries").

    >>> (Counts.of(["a", "b", "a"]) + Counts.of(["b"])).values
    {'a': 2, 'b': 2}
    """

    values: Mapping[str, int] = field(default_factory=dict)
    rest: int = 0
    undercount: int = 0

    @classmethod
    def of(cls, values: Iterable[str]) -> Counts:
        """Counts of texts, one by one."""
        counts: dict[str, int] = {}
        for value in values:
            counts[value] = counts.get(value, 0) + 1
        return cls(counts).bounded()

    def __add__(self, other: Counts) -> Counts:
        if not (self.values or self.rest) or not (other.values or other.rest):
            return (self if self.values or self.rest else other).bounded()
        both = dict(self.values)
        for value, n in other.values.items():
            both[value] = both.get(value, 0) + n
        return Counts(both, self.rest + other.rest, self.undercount + other.undercount).bounded()

    def added(self, others: Sequence[Counts]) -> Counts:
        both, rest, undercount = dict(self.values), self.rest, self.undercount
        for other in others:
            for value, n in other.values.items():
                both[value] = both.get(value, 0) + n
            rest, undercount = rest + other.rest, undercount + other.undercount
            if len(both) > AT_ONCE:
                bounded = Counts(both, rest, undercount).bounded()
                both, rest, undercount = dict(bounded.values), bounded.rest, bounded.undercount
        return Counts(both, rest, undercount).bounded()

    def recurring(self) -> Counts:
        """Without the texts that occur once, if these are most rows of many: all but a few would be in no other."""
        once = sum(n == 1 for n in self.values.values())
        if once <= MANY_ONCE or 2 * once <= self.n:
            return self
        recurring = {value: n for value, n in self.values.items() if n > 1}
        return Counts(recurring, self.rest + once, self.undercount + 1)

    def bounded(self) -> Counts:
        """At most ``BOUND`` values: the most frequent, ties in the order of the text."""
        if len(self.values) <= BOUND:
            return self
        ranked = self.most_frequent(len(self.values))
        rest = self.rest + sum(n for _, n in ranked[BOUND:])
        return Counts(dict(ranked[:BOUND]), rest, self.undercount + ranked[BOUND][1])

    @property
    def n(self) -> int:
        """How many values were seen, kept or not."""
        return self.rest + sum(self.values.values())

    def most_frequent(self, k: int) -> list[tuple[str, int]]:
        """The ``k`` most frequent values and their counts, falling; ties in the order of the text."""
        return nlargest(k, sorted(self.values.items()), key=itemgetter(1))
