"""Seal a Parquet file with digests of all its bytes, and read nothing of it that does not match them.

A flipped bit in a page's header can end the process in PyArrow's decoder, so PyArrow gets only bytes that are verified.
Between pages and footer, where no reader looks, a sealed file has the SHA-256 of each ``BLOCK`` of its pages, and then
the SHA-256 of these digests and the footer.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from model_monitor import store
from model_monitor.errors import DataError

BLOCK = 1 << 20  # bytes
DIGEST = 32  # bytes
END = 8  # bytes after a footer: its length, and Parquet's mark
MOST_FOOTERS = 1 << 16  # bytes that hold nearly every footer, to be read at once


def sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def digests_of(content: bytes) -> bytes:
    """The digest of each block, one after the other."""
    return b"".join(sha256(content[at : at + BLOCK]) for at in range(0, len(content), BLOCK))


def seal(path: Path) -> None:
    """Add the digests to a finished Parquet file."""
    with path.open("r+b") as file:
        end = file.seek(-END, io.SEEK_END)
        pages = end - int.from_bytes(file.read(4), "little")
        file.seek(0)
        digests = b"".join(sha256(file.read(min(BLOCK, pages - at))) for at in range(0, pages, BLOCK))
        footer = file.read()
        file.seek(pages)
        file.write(digests + sha256(digests + footer) + footer)


class Sealed(io.RawIOBase):
    """A sealed file for random access; what was read last is kept up to a block. Raises DataError, StoreError."""

    def __init__(self, stream: Any, address: str) -> None:
        self.stream, self.address = stream, address
        self.size, self.at = int(stream.size()), 0
        self.known_at, self.known = 0, b""
        self.pages, self.tail = 0, self.verified_tail()
        self.pages = self.size - len(self.tail)

    def verified_tail(self) -> bytes:
        """Digests and footer."""
        tail = self.fetch(max(0, self.size - MOST_FOOTERS), self.size)
        length = int.from_bytes(tail[-END:-4], "little") + END
        blocks = -(-(self.size - length - DIGEST) // (BLOCK + DIGEST))
        start = self.size - length - DIGEST - blocks * DIGEST
        if blocks < 1 or start < 0:
            raise self.damage()
        tail = tail[start - self.size :] if self.size - start <= len(tail) else self.fetch(start, self.size)
        digests, seal, footer = tail[: -length - DIGEST], tail[-length - DIGEST : -length], tail[-length:]
        if sha256(digests + footer) != seal:
            raise self.damage()
        return tail

    def damage(self) -> DataError:
        return DataError(f"{self.address} is damaged, or of an older version; run the task that made it again")

    def fetch(self, start: int, stop: int) -> bytes:
        self.stream.seek(start)
        content = store.read_on(self.stream, self.address, stop - start)
        if len(content) < stop - start:
            raise self.damage()
        return content

    def read(self, size: int | None = -1) -> bytes:
        start = self.at
        self.at = self.size if size is None or size < 0 else min(start + size, self.size)
        inside = min(self.at, self.pages)
        content = self.pages_between(start, inside) if start < inside else b""
        return content + self.tail[max(start - self.pages, 0) : max(self.at - self.pages, 0)]

    def pages_between(self, start: int, stop: int) -> bytes:
        """The verified bytes of whole blocks around a span, cut to it."""
        first, last = start - start % BLOCK, min(-(-stop // BLOCK) * BLOCK, self.pages)
        known = self.known if self.known_at == first else b""
        fetched = self.fetch(first + len(known), last) if first + len(known) < last else b""
        block = (first + len(known)) // BLOCK
        digests = digests_of(fetched)
        if digests != self.tail[block * DIGEST : block * DIGEST + len(digests)]:
            raise self.damage()
        content = known + fetched
        self.known_at = (last - 1) // BLOCK * BLOCK
        self.known = content[self.known_at - first :]
        return content[start - first : stop - first]

    def verify(self) -> None:
        """Read all of it."""
        self.seek(0)
        while self.read(8 * BLOCK):
            pass

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self.at = offset + (0, self.at, self.size)[whence]
        return self.at

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True


@contextmanager
def opened(address: str) -> Iterator[Sealed]:
    """A sealed file. Raises FileNotFoundError, DataError if it is damaged, StoreError."""
    with store.open_file(address) as stream, Sealed(stream, address) as file:
        yield file
