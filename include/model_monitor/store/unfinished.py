"""What is being written, and what a killed process leaves of it: files under a name of their own, temporary folders."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from model_monitor.errors import StoreError

PART = ".part-"  # how the name of a file begins until it is complete
PREFIX = "model-monitor-working-"
JUST_MADE = 60.0  # seconds in which a folder may not be locked yet
LONG_AGO = 24 * 3600.0  # seconds for which nobody writes one file


DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EFBIG, errno.EMFILE, errno.ENFILE}


@contextlib.contextmanager
def disk_of(address: str) -> Iterator[None]:
    """Turn a disk that is full, broken or read-only into a StoreError: the next try may find it mended."""
    try:
        yield
    except OSError as error:
        if error.errno not in DISK_ERRORS:
            raise
        raise StoreError(f"{address} can't be written: {error.strerror or error}; make room, and try again") from error


def temporary_disk() -> contextlib.AbstractContextManager[None]:
    """The same for what is written in working folders."""
    return disk_of(f"the temporary folder {tempfile.gettempdir()} (TMPDIR)")


def is_unfinished(path: str) -> bool:
    """Whether a path is of a file, or in a folder, that was not complete.

    >>> is_unfinished("rejected/.part-1f/records.jsonl"), is_unfinished("rejected/records.jsonl")
    (True, False)
    """
    return any(name.startswith(PART) for name in path.split("/"))


class WorkingFolder(tempfile.TemporaryDirectory[str]):
    """A temporary folder, locked for as long as this process lives; making one removes those that no process holds.
    Raises StoreError.

    A killed process can't remove its own, and what is in one may be captured rows, which nobody would look for there.
    """

    def __init__(self) -> None:
        remove_abandoned()
        try:
            super().__init__(prefix=PREFIX)
            self.lock = os.open(self.name, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise StoreError(f"no temporary folder can be made: {error}; make room, or set TMPDIR") from error
        with contextlib.suppress(OSError):  # a file system without locks, where none can be removed either
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def cleanup(self) -> None:
        super().cleanup()
        if self.lock >= 0:
            os.close(self.lock)
            self.lock = -1


def remove_abandoned() -> None:
    """Remove this user's working folders that no living process has locked."""
    with contextlib.suppress(OSError), os.scandir(tempfile.gettempdir()) as entries:
        for entry in entries:
            if entry.name.startswith(PREFIX) and entry.is_dir(follow_symlinks=False):
                with contextlib.suppress(OSError):
                    remove_if_abandoned(Path(entry.path))


def remove_if_abandoned(folder: Path) -> None:
    """Remove a folder unless it is someone else's, just made, or locked. Raises OSError."""
    about = folder.stat(follow_symlinks=False)
    if about.st_uid != os.getuid() or time.time() - about.st_mtime < JUST_MADE:
        return
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)


def remove_parts(folder: Path) -> None:
    """Remove the files below a folder of a disk that were not completed, if they were last written long ago."""
    for part in folder.rglob(f"{PART}*"):
        with contextlib.suppress(OSError):
            if part.is_file() and not part.is_symlink() and time.time() - part.stat().st_mtime > LONG_AGO:
                part.unlink()
