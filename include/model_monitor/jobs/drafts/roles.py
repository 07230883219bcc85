"""Which role does a column have? A guess from its name and its first values, which a person corrects."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from model_monitor.errors import printable, without_middle
from model_monitor.rows.sources.mapping import moment_of

ROLES = {
    "input": "what the model was asked",
    "prediction": "the model's answer: a class or a number",
    "probability": "the model's answer: a probability from 0 to 1",
    "time": "when the request came",
    "event_id": "the request's own id",
    "inference_id": "an id by which labels are merged",
    "label": "the truth, where a row has it; not judged itself",
    "ignore": "not judged",
}
OF_TABLES = ("time", "event_id", "inference_id")
ONCE = (*OF_TABLES, "label")
EXAMPLES, LONGEST = 3, 60  # values that are shown of a column, and characters of one
FEW = 20  # records, below which different texts say nothing

NAMED = {
    "time": re.compile(r"(^|_)(time|timestamp|ts|datetime|date)($|_)|_at$", re.I),
    "event_id": re.compile(r"^(event|request)?_?(id|uuid|guid)$|(event|request)_?(id|uuid)", re.I),
    "inference_id": re.compile(r"inference_?id|client_?request|correlation", re.I),
    "probability": re.compile(r"prob|score|confidence|likelihood", re.I),
    "prediction": re.compile(r"pred|y_?hat|answer|output|decision", re.I),
    "label": re.compile(r"^(label|target|truth|ground_?truth|actual|y)$", re.I),
    "ignore": re.compile(r"(^|_)id$", re.I),
}


@dataclass(frozen=True)
class Column:
    """A column of the first records. ``side``: output, input, or "" where a table does not say. ``is_private``: its
    values are not shown."""

    name: str
    kind: str
    role: str
    examples: tuple[str, ...]
    missing: int
    distinct: int
    side: str = ""
    has_own_name: bool = True
    is_private: bool = False

    def hidden(self) -> Column:
        """The same without what its values tell."""
        return replace(self, examples=(), is_private=True)


def column(name: str, values: Sequence[object], side: str = "", has_own_name: bool = True) -> Column:
    """A column with what its values look like, and the role that this speaks for."""
    present = [value for value in values if value not in (None, "")]
    texts = list(dict.fromkeys(map(str, present)))
    kind = kind_of(present)
    examples = tuple(without_middle(printable(text), LONGEST) for text in texts[:EXAMPLES])
    role = role_of(name, kind, texts, len(present), side)
    return Column(name, kind, role, examples, len(values) - len(present), len(texts), side, has_own_name)


def kind_of(values: Sequence[object]) -> str:
    """What values are: number, share (all from 0 to 1, not all whole), time, text, nested, or empty."""
    if not values:
        return "empty"
    if any(isinstance(value, dict | list) for value in values):
        return "nested"
    numbers = [number_in(value) for value in values]
    found = [number for number in numbers if number is not None]
    if len(found) == len(values):
        is_share = all(0 <= number <= 1 for number in found) and any(number % 1 for number in found)
        return "share" if is_share else "number"
    return "time" if all(is_time(value) for value in values) else "text"


def number_in(value: object) -> float | None:
    try:
        return float(str(value))
    except ValueError:
        return None


def is_time(value: object) -> bool:
    text = moment_of(value, None) or ""
    return bool(re.match(r"\d{4}-\d\d-\d\dT", text))


def role_of(name: str, kind: str, texts: Sequence[str], present: int, side: str) -> str:
    """The role that a column's name and values speak for.

    >>> role_of("score", "share", ["0.1"], 1, ""), role_of("request_time", "time", ["2026-01-01"], 1, "")
    ('probability', 'time')
    """
    if side == "output":
        return "probability" if kind == "share" else "prediction"
    if side == "input":
        return "input"
    if kind in ("nested", "empty"):
        return "ignore"
    is_id = len(texts) == present
    if kind == "time" or (kind == "number" and NAMED["time"].search(name)):
        return "time"
    if is_id and (found := next((role for role in ("inference_id", "event_id") if NAMED[role].search(name)), None)):
        return found
    if kind == "share" and (NAMED["probability"].search(name) or NAMED["prediction"].search(name)):
        return "probability"
    for role in ("label", "prediction"):
        if NAMED[role].search(name):
            return role
    is_odd = NAMED["ignore"].search(name) or (kind == "text" and is_id and present >= FEW)
    return "ignore" if is_odd else "input"


def once(columns: Sequence[Column]) -> list[Column]:
    """The same, each role of which a table has one only on the first column that speaks for it."""
    taken = set[str]()
    result = []
    for one in columns:
        role = one.role
        if role in ONCE:
            role = "ignore" if role in taken else role
            taken.add(role)
        result.append(replace(one, role=role))
    return result
