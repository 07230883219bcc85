"""How many requests had a process taken when it was killed? Its counts are in memory that outlives it.

That memory is a file of Linux's ``/dev/shm``: written to without a system call, kept when its process ends in whatever
way, and gone with the machine. It was filled once before it is mapped, so a full disk can't end the process by it.
"""

from __future__ import annotations

import contextlib
import mmap
import sys
from collections.abc import MutableSequence
from pathlib import Path
from typing import Any, cast

FOLDER = Path("/dev/shm")
BYTES = 8


def path_of(writer: str) -> Path:
    return FOLDER / f"model-monitor-{writer}"


def kept(writer: str, count: int) -> MutableSequence[int]:
    """So many zeros to count from, which outlive this process; or don't, where there is no such memory."""
    path = path_of(writer)
    try:
        path.touch(0o600, exist_ok=False)
        path.write_bytes(bytes(BYTES * count))
        with path.open("r+b") as stream:
            mapped: Any = memoryview(mmap.mmap(stream.fileno(), BYTES * count)).cast("q")
        return cast(MutableSequence[int], mapped)
    except OSError:
        return [0] * count


def left(writer: str, count: int) -> list[int]:
    """The numbers that a process left, so many; [] if they are not there."""
    try:
        content = path_of(writer).read_bytes()
    except OSError:
        return []
    whole = len(content) == BYTES * count
    return (
        [int.from_bytes(content[i : i + BYTES], sys.byteorder) for i in range(0, BYTES * count, BYTES)] if whole else []
    )


def forget(writer: str) -> None:
    with contextlib.suppress(OSError):
        path_of(writer).unlink()
