"""The members of a JSON object as they are written: values are cut out, not parsed."""

from __future__ import annotations

import json
from collections.abc import Iterator

import msgspec

from model_monitor.rows.json_text import is_unicode

raw_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
plain = json.JSONDecoder(parse_int=str)  # knows NaN and lone surrogates, which occur, but is slower


def members(document: bytes) -> dict[str, str]:
    """The members of a JSON object, each value unparsed. Raises ValueError if it is none."""
    try:
        return {name: str(value, "utf-8") for name, value in raw_members(document).items()}
    except (msgspec.ValidationError, RecursionError):
        raise ValueError("not a JSON object that can be read") from None
    except msgspec.DecodeError:
        return members_one_by_one(document.decode())


def members_one_by_one(text: str) -> dict[str, str]:
    if not is_document(text) or not text.lstrip().startswith("{"):
        raise ValueError("not a JSON object that can be read")
    found = list(tokens(text, text.index("{") + 1, "}"))
    return {plain.decode(name): value for name, value in zip(found[::2], found[1::2], strict=True)}


def tokens(text: str, at: int, closing: str) -> Iterator[str]:
    """The unparsed elements of a list, or names and values of an object, from a place up to its end."""
    at = beyond_space(text, at)
    while text[at] != closing:
        _, end = plain.raw_decode(text, at)
        yield text[at:end]
        at = beyond_space(text, end)
        at = beyond_space(text, at + 1) if text[at] in ",:" else at


def object_of(members: dict[str, str]) -> str:
    """A JSON object of values that are JSON already."""
    return "{" + ",".join(f"{name_of(name)}:{value}" for name, value in members.items()) + "}"


def name_of(name: str) -> str:
    return json.dumps(name, ensure_ascii=not is_unicode(name))


def is_document(content: bytes | str) -> bool:
    try:
        plain.decode(content if isinstance(content, str) else content.decode())
    except (ValueError, RecursionError):
        return False
    return True


def beyond_space(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at
