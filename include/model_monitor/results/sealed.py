"""JSON files that one task leaves for another, with a digest of themselves: a flipped bit is noticed."""

from __future__ import annotations

import hashlib

from model_monitor.errors import DataError

HEAD = b'{"sha256": "'
DIGITS = 64


def digest_of(content: bytes) -> str:
    """The SHA-256, hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def sealed(content: bytes) -> bytes:
    """A JSON object that is not empty, with the SHA-256 of all that follows as its first member."""
    rest = b'",\n' + content[1:].lstrip(b"\n")
    return HEAD + digest_of(rest).encode() + rest


def unsealed(content: bytes, address: str, remedy: str = "run the task that wrote it again") -> bytes:
    """The same JSON object. Raises DataError if it is not as it was written."""
    head, rest = content[: len(HEAD) + DIGITS], content[len(HEAD) + DIGITS :]
    if head != HEAD + digest_of(rest).encode():
        raise DataError(f"{address} is damaged, or of an older version; {remedy}")
    return content
