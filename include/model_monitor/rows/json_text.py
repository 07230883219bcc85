"""JSON as text: read many documents at once, and write parts of documents column by column."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj


def is_unicode(text: str) -> bool:
    """Whether a text can be stored: one with a lone surrogate, which JSON's escapes can spell, can't."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


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
