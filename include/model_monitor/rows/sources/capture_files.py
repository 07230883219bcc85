"""Which requests did the endpoint log? Capture files, read as SageMaker writes them.

One JSON object per line (section 1.3 of the specification), in files below ``yyyy/mm/dd/hh`` (1.4), plain or gzip.
Lines are parsed in blocks of some megabytes, column by column; only a block with a line that can't be parsed that way
is looked at line by line, so that the line is set aside and no other is lost.
"""

from __future__ import annotations

import functools
import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from model_monitor import store
from model_monitor.errors import DataError
from model_monitor.rows.schema import EVERY, SCHEMA, event_of
from model_monitor.rows.summary import Rejected
from model_monitor.rows.times import TIME, times_of
from model_monitor.store.ahead import ahead

SUFFIXES = (".jsonl", ".json", ".jsonl.gz", ".json.gz")
BLOCK_BYTES = 8 << 20
LINE_BYTES = 256 << 20  # a longer line is not read
READERS = 8  # files read at once; most of the time is waiting for the store


@dataclass(frozen=True)
class Piece:
    """Whole lines of one file; ``first`` is the 1-based number of the first."""

    file: str
    first: int
    content: bytes


@dataclass(frozen=True)
class Block:
    """Some megabytes of whole lines, from one file or several."""

    pieces: list[Piece]

    @property
    def content(self) -> bytes:
        return b"\n".join(piece.content for piece in self.pieces)

    @cached_property
    def lines(self) -> list[tuple[str, int, bytes]]:
        """File, 1-based number and bytes of each line that is not blank."""
        return [
            (piece.file, piece.first + i, line)
            for piece in self.pieces
            for i, line in enumerate(piece.content.split(b"\n"))
            if line.strip()
        ]


@dataclass(frozen=True)
class Records:
    """The requests of a block, column by column: a struct array as ``SCHEMA`` says, their times, where they stand."""

    block: Block
    events: pa.StructArray
    times: pa.TimestampArray
    places: Sequence[int]  # index of each request's line among the lines of the block
    rejected: list[Rejected] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.events)

    def side(self, name: str, part: str) -> pa.Array:
        """One part (a field of ``SIDE``) of one side (endpointInput, endpointOutput).

        The output of a row of batch transform (section 6.3) is that of a request without an ``endpointOutput``.
        """
        own = self.nested("captureData", name, part)
        batch = self.nested("captureData", "batchTransformOutput")
        if name != "endpointOutput" or batch.null_count == len(batch):
            return own
        return pc.if_else(self.nested("captureData", name).is_valid(), own, pc.struct_field(batch, part))

    def metadata(self, part: str) -> pa.StringArray:
        return self.nested("eventMetadata", part)

    @property
    def percentages(self) -> np.ndarray:
        """Of how many percent of requests each is one of those captured: 0 < p <= 100."""
        written = self.nested("eventMetadata", "samplingPercentage")
        if written.null_count == len(written):
            return np.broadcast_to(np.float64(EVERY), len(written))
        filled: np.ndarray = pc.fill_null(written, EVERY).to_numpy(zero_copy_only=False)
        return filled

    def nested(self, *names: str) -> pa.Array:
        return pc.struct_field(self.events, list(names))

    def texts(self, indices: np.ndarray) -> pa.StringArray:
        """The captured lines of some requests, as they are written."""
        lines = self.block.lines
        return pa.array([lines[self.places[i]][2].strip(b" \t\r\xef\xbb\xbf") for i in indices.tolist()], pa.string())

    def take(self, indices: Any) -> Records:
        """Some of the requests; what was set aside stays behind."""
        indices = pa.array(indices, pa.int64())
        places = [self.places[i] for i in indices.to_pylist()] if len(indices) < len(self) else self.places
        return Records(self.block, self.events.take(indices), self.times.take(indices), places)

    def reject(self, index: int, reason: str) -> Rejected:
        """The request at an index, set aside."""
        file, line, text = self.block.lines[self.places[index]]
        return Rejected(file, line, reason, self.times[index].as_py(), text.decode("utf-8", "replace"))


def blocks(files: Iterable[store.File]) -> Iterator[Block]:
    """The lines of files in blocks of about ``BLOCK_BYTES``; a longer line gets a block of its own size."""
    return in_blocks(pieces(files))


def in_blocks(some: Iterable[Piece]) -> Iterator[Block]:
    """Pieces in blocks of about ``BLOCK_BYTES``, or larger where a piece is."""
    waiting: list[Piece] = []
    for piece in some:
        if waiting and sum(len(p.content) for p in waiting) + len(piece.content) > BLOCK_BYTES:
            yield Block(waiting)
            waiting = []
        waiting.append(piece)
    if waiting:
        yield Block(waiting)


def pieces(files: Iterable[store.File]) -> Iterator[Piece]:
    """The lines of files, small files read ahead, large ones and gzip piece by piece."""
    for file, content in ahead(whole_if_small, files, READERS):
        if content is None:
            yield from pieces_of_large(file)
        elif content.strip():
            yield Piece(file.address, 1, content)


def whole_if_small(file: store.File) -> tuple[store.File, bytes | None]:
    small = file.size <= BLOCK_BYTES and not file.is_gzip
    return file, (read_whole(file) if small else None)


def read_whole(file: store.File) -> bytes:
    try:
        return store.read(file.address)
    except FileNotFoundError as error:
        raise DataError(f"{file.address} was deleted while it was being read; run this window again") from error


