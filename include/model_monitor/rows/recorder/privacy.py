"""What must not leave the serving process? Fields are taken out, hashed or cut before a payload is written anywhere.

A field is named by its key in JSON, at any depth, or by its whole path (``customer.name``), and in CSV by the column's
name, if the columns are told, or by its number from 0. Values without a name of their own in JSON (rows that are lists)
are those of the told columns, or of a ``columns`` or ``names`` beside them. What can't be understood is withheld as a
whole: a rule that can't be applied must not let anything through.
"""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from model_monitor.errors import ConfigError

DIGEST = 32  # hexadecimal digits of a hashed value: 128 bits
ROWS_OF = ("data", "ndarray", "values")  # where rows are whose columns are named beside them
ENVELOPES = ("instances", "predictions", "inputs", "outputs")  # where rows are that may be single values
NULL = msgspec.Raw(b"null")

RAW = msgspec.json.Decoder(msgspec.Raw)
OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
LIST = msgspec.json.Decoder(list[msgspec.Raw])
STRING = msgspec.json.Decoder(str)
ANY = msgspec.json.Decoder(Any)


class Withheld(Exception):
    """The rules can't be applied to a payload."""


@dataclass(frozen=True)
class Privacy:
    """Which fields are kept (``allow``; all if None), taken out (``deny``) or replaced by a keyed hash (``hash``), and
    how many characters of a text are kept (``truncate``).

    A hashed value is the first 128 bits of HMAC-SHA-256 with ``key`` (at least 16 bytes), in hexadecimal: equal values
    stay equal, so that categories can be compared, and without the key nobody can try values out. Missing values stay
    missing. ``input_columns`` and ``output_columns`` name CSV columns. Raises ConfigError for rules that contradict
    each other.
    """

    allow: Sequence[str] | None = None
    deny: Sequence[str] = ()
    hash: Sequence[str] = ()
    truncate: int | None = None
    key: bytes | str | None = field(default=None, repr=False)
    input_columns: Sequence[str] = ()
    output_columns: Sequence[str] = ()

    def __post_init__(self) -> None:
        for name in ("allow", "deny", "hash", "input_columns", "output_columns"):
            if isinstance(getattr(self, name), str):
                raise ConfigError(f"{name} is a list of names, not the text {getattr(self, name)!r}")
        key = self.key.encode() if isinstance(self.key, str) else self.key
        if self.hash and len(key or b"") < 16:
            raise ConfigError("hash needs a key of at least 16 bytes; keep it in the environment, not in code")
        if self.truncate is not None and self.truncate < 1:
            raise ConfigError(f"truncate is a number of characters from 1 on, not {self.truncate}")
        if both := set(self.deny) & {*self.hash, *(self.allow or ())}:
            raise ConfigError(f"{sorted(both)[0]!r} is denied, and allowed or hashed as well; leave one out")
        object.__setattr__(self, "key", key)

    def applied(self, text: str, encoding: str, mode: str) -> str | None:
        """A payload's text (encoding CSV or JSON) as it may leave; None if the rules can't be applied to it."""
        columns = self.input_columns if mode == "INPUT" else self.output_columns
        try:
            if encoding == "CSV":
                return self.csv(text, columns)
            return "\n".join(self.json(document, columns) for document in documents(text))
        except (Withheld, csv.Error, msgspec.MsgspecError, UnicodeError, RecursionError):
            return None

    def csv(self, text: str, columns: Sequence[str]) -> str:
        """Every row with each value as it may leave; one that may not is empty, which is missing."""
        rows = []
        for row in csv.reader(io.StringIO(text, newline=""), strict=True):
            if columns and len(row) != len(columns):
                raise Withheld
            fates = [self.fate(fields_at(i, columns)) for i in range(len(row))]
            rows.append(line_of([self.value(value, fate) or "" for value, fate in zip(row, fates, strict=True)]))
        return "\n".join(rows) + ("\n" if text.endswith("\n") else "")

    def json(self, document: bytes, columns: Sequence[str]) -> str:
        """A document with each value as it may leave; one that may not is not there."""
        raw = self.json_value(msgspec.Raw(document), (), columns, self.fate(()))
        return "" if raw is None else bytes(raw).decode()

    def fate(self, names: tuple[str, ...], inherited: str = "") -> str:
        """What becomes of a field with these names: "" for nothing, keep, hash or drop."""
        if inherited in ("drop", "hash"):
            return inherited
        named = set(names)
        if named & set(self.deny):
            return "drop"
        if named & set(self.hash):
            return "hash"
        return "keep" if self.allow is None or inherited == "keep" or named & set(self.allow) else ""

    def value(self, text: str, fate: str) -> str | None:
        """A value's text as it may leave; None if it may not."""
        if fate == "hash":
            return text and self.hashed(text)
        return text[: self.truncate] if fate == "keep" else None

    def hashed(self, text: str) -> str:
        assert isinstance(self.key, bytes)
        return hmac.digest(self.key, text.encode(), hashlib.sha256).hex()[:DIGEST]

    def json_value(
        self, raw: msgspec.Raw, path: tuple[str, ...], columns: Sequence[str], fate: str
    ) -> msgspec.Raw | None:
        """A JSON value as it may leave; None if it may not."""
        content = bytes(raw).strip()
        if fate == "drop" or content == b"null":
            return None if fate == "drop" else NULL
        if content.startswith(b"{"):
            return self.json_object(OBJECT.decode(content), path, columns, fate)
        if content.startswith(b"["):
            return self.json_list(LIST.decode(content), path, columns, fate)
        if not fate:
            return None
        if fate == "hash" or (self.truncate is not None and content.startswith(b'"')):
            text = STRING.decode(content) if content.startswith(b'"') else content.decode()
            return msgspec.Raw(msgspec.json.encode(self.value(text, fate)))
        return msgspec.Raw(content)

    def json_object(
        self, members: dict[str, msgspec.Raw], path: tuple[str, ...], columns: Sequence[str], fate: str
    ) -> msgspec.Raw | None:
        """An object; a tensor's own name, and the names that stand beside rows, name what they hold."""
        tensor = ANY.decode(members["name"]) if "name" in members and "data" in members else None
        told = next((names_of(members[key]) for key in ("columns", "names") if key in members), None)
        kept = {}
        for key, raw in members.items():
            deeper = (*path, key)
            names = [key, ".".join(deeper)]
            names += [tensor] if isinstance(tensor, str) and key == "data" else []
            names += columns if key in ENVELOPES and len(columns) == 1 else []
            inner = self.fate(tuple(names), fate)
            if told and key in ROWS_OF:
                inner = inner or ("keep" if self.allow is None else "")
                value = self.json_list(LIST.decode(raw), deeper, told, inner)
            elif (told and key in ("columns", "names")) or (tensor and key in ("name", "shape", "datatype")):
                value = raw
            else:
                value = self.json_value(raw, deeper, columns, inner)
            if value is not None:
                kept[key] = value
        return msgspec.Raw(msgspec.json.encode(kept)) if kept or not members or not path else None

    def json_list(
        self, items: list[msgspec.Raw], path: tuple[str, ...], columns: Sequence[str], fate: str
    ) -> msgspec.Raw | None:
        """A list: rows that are lists themselves, a row of values, or the values of one field."""
        if any(bytes(item).lstrip().startswith(b"[") for item in items):
            return encoded(self.row(LIST.decode(item), columns, fate) for item in items)
        if not path and not any(bytes(item).lstrip().startswith(b"{") for item in items):
            return self.row(items, columns, fate)
        return encoded(self.json_value(item, path, columns, fate) or NULL for item in items)

    def row(self, values: Sequence[msgspec.Raw], columns: Sequence[str], fate: str) -> msgspec.Raw:
        """A row of values without names; withheld if it is not known which is which."""
        if fate in ("drop", "hash"):
            return encoded(self.json_value(value, ("",), (), fate) or NULL for value in values)
        if len(values) != len(columns):
            raise Withheld
        return encoded(
            self.json_value(value, (name,), (), self.fate(fields_at(i, columns))) or NULL
            for i, (name, value) in enumerate(zip(columns, values, strict=True))
        )


