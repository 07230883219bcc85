"""Names in charts: short, printable, and still different from each other."""

from __future__ import annotations

from collections.abc import Iterable

from model_monitor.errors import printable, without_middle

LONGEST = 28  # characters of a name
LONGEST_TITLE = 72


def short(name: str, limit: int = LONGEST) -> str:
    """A name on one line of at most ``limit`` characters."""
    return without_middle(printable(name), limit)


def labels_of(names: Iterable[str]) -> dict[str, str]:
    """A short label for each name; names that look alike when shortened are numbered.

    >>> labels_of(["age", "a" * 99, "a" * 98 + "aa"])["age"]
    'age'
    >>> len(set(labels_of(["a" * 99, "a" * 100]).values()))
    2
    """
    labels: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        label, copy = short(name), 1
        while label in taken and name not in labels:
            copy += 1
            label = f"{short(name, LONGEST - 4)} ({copy})"
        labels.setdefault(name, label)
        taken.add(label)
    return labels


def note_of(*parts: str) -> str:
    """A quiet line of short parts, none of which is broken into two lines."""
    return " · ".join(part.replace(" ", "\u00a0") for part in parts if part)
