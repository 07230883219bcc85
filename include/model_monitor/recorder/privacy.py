"""Remove, hash or truncate fields of a payload before it is written anywhere. Ids and attributes are always written.

In JSON a rule names a field by its key, at any depth, or by its whole path (``customer.name``); in CSV by its column's
name, if the columns are given, or by its number from 0. Values without a key in JSON (rows that are lists, or a single
value) belong to the given columns, or to the ``columns`` or ``names`` beside them. A payload that the rules can't be
applied to is withheld as a whole.
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
from msgspec import Raw

from model_monitor.errors import ConfigError

DIGEST = 32  # hexadecimal digits of a hashed value: 128 bits
ROW_KEYS = ("data", "ndarray", "values", "tensor")  # keys of rows whose columns are named beside them
NAME_KEYS = ("columns", "names")
TENSOR = {"name", "shape", "datatype", "data"}  # members of a tensor in the Open Inference Protocol
INPUT_KEYS = ("instances", "inputs", "ndarray")  # keys of rows, each of which may be a single value
OUTPUT_KEYS = ("predictions", "outputs")  # likewise
ENVELOPES = (*INPUT_KEYS, *OUTPUT_KEYS)
MAX_DEPTH = 64  # of nested objects; each level is decoded once more for the level above it
NULL = Raw(b"null")

Object = dict[str, Raw]  # the members of an object in JSON
OBJECT = msgspec.json.Decoder(Object)
LIST = msgspec.json.Decoder(list[Raw])
STRING = msgspec.json.Decoder(str)
ANY = msgspec.json.Decoder(Any)


@dataclass(frozen=True)
class Privacy:
    """Which fields are kept (``allow``; all if None), removed (``deny``) or replaced by a keyed hash (``hash``), and
    how many characters of a text are kept (``truncate``; in CSV every value is text, numbers too). A hashed value is
    the first 128 bits of HMAC-SHA-256 with ``key`` (at least 16 bytes), in hexadecimal: equal values stay equal, so
    categories can be compared, and without the key nobody can guess values. Missing values stay missing.
    ``input_columns`` and ``output_columns`` name CSV columns. Raises ConfigError for contradictory rules."""

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
        """A payload's text (encoding CSV or JSON) after the rules; None if they can't be applied."""
        columns = self.input_columns if mode == "INPUT" else self.output_columns
        try:
            if encoding == "CSV":
                return self.csv(text, columns)
            values = (self.json_value(Raw(document), (), columns, self.fate(())) for document in documents(text))
            return "\n".join("" if raw is None else bytes(raw).decode() for raw in values)
        except (csv.Error, msgspec.MsgspecError, ValueError, RecursionError):
            return None

    @cached_property
    def chooses(self) -> bool:
        """Whether there are rules for some fields only."""
        return bool(self.deny or self.hash or self.allow is not None)

    @cached_property
    def by_name(self) -> bool:
        """Whether the rules name a field other than by its number."""
        return not all(name.isdecimal() for name in (*self.deny, *self.hash, *(self.allow or ())))

    def csv(self, text: str, columns: Sequence[str]) -> str:
        """Apply the rules to every row; a removed value is empty, which means missing."""
        if not columns and not all(name.isdecimal() for name in (*self.deny, *self.hash)):
            raise ValueError("rules name columns, but the columns' names are unknown")
        rows = []
        for row in csv.reader(io.StringIO(text, newline=""), strict=True):
            if columns and self.chooses and len(row) != len(columns):
                raise ValueError("a row has more or fewer values than there are columns")
            fates = [self.fate(names) for names in fields_of(len(row), columns)]
            rows.append(line_of([self.value(value, fate) or "" for value, fate in zip(row, fates, strict=True)]))
        return "\n".join(rows) + ("\n" if text.endswith("\n") else "")

    def fate(self, names: tuple[str, ...], inherited: str = "") -> str:
        """The rule for a field with these names: drop, hash, keep, or "" if no rule names it."""
        if inherited in ("drop", "hash"):
            return inherited
        for fate, rule in (("drop", self.deny), ("hash", self.hash), ("keep", self.allow or ())):
            if not set(names).isdisjoint(rule):
                return fate
        return "keep" if self.allow is None else inherited

    def value(self, text: str, fate: str) -> str | None:
        """A value's text after the rule; None if it is removed."""
        if fate == "hash":
            assert isinstance(self.key, bytes)
            return text and hmac.digest(self.key, text.encode(), hashlib.sha256).hex()[:DIGEST]
        return text[: self.truncate] if fate == "keep" else None

    def json_value(self, raw: Raw, path: tuple[str, ...], columns: Sequence[str], fate: str) -> Raw | None:
        """A JSON value after the rules; None if it is removed."""
        content = bytes(raw).strip()
        if fate == "drop" or content == b"null":
            return None if fate == "drop" else NULL
        if content.startswith(b"{"):
            return self.json_object(OBJECT.decode(content), path, columns, fate)
        if content.startswith(b"["):
            items = LIST.decode(content)
            return self.json_list(items, path, columns, fate, 0 if path else len(items))
        if not path:  # the document is this single value
            return self.row_values([raw], columns, fate)[0]
        if not fate:
            return None
        if fate == "hash" or (self.truncate is not None and content.startswith(b'"')):
            text = STRING.decode(content) if content.startswith(b'"') else content.decode()
            return Raw(msgspec.json.encode(self.value(text, fate)))
        return Raw(content)

    def json_object(self, members: Object, path: tuple[str, ...], columns: Sequence[str], fate: str) -> Raw | None:
        """An object: fields, or one of the forms in which servers send rows."""
        if len(path) > MAX_DEPTH:
            raise ValueError("objects are nested too deep")
        form = Form.of(members)
        result = {}
        for key, raw in members.items():
            deeper = (*path, key)
            own_columns = form.columns or columns if key in ROW_KEYS else columns
            names = [key, ".".join(deeper)]
            names += [form.tensor] if form.tensor is not None and key == "data" else []
            names += own_columns if key in ENVELOPES and len(own_columns) == 1 else []
            inner = self.fate(tuple(names), fate)
            if key in form.labels and (form.tensor is not None or inner not in ("drop", "hash")):
                value: Raw | None = raw
            elif inner != "drop" and bytes(raw).lstrip().startswith(b"["):
                items = LIST.decode(raw)
                value = self.json_list(items, deeper, own_columns, inner, form.width(key, len(own_columns), len(items)))
            else:
                value = self.json_value(raw, deeper, own_columns, inner)
            if value is not None:
                result[key] = value
        return Raw(msgspec.json.encode(result)) if result or not members or not path else None

    def json_list(
        self, items: list[Raw], path: tuple[str, ...], columns: Sequence[str], fate: str, width: int
    ) -> Raw | None:
        """A list: rows that are lists or objects; rows of ``width`` values in sequence; or, if ``width`` is 0, the
        values of one field."""
        starts = [bytes(item).lstrip()[:1] for item in items]
        if b"[" in starts:
            return encoded(encoded(self.row_values(LIST.decode(item), columns, fate)) for item in items)
        if not width or b"{" in starts:
            return encoded(self.json_value(item, path, columns, fate) or NULL for item in items)
        rows = [items[start : start + width] for start in range(0, len(items), width)]
        return encoded(value for row in rows for value in self.row_values(row, columns, fate))

    def row_values(self, values: Sequence[Raw], columns: Sequence[str], fate: str) -> list[Raw]:
        """A row of values without keys. Raises ValueError if their columns are unknown."""
        if fate in ("drop", "hash"):
            return [self.json_value(value, ("",), (), fate) or NULL for value in values]
        if self.chooses and (len(values) != len(columns) if columns else self.by_name):
            raise ValueError("the columns of a row are unknown")
        fields = fields_of(len(values), columns)
        return [
            self.json_value(value, names[:1], (), self.fate(names, fate)) or NULL
            for names, value in zip(fields, values, strict=True)
        ]


