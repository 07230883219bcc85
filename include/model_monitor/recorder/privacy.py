"""What must not leave the serving process? Fields are taken out, hashed or cut before a payload is written anywhere.

A field is named by its key in JSON, at any depth, or by its whole path (``customer.name``), and in CSV by the column's
name, if the columns are told, or by its number from 0. Values without a name of their own in JSON (rows that are lists,
or a single value) are those of the told columns, or of the ``columns`` or ``names`` beside them. What can't be
understood is withheld as a whole: a rule that can't be applied must not let anything through.

The rules are about payloads. Event ids, inference ids, custom attributes, times and content types are always written.
"""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import msgspec

from model_monitor.errors import ConfigError

DIGEST = 32  # hexadecimal digits of a hashed value: 128 bits
ROWS_OF = ("data", "ndarray", "values", "tensor")  # where rows are whose columns are named beside them
NAMES_IN = ("columns", "names")
TENSOR = {"name", "shape", "datatype", "data"}  # of the Open Inference Protocol
QUESTIONS = ("instances", "inputs", "ndarray")  # where rows are that may be single values
ANSWERS = ("predictions", "outputs")  # and where they may go by that name
ENVELOPES = (*QUESTIONS, *ANSWERS)
DEEPEST = 64  # objects in objects; each level is read once more for the one above it
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
    how many characters of a text are kept (``truncate``; in CSV every value is a text, numbers too).

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
        except (Withheld, csv.Error, msgspec.MsgspecError, ValueError, RecursionError):
            return None

    @cached_property
    def chooses(self) -> bool:
        """Whether there are rules for some fields only."""
        return bool(self.deny or self.hash or self.allow is not None)

    @cached_property
    def by_name(self) -> bool:
        """Whether a field is named in the rules otherwise than by its number."""
        return not all(name.isdecimal() for name in (*self.deny, *self.hash, *(self.allow or ())))

    def csv(self, text: str, columns: Sequence[str]) -> str:
        """Every row with each value as it may leave; one that may not is empty, which is missing."""
        if not columns and not all(name.isdecimal() for name in (*self.deny, *self.hash)):
            raise Withheld
        rows = []
        for row in csv.reader(io.StringIO(text, newline=""), strict=True):
            if columns and self.chooses and len(row) != len(columns):
                raise Withheld
            fates = [self.fate(names) for names in fields_of(len(row), columns)]
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
            items = LIST.decode(content)
            return self.json_list(items, path, columns, fate, 0 if path else len(items))
        if not path:  # nothing but this value
            return self.row_values([raw], columns, fate)[0]
        if not fate:
            return None
        if fate == "hash" or (self.truncate is not None and content.startswith(b'"')):
            text = STRING.decode(content) if content.startswith(b'"') else content.decode()
            return msgspec.Raw(msgspec.json.encode(self.value(text, fate)))
        return msgspec.Raw(content)

    def json_object(
        self, members: dict[str, msgspec.Raw], path: tuple[str, ...], columns: Sequence[str], fate: str
    ) -> msgspec.Raw | None:
        """An object: fields, or the forms in which servers put rows."""
        if len(path) > DEEPEST:
            raise Withheld
        form = Form.of(members)
        kept = {}
        for key, raw in members.items():
            deeper = (*path, key)
            told = form.told or columns if key in ROWS_OF else columns
            names = [key, ".".join(deeper)]
            names += [form.tensor] if form.tensor is not None and key == "data" else []
            names += told if key in ENVELOPES and len(told) == 1 else []
            inner = self.fate(tuple(names), fate)
            if key in form.labels and (form.tensor is not None or inner not in ("drop", "hash")):
                value: msgspec.Raw | None = raw
            elif inner != "drop" and bytes(raw).lstrip().startswith(b"["):
                items = LIST.decode(raw)
                value = self.json_list(items, deeper, told, inner, form.width(key, len(told), len(items)))
            else:
                value = self.json_value(raw, deeper, told, inner)
            if value is not None:
                kept[key] = value
        return msgspec.Raw(msgspec.json.encode(kept)) if kept or not members or not path else None

    def json_list(
        self, items: list[msgspec.Raw], path: tuple[str, ...], columns: Sequence[str], fate: str, width: int
    ) -> msgspec.Raw | None:
        """A list: rows that are lists or objects, rows of ``width`` values one after the other, or (0) the values of
        one field."""
        starts = [bytes(item).lstrip()[:1] for item in items]
        if b"[" in starts:
            return encoded(encoded(self.row_values(LIST.decode(item), columns, fate)) for item in items)
        if not width or b"{" in starts:
            return encoded(self.json_value(item, path, columns, fate) or NULL for item in items)
        rows = [items[start : start + width] for start in range(0, len(items), width)]
        return encoded(value for row in rows for value in self.row_values(row, columns, fate))

    def row_values(self, values: Sequence[msgspec.Raw], columns: Sequence[str], fate: str) -> list[msgspec.Raw]:
        """A row of values without names; withheld if it is not known which is which."""
        if fate in ("drop", "hash"):
            return [self.json_value(value, ("",), (), fate) or NULL for value in values]
        if self.chooses and (len(values) != len(columns) if columns else self.by_name):
            raise Withheld
        fields = fields_of(len(values), columns)
        return [
            self.json_value(value, names[:1], (), self.fate(names, fate)) or NULL
            for names, value in zip(fields, values, strict=True)
        ]


