"""Copy a body while it passes through, and decode the copy for capture."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

from model_monitor.recorder.records import TRUNCATED, Payload, Truncated

Headers = Mapping[bytes, bytes]  # those that matter here, by lower-case name
CONTENT_TYPE, CONTENT_ENCODING, CONTENT_LENGTH = b"content-type", b"content-encoding", b"content-length"
TRANSFER_ENCODING = b"transfer-encoding"

SMALL_CHUNK = 1024  # bytes


class Body:
    """A copy of a body up to ``limit`` bytes; nothing is kept of a larger one.

    Chunks are referenced, not copied; small ones are joined, as each would take some 40 bytes of memory more.
    """

    __slots__ = ("chunks", "ended", "limit", "size")

    def __init__(self, limit: int) -> None:
        self.chunks: list[bytes | bytearray] | None = []
        self.ended = False
        self.limit = limit
        self.size = 0

    def add(self, chunk: bytes, is_last: bool = False) -> None:
        self.ended |= is_last
        self.size += len(chunk)
        if self.size > self.limit:
            self.chunks = None
        elif chunk and self.chunks is not None:
            if not self.chunks or len(chunk) >= SMALL_CHUNK:
                self.chunks.append(bytes(chunk))  # no copy if it is of type bytes
            elif isinstance(last := self.chunks[-1], bytearray):
                last += chunk
            else:
                self.chunks.append(bytearray(chunk))

    def __len__(self) -> int:
        """The number of bytes kept."""
        return 0 if self.chunks is None else self.size

    def drop(self) -> None:
        """Keep nothing, as part of the body bypassed this copy."""
        self.chunks, self.limit = None, -1

    def payload(self, headers: Headers) -> Payload | None:
        """The body without its Content-Encoding; TRUNCATED if too large or incomplete, None if there is none."""
        if self.chunks is None or not (self.ended or self.is_complete(headers)):
            return TRUNCATED
        content = b"".join(self.chunks)
        if CONTENT_ENCODING in headers:
            return decompress(content, headers[CONTENT_ENCODING].decode("latin-1"), self.limit)
        return content if content or CONTENT_TYPE in headers else None

    def is_complete(self, headers: Headers) -> bool:
        """Whether all that the headers announce was read, even if the app did not read on to the end."""
        length = headers.get(CONTENT_LENGTH) or b""
        if length.isdigit():
            return self.size >= int(length)
        return not (self.size or length or TRANSFER_ENCODING in headers or CONTENT_TYPE in headers)


def decompress(content: bytes, encoding: str, limit: int) -> bytes | Truncated:
    """A body without its Content-Encoding, if that is gzip or deflate; TRUNCATED if the result exceeds ``limit``.

    A body in another encoding, or a damaged one, is returned as it is; as it is not text, it is written in base64.
    """
    if encoding.lower().replace("x-gzip", "gzip").strip() not in ("gzip", "deflate"):
        return content
    for window in (47, -15):  # gzip or zlib; some servers' "deflate" has no header at all
        try:
            unpacked = unpack(content, window, limit)
        except zlib.error:
            continue
        return TRUNCATED if unpacked is None else unpacked
    return content


def unpack(content: bytes, window: int, limit: int) -> bytes | None:
    """The unpacked members of a compressed body; None if they exceed ``limit`` bytes. Raises zlib.error."""
    members: list[bytes] = []
    room = limit
    while content:
        decompressor = zlib.decompressobj(window)
        members.append(decompressor.decompress(content, room + 1))
        room -= len(members[-1])
        if room < 0:
            return None
        if not decompressor.eof:
            raise zlib.error("it ends too early")
        content = decompressor.unused_data
    return b"".join(members)
