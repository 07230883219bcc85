"""The contract of a State, records and maps of States, and how a State is saved and loaded."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from functools import cache, reduce
from operator import add
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar

import msgspec
import numpy as np

Packed = Any  # numbers, texts, bytes, and lists and dicts of them: what MessagePack can hold

MAGIC = b"MMS2"  # then a checksum of all that follows, the length of what is compressed, and that by zstd
CHECKSUM, LENGTH, LEVEL = 4, 8, 9  # bytes, bytes, of compression
BEFORE_ZSTD = b"MMS1"  # then all by zlib
LONGEST = 1 << 30  # bytes of a State


class State(Protocol):
    """A value that adds: ``a + b`` is the State of the rows of both. A kind that knows how to add many at once says so
    by ``added``, which ``total`` asks."""

    def __add__(self, other: Self, /) -> Self: ...

    def pack(self) -> Packed:
        """This state as plain data, readable by ``unpack`` of an equal or newer version."""

    def unpack(self, packed: Packed, /) -> Self:
        """A state like this one from plain data; raises ValueError for a version it does not know."""


S = TypeVar("S", bound=State)


def total(states: Iterable[S]) -> S:
    """The sum of States, of one at least, as ``+`` gives it in any order: counts exactly, sums of floats rounded once,
    sketches within their stated error. Much faster than one by one."""
    first, *others = states
    if not others:
        return first
    if adds_at_once(type(first)):
        together: S = first.added(others)  # type: ignore[attr-defined]  # not all kinds do
        return together
    return reduce(add, others, first)


@cache
def adds_at_once(kind: type[Any]) -> bool:
    """Whether a kind has an ``added`` that belongs to its ``+``: not if a subclass adds in its own way."""
    owner = next((base for base in kind.__mro__ if not {"added", "__add__"}.isdisjoint(vars(base))), object)
    return "added" in vars(owner)


def names_of(state: Any) -> tuple[str, ...]:
    """The names of a record's fields."""
    kind: Any = type(state)  # mypy takes no class for hashable
    return field_names(kind)


@cache
def field_names(kind: type[Any]) -> tuple[str, ...]:
    """Asked once for each kind: to ask at each addition would cost more than to add what the fields hold."""
    return tuple(field.name for field in fields(kind))


@dataclass(frozen=True)
class Record:
    """A state made of named states: a frozen dataclass whose fields are states, counts of rows, or what ``packed``
    understands; then it adds in its own way."""

    version: ClassVar[int] = 1

    def __add__(self, other: Self) -> Self:
        return type(self)(*(getattr(self, name) + getattr(other, name) for name in names_of(self)))

    def added(self, others: Sequence[Self]) -> Self:
        states = (self, *others)
        return type(self)(*(total([getattr(state, name) for state in states]) for name in names_of(self)))

    def pack(self) -> Packed:
        """Without the fields that are as they are by default: most columns lack half of them."""
        plain = {name: (getattr(self, name), packed(getattr(self, name))) for name in names_of(self)}
        usual = usual_fields(type(self))  # type: ignore[arg-type]  # mypy takes no class for hashable
        return {"v": self.version} | {
            name: data for name, (value, data) in plain.items() if usual.get(name) != (type(value), data)
        }

    def unpack(self, packed: Packed) -> Self:
        check_version(self, packed["v"])
        names = [name for name in names_of(self) if name in packed]
        return type(self)(**{name: unpacked(getattr(self, name), packed[name]) for name in names})


@cache
def usual_fields(kind: type[Any]) -> dict[str, tuple[type[Any], Packed]]:
    """The type of each field's default, and it as plain data; of fields that have one."""
    values = {one.name: one.default_factory() if callable(one.default_factory) else one.default for one in fields(kind)}
    return {name: (type(value), packed(value)) for name, value in values.items() if value is not MISSING}


class Listed(Record):
    """A record that is saved without the names of its fields, in their order."""

    def pack(self) -> Packed:
        return [self.version, *(packed(getattr(self, name)) for name in names_of(self))]

    def unpack(self, packed: Packed) -> Self:
        check_version(self, packed[0])
        names = names_of(self)
        return type(self)(
            *(unpacked(getattr(self, name), value) for name, value in zip(names, packed[1:], strict=True))
        )