@dataclass(frozen=True)
class Form:
    """What an object says of the rows in it: the names of their columns (``told``), or of the one that it is itself
    (``tensor``), and their ``shape``. ``labels`` are the keys that say so, and hold no values."""

    told: Sequence[str] = ()
    tensor: str | None = None
    shape: Sequence[int] | None = None
    labels: frozenset[str] = frozenset()
    is_alone: bool = False  # its only key

    @classmethod
    def of(cls, members: dict[str, msgspec.Raw]) -> Form:
        has_rows = any(bytes(members[key]).lstrip()[:1] in (b"[", b"{") for key in ROWS_OF if key in members)
        told = next((names for key in NAMES_IN if key in members and (names := names_of(members[key]))), ())
        shape = shape_of(members["shape"]) if "shape" in members and members.keys() & {"data", "values"} else None
        name = ANY.decode(members["name"]) if members.keys() >= TENSOR and shape is not None else None
        labels = ({*NAMES_IN} if told and has_rows else set()) | ({"shape"} if shape is not None else set())
        return cls(
            told if has_rows else (),
            name if isinstance(name, str) else None,
            shape,
            frozenset(labels | (TENSOR - {"data"} if isinstance(name, str) else set())),
            len(members) == 1,
        )

    def width(self, key: str, columns: int, count: int) -> int:
        """Of how many values a row is, where ``count`` single values are in a list and so many columns are told; 0 if
        the list is one field."""
        if self.shape is not None and key in ("data", "values"):
            is_column = self.shape[1:] in ([], [1])
            return 0 if is_column and self.tensor is not None else self.shape[1] if self.shape[1:] else count
        if self.told and key in ROWS_OF:
            return 1 if columns == 1 else count
        if (key == "features" and self.is_alone) or (key in ANSWERS and columns > 1):
            return count
        return (1 if columns == 1 else count) if key in QUESTIONS else 0


def line_of(values: Sequence[str]) -> str:
    """A row of CSV. (Python's writer leaves a carriage return unquoted where lines end otherwise, until 3.13.)"""
    if list(values) == [""]:
        return '""'  # or it would be no row
    return ",".join(f'"{v.replace(chr(34), chr(34) * 2)}"' if set('",\n\r') & set(v) else v for v in values)


def fields_of(count: int, columns: Sequence[str]) -> list[tuple[str, ...]]:
    """What the values of a row are called: by their column's name, if that is known, and their number."""
    if len(columns) != count:
        return [(str(i),) for i in range(count)]
    return [(name, str(i)) for i, name in enumerate(columns)]


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


def shape_of(raw: msgspec.Raw) -> Sequence[int] | None:
    """One or two numbers of values; None if it is no list. Raises Withheld for a list of anything else."""
    shape = ANY.decode(raw)
    if not isinstance(shape, list):
        return None
    if len(shape) not in (1, 2) or not all(type(size) is int and size > 0 for size in shape):
        raise Withheld
    return shape


def names_of(raw: msgspec.Raw) -> Sequence[str] | None:
    names = ANY.decode(raw)
    return names if isinstance(names, list) and all(isinstance(name, str) for name in names) else None


def encoded(items: Iterator[msgspec.Raw] | Sequence[msgspec.Raw]) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(list(items)))