@dataclass(frozen=True)
class Form:
    """What an object says about the rows in it: their ``columns``, or the name of the one column that it is itself
    (``tensor``), and their ``shape``. ``labels`` are the keys that say so, and hold no values."""

    columns: Sequence[str] = ()
    tensor: str | None = None
    shape: Sequence[int] | None = None
    labels: frozenset[str] = frozenset()
    has_one_key: bool = False

    @classmethod
    def of(cls, members: Object) -> Form:
        has_rows = any(bytes(members[key]).lstrip()[:1] in (b"[", b"{") for key in ROW_KEYS if key in members)
        columns = next((names for key in NAME_KEYS if key in members and (names := names_of(members[key]))), ())
        shape = shape_of(members["shape"]) if "shape" in members and members.keys() & {"data", "values"} else None
        name = ANY.decode(members["name"]) if members.keys() >= TENSOR and shape is not None else None
        labels = ({*NAME_KEYS} if columns and has_rows else set()) | ({"shape"} if shape is not None else set())
        return cls(
            columns if has_rows else (),
            name if isinstance(name, str) else None,
            shape,
            frozenset(labels | (TENSOR - {"data"} if isinstance(name, str) else set())),
            len(members) == 1,
        )

    def width(self, key: str, columns: int, count: int) -> int:
        """How many values a row has, in a list of ``count`` single values and with so many columns known; 0 if the
        list is one field."""
        if self.shape is not None and key in ("data", "values"):
            is_column = self.shape[1:] in ([], [1])
            return 0 if is_column and self.tensor is not None else self.shape[1] if self.shape[1:] else count
        if self.columns and key in ROW_KEYS:
            return 1 if columns == 1 else count
        if (key == "features" and self.has_one_key) or (key in OUTPUT_KEYS and columns > 1):
            return count
        return (1 if columns == 1 else count) if key in INPUT_KEYS else 0


