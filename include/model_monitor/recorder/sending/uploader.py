"""A child process that uploads files for this one. It exits when its control socket closes.

All recorders of a process share one uploader, from the first file until the last of them disconnects. If this process
dies in any way, the kernel closes the control socket and the uploader exits.
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

EXIT_SECONDS = 0.3  # for the uploader to exit once nobody is connected; less than ``Recorder.close`` allows itself

# ``socket`` is imported where it is used: gevent may have replaced it by one that does not block other greenlets.


class Uploader:
    """Starts with the first connection, and again with the next one if it has ended."""

    def __init__(self) -> None:
        self.lock = threading.RLock()  # reentrant: under gevent, starting a process forks in Python and locks again
        self._process: Popen[bytes] | None = None
        self._control: socket | None = None  # passes the other end of each connection to the process
        self._connections: set[socket] = set()

    def connect(self) -> socket:
        """A connection that takes one upload request after the other. Raises OSError."""
        from socket import MSG_NOSIGNAL, SCM_RIGHTS, SOL_SOCKET

        with self.lock:
            control = self._control or self._start()
            ours, theirs = socket_pair()
            with theirs:
                try:
                    passed = (SOL_SOCKET, SCM_RIGHTS, array("i", [theirs.fileno()]))
                    control.sendmsg([b"."], [passed], MSG_NOSIGNAL)
                except OSError:  # the uploader was killed; the next call starts another one
                    ours.close()
                    self._stop()
                    raise
            self._connections.add(ours)
            return ours

    def _start(self) -> socket:
        from subprocess import Popen

        command = [interpreter(), "-P", "-m", "model_monitor.recorder.sending.uploader_main"]
        self._control, theirs = socket_pair()
        with theirs:
            try:
                environment = os.environ | {"PYTHONPATH": os.pathsep.join(module_folders())}
                self._process = Popen(command, stdin=theirs.fileno(), env=environment)
            except OSError:
                self._stop()
                raise
        return self._control

    def disconnect(self, connection: socket, is_dead: bool = False) -> None:
        """Close a connection. The uploader exits after the last one, or if it ``is_dead``."""
        connection.close()
        with self.lock:
            if connection in self._connections:  # not a connection to an earlier process
                self._connections.remove(connection)
                if is_dead or not self._connections:
                    self._stop()

    def _stop(self) -> None:
        control, process = self._control, self._process
        self._control = self._process = None
        self._connections = set()
        if control:
            control.close()
        if process:
            from subprocess import TimeoutExpired

            try:
                process.wait(EXIT_SECONDS)
            except TimeoutExpired:  # it may still be starting; it has nothing to clean up
                process.kill()
                process.wait()

    def forked(self) -> None:
        """Forget, in a forked child, the parent's uploader."""
        for connection in (self._control, *self._connections):
            if connection:
                connection.close()
        if self._process:
            self._process.returncode = 0  # not this process's child, so Popen must not wait for it
        self._control = self._process = None
        self._connections = set()
        self.lock.release()


def socket_pair() -> tuple[socket, socket]:
    """Connected sockets; ours blocks, whatever default timeout the application has set."""
    from socket import socketpair

    ours, theirs = socketpair()
    ours.settimeout(None)
    return ours, theirs


def module_folders() -> Iterator[str]:
    """The folders that this process imports from, so that the uploader finds the same modules."""
    for entry in sys.path:
        with contextlib.suppress(OSError):  # the current folder was deleted
            if isinstance(entry, str):  # imports ignore all other entries
                yield entry or str(Path.cwd())


def interpreter() -> str:
    """The Python executable, also where Python is embedded in another program such as uWSGI."""
    if Path(sys.executable or "").name.startswith(("python", "pypy")):
        return sys.executable
    folder = Path(sys.exec_prefix) / "bin"
    same = folder / f"python{sys.version_info.major}.{sys.version_info.minor}"
    return str(same if same.exists() else folder / "python3")


UPLOADER = Uploader()
# Never fork while another thread starts the uploader: the child would keep open ends of sockets it does not know of.
os.register_at_fork(before=UPLOADER.lock.acquire, after_in_parent=UPLOADER.lock.release, after_in_child=UPLOADER.forked)
