"""What can the templates of pages call? A template escapes whatever it is given."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from model_monitor.dashboard import pictures, small
from model_monitor.errors import printable, without_middle
from model_monitor.history.rows import segment_text
from model_monitor.results.html import rendering
from model_monitor.results.sentences import number

if TYPE_CHECKING:
    from jinja2 import Environment

LONGEST = 80  # characters of a name on a page; its title has more
LONGEST_TITLE = 1000


@cache
def environment() -> Environment:
    """Where templates are, and what they can call."""
    environment = rendering.environment_of("model_monitor.dashboard")
    environment.filters |= {
        "number": in_short,
        "short": short,
        "title": title,
        "minute": minute,
        "written_minute": rendering.minute,
        "day": day,
        "words": words,
    }
    environment.filters |= {"zip": zip, "segment": segment, "stored": segment_text}
    environment.globals |= {
        "strip_of": small.strip_of,
        "counted": small.counted,
        "bars_of": small.bars_of,
        "cells": cells,
    }
    environment.globals |= pictures.GLOBALS
    return environment


def cells(column: Any) -> list[tuple[str, list[int]]]:
    """The places of a column's windows, by how they are drawn; those on which it was not judged are left out."""
    groups: dict[str, list[int]] = {}
    for place, (outcome, level) in enumerate(zip(column.outcomes, column.levels, strict=True)):
        if outcome:
            groups.setdefault(f"l{level}" if outcome == "holds" else outcome, []).append(place)
    return list(groups.items())


def segment(text: str) -> str:
    """A segment as the history keeps it, for people.

    >>> segment('{"origin": "JFK", "day": "7"}')
    'origin: JFK, day: 7'
    """
    return text.removeprefix("{").removesuffix("}").replace('"', "")


def in_short(value: Any) -> str:
    return "–" if value is None else number(value)


def short(text: object, longest: int = LONGEST) -> str:
    """A text in one line, without its middle if it is long."""
    return without_middle(printable(str(text)), longest)


def title(text: object) -> str:
    return short(text, LONGEST_TITLE)


def minute(time: datetime | None) -> str:
    """
    >>> minute(None)
    '–'
    """
    return "–" if time is None else f"{time:%Y-%m-%d %H:%M} UTC"


def day(time: datetime | None) -> str:
    return "–" if time is None else f"{time:%Y-%m-%d}"


def words(name: str) -> str:
    """A name of ours as words.

    >>> words("data_quality")
    'data quality'
    """
    return name.replace("_", " ")
