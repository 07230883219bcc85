"""Where do requests wait for the store? In files on the local disk, which outlive this process.

A writer has a folder of its own below the spool's root, and holds a lock on it that ends with its process, however it
ends. In it is one open file per hour of event time; one that is full or old enough is closed and *ready* to be sent.
Whoever looks later takes over the folders whose lock is free, so that what a killed process left is sent all the same.
A file keeps the name that it has in the store from its first line on: sent twice, it is still one file.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from model_monitor.recorder.spool.disk import (
    NEW,
    discard,
    freed,
    locked_folder,
    remove,
    size_of,
    sync_folder,
    write_all,
)

OPEN, READY = ".open", ".ready"
OPEN_FILES = 32  # hours of event time that are written at once; the file opened first makes room for another


@dataclass(eq=False)
class Segment:
    """A file of the spool. ``name`` is its path in the store below the variant, with dots for slashes."""

    name: str
    path: Path
    opened: float  # monotonic
    arrived: float  # seconds since 1970, of its first request; of its last one if it was taken over
    descriptor: int = -1  # while it is open
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
    """One writer's files. Written to by one thread; ``ready`` is shared with the one that sends. Raises OSError."""

    root: Path
    roll_seconds: float
    roll_bytes: int
    lock: threading.RLock = field(default_factory=threading.RLock)  # reentrant: signal handlers may look at counters
    ready: deque[Segment] = field(default_factory=deque)
    open: dict[str, Segment] = field(default_factory=dict)
    used: int = 0  # bytes in all files, open or ready
    name: str = field(default_factory=lambda: uuid4().hex)
    descriptor: int = field(init=False, default=-1)

    def __post_init__(self) -> None:
        self.descriptor = locked_folder(self.root, self.name)

    @property
    def folder(self) -> Path:
        return self.root / self.name

    @property
    def segments(self) -> list[Segment]:
        with self.lock:
            return [*self.ready, *self.open.values()]

    def ready_now(self) -> list[Segment]:
        with self.lock:
            return list(self.ready)

    def append(self, hour: str, time_of_first: str, lines: Sequence[bytes]) -> None:
        """Write whole lines of one hour (``yyyy.mm.dd.hh``; ``time_of_first``: ``mm-ss-mmm``).

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
        with self.lock:
            self.used += len(content)
        segment.size += len(content)
        segment.count += len(lines)
        segment.unsynced = True
        if segment.size >= self.roll_bytes:
            with contextlib.suppress(OSError):  # the lines are written; ``roll_due`` tries again
                self.roll(segment)

    def opened(self, hour: str, time_of_first: str) -> Segment:
        if len(self.open) >= OPEN_FILES:
            self.roll(min(self.open.values(), key=lambda segment: segment.opened))
        name = f"{hour}.{time_of_first}-{uuid4()}"
        segment = Segment(name, self.folder / (name + OPEN), time.monotonic(), time.time())
        try:
            segment.descriptor = new_file(segment.path)
        except FileNotFoundError:  # somebody has deleted the folder
            old, self.descriptor = self.descriptor, locked_folder(self.root, self.name)
            os.close(old)
            segment.descriptor = new_file(segment.path)
        with self.lock:
            self.open[hour] = segment
        return segment

    def sync(self) -> None:
        """Have what was written survive a loss of power. Raises OSError."""
        for segment in self.open.values():
            if segment.unsynced:
                os.fdatasync(segment.descriptor)
                segment.unsynced = False

    def roll_due(self, everything: bool = False) -> None:
        """Close the files that are full or old enough, or all. Raises OSError."""
        now = time.monotonic()
        for segment in list(self.open.values()):
            if everything or segment.size >= self.roll_bytes or now - segment.opened >= self.roll_seconds:
                self.roll(segment)

    def roll(self, segment: Segment) -> None:
        """Close a file; from now on it may be sent. Raises OSError if it can't be synced; it stays open then."""
        os.fsync(segment.descriptor)
        with contextlib.suppress(OSError):  # under its old name it is sent as well; if it is gone, who sends will see
            segment.path = segment.path.rename(segment.path.with_suffix(READY))
            sync_folder(self.folder)
        with self.lock:
            self.open = {hour: other for hour, other in self.open.items() if other is not segment}
            self.ready.append(segment)
        # Not before, and its number is forgotten: that of a closed file may be that of a client's connection next.
        descriptor, segment.descriptor = segment.descriptor, -1
        os.close(descriptor)

    def oldest(self) -> Segment | None:
        """The file to send next, marked as being sent; None if there is none."""
        with self.lock:
            if not self.ready:
                return None
            self.ready[0].sending = True
            return self.ready[0]

    def done_with(self, segment: Segment) -> None:
        """Forget a file that was sent, or is lost."""
        with self.lock:
            self.ready.remove(segment)
            self.used -= segment.size

    def drop_oldest(self) -> Segment | None:
        """Delete the oldest file that is not being sent; None if there is none."""
        with self.lock:
            segment = next((one for one in self.ready if not one.sending), None)
            if segment:
                self.ready.remove(segment)
                self.used -= segment.size
        if segment:
            discard(segment.path)
        return segment

    def others(self) -> list[Path]:
        """The folders of other writers, running or not. Raises OSError."""
        return [one for one in sorted(self.root.iterdir()) if one.name != self.name and not one.name.startswith(NEW)]

    @contextlib.contextmanager
    def taken_over(self, folder: Path, room: int) -> Iterator[int | None]:
        """How many requests there are in a folder that its writer left, which are this one's from now on.

        None if its writer has not ended; or if there are more than ``room`` bytes in it, as long as files wait here.
        The folder is there until the caller has counted. Raises OSError.
        """
        with freed(folder) as free:
            if not free or (size_of(folder) > room and self.ready):
                yield None
                return
            yield self.take_over(folder)
            remove(folder)

    def take_over(self, folder: Path) -> int:
        count = 0
        for path in sorted(folder.iterdir()):
            with contextlib.suppress(OSError):  # it stays where it is, and so does the folder
                if path.suffix in (OPEN, READY) and (segment := whole_lines(path, self.folder)):
                    count += segment.count
                    with self.lock:
                        self.used += segment.size
                        self.ready.append(segment)
        with self.lock:
            self.ready = deque(sorted(self.ready, key=lambda segment: segment.arrived))
        return count

    def touch(self) -> None:
        """Show that the folder is in use to what deletes old files from temporary folders."""
        with contextlib.suppress(OSError):
            os.utime(self.descriptor)

    def close(self) -> None:
        """Leave what is not sent to whoever looks next."""
        descriptor, self.descriptor = self.descriptor, -1
        if descriptor >= 0:
            with contextlib.suppress(OSError):  # what is left there, for whatever reason, is not to be deleted
                remove(self.folder)
            os.close(descriptor)

    def forget(self) -> None:
        """In a process that was forked: these are the parent's files."""
        for descriptor in (self.descriptor, *(segment.descriptor for segment in self.open.values())):
            with contextlib.suppress(OSError):
                if descriptor >= 0:
                    os.close(descriptor)


def new_file(path: Path) -> int:
    return os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_EXCL | os.O_CLOEXEC, 0o600)


def whole_lines(path: Path, folder: Path) -> Segment | None:
    """A file that another writer left, moved here, without a last line that was cut off; None if nothing is left.

    Raises OSError, and then it was not moved.
    """
    content, arrived = path.read_bytes(), path.stat().st_mtime
    size = content.rfind(b"\n") + 1
    if not size:
        path.unlink()
        return None
    if size < len(content):
        os.truncate(path, size)
    moved = path.rename(folder / f"{path.stem}{READY}")
    return Segment(path.stem, moved, time.monotonic(), arrived, size=size, count=content.count(b"\n"))
