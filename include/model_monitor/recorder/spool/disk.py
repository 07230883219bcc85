"""File-system primitives of the spool: folders with locks, synced writes, and where the spool is."""

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


def make_locked_folder(root: Path, name: str) -> int:
    """Make a folder that is locked before it is visible; the lock's descriptor. Raises OSError."""
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
def lock_abandoned(folder: Path) -> Iterator[bool]:
    """Lock a folder whose writer has ended; False, and no lock, if the writer is alive. Raises OSError."""
    try:
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        with contextlib.suppress(OSError):
            folder.rmdir()  # empty if a process was killed between deleting the lock and the folder
        yield False
        return
    is_locked = False
    try:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_locked = os.fstat(descriptor).st_nlink > 0  # 0 if another process has just taken it over and deleted it
        yield is_locked
    finally:
        os.close(descriptor)


def remove_folder(folder: Path) -> None:
    """Delete a folder that holds nothing but its lock. Raises OSError, also if it holds more."""
    if rest := [path.name for path in folder.iterdir() if path.name != LOCK]:
        raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), str(folder / rest[0]))
    (folder / LOCK).unlink(missing_ok=True)
    folder.rmdir()


def is_gone(path: Path) -> bool:
    """Whether a file was deleted. False if the disk fails to say."""
    try:
        path.lstat()
    except OSError as error:
        return isinstance(error, FileNotFoundError | NotADirectoryError)
    return False


def sync_folder(folder: Path) -> None:
    """Make a folder's file names survive a power failure. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def spool_root(endpoint: str, variant: str, place: str, folder: str | Path | None) -> Path:
    """Make the folder where captures for one destination wait. Raises StoreError, ConfigError."""
    try:
        base = (Path(folder) if folder else default_folder()).absolute()
        root = base / endpoint / variant / hashlib.sha256(place.encode()).hexdigest()[:12]
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"the spool can't be made: {error}; name a folder with spool=") from error
    return root


def default_folder() -> Path:
    """A folder private to this user that survives a restart of the machine, if there is one. Raises ConfigError if
    another user made it, as payloads are private; OSError."""
    if setting := os.environ.get("MODEL_MONITOR_SPOOL"):
        return Path(setting)
    shared = Path("/var/tmp") if os.access("/var/tmp", os.W_OK) else Path(tempfile.gettempdir())
    folder = shared / f"model-monitor-spool-{os.getuid()}"
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    status = folder.lstat()
    if not folder.is_dir() or folder.is_symlink() or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise ConfigError(f"{folder} is not this user's alone; name another folder with spool= or MODEL_MONITOR_SPOOL")
    return folder
