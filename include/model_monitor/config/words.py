"""What is wrong with a value that a person wrote, in words for that person."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from model_monitor.errors import ConfigError, shortened

M = TypeVar("M", bound=BaseModel)
Problem = Mapping[str, Any]
Place = tuple[str | int, ...]

# By the start of a problem's type, what should stand there.
EXPECTED = {
    "string": "a text",
    "int": "a whole number",
    "float": "a number",
    "finite_number": "a finite number",
    "bool": "true or false",
    "date": "a day such as 2026-01-31",
    "time_delta": "a duration such as PT24H",
    "list": "a list",
    "tuple": "a list",
    "set": "a list",
    "model": "keys with their values",
    "dataclass": "keys with their values",
    "dict": "keys with their values",
    "mapping": "keys with their values",
    "none_required": "nothing",
}
LIMITS = {
    "greater_than": ("gt", "greater than"),
    "greater_than_equal": ("ge", "greater than or equal to"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "less than or equal to"),
}
# Parts of a place that name a type among several, and no key or index that a person wrote.
OF_TYPES = re.compile(
    r"str|int|float|bool|none|date|timedelta|[a-z-]+\[.*|function-.*|(?:[A-Z][a-z]+)+|json-or-python.*"
)
OF_TIME = re.compile(r"datetime\.timedelta\((?:days=(?P<days>-?\d+)|0)\)")
SAID = ("value_error", "assertion_error")  # by our own checks
LONGEST = 60  # characters of a value that is shown


def valid(model: type[M], values: Mapping[str, Any]) -> M:
    """A section of settings of these values, given by other means than an endpoint file. Raises ConfigError."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise ConfigError(all_in_words(error.errors())) from error


def all_in_words(problems: Iterable[Problem]) -> str:
    """Each problem with its place."""
    sentences = []
    for place, those in by_place(problems).items():
        where = ".".join(map(str, place))
        sentences.append(f"{where}: {in_words(those)}" if where else in_words(those))
    return "; ".join(sentences)


def by_place(problems: Iterable[Problem]) -> dict[Place, list[Problem]]:
    """Problems by the keys and indices that lead to their value; one that may be of several types has several."""
    places: dict[Place, list[Problem]] = {}
    for problem in problems:
        places.setdefault(place_of(problem), []).append(problem)
    return places


def place_of(problem: Problem) -> Place:
    *way, last = problem["loc"] or ("",)
    is_key = problem["type"] in ("extra_forbidden", "unexpected_keyword_argument", "missing")
    kept = [part for part in way if isinstance(part, int) or not OF_TYPES.fullmatch(part)]
    is_type = isinstance(last, str) and OF_TYPES.fullmatch(last) and not is_key
    return tuple(part for part in (*kept, *([] if is_type else [last])) if part != "")


def in_words(problems: Sequence[Problem]) -> str:
    """What is wrong with one value. Where it may be of several kinds, what is said of one that it has comes first."""
    if said := [problem for problem in problems if problem["type"] in SAID]:
        return sentence(said[0])
    nouns = list(dict.fromkeys(filter(None, map(expected, problems))))
    if nouns:
        given = problems[0]["input"]
        quotes = (
            f"; put {shown(given)} in quotes" if nouns == ["a text"] and isinstance(given, bool | int | float) else ""
        )
        return f"{' or '.join(nouns)} is expected, not {shown(given)}{quotes}"
    return sentence(problems[0])


def expected(problem: Problem) -> str | None:
    """What should stand in the place of a value of another kind; None if its kind is right."""
    kind = str(problem["type"])
    if kind in ("string_too_short", "string_too_long", "string_pattern_mismatch") or kind.startswith("string_unicode"):
        return None
    if kind == "literal_error":
        return str(problem["ctx"]["expected"])
    return next((noun for start, noun in EXPECTED.items() if kind.startswith(start)), None)


def sentence(problem: Problem) -> str:
    """What is wrong with a value that is of the right kind."""
    kind, given, context = problem["type"], problem["input"], problem.get("ctx", {})
    if kind in LIMITS:
        name, side = LIMITS[kind]
        return f"it must be {side} {limit(context[name])}, not {shown(given)}"
    if kind == "string_too_short":
        return "it is empty; write a text, or leave it out"
    if kind == "too_short":
        return f"at least {context['min_length']} must be listed, not {context['actual_length']}"
    if kind == "too_long":
        return f"at most {context['max_length']} may be listed, not {context['actual_length']}"
    if kind in ("missing", "missing_argument"):
        return "it is missing; add it"
    if kind in SAID:
        return str(problem["msg"]).partition(", ")[2]
    return f"{shown(given)} can't be read here"


def limit(value: Any) -> str:
    """A limit as a person writes it: a length of time in ISO 8601."""
    if length := OF_TIME.search(str(value)):
        value = timedelta(days=int(length["days"] or 0))
    if not isinstance(value, timedelta):
        return f"{value:g}" if isinstance(value, float) else str(value)
    return f"P{value.days}D" if value.days else "PT0S"


def shown(value: Any) -> str:
    """A value as it stands in the file, in short."""
    if value is None:
        return "nothing"
    try:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    except (TypeError, ValueError, RecursionError):
        text = str(value)
    return f"'{shortened(text, LONGEST)}'" if isinstance(value, str) else shortened(text, LONGEST)
