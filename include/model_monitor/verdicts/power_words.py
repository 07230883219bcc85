"""A card of what a schedule sees, in words."""

from __future__ import annotations

from model_monitor.errors import printable
from model_monitor.verdicts.power import Card, Sight

KINDS = {
    "shift": "shift of all values",
    "share": "share of the most frequent value",
    "missing": "share of missing values",
    "unseen": "share of values never seen before",
    "part": "worse by",
    "metric": "worse by",
}


def rows_of(card: Card) -> list[tuple[str, ...]]:
    """What is told of, the kind of change, and its smallest size in a window and, where that is longer, in a day."""
    return [
        (
            printable(name_of(one)),
            KINDS[one.kind],
            size(one.of_window, one),
            *([size(one.of_day, one)] if card.day_rows else []),
        )
        for one in card.sights
    ]


def name_of(one: Sight) -> str:
    """The column, or the metric."""
    return str(one.subject) or one.measure


def size(change: float | None, one: Sight) -> str:
    """
    >>> from model_monitor.core.measures import Subject
    >>> size(0.052, Sight(Subject("a"), "completeness", "missing", 0.052, None))
    '5.2 points'
    >>> size(None, Sight(Subject("a"), "completeness", "missing", None, None))
    'none'
    """
    if change is None:
        return "none"
    if one.kind in ("share", "missing", "unseen", "part"):
        return f"{100 * change:.2g} points"
    relative = f" ({change / one.scale:.2g} sd)" if one.scale else ""
    return f"{change:.3g}{relative}"
