"""What is wrong with a file that a person wrote, on which line, and what to write instead?"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from model_monitor.config import yaml_files
from model_monitor.config.words import Place, Problem, by_place, in_words
from model_monitor.errors import printable
from model_monitor.store.addresses import NAME

MAIN_KEYS = ("uri", "script", "dataset")  # what a text in the place of a section most likely is
DURATION = re.compile(r"(?P<number>[0-9]+) ?(?P<unit>s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?)")


def advice_on(error: ValidationError, path: Path, tree: yaml.Node | None, model: type[BaseModel]) -> str:
    """A line per problem: file, line, place and advice. ``tree`` is the file's YAML with its marks, ``model`` the class
    that it was to describe."""
    schema = schema_of(model)
    places = by_place(deepest(error.errors())).items()
    return "\n".join(printable(explained(path, tree, place, problems, schema)) for place, problems in places)


@cache
def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema()


def deepest(problems: list[ErrorDetails]) -> list[ErrorDetails]:
    """The problems that do not follow from a deeper one; "too few schedules" follows if one of them is invalid."""
    return [p for p in problems if not any(p is not q and p["loc"] == q["loc"][: len(p["loc"])] for q in problems)]


def explained(
    path: Path, tree: yaml.Node | None, where: Place, problems: Sequence[Problem], schema: dict[str, Any]
) -> str:
    """What is wrong at one place: file, line, place and advice."""
    place, problem = [str(part) for part in where], problems[0]
    message = in_words(problems)
    if problem["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        message = f"unknown key '{place[-1]}'{instead_of(place, schema)}"
    elif problem["type"] == "missing":
        message = f"'{place[-1]}' is missing; add it"
    elif problem["type"] in ("model_type", "model_attributes_type", "dataclass_type") and len(problems) == 1:
        message = keys_for(problem["input"], known_keys(place, schema))
    elif problem["type"].startswith("time_delta") and isinstance(problem["input"], str):
        message = duration_for(problem["input"])
    elif problem["type"] == "string_pattern_mismatch" and NAME in problem.get("ctx", {}).get("pattern", ""):
        message = name_for(str(problem["input"]))
    elif problem["type"] in ("tuple_type", "list_type") and len(problems) == 1:
        empty, else_ = "it is empty; write a list, or leave it out", "write a list: a '-' before each entry"
        message = empty if problem["input"] is None else else_
    return f"{path}:{yaml_files.line_at(tree, where)}: {'.'.join(place) or 'file'}: {message}"


def keys_for(value: Any, known: list[str]) -> str:
    """Advice where a value stands instead of keys with their values."""
    if isinstance(value, bool) and "enabled" in known:
        return f"write {{enabled: {str(value).lower()}}}"
    if value is None:
        return f"it is empty; write keys below it, or leave it out; known keys are {', '.join(known)}"
    if isinstance(value, str) and (key := next((key for key in MAIN_KEYS if key in known), None)):
        return f"write {{{key}: {value}}}; known keys are {', '.join(known)}"
    return f"write keys with their values below it; known keys are {', '.join(known)}"


def duration_for(value: Any) -> str:
    """What to write instead of what is no ISO 8601 duration."""
    general = "a duration is written in ISO 8601: PT30M, PT24H, P7D"
    if match := DURATION.fullmatch(str(value).strip().lower()):
        unit = match["unit"][0]
        number = match["number"]
        written = f"P{number}{unit.upper()}" if unit in "dw" else f"PT{number}{unit.upper()}"
        return f"'{value}' is no ISO 8601 duration; write {written}"
    return f"'{value}' is no duration; {general}"


def name_for(value: str) -> str:
    """What a name may be, and the nearest one that may."""
    plain = unicodedata.normalize("NFKD", value).encode("ascii", "ignore").decode()
    near = re.sub("[^a-zA-Z0-9]+", "-", plain).strip("-")[:63].rstrip("-")
    advice = f"; write e.g. {near}" if near else ""
    return f"'{value}' is no name: letters from a to z, digits, and hyphens between them, at most 63{advice}"


def instead_of(place: list[str], schema: dict[str, Any]) -> str:
    """Advice for an unknown key: the most similar known key, or all keys."""
    known = known_keys(place[:-1], schema)
    near = difflib.get_close_matches(place[-1], known, n=1)
    return f"; did you mean '{near[0]}'?" if near else f"; known keys are {', '.join(known)}"


def known_keys(place: list[str], schema: dict[str, Any]) -> list[str]:
    """The keys that the schema allows at a place."""
    node = schema
    for part in place:
        node = node.get("items", node) if part.isdigit() else node.get("properties", {}).get(part, {})
        for option in [node, *node.get("anyOf", [])]:
            if "$ref" in option:
                node = schema["$defs"][option["$ref"].rpartition("/")[2]]
            elif "$ref" in option.get("items", {}):
                node = {"items": schema["$defs"][option["items"]["$ref"].rpartition("/")[2]]}
    return list(node.get("properties", {}))
