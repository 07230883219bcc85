"""The State of rules: of each a tally of rows, and the columns that some must see whole, up to a stated size."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pyarrow as pa

from model_monitor.core.states import Packed, Record, Sample
from model_monitor.core.states.base import check_version
from model_monitor.monitors.expectations.values import decoded, is_text

EXAMPLES = 10  # different unexpected values that are kept of a rule,
CHARACTERS = 100  # and of each so much


@dataclass(frozen=True)
class Problem:
    """Why a rule could not be judged, in words; "" if it could. Of several, the first by the alphabet."""

    text: str = ""

    def __add__(self, other: Problem) -> Problem:
        return Problem(min(filter(None, (self.text, other.text)), default=""))

    def pack(self) -> Packed:
        return self.text

    def unpack(self, packed: Packed) -> Problem:
        return Problem(packed)


@dataclass(frozen=True)
class Tally(Record):
    """How many rows a rule judged, how many of them were unexpected and how many had no value to judge; ``examples``
    are unexpected values as texts."""

    unexpected: int = 0
    evaluated: int = 0
    missing: int = 0
    examples: Sample = field(default_factory=lambda: Sample(EXAMPLES))
    problem: Problem = Problem()


@dataclass(frozen=True)
class Asked:
    """A digest of the rules: a State of other rules is not judged by these."""

    digest: str = ""

    def __add__(self, other: Asked) -> Asked:
        return self

    def pack(self) -> Packed:
        return self.digest

    def unpack(self, packed: Packed) -> Asked:
        """Raises ValueError for another digest."""
        if packed != self.digest:
            raise ValueError("the rules have changed since")
        return self


@dataclass(frozen=True)
class Names:
    """The names of columns in the order in which they were first seen."""

    names: tuple[str, ...] = ()

    def __add__(self, other: Names) -> Names:
        return Names(tuple(dict.fromkeys(self.names + other.names)))

    def pack(self) -> Packed:
        return list(self.names)

    def unpack(self, packed: Packed) -> Names:
        return Names(tuple(packed))


@dataclass(frozen=True, eq=False)
class Held:
    """Columns as they are, compressed, of at most ``limit`` bytes: beyond, only their ``size`` is known."""

    version: ClassVar[int] = 1

    limit: int = 0
    size: int = 0
    batches: tuple[bytes, ...] = ()
    memory: dict[Any, Any] = field(default_factory=dict, repr=False)  # what was concluded from them

    @classmethod
    def of(cls, batch: pa.RecordBatch, names: Iterable[str], limit: int) -> Held:
        kept = [name for name in batch.schema.names if name in set(names)]
        arrays = [decoded(batch.column(name)) for name in kept]
        size = sum(map(bytes_of, arrays))
        if size > limit or not kept:
            return Held(limit, size)
        return Held(limit, size, (compressed(pa.record_batch(arrays, names=kept)),))

    def __add__(self, other: Held) -> Held:
        size = self.size + other.size
        return Held(self.limit, size, self.batches + other.batches if size <= self.limit else ())

    @property
    def is_whole(self) -> bool:
        return self.size <= self.limit

    @property
    def columns(self) -> dict[str, pa.ChunkedArray]:
        """Each column; texts where batches differ in its type, null where one lacks it."""
        batches = [batch for content in self.batches for batch in pa.ipc.open_stream(content)]
        names = dict.fromkeys(name for batch in batches for name in batch.schema.names)
        return {name: joined([column_of(batch, name) for batch in batches]) for name in names}

    def pack(self) -> Packed:
        return {"v": self.version, "size": self.size, "batches": list(self.batches)}

    def unpack(self, packed: Packed) -> Held:
        check_version(self, packed["v"])
        return Held(self.limit, packed["size"], tuple(packed["batches"]))


def compressed(batch: pa.RecordBatch) -> bytes:
    stream = pa.BufferOutputStream()
    with pa.ipc.new_stream(stream, batch.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_batch(batch)
    content: bytes = stream.getvalue().to_pybytes()
    return content


def column_of(batch: pa.RecordBatch, name: str) -> pa.Array:
    return batch.column(name) if name in batch.schema.names else pa.nulls(batch.num_rows)


def joined(arrays: list[pa.Array]) -> pa.ChunkedArray:
    kinds = {array.type for array in arrays if not pa.types.is_null(array.type)}
    common = next(iter(kinds)) if len(kinds) == 1 else pa.string() if kinds else pa.null()
    return pa.chunked_array([array.cast(common) for array in arrays], common)


def bytes_of(array: pa.Array) -> int:
    """The bytes of an array's values: the same sum however rows are cut."""
    if is_text(array.type):
        import pyarrow.compute as pc

        return 4 * len(array) + int(pc.sum(pc.binary_length(array)).as_py() or 0)
    try:
        return len(array) * max(1, int(array.type.bit_width) // 8)
    except ValueError:  # a list, a struct
        return int(array.nbytes)


@dataclass(frozen=True)
class Checked(Record):
    """The State: which rules, how many rows, their columns' names, a tally of each rule, and the columns that are
    held."""

    asked: Asked = Asked()
    rows: int = 0
    names: Names = Names()
    tallies: tuple[Tally, ...] = ()
    held: Held = Held()

    def __add__(self, other: Checked) -> Checked:
        tallies = tuple(a + b for a, b in zip(self.tallies, other.tallies, strict=True))
        held, names = self.held + other.held, self.names + other.names
        return Checked(self.asked + other.asked, self.rows + other.rows, names, tallies, held)
