"""Paths of what is drawn in every row of a list: made here, as a list has thousands of bars."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from model_monitor.dashboard.health import WORDS, Tick

HEIGHT = 20
HEIGHTS = {"violated": HEIGHT, "broken": HEIGHT, "healthy": 11}  # of a window in a strip; of all others LOW
LOW = 6


def strip_of(ticks: Sequence[Tick]) -> list[tuple[str, str]]:
    """The windows of a strip as paths, by how they are drawn."""
    paths: dict[str, list[str]] = {}
    for place, tick in enumerate(ticks):
        high = HEIGHTS.get(tick.health, LOW)
        kind = f"{tick.health} provisional" if tick.provisional else tick.health
        paths.setdefault(kind, []).append(f"M{5 * place} {HEIGHT - high}h4v{high}h-4z")
    return [(kind, "".join(path)) for kind, path in paths.items()]


def counted(ticks: Sequence[Tick]) -> str:
    """How many windows a strip has, in words.

    >>> counted([])
    '0 windows'
    """
    counts = Counter(WORDS[tick.health] for tick in ticks)
    return ", ".join([f"{len(ticks)} windows", *(f"{n} {words}" for words, n in sorted(counts.items()))])


def bars_of(values: Sequence[float | None], top: float | None = None) -> str:
    """Numbers as a path of bars, the highest of them or ``top`` as high as there is room; "" if none is known.

    >>> bars_of([None, 1, 4])
    'M4 15.5h3v4.5h-3zM8 2.0h3v18.0h-3z'
    """
    known = [value for value in values if value is not None]
    most = max(max(known, default=0) if top is None else top, 1e-6)
    paths = []
    for place, value in enumerate(values):
        if value is not None and value > 0:
            high = round(max(18.0 * value / most, 1), 1)
            paths.append(f"M{4 * place} {round(HEIGHT - high, 1)}h3v{high}h-3z")
    return "".join(paths)
