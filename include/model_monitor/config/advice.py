"""Explain what is wrong with an endpoint file: the line, the key, and what to write instead."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from model_monitor.errors import ConfigError


def on(error: ValidationError, path: Path, tree: yaml.Node | None, schema: dict[str, Any]) -> str:
    """A line per problem: file, line, place and advice. ``tree`` is the file's YAML with its marks."""
    return "\n".join(explained(path, tree, problem, schema) for problem in deepest(error.errors()))


def refuse_repeated_keys(path: Path, node: yaml.Node | None) -> None:
    """Raise ConfigError for a repeated key; YAML would silently take the last."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                raise ConfigError(f"{path}:{key.start_mark.line + 1}: '{key.value}' is there twice; remove one")
            seen.add(key.value)
            refuse_repeated_keys(path, value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            refuse_repeated_keys(path, item)


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
    return f"{path}:{line_of(tree, problem['loc'])}: {'.'.join(place) or 'file'}: {message}"


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


def line_of(tree: yaml.Node | None, place: tuple[str | int, ...]) -> int:
    """The 1-based line of the deepest node on the way to a place."""
    line = tree.start_mark.line + 1 if tree else 1
    for part in place:
        if isinstance(tree, yaml.MappingNode):
            pair = next(((key, value) for key, value in tree.value if key.value == str(part)), None)
            if pair is None:
                break
            line, tree = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(tree, yaml.SequenceNode) and isinstance(part, int) and part < len(tree.value):
            tree = tree.value[part]
            line = tree.start_mark.line + 1
    return line
