"""JSON as text: read many documents at once, cut values out of objects unparsed, write documents column by column."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from model_monitor.errors import is_unicode as is_unicode

decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
plain = json.JSONDecoder(parse_int=str)  # knows NaN and lone surrogates, which occur, but is slower


def documents_of(text: str, **parse: Callable[[str], Any]) -> list[Any]:
    """The JSON document of a text, or its documents, one per line; ``parse`` as of ``json``. Raises ValueError."""
    try:
        return [json.loads(text, **parse)]  # type: ignore[arg-type]
    except (ValueError, RecursionError):
        lines = [line for line in text.split("\n") if line.strip()]
        if len(lines) < 2:
            raise ValueError("not JSON") from None
    try:
        return [json.loads(line, **parse) for line in lines]  # type: ignore[arg-type]
    except (ValueError, RecursionError):
        raise ValueError("not JSON") from None


def read_objects(content: bytes, schema: pa.Schema) -> pa.Table:
    """Objects, one per line, as a table; members beyond the schema are ignored. Raises ArrowInvalid."""
    return pj.read_json(
        pa.BufferReader(content),
        pj.ReadOptions(use_threads=False, block_size=len(content) + 1),
        pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore"),
    )


def quoted(texts: pa.StringArray) -> pa.StringArray:
    """Texts as JSON strings, ``null`` for a missing one."""
    if pc.any(pc.match_substring_regex(texts, r"[\x00-\x1f]"), min_count=0).as_py():
        return pa.array([json.dumps(text, ensure_ascii=False) for text in texts.to_pylist()], pa.string())
    escaped = pc.replace_substring(pc.replace_substring(texts, "\\", "\\\\"), '"', '\\"')
    return pc.fill_null(joined('"', escaped, '"'), "null")


def joined(*parts: pa.StringArray | str) -> pa.StringArray:
    """Texts put together, element by element; null where one of them is."""
    return pc.binary_join_element_wise(*parts, "")


def in_one(texts: pa.StringArray, separator: str = "\n") -> pa.StringScalar:
    """All texts as a single one."""
    return pc.binary_join(pa.ListArray.from_arrays(pa.array([0, len(texts)], pa.int32()), texts), separator)[0]


def members(document: bytes) -> dict[str, str]:
    """The members of a JSON object, each value unparsed. Raises ValueError if it is none."""
    return {name: str(value, "utf-8") for name, value in raw_members(document).items()}


def raw_members(document: bytes) -> dict[str, msgspec.Raw]:
    try:
        document.decode()
        return decode_members(document)
    except (msgspec.ValidationError, RecursionError):
        raise ValueError("not a JSON object that can be read") from None
    except msgspec.DecodeError:
        return {name: msgspec.Raw(value.encode()) for name, value in members_one_by_one(document.decode()).items()}


def members_one_by_one(text: str) -> dict[str, str]:
    if not is_document(text) or not text.lstrip().startswith("{"):
        raise ValueError("not a JSON object that can be read")
    parts = list(tokens(text, text.index("{") + 1, "}"))
    return {plain.decode(name): value for name, value in zip(parts[::2], parts[1::2], strict=True)}


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
    names = (json.dumps(name, ensure_ascii=not is_unicode(name)) for name in members)
    return "{" + ",".join(f"{name}:{value}" for name, value in zip(names, members.values(), strict=True)) + "}"


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
