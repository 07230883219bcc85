"""Upload a finished file so that each refusal is heard, and half a file is never completed."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from model_monitor.store.unfinished import PART

if TYPE_CHECKING:
    from pyarrow import fs

CHUNK_BYTES = 8 << 20


def publish(part: Path, system: fs.FileSystem, target: str) -> None:
    """Upload a file; object stores show it only when complete. Raises OSError if any step is refused, or if something
    else is stored afterwards. Azure would show an empty file first, so there the file is uploaded to a temporary name
    and copied within the account. The temporary file has a folder of its own, since PyArrow deletes a folder in one
    request, and a file in four."""
    if system.type_name != "abfs":
        upload(part, system, target)
        if system.type_name == "s3":  # Google's client compares checksums itself
            check(part, system, target)
        return
    from pyarrow import ArrowException

    folder, _, name = target.rpartition("/")
    uploaded = f"{folder}/{PART}{uuid4().hex}"
    try:
        upload(part, system, f"{uploaded}/{name}")
        system.copy_file(f"{uploaded}/{name}", target)
    finally:
        with contextlib.suppress(OSError, ArrowException):  # the store is away: the caller hears of it elsewhere
            system.delete_dir(uploaded)
    check(part, system, target)


def check(part: Path, system: fs.FileSystem, target: str) -> None:
    """Raise OSError if a store holds something else than it was given: PyArrow takes any answer with status 2xx for a
    yes, also an empty one, or the page of a proxy. Compared are the size and the last CHUNK_BYTES, in which Parquet
    files have their footer; that is all of most other files."""
    size = part.stat().st_size
    start = max(0, size - CHUNK_BYTES)
    with part.open("rb") as source:
        source.seek(start)
        given = source.read()
    try:
        with system.open_input_file(target) as stored:
            is_same = stored.size() == size and stored.read_at(size - start, start) == given
    except FileNotFoundError:
        is_same = False
    if not is_same:
        raise OSError(
            "the store took the file, and holds another one or none; is a proxy or another writer in between?"
        )


def upload(part: Path, system: fs.FileSystem, target: str) -> None:
    """Upload in a thread of its own: a signal's exception (a task that is stopped gets one) reaches only the main
    thread, so it can't come between two writes. ``pyarrow.fs.copy_files`` would drop the answer to the last request.
    """
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1, thread_name_prefix="upload") as pool:
        pool.submit(copy, part, system, target).result()


def copy(part: Path, system: fs.FileSystem, target: str) -> None:
    """Closing the stream completes the upload, so it is closed only after all of the file was written."""
    with part.open("rb") as source:
        stream = system.open_output_stream(target, compression=None)
        try:
            while chunk := source.read(CHUNK_BYTES):
                stream.write(chunk)
        except BaseException:
            import ctypes

            ctypes.pythonapi.Py_IncRef(ctypes.py_object(stream))  # destroying a stream closes it, too
            raise
    stream.close()
