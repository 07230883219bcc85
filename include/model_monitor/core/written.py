"""The bytes of many texts at once: a look at each byte is cheaper than a pattern applied to each text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa


def written_in(texts: pa.StringArray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where each text starts and ends in the bytes of all, and these; a missing one is anything.

    >>> import pyarrow as pa
    >>> starts, ends, written = written_in(pa.array(["ab", "c"]))
    >>> starts.tolist(), ends.tolist(), bytes(written)
    ([0, 2], [2, 3], b'abc')
    """
    _, places, content = texts.buffers()
    if not len(texts):
        return np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.uint8)
    offsets = np.frombuffer(places, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    written = np.frombuffer(content or b"", np.uint8)[offsets[0] : offsets[-1]]
    return offsets[:-1] - offsets[0], offsets[1:] - offsets[0], written


def one_of(characters: bytes) -> np.ndarray:
    """By byte (0..255), whether it is one of these."""
    return np.isin(np.arange(256), list(characters))