def line_of(values: Sequence[str]) -> str:
    """A row of CSV. (Before Python 3.13, its writer does not quote a carriage return if lines end otherwise.)"""
    if list(values) == [""]:
        return '""'  # an empty line would be no row
    return ",".join(f'"{v.replace(chr(34), chr(34) * 2)}"' if set('",\n\r') & set(v) else v for v in values)


def fields_of(count: int, columns: Sequence[str]) -> list[tuple[str, ...]]:
    """The names of a row's values: the column's name, if known, and the number."""
    if len(columns) != count:
        return [(str(i),) for i in range(count)]
    return [(name, str(i)) for i, name in enumerate(columns)]


def documents(text: str) -> Iterator[bytes]:
    """The JSON documents of a payload: one, or one per line."""
    content = text.encode().strip()
    try:
        ANY.decode(content)
        yield content
    except msgspec.MsgspecError:
        lines = [line for line in content.split(b"\n") if line.strip()]
        if len(lines) < 2:
            raise
        for line in lines:
            ANY.decode(line)
            yield line


def shape_of(raw: Raw) -> Sequence[int] | None:
    """A list of one or two sizes; None if it is no list. Raises ValueError for any other list."""
    shape = ANY.decode(raw)
    if not isinstance(shape, list):
        return None
    if len(shape) not in (1, 2) or not all(type(size) is int and size > 0 for size in shape):
        raise ValueError("the shape is no list of one or two sizes")
    return shape


def names_of(raw: Raw) -> Sequence[str] | None:
    names = ANY.decode(raw)
    return names if isinstance(names, list) and all(isinstance(name, str) for name in names) else None


def encoded(items: Iterator[Raw] | Sequence[Raw]) -> Raw:
    return Raw(msgspec.json.encode(list(items)))
