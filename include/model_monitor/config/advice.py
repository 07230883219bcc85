"""What is wrong with a file that a person wrote, on which line, and what to write instead?"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from model_monitor.config import yaml_files
from model_monitor.errors import printable


def advice_on(error: ValidationError, path: Path, tree: yaml.Node | None, model: type[BaseModel]) -> str:
    """A line per problem: file, line, place and advice. ``tree`` is the file's YAML with its marks, ``model`` the class
    that it was to describe."""
    schema = model.model_json_schema()
    return "\n".join(printable(explained(path, tree, problem, schema)) for problem in deepest(error.errors()))


def deepest(problems: list[ErrorDetails]) -> list[ErrorDetails]:
    """The problems that do not follow from a deeper one; "too few schedules" follows if one of them is invalid."""
    return [p for p in problems if not any(p is not q and p["loc"] == q["loc"][: len(p["loc"])] for q in problems)]


def explained(path: Path, tree: yaml.Node | None, problem: ErrorDetails, schema: dict[str, Any]) -> str:
    """One validation problem: file, line, place and advice."""
    place = [str(part) for part in problem["loc"]]
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        message = f"unknown key '{place[-1]}'{instead_of(place, schema)}"
    elif problem["type"] == "missing":
        message = f"'{place[-1]}' is missing; add it"
    elif problem["type"] == "string_type" and isinstance(problem["input"], bool | int | float):
        message = f"a text is expected; put {problem['input']!r} in quotes"
    elif problem["type"] in ("model_type", "model_attributes_type"):
        message = keys_for(problem["input"], known_keys(place, schema))
    elif problem["type"] in ("tuple_type", "list_type"):
        empty, else_ = "it is empty; write a list, or leave it out", "write a list: a '-' before each entry"
        message = empty if problem["input"] is None else else_
    return f"{path}:{yaml_files.line_at(tree, problem['loc'])}: {'.'.join(place) or 'file'}: {message}"


def keys_for(value: Any, known: list[str]) -> str:
    """Advice where a value stands instead of keys with their values."""
    if isinstance(value, bool) and "enabled" in known:
        return f"write {{enabled: {str(value).lower()}}}"
    if value is None:
        return f"it is empty; write keys below it, or leave it out; known keys are {', '.join(known)}"
    return f"write keys with their values below it; known keys are {', '.join(known)}"


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
