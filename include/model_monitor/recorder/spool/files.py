"""Keep requests in files on the local disk until the store has them; the files outlive the process.

Each writer has its own folder below the spool's root, locked while its process lives, with one open file per hour of
event time. A file that is full or old enough is closed and *ready* to be sent. Any later recorder takes over folders
whose lock is free. A file has its final name in the store from its first line on: sent twice, it is still one file.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from model_monitor.recorder.records import utc_text
from model_monitor.recorder.spool.disk import NEW, make_locked_folder, remove_folder, sync_folder

OPEN, READY = ".open", ".ready"
NEW_FILE = os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_EXCL | os.O_CLOEXEC
MAX_OPEN_FILES = 32  # one per hour of event time; beyond that the file opened first is closed


@dataclass(eq=False)
class Segment:
    """A file of the spool. ``name`` is its path in the store below the variant, with dots for slashes."""

    name: str
    path: Path
    opened: float  # monotonic
    arrived: float  # when its first request came, in seconds since 1970; the last one's time if it was taken over
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
    """The files of one writer. One thread writes; ``ready`` is shared with the thread that sends. Raises OSError."""

    root: Path
    roll_seconds: float
    roll_bytes: int
    lock: threading.RLock = field(default_factory=threading.RLock)  # reentrant: signal handlers may read the counters
    ready: deque[Segment] = field(default_factory=deque)
    open: dict[int, Segment] = field(default_factory=dict)  # by hours since 1970
    used: int = 0  # bytes in all files, open or ready
    name: str = field(default_factory=lambda: uuid4().hex)

    def __post_init__(self) -> None:
        self.folder = self.root / self.name
        self.descriptor = make_locked_folder(self.root, self.name)

    @property
    def segments(self) -> list[Segment]:
        with self.lock:
            return [*self.ready, *self.open.values()]

    def append(self, time_of_first: int, lines: Sequence[bytes]) -> None:
        """Write whole lines of one hour; the first line's time is in milliseconds since 1970. Raises OSError, and then
        none of the lines is written."""
        segment = self.open.get(time_of_first // 3_600_000) or self.open_segment(time_of_first)
        content = unwritten = memoryview(b"".join(lines))
        try:
            while unwritten:
                unwritten = unwritten[os.write(segment.descriptor, unwritten) :]
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

    def open_segment(self, time_of_first: int) -> Segment:
        if len(self.open) >= MAX_OPEN_FILES:
            self.roll(min(self.open.values(), key=lambda segment: segment.opened))
        name = file_name(time_of_first)
        segment = Segment(name, self.folder / (name + OPEN), time.monotonic(), time.time())
        try:
            segment.descriptor = os.open(segment.path, NEW_FILE, 0o600)
        except FileNotFoundError:  # the folder was deleted
            old, self.descriptor = self.descriptor, make_locked_folder(self.root, self.name)
            os.close(old)
            segment.descriptor = os.open(segment.path, NEW_FILE, 0o600)
        with self.lock:
            self.open[time_of_first // 3_600_000] = segment
        return segment

    def sync(self) -> None:
        """Make all written lines survive a power failure. Raises OSError."""
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
        """Close a file, which makes it ready to be sent. Raises OSError if it can't be synced; then it stays open."""
        os.fsync(segment.descriptor)
        with contextlib.suppress(OSError):  # under its old name it is sent too; if it is gone, the sender notices
            segment.path = segment.path.rename(segment.path.with_suffix(READY))
            sync_folder(self.folder)
        with self.lock:
            self.open = {hour: other for hour, other in self.open.items() if other is not segment}
            self.ready.append(segment)
        # Close last and forget the descriptor: the OS may hand the same number to a client's socket.
        descriptor, segment.descriptor = segment.descriptor, -1
        os.close(descriptor)

    def oldest(self) -> Segment | None:
        """The file to send next, marked as being sent; None if none is ready."""
        with self.lock:
            if not self.ready:
                return None
            self.ready[0].sending = True
            return self.ready[0]

    def done_with(self, segment: Segment) -> None:
        """Forget a file that was sent or lost."""
        with self.lock:
            self.ready.remove(segment)
            self.used -= segment.size

    def drop_oldest(self) -> Segment | None:
        """Delete the oldest ready file that is not being sent; None if there is none."""
        with self.lock:
            segment = next((segment for segment in self.ready if not segment.sending), None)
            if segment:
                self.done_with(segment)
        if segment:
            with contextlib.suppress(OSError):
                segment.path.unlink()
        return segment

    def others(self) -> list[Path]:
        """The folders of other writers, alive or not. Raises OSError."""
        return sorted(path for path in self.root.iterdir() if not path.name.startswith((self.name, NEW)))

    def take_over(self, folder: Path) -> int:
        """Move the files from a folder whose writer has ended into this one; how many requests they hold. A file that
        can't be moved stays where it is. Raises OSError if the folder can't be listed."""
        count = 0
        for path in sorted(folder.iterdir()):
            with contextlib.suppress(OSError):
                if path.suffix in (OPEN, READY) and (segment := move_whole_lines(path, self.folder)):
                    count += segment.count
                    with self.lock:
                        self.used += segment.size
                        self.ready.append(segment)
        with self.lock:
            self.ready = deque(sorted(self.ready, key=lambda segment: segment.arrived))
        return count

    def close(self) -> None:
        """Release the folder. A later recorder takes over what was not sent."""
        descriptor, self.descriptor = self.descriptor, -1
        if descriptor >= 0:
            with contextlib.suppress(OSError):  # keep the folder if it still holds a file
                remove_folder(self.folder)
            os.close(descriptor)

    def forked(self) -> None:
        """Close the parent's descriptors in a forked child."""
        for descriptor in (self.descriptor, *(segment.descriptor for segment in self.open.values())):
            with contextlib.suppress(OSError):  # it is -1 if the file or the folder was closed
                os.close(descriptor)


def file_name(time_of_first: int) -> str:
    """A new file's name, from the time of its first request in milliseconds since 1970.

    >>> file_name(1_650_241_248_871)[:24]
    '2022.04.18.00.20-48-871-'
    """
    text = utc_text(time_of_first // 1000)
    hour, minute = f"{text[:10].replace('-', '.')}.{text[11:13]}", text[14:19].replace(":", "-")
    return f"{hour}.{minute}-{time_of_first % 1000:03d}-{uuid4()}"


def move_whole_lines(path: Path, folder: Path) -> Segment | None:
    """Move another writer's file here without an incomplete last line; None, and deleted, if no line is complete.
    Raises OSError, and then the file was not moved."""
    content, arrived = path.read_bytes(), path.stat().st_mtime
    size = content.rfind(b"\n") + 1
    if not size:
        path.unlink()
        return None
    if size < len(content):
        os.truncate(path, size)
    moved = path.rename(folder / f"{path.stem}{READY}")
    return Segment(path.stem, moved, time.monotonic(), arrived, size=size, count=content.count(b"\n"))
