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
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from socket import socket
    from subprocess import Popen

END_SECONDS = 1.0  # for the process to end, once nobody has a line to it

# ``socket`` is imported where it is used: gevent may have replaced it, by one that waits without holding up the others.


class Helper:
    """Started when somebody asks for a line, and again if it has ended meanwhile."""

    def __init__(self) -> None:
        self._changing = threading.Lock()
        self._process: Popen[bytes] | None = None
        self._door: socket | None = None  # new lines are passed through it
        self._lines: set[socket] = set()

    def line(self) -> socket:
        """A line to ask it for files one after the other. Raises OSError."""
        with self._changing:
            try:
                return self._new_line(self._door or self._started())
            except OSError:
                self._end()  # if it was killed, whoever asks next gets a line to another one
                raise

    def _new_line(self, door: socket) -> socket:
        from socket import MSG_NOSIGNAL, SCM_RIGHTS, SOL_SOCKET, socketpair

        ours, theirs = socketpair()
        with theirs:
            passed = (SOL_SOCKET, SCM_RIGHTS, array("i", [theirs.fileno()]))
            try:
                door.sendmsg([b"."], [passed], MSG_NOSIGNAL)
            except OSError:
                ours.close()
                raise
        self._lines.add(ours)
        return ours

    def _started(self) -> socket:
        from socket import socketpair
        from subprocess import Popen

        command = [interpreter(), "-P", "-m", "model_monitor.rows.recorder.helper_main"]
        path = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
        self._door, theirs = socketpair()
        with theirs:
            self._process = Popen(command, stdin=theirs.fileno(), env=os.environ | {"PYTHONPATH": path})
        return self._door

    def hang_up(self, line: socket, is_dead: bool = False) -> None:
        """Give a line back; the process ends after the last one, or if it ``is_dead``."""
        line.close()
        with self._changing:
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

            with contextlib.suppress(TimeoutExpired):
                process.wait(END_SECONDS)

    def forget(self) -> None:
        """In a process that was forked: it is the parent's."""
        for one in (self._door, *self._lines):
            if one:
                one.close()
        if self._process:
            self._process.returncode = 0  # no child of this process, which is not to ask what became of it
        self.__init__()  # type: ignore[misc]


def interpreter() -> str:
    """Python, also where this one is within another program, as uWSGI has it."""
    if Path(sys.executable or "").name.startswith(("python", "pypy")):
        return sys.executable
    return str(Path(sys.exec_prefix) / "bin" / "python3")


HELPER = Helper()
os.register_at_fork(after_in_child=HELPER.forget)
