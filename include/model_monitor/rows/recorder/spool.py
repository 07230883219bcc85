"""Where do requests wait for the store? In files on the local disk, which outlive this process.

A writer has a folder of its own below the spool's root, and holds a lock on it that ends with its process, however it
ends. In it is one open file per hour of event time; one that is full or old enough is closed and *ready* to be sent.
Who starts later takes over the folders whose lock is free, so that what a killed process left is sent all the same. A
file keeps the name that it has in the store from its first line on: sent twice, it is still one file.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from model_monitor.errors import ConfigError

OPEN, READY = ".open", ".ready"
LOCK, NEW = "lock", ".new-"
OPEN_FILES = 32  # hours of event time that are written at once; the file opened first makes room for another


@dataclass(eq=False)
class Segment:
    """A file of the spool. ``name`` is its path in the store below the variant, with dots for slashes."""

    name: str
    path: Path
    opened: float  # monotonic
    arrived: float  # seconds since 1970, of its first request
    descriptor: int = -1
    size: int = 0
    count: int = 0
    unsynced: bool = False
    sending: bool = False

    @property
    def key(self) -> str:
        """Its path in the store: ``yyyy/mm/dd/hh/mm-ss-mmm-uuid.jsonl``."""
        return self.name.replace(".", "/", 4) + ".jsonl"


@dataclass
class Spool:
    """One writer's files. Written to by one thread; ``ready`` is shared with the one that sends."""

    root: Path
    roll_seconds: float
    roll_bytes: int
    lock: threading.Lock = field(default_factory=threading.Lock)
    ready: deque[Segment] = field(default_factory=deque)
    open: dict[str, Segment] = field(default_factory=dict)
    folder: Path = field(init=False)
    descriptor: int = field(init=False, default=-1)

    def __post_init__(self) -> None:
        """Make the folder with its lock held before anybody can see it. Raises OSError."""
        self.root.mkdir(parents=True, exist_ok=True)
        name = uuid4().hex
        new = self.root / f"{NEW}{name}"
        new.mkdir(mode=0o700)
        self.descriptor = os.open(new / LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(self.descriptor, fcntl.LOCK_EX)
        self.folder = new.rename(self.root / name)

    @property
    def segments(self) -> list[Segment]:
        with self.lock:
            return [*self.ready, *self.open.values()]

    def append(self, hour: str, time_of_first: str, lines: Sequence[bytes]) -> int:
        """Write whole lines of one hour (``yyyy.mm.dd.hh``; ``time_of_first``: ``mm-ss-mmm``); their size in bytes.

        Raises OSError, and then none of them is written.
        """
        segment = self.open.get(hour) or self.opened(hour, time_of_first)
        content = b"".join(lines)
        try:
            write_all(segment.descriptor, content)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(segment.descriptor, segment.size)
            raise
        segment.size += len(content)
        segment.count += len(lines)
        segment.unsynced = True
        if segment.size >= self.roll_bytes:
            self.roll(segment)
        return len(content)

    def opened(self, hour: str, time_of_first: str) -> Segment:
        if len(self.open) >= OPEN_FILES:
            self.roll(min(self.open.values(), key=lambda segment: segment.opened))
        name = f"{hour}.{time_of_first}-{uuid4()}"
        path = self.folder / (name + OPEN)
        segment = Segment(name, path, time.monotonic(), time.time())
        segment.descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with self.lock:
            self.open[hour] = segment
        return segment

    def sync(self) -> None:
        """Have what was written survive a loss of power. Raises OSError."""
        for segment in self.open.values():
            if segment.unsynced:
                os.fdatasync(segment.descriptor)
                segment.unsynced = False

    def roll_old(self, everything: bool = False) -> None:
        """Close the files that are old enough, or all. Raises OSError."""
        now = time.monotonic()
        for segment in list(self.open.values()):
            if everything or now - segment.opened >= self.roll_seconds:
                self.roll(segment)

    def roll(self, segment: Segment) -> None:
        """Close a file; from now on it may be sent. Raises OSError."""
        os.fsync(segment.descriptor)
        os.close(segment.descriptor)
        segment.path = segment.path.rename(segment.path.with_suffix(READY))
        sync_folder(self.folder)
        with self.lock:
            self.open = {hour: other for hour, other in self.open.items() if other is not segment}
            self.ready.append(segment)

    def oldest(self) -> Segment | None:
        """The file to send next, marked as being sent; None if there is none."""
        with self.lock:
            if not self.ready:
                return None
            self.ready[0].sending = True
            return self.ready[0]

    def sent(self, segment: Segment) -> None:
        """Forget a file that is in the store."""
        with self.lock:
            self.ready.remove(segment)
        segment.path.unlink(missing_ok=True)

    def drop_oldest(self) -> Segment | None:
        """Delete the oldest file that is not being sent; None if there is none."""
        with self.lock:
            segment = next((one for one in self.ready if not one.sending), None)
            if segment:
                self.ready.remove(segment)
        if segment:
            segment.path.unlink(missing_ok=True)
        return segment

    def adopt(self, room: int) -> Iterator[tuple[str, int]]:
        """Take over what processes that ended have left, at most so many bytes; each one's name, and how many requests
        it left."""
        for folder in sorted(self.root.iterdir()):
            if folder != self.folder and not folder.name.startswith(NEW):
                with freed(folder) as free:
                    if free and size_of(folder) <= room:
                        adopted = self.take_over(folder)
                        room -= sum(segment.size for segment in adopted)
                        yield folder.name, sum(segment.count for segment in adopted)

    def take_over(self, folder: Path) -> list[Segment]:
        paths = [path for path in sorted(folder.iterdir()) if path.suffix in (OPEN, READY)]
        found = [segment for path in paths if (segment := whole_lines(path, self.folder))]
        with self.lock:
            self.ready = deque(sorted([*found, *self.ready], key=lambda segment: segment.arrived))
        shutil.rmtree(folder, ignore_errors=True)
        return found

    def close(self) -> None:
        """Leave what is not sent to whoever starts next."""
        if self.descriptor >= 0:
            if not self.ready:
                shutil.rmtree(self.folder, ignore_errors=True)
            os.close(self.descriptor)
            self.descriptor = -1

    def forget(self) -> None:
        """In a process that was forked: these are the parent's files."""
        for segment in self.open.values():
            with contextlib.suppress(OSError):
                os.close(segment.descriptor)
        if self.descriptor >= 0:
            os.close(self.descriptor)


@contextlib.contextmanager
def freed(folder: Path) -> Iterator[bool]:
    """Whether a folder's writer has ended; its lock is held as long as this lasts."""
    try:
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        yield False
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(descriptor)


def whole_lines(path: Path, folder: Path) -> Segment | None:
    """A file that another writer left, moved here, without a last line that was cut off; None if nothing is left."""
    content = path.read_bytes()
    size = content.rfind(b"\n") + 1
    if not size:
        path.unlink()
        return None
    if size < len(content):
        os.truncate(path, size)
    arrived = path.stat().st_mtime
    moved = path.rename(folder / f"{path.stem}{READY}")
    return Segment(path.stem, moved, time.monotonic(), arrived, size=size, count=content.count(b"\n"))


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def write_all(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def default_root() -> Path:
    """A folder of this user's that outlives a restart of the machine, where there is one.

    Raises ConfigError if somebody else made it: payloads are nobody else's business.
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
