"""Read files as blocks of whole lines, a few megabytes at a time, plain or compressed."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from model_monitor import store
from model_monitor.errors import DataError
from model_monitor.store.ahead import AT_ONCE, ahead

T = TypeVar("T")

SUFFIXES = (".jsonl", ".json", ".jsonl.gz", ".json.gz")
BLOCK_BYTES = 8 << 20
GROUP_BYTES = 64 << 20  # of files that are read together; no block goes beyond them
LINE_BYTES = 256 << 20  # a longer line is refused

GZIP = "gzip"
CODECS = {GZIP: b"\x1f\x8b", "zstd": b"\x28\xb5\x2f\xfd", "bz2": b"BZh", "lz4": b"\x04\x22\x4d\x18"}  # by first bytes

TEXT = re.compile(rb"(?:[\t\n\r\x20-\x7e]|[\xc2-\xf4][\x80-\xbf]{1,3}){1,64}(?:\Z|(?<=.{64}))", re.DOTALL)

# A compressed file is refused that is more than so many times as large unpacked, or that has more lines than bytes;
# small files may be and have.
EXPANSION, UNPACKED_BYTES, UNPACKED_LINES = 100, 256 << 20, 1_000_000


@dataclass(frozen=True)
class Piece:
    """Whole lines of one file; ``first`` is the 1-based number of the first line."""

    file: str
    first: int
    content: bytes


@dataclass(frozen=True)
class Block:
    """A few megabytes of whole lines, from one file or several."""

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


def blocks(files: Iterable[store.File]) -> Iterator[Block]:
    """The lines of files in blocks of about ``BLOCK_BYTES``; a longer line gets a block of its own size."""
    return in_blocks(piece for pieces in read(files) for piece in pieces if piece.content.strip())


def in_blocks(pieces: Iterable[Piece]) -> Iterator[Block]:
    """Pieces in blocks of about ``BLOCK_BYTES``, or larger where a piece is."""
    waiting: list[Piece] = []
    for piece in pieces:
        if waiting and sum(len(p.content) for p in waiting) + len(piece.content) > BLOCK_BYTES:
            yield Block(waiting)
            waiting = []
        waiting.append(piece)
    if waiting:
        yield Block(waiting)


def in_groups(items: Sequence[T], size_of: Callable[[T], int]) -> list[Sequence[T]]:
    """Runs of items of about ``GROUP_BYTES``; a larger item is one of its own.

    >>> in_groups([1, 2, 3], lambda i: 30 << 20)
    [[1, 2], [3]]
    """
    groups: list[Sequence[T]] = []
    start = size = 0
    for i, item in enumerate(items):
        if i > start and size + size_of(item) > GROUP_BYTES:
            groups.append(items[start:i])
            start, size = i, 0
        size += size_of(item)
    return [*groups, items[start:]] if items else []


def read(files: Iterable[store.File]) -> Iterator[Iterator[Piece]]:
    """The lines of each file: small files read ahead and whole, large ones and gzip piece by piece."""
    for file, content in ahead(whole_if_small, files, AT_ONCE):
        yield pieces_of_large(file) if content is None else iter([Piece(file.address, 1, content)])


def whole_if_small(file: store.File) -> tuple[store.File, bytes | None]:
    content = read_whole(file) if file.size <= BLOCK_BYTES and not file.is_gzip else None
    return file, (None if content and codec_of(content) else content)


def codec_of(content: bytes) -> str | None:
    """How a file that starts like this is compressed; None if it is not."""
    return next((codec for codec, mark in CODECS.items() if content.startswith(mark)), None)


def is_text(content: bytes) -> bool:
    """Whether bytes start as text does: a file that is called .gz was unpacked, as some downloads are."""
    return bool(content) and TEXT.match(content) is not None


def read_whole(file: store.File) -> bytes:
    try:
        return store.read(file.address)
    except FileNotFoundError as error:
        raise DataError(deleted(file)) from error


def deleted(file: store.File) -> str:
    return f"{file.address} was deleted while it was being read; run this window again"


def pieces_of_large(file: store.File) -> Iterator[Piece]:
    """The lines of a file, a few megabytes at a time. Raises DataError for a line longer than ``LINE_BYTES``."""
    first, carry = 1, b""
    for chunk in chunks(file):
        if first > max(UNPACKED_LINES, file.size):
            raise DataError(expanded(file, f"{first - 1} lines"))
        head, newline, tail = chunk.rpartition(b"\n")
        if not newline:
            if len(carry := carry + chunk) > LINE_BYTES:  # a few compressed bytes could fill the memory
                raise DataError(
                    f"{file.address} line {first} is longer than {LINE_BYTES >> 20} MB; write a record per line, or "
                    "remove the file"
                )
            continue
        content, carry = carry + head, tail
        yield Piece(file.address, first, content)
        first += content.count(b"\n") + 1
    if carry.strip():
        yield Piece(file.address, first, carry)


def chunks(file: store.File) -> Iterator[bytes]:
    """The decompressed bytes of a file; an empty .gz file holds nothing. Raises DataError for a damaged one."""
    if not file.size:
        return
    with store.open_file(file.address) as stream:
        content = store.read_on(stream, file.address, BLOCK_BYTES)
        codec = codec_of(content) or (GZIP if file.is_gzip and not is_text(content) else None)
        stream.seek(0)
        yield from gunzipped(stream, file) if codec == GZIP else unpacked(stream, file, codec)


def unpacked(stream: Any, file: store.File, codec: str | None) -> Iterator[bytes]:
    """The bytes of a file that PyArrow decompresses, or that are not compressed."""
    import pyarrow as pa  # DAGs and the shell import this module, which need it not

    size, source = 0, pa.CompressedInputStream(stream, codec) if codec else stream
    while True:
        try:
            chunk = bytes(source.read(BLOCK_BYTES)) if codec else store.read_on(stream, file.address, BLOCK_BYTES)
        except (OSError, pa.ArrowException) as error:
            if not codec:
                raise
            raise DataError(f"{file.address} is damaged: {error}; restore or remove the file") from error
        if not chunk:
            return
        size += len(chunk)
        if codec and size > max(UNPACKED_BYTES, EXPANSION * file.size):
            raise DataError(expanded(file, f"{size >> 20} MB"))
        yield chunk


def gunzipped(stream: Any, file: store.File) -> Iterator[bytes]:
    """The bytes of a gzip file, whose members may follow one another."""
    unpack = zlib.decompressobj(wbits=31)
    size = 0
    while packed := store.read_on(stream, file.address, BLOCK_BYTES):
        try:
            while packed:
                chunk = unpack.decompress(packed, BLOCK_BYTES)
                if (size := size + len(chunk)) > max(UNPACKED_BYTES, EXPANSION * file.size):
                    raise DataError(expanded(file, f"{size >> 20} MB"))
                yield chunk
                packed = unpack.unconsumed_tail
                if unpack.eof and unpack.unused_data:
                    packed, unpack = unpack.unused_data, zlib.decompressobj(wbits=31)
        except zlib.error as error:
            raise DataError(f"{file.address} is damaged: {error}; restore or remove the file") from error
    if not unpack.eof:
        raise DataError(f"{file.address} is damaged: it ends too early; restore or remove the file")


def expanded(file: store.File, what: str) -> str:
    return f"{file.address} has more than {what}, packed into {file.size} bytes; unpack the file, or remove it"