def packed(value: Any) -> Packed:
    """A field's value as plain data: a state, a tuple of states, an array, or plain data itself."""
    if isinstance(value, np.ndarray):
        return value.astype(value.dtype.newbyteorder("<")).tobytes()
    if isinstance(value, tuple):
        return [packed(part) for part in value]
    return value.pack() if hasattr(value, "pack") else value


def unpacked(like: Any, data: Packed) -> Any:
    """The inverse of ``packed``, for a value like this one."""
    if (unpack := getattr(like, "unpack", None)) is not None:
        return unpack(data)
    if isinstance(like, np.ndarray):
        return np.frombuffer(data, like.dtype.newbyteorder("<"))
    if isinstance(like, tuple):
        return tuple(unpacked(part, element) for part, element in zip(like, data, strict=True))
    return data


@dataclass(frozen=True)
class Keyed(Generic[S]):
    """A state per key, e.g. per column or per segment; ``like`` is the empty state of a key not seen yet."""

    like: S
    items: Mapping[str, S] = field(default_factory=dict)

    def __add__(self, other: Keyed[S]) -> Keyed[S]:
        both = dict(self.items)
        for key, state in other.items.items():
            both[key] = both[key] + state if key in both else state
        return Keyed(self.like, both)

    def added(self, others: Sequence[Keyed[S]]) -> Keyed[S]:
        parts: dict[str, list[S]] = {}
        for keyed in (self, *others):
            for key, state in keyed.items.items():
                parts.setdefault(key, []).append(state)
        return Keyed(self.like, {key: total(states) for key, states in parts.items()})

    def pack(self) -> Packed:
        return [[key, state.pack()] for key, state in self.items.items()]

    def unpack(self, packed: Packed) -> Keyed[S]:
        return Keyed(self.like, {key: self.like.unpack(state) for key, state in packed})


def check_version(state: Any, version: int) -> None:
    """Raise ValueError if data was saved by a newer kind of state than this program knows."""
    if version > state.version:
        raise ValueError(f"{type(state).__name__} of version {version} is newer than this program's {state.version}")


def dump(state: State) -> bytes:
    """A state as bytes: MessagePack, compressed; the same state gives the same bytes."""
    return compressed(msgspec.msgpack.encode(state.pack()))


def compressed(plain: bytes) -> bytes:
    """The MessagePack of a state as is saved. Arrow's zstd has no checksum: a flipped bit would be another number."""
    import pyarrow as pa

    rest = len(plain).to_bytes(LENGTH) + bytes(pa.Codec("zstd", LEVEL).compress(plain, asbytes=True))
    return MAGIC + zlib.crc32(rest).to_bytes(CHECKSUM) + rest


def load(data: bytes, like: S) -> S:
    """The state that ``dump`` saved, now or before it used zstd, of the kind of ``like``; ValueError if the bytes are
    something else."""
    try:
        return like.unpack(msgspec.msgpack.decode(plain_of(data)))
    except (zlib.error, OSError, msgspec.DecodeError, KeyError, TypeError, IndexError) as error:
        raise ValueError(f"not a saved state of this kind, or a damaged one: {error}") from error


def plain_of(data: bytes) -> bytes:
    """The MessagePack of a saved state."""
    import pyarrow as pa

    if data.startswith(BEFORE_ZSTD):
        return zlib.decompress(data[len(BEFORE_ZSTD) :])
    head = len(MAGIC) + CHECKSUM
    rest, length = data[head:], int.from_bytes(data[head : head + LENGTH])
    if not data.startswith(MAGIC) or length > LONGEST:
        raise ValueError("not a saved state")
    if zlib.crc32(rest) != int.from_bytes(data[len(MAGIC) : head]):
        raise ValueError("a damaged saved state")
    return bytes(pa.Codec("zstd").decompress(rest[LENGTH:], length, asbytes=True))
