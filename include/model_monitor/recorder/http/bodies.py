"""What is kept of a body that passes by, and what of it is captured? What ASGI and WSGI share."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

from model_monitor.recorder.records import TRUNCATED, Truncated

Headers = Mapping[bytes, bytes]  # those that matter, by names in small letters
CONTENT_TYPE, CONTENT_ENCODING, CONTENT_LENGTH = b"content-type", b"content-encoding", b"content-length"
TRANSFER_ENCODING = b"transfer-encoding"

SMALL_CHUNK = 1024  # bytes

Payload = bytes | Truncated | None


class Body:
    """A copy of a body while it passes, up to a limit in bytes; beyond it nothing is kept.

    Chunks are referred to, not copied; small ones are joined, as each would take some 40 bytes of memory more.
    """

    __slots__ = ("chunks", "ended", "limit", "size")

    def __init__(self, limit: int) -> None:
        self.chunks: list[bytes | bytearray] | None = []
        self.ended = False
        self.limit = limit
        self.size = 0

    def add(self, chunk: bytes) -> None:
        self.size += len(chunk)
        if self.size > self.limit:
            self.chunks = None
        elif chunk and self.chunks is not None:
            if not self.chunks or len(chunk) >= SMALL_CHUNK:
                self.chunks.append(bytes(chunk))  # bytes themselves are not copied
            elif isinstance(last := self.chunks[-1], bytearray):
                last += chunk
            else:
                self.chunks.append(bytearray(chunk))

    def copy(self) -> Body:
        """It as it is now, whatever is added to it later."""
        other = Body(self.limit)
        other.chunks = None if self.chunks is None else [bytes(chunk) for chunk in self.chunks]
        other.ended, other.size = self.ended, self.size
        return other

    def __len__(self) -> int:
        """How many bytes are kept."""
        return 0 if self.chunks is None else self.size

    def lose(self) -> None:
        """Keep nothing: part of the body went another way."""
        self.chunks, self.limit = None, -1

    def payload(self, headers: Headers) -> Payload:
        """The whole body, readable; None if there is none."""
        if self.chunks is None or not (self.ended or self.has_all(headers)):
            return TRUNCATED
        return payload_of(b"".join(self.chunks), headers, self.limit)

    def has_all(self, headers: Headers) -> bool:
        """Whether all that the headers announce has passed, though nobody looked for the end."""
        length = headers.get(CONTENT_LENGTH) or b""
        if length.isdigit():
            return self.size >= int(length)
        return not (self.size or length or TRANSFER_ENCODING in headers or CONTENT_TYPE in headers)


def added(body: Body | bytes | None, chunk: bytes, is_last: bool, limit: int) -> Body | bytes:
    """What is kept of a body with its next chunk: that itself if it is all, as it nearly always is."""
    if body is None and is_last and len(chunk) <= limit and isinstance(chunk, bytes):
        return chunk
    if body is None:
        body = Body(limit)
    if isinstance(body, Body):
        body.add(chunk)
        body.ended = is_last
    return body


def payload_of(body: Body | bytes | None, headers: Headers, limit: int) -> Payload:
    """A body as it is captured: without its encoding, TRUNCATED if it is too large; None if there is none."""
    if not isinstance(body, bytes):
        return (Body(limit) if body is None else body).payload(headers)
    if CONTENT_ENCODING in headers:
        return readable(body, headers[CONTENT_ENCODING].decode("latin-1"), limit)
    return body if body or CONTENT_TYPE in headers else None


def readable(content: bytes, encoding: str, limit: int) -> bytes | Truncated:
    """A body without its Content-Encoding, if that is gzip or deflate; TRUNCATED if it is larger than ``limit`` then.

    One in another encoding, or damaged, stays as it is; the recorder writes what is no text as BASE64.
    """
    names = encoding.lower().replace("x-gzip", "gzip").strip()
    if names not in ("gzip", "deflate"):
        return content
    for window in (47, -15):  # gzip or zlib; what some servers call deflate has no header at all
        try:
            unpacked = unpack(content, window, limit)
        except zlib.error:
            continue
        return TRUNCATED if unpacked is None else unpacked
    return content


def unpack(content: bytes, window: int, limit: int) -> bytes | None:
    """The unpacked members of a compressed body; None if they are more than ``limit`` bytes. Raises zlib.error."""
    members: list[bytes] = []
    room = limit
    while content:
        decompressor: Any = zlib.decompressobj(window)
        members.append(decompressor.decompress(content, room + 1))
        room -= len(members[-1])
        if room < 0:
            return None
        if not decompressor.eof:
            raise zlib.error("it ends too early")
        content = decompressor.unused_data
    return b"".join(members)