def line_of(values: Sequence[str]) -> str:
    """A row of CSV. (Python's writer leaves a carriage return unquoted where lines end otherwise, until 3.13.)"""
    if list(values) == [""]:
        return '""'  # or it would be no row
    return ",".join(f'"{v.replace(chr(34), chr(34) * 2)}"' if set('",\n\r') & set(v) else v for v in values)


def fields_at(index: int, columns: Sequence[str]) -> tuple[str, ...]:
    """What the value at a position is called: its column's name, and its number."""
    return (columns[index], str(index)) if columns else (str(index),)


def documents(text: str) -> Iterator[bytes]:
    """The JSON documents of a payload: one, or one per line."""
    content = text.encode().strip()
    try:
        RAW.decode(content)
        ANY.decode(content)
        yield content
    except msgspec.MsgspecError:
        lines = [line for line in content.split(b"\n") if line.strip()]
        if len(lines) < 2:
            raise
        for line in lines:
            ANY.decode(line)
            yield line


def names_of(raw: msgspec.Raw) -> Sequence[str] | None:
    names = ANY.decode(raw)
    return names if isinstance(names, list) and all(isinstance(name, str) for name in names) else None


def encoded(items: Iterator[msgspec.Raw] | Sequence[msgspec.Raw]) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(list(items)))
