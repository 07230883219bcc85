"""The contract of a State, records and maps of States, and how a State is saved and loaded."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar

import msgspec
import numpy as np

Packed = Any  # numbers, texts, bytes, and lists and dicts of them: what MessagePack can hold

MAGIC = b"MMS1"


class State(Protocol):
    """A value that adds: ``a + b`` is the State of the rows of both."""

    def __add__(self, other: Self, /) -> Self: ...

    def pack(self) -> Packed:
        """This state as plain data, readable by ``unpack`` of an equal or newer version."""

    def unpack(self, packed: Packed, /) -> Self:
        """A state like this one from plain data; raises ValueError for a version it does not know."""


S = TypeVar("S", bound=State)


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

    def pack(self) -> Packed:
        return {"v": self.version} | {name: packed(getattr(self, name)) for name in names_of(self)}

    def unpack(self, packed: Packed) -> Self:
        check_version(self, packed["v"])
        names = [name for name in names_of(self) if name in packed]
        return type(self)(**{name: unpacked(getattr(self, name), packed[name]) for name in names})


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
    if isinstance(like, np.ndarray):
        return np.frombuffer(data, like.dtype.newbyteorder("<"))
    if isinstance(like, tuple):
        return tuple(unpacked(part, element) for part, element in zip(like, data, strict=True))
    return like.unpack(data) if hasattr(like, "unpack") else data


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
    return MAGIC + zlib.compress(msgspec.msgpack.encode(state.pack()), level=6)


def load(data: bytes, like: S) -> S:
    """The state that ``dump`` saved, of the kind of ``like``; ValueError if the bytes are something else."""
    if not data.startswith(MAGIC):
        raise ValueError("not a saved state")
    try:
        return like.unpack(msgspec.msgpack.decode(zlib.decompress(data[len(MAGIC) :])))
    except (zlib.error, msgspec.DecodeError, KeyError, TypeError, IndexError) as error:
        raise ValueError(f"not a saved state of this kind, or a damaged one: {error}") from error