def pieces_of_large(file: store.File) -> Iterator[Piece]:
    """The lines of a file, some megabytes at once. Raises DataError for a line that is larger than any record is."""
    first, carry = 1, b""
    for chunk in chunks(file):
        head, newline, tail = chunk.rpartition(b"\n")
        if not newline:
            if len(carry := carry + chunk) > LINE_BYTES:  # perhaps a few packed bytes that would fill the memory
                told = f"{file.address} line {first} is longer than {LINE_BYTES >> 20} MB"
                raise DataError(f"{told}; write a record per line, or remove the file")
            continue
        content, carry = carry + head, tail
        yield Piece(file.address, first, content)
        first += content.count(b"\n") + 1
    if carry.strip():
        yield Piece(file.address, first, carry)


def chunks(file: store.File) -> Iterator[bytes]:
    """The bytes of a file, unpacked; an empty .gz file holds nothing. Raises DataError for damaged gzip."""
    if not file.size:
        return
    unpack = zlib.decompressobj(wbits=31) if file.is_gzip else None
    with store.open_file(file.address) as stream:
        while packed := store.read_on(stream, file.address, BLOCK_BYTES):
            try:
                while packed:
                    yield unpack.decompress(packed, BLOCK_BYTES) if unpack else packed
                    packed = unpack.unconsumed_tail if unpack else b""
                    if unpack and unpack.eof and unpack.unused_data:  # members may follow one another
                        packed, unpack = unpack.unused_data, zlib.decompressobj(wbits=31)
            except zlib.error as error:
                raise DataError(f"{file.address} is damaged: {error}; restore or remove the file") from error
    if unpack and not unpack.eof:
        raise DataError(f"{file.address} is damaged: it ends too early; restore or remove the file")


def parse(block: Block) -> Records:
    """The requests of a block, and those that can't be read as one."""
    content = block.content
    lines = [line for line in map(bytes.strip, content.split(b"\n")) if line]
    if not lines:
        return Records(block, empty(), pa.array([], TIME), [])
    try:
        if not content.isascii():
            content.decode("utf-8")
        events = events_of(content) if all(map(is_object, lines)) else empty()
    except (pa.ArrowInvalid, UnicodeDecodeError):
        events = empty()
    return complete(block, events, range(len(lines))) if len(events) == len(lines) else parse_line_by_line(block)


def is_object(line: bytes) -> bool:
    """Whether a line looks like one whole object.

    If all lines do, and there are as many objects as lines, then each line is one. And PyArrow's reader must not be
    given anything else: a bare ``null`` ends the process (seen with PyArrow 26).
    """
    return line.startswith(b"{") and line.endswith(b"}")


def events_of(content: bytes) -> pa.StructArray:
    table = pj.read_json(
        pa.BufferReader(content),
        pj.ReadOptions(use_threads=False, block_size=len(content) + 1),
        pj.ParseOptions(explicit_schema=SCHEMA, unexpected_field_behavior="ignore"),
    )
    return table.to_struct_array().combine_chunks()


def empty() -> pa.StructArray:
    return pa.array([], pa.struct(SCHEMA))


def parse_line_by_line(block: Block) -> Records:
    """The same for a block with a line that is not what it should be."""
    good: list[Any] = []
    places: list[int] = []
    rejected: list[Rejected] = []
    for place, (file, number, line) in enumerate(block.lines):
        try:
            good.append(event_of(json.loads(line.decode("utf-8-sig"))))
            places.append(place)
        except (ValueError, TypeError, RecursionError) as error:
            rejected.append(Rejected(file, number, reason_of(error), None, line.decode("utf-8", "replace")))
    records = complete(block, pa.array(good, pa.struct(SCHEMA)), places)
    return Records(records.block, records.events, records.times, records.places, rejected + records.rejected)


def reason_of(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8"
    return f"not a capture record: {error}" if isinstance(error, TypeError) else "not JSON, perhaps cut off"


def complete(block: Block, events: pa.StructArray, places: Sequence[int]) -> Records:
    """Records with their times; those without an id, a time or a percentage that is one are set aside.

    So are those that say why themselves.
    """
    ids, written, percentages, told = (
        pc.struct_field(events, ["eventMetadata", part])
        for part in ("eventId", "inferenceTime", "samplingPercentage", "setAside")
    )
    times = times_of(written)
    records = Records(block, events, times, places)
    checks = {
        "no eventMetadata.eventId": pc.fill_null(pc.not_equal(ids, ""), False),
        "no eventMetadata.inferenceTime in ISO 8601": pc.is_valid(times),
    }
    if percentages.null_count < len(percentages):
        within = pc.and_(pc.greater(percentages, 0), pc.less_equal(percentages, EVERY))
        checks["eventMetadata.samplingPercentage is no number above 0 and up to 100"] = pc.fill_null(within, True)
    fine = functools.reduce(pc.and_, checks.values(), pc.is_null(told))
    if pc.all(fine, min_count=0).as_py():
        return records
    rejected = [
        records.reject(i, told[i].as_py() or next(why for why, passed in checks.items() if not passed[i].as_py()))
        for i in pc.indices_nonzero(pc.invert(fine)).to_pylist()
    ]
    kept = records.take(pc.indices_nonzero(fine).cast(pa.int64()))
    return Records(block, kept.events, kept.times, kept.places, rejected)
