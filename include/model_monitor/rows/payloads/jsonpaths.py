"""Find values in JSON documents by JSONPath or JMESPath.

A path that starts with ``$`` is JSONPath (RFC 9535), any other is JMESPath. Numbers keep their spelling, and a path's
filters can compare them.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any

import jmespath
from jmespath.exceptions import ArityError, JMESPathError, UnknownFunctionError
from jmespath.visitor import TreeInterpreter

from model_monitor.errors import ConfigError
from model_monitor.rows.json_text import documents_of, is_unicode

Find = Callable[[Any], list[Any]]

PATH_CHARACTERS = frozenset(".[]*|@&{}()")


class Number(float):
    """A number of a JSON document, with its spelling."""

    text: str

    def __new__(cls, text: str) -> Number:
        self = super().__new__(cls, text)
        self.text = text
        return self

    def __str__(self) -> str:
        return self.text


Number.__name__ = "float"  # JMESPath's functions ask for a value's type by name


def whole_number(text: str) -> float:
    """An int; a ``Number`` where ``int()`` loses the spelling (``-0``) or may exceed Python's digit limit."""
    return Number(text) if text == "-0" or len(text) > 300 else int(text)


def document_of(text: str) -> Any:
    """The document of a JSON payload; of several, one per line, their list. Raises ValueError."""
    documents = documents_of(text, parse_int=whole_number, parse_float=Number, parse_constant=Number)
    return documents[0] if len(documents) == 1 else documents


def written(value: Any) -> str | None:
    """A value of a document as text, compact JSON if nested. Raises ValueError if it can't be stored."""
    if value is None:
        return None
    try:
        text = value if isinstance(value, str) else compact(value)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except TypeError:
        raise ValueError("an expression of JMESPath (&) is not a value") from None
    if not is_unicode(text):
        raise ValueError("not Unicode text")
    return text


def compact(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{compact(name)}:{compact(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(compact, value)) + "]"
    return str(value) if isinstance(value, Number) else json.dumps(value, ensure_ascii=False)


def is_path(attribute: str | int) -> bool:
    """Whether an attribute is a path into JSON, not a column's name or an index.

    >>> [is_path(one) for one in ("predictions[*].score", "$.score", "score", "0", 0)]
    [True, True, False, False, False]
    """
    return isinstance(attribute, str) and (attribute.startswith("$") or not PATH_CHARACTERS.isdisjoint(attribute))


@functools.cache
def compiled(attribute: str) -> Find:
    """A function that finds the values at a path in a document, in order.

    A list gives its items (one level), a scalar or an object one item; null, a missing member and a function on values
    of a wrong type give none. Projections such as ``predictions[*].score`` give null where an item has no score, so
    that positions match across paths (JSONPath leaves these out). A path to one place, ``predictions[0].scores`` or
    ``$.scores``, gives the items of the list there; ``[predictions[0].scores]`` gives the list as one item.

    Raises ConfigError if the path can't be parsed; the returned function raises it for an unknown function in the path.
    """
    if attribute.startswith("@"):
        raise ConfigError(f"'{attribute}': names that start with @ are kept for the request; start the path with $")
    return by_jsonpath(attribute) if attribute.startswith("$") else by_jmespath(attribute)


def by_jmespath(attribute: str) -> Find:
    try:
        path = jmespath.compile(attribute)
    except JMESPathError as error:
        reason = str(error).partition(", for expression")[0].partition("\n")[0].rstrip(":")
        advice = "a name with other characters than letters, digits and _ goes in double quotes"
        raise ConfigError(f"'{attribute}' is not JMESPath: {reason}; {advice}") from error
    kind, parts = path.parsed["type"], path.parsed["children"]
    tree = TreeInterpreter()

    def find(document: Any) -> list[Any]:
        try:
            if kind != "projection":
                return as_items(path.search(document))
            base = tree.visit(parts[0], document)
            items = base if isinstance(base, list) else []
            return [tree.visit(parts[1], item) for item in items]  # JMESPath itself leaves out the nulls
        except (UnknownFunctionError, ArityError) as error:
            raise ConfigError(f"'{attribute}' is not JMESPath: {error}") from error
        except (ValueError, TypeError, ArithmeticError):
            return []

    return find


def by_jsonpath(attribute: str) -> Find:
    from jsonpath import JSONPath, JSONPathEnvironment  # slow to import
    from jsonpath.exceptions import JSONPathError

    try:
        path = JSONPathEnvironment(strict=True).compile(attribute)
    except JSONPathError as error:
        reason = str(error).partition("\n")[0]
        raise ConfigError(f"'{attribute}' is not JSONPath (RFC 9535): {reason}") from error
    if not isinstance(path, JSONPath):
        raise ConfigError(f"'{attribute}' is several paths; write one")
    singular = path.singular_query()

    def find(document: Any) -> list[Any]:
        if not isinstance(document, dict | list):  # a text would be parsed by the library
            return as_items(document) if path.empty() else []
        try:
            nodes = path.findall(document)
        except JSONPathError:
            return []
        return as_items(nodes[0] if nodes else None) if singular else nodes

    return find


def as_items(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def values_at(document: Any, find: Find) -> list[Any]:
    """The values at a path in a payload of one record or several; [] if all are null. If a list has nothing there, the
    path is tried on each of its items (an item without gives null), as for one document per line. If any other document
    has nothing, the path is tried on a list of it."""
    values = find(document)
    if not something(values):
        values = (
            [v for item in document for v in find(item) or [None]] if isinstance(document, list) else find([document])
        )
    return values if something(values) else []


def something(values: list[Any]) -> bool:
    return any(value is not None for value in values)
