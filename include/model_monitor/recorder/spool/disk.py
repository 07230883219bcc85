"""What does the spool ask of the local disk? Folders with locks, and files of whole lines."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from model_monitor.errors import ConfigError, StoreError

LOCK, NEW = "lock", ".new-"


def locked_folder(root: Path, name: str) -> int:
    """Make a folder whose lock is held before anybody can see it; the lock's descriptor. Raises OSError."""
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = root / f"{NEW}{name}"
    new.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(new / LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        new.rename(root / name)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


@contextlib.contextmanager
def freed(folder: Path) -> Iterator[bool]:
    """Whether a folder's writer has ended; its lock is held as long as this lasts. Raises OSError."""
    try:
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        with contextlib.suppress(OSError):
            folder.rmdir()  # if it is empty: who was about to delete it, lock first, was killed
        yield False
        return
    try:
        yield has_lock(descriptor)
    finally:
        os.close(descriptor)


def has_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return os.fstat(descriptor).st_nlink > 0  # or somebody else has just taken the folder over, and deleted it


def remove(folder: Path) -> None:
    """Delete a folder of which nothing is left but its lock. Raises OSError, also if there is more."""
    if rest := [path.name for path in folder.iterdir() if path.name != LOCK]:
        raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), str(folder / rest[0]))
    (folder / LOCK).unlink(missing_ok=True)
    folder.rmdir()


def discard(path: Path) -> None:
    """Delete a file, if the disk lets us."""
    with contextlib.suppress(OSError):
        path.unlink()


def is_gone(path: Path) -> bool:
    """Whether a file was deleted, which a disk that fails does not tell."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def write_all(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]


def sync_folder(folder: Path) -> None:
    """Have the names of a folder's files survive a loss of power. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def spool_of(endpoint: str, variant: str, place: str, chosen: str | Path | None) -> Path:
    """Make the folder where captures on their way to a place wait, below the one that was chosen.

    Raises StoreError, ConfigError.
    """
    try:
        root = (Path(chosen) if chosen else default_root()).absolute()
        folder = root / endpoint / variant / hashlib.sha256(place.encode()).hexdigest()[:12]
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"the spool can't be made: {error}; name a folder with spool=") from error
    return folder


def default_root() -> Path:
    """A folder of this user's that outlives a restart of the machine, where there is one.

    Raises ConfigError if somebody else made it, as payloads are nobody else's business; OSError.
    """
    if chosen := os.environ.get("MODEL_MONITOR_SPOOL"):
        return Path(chosen)
    shared = Path("/var/tmp") if os.access("/var/tmp", os.W_OK) else Path(tempfile.gettempdir())
    root = shared / f"model-monitor-spool-{os.getuid()}"
    with contextlib.suppress(FileExistsError):
        root.mkdir(mode=0o700)
    about = root.lstat()
    if not root.is_dir() or root.is_symlink() or about.st_uid != os.getuid() or about.st_mode & 0o077:
        raise ConfigError(f"{root} is not this user's alone; name another folder with spool= or MODEL_MONITOR_SPOOL")
    return root
