"""The process that sends for this one: who starts it, who speaks to it, and when does it end?

There is one for all recorders of a process, from the first file on and as long as one of them has a line to it. It
ends, too, when this process does, however that ends: there is nobody at the other end of the door then.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from socket import socket
    from subprocess import Popen

END_SECONDS = 0.3  # for the process to end, once nobody has a line to it; less than who closes a recorder grants

# ``socket`` is imported where it is used: gevent may have replaced it, by one that waits without holding up the others.


class Helper:
    """Started when somebody asks for a line, and again if it has ended meanwhile."""

    def __init__(self) -> None:
        self.changing = threading.RLock()  # reentrant: gevent forks in Python to start a process, and so asks for it
        self._process: Popen[bytes] | None = None
        self._door: socket | None = None  # new lines are passed through it
        self._lines: set[socket] = set()

    def line(self) -> socket:
        """A line to ask it for files one after the other. Raises OSError."""
        from socket import MSG_NOSIGNAL, SCM_RIGHTS, SOL_SOCKET

        with self.changing:
            door = self._door or self._started()
            ours, theirs = ends_of_a_line()
            with theirs:
                try:
                    passed = (SOL_SOCKET, SCM_RIGHTS, array("i", [theirs.fileno()]))
                    door.sendmsg([b"."], [passed], MSG_NOSIGNAL)
                except OSError:  # it was killed: whoever asks next gets a line to another one
                    ours.close()
                    self._end()
                    raise
            self._lines.add(ours)
            return ours

    def _started(self) -> socket:
        from subprocess import Popen

        command = [interpreter(), "-P", "-m", "model_monitor.recorder.sending.uploader_main"]
        self._door, theirs = ends_of_a_line()
        with theirs:
            try:
                own = os.environ | {"PYTHONPATH": os.pathsep.join(module_folders())}
                self._process = Popen(command, stdin=theirs.fileno(), env=own)
            except OSError:
                self._end()
                raise
        return self._door

    def hang_up(self, line: socket, is_dead: bool = False) -> None:
        """Give a line back; the process ends after the last one, or if it ``is_dead``."""
        line.close()
        with self.changing:
            if line in self._lines:  # not one to a process that was there before
                self._lines.remove(line)
                if is_dead or not self._lines:
                    self._end()

    def _end(self) -> None:
        door, process = self._door, self._process
        self._door = self._process = None
        self._lines = set()
        if door:
            door.close()
        if process:
            from subprocess import TimeoutExpired

            try:
                process.wait(END_SECONDS)
            except TimeoutExpired:  # starting, maybe; there is nothing that it has to put in order
                process.kill()
                process.wait()

    def forget(self) -> None:
        """In a process that was just forked: it is the parent's."""
        for one in (self._door, *self._lines):
            if one:
                one.close()
        if self._process:
            self._process.returncode = 0  # no child of this process, which is not to ask what became of it
        self._door = self._process = None
        self._lines = set()
        self.changing.release()


def ends_of_a_line() -> tuple[socket, socket]:
    """Ours waits as long as it takes, whatever the application has chosen for its own sockets."""
    from socket import socketpair

    ours, theirs = socketpair()
    ours.settimeout(None)
    return ours, theirs


def module_folders() -> Iterator[str]:
    """Where this process finds modules, so that the other one finds the same."""
    for entry in sys.path:
        with contextlib.suppress(OSError):  # the current folder was deleted
            if isinstance(entry, str):  # as whatever imports passes over all else
                yield entry or str(Path.cwd())


def interpreter() -> str:
    """Python, also where this one is within another program, as uWSGI has it."""
    if Path(sys.executable or "").name.startswith(("python", "pypy")):
        return sys.executable
    folder = Path(sys.exec_prefix) / "bin"
    same = folder / f"python{sys.version_info.major}.{sys.version_info.minor}"
    return str(same if same.exists() else folder / "python3")


HELPER = Helper()
# Not while another thread is starting it: the child would keep ends of lines open, of which nobody there knows.
os.register_at_fork(
    before=HELPER.changing.acquire, after_in_parent=HELPER.changing.release, after_in_child=HELPER.forget
)
