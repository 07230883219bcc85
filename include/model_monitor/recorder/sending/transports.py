"""Choose which process uploads a file: this one to a local folder, the uploader to every other store.

The uploader, a child process, keeps boto3 out of the serving process: its import, and the GIL, which an upload acquires
some eighty times. All recorders of a process share one, from the first file until the last of them disconnects. It
exits when its control socket closes, which the kernel does if this process dies. They exchange lines of JSON.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from model_monitor.errors import StoreError
from model_monitor.recorder.sending.destinations import Destination, Folder, destination_at, upload

if TYPE_CHECKING:
    from socket import socket
    from subprocess import Popen

EXIT_SECONDS = 0.3  # for the uploader to exit once nobody is connected; less than ``Recorder.close`` allows itself

# ``socket`` is imported where it is used: gevent may have replaced it by one that does not block other greenlets.


@dataclass
class Transport:
    """Uploads to one destination in this process. ``place`` names the destination in messages."""

    place: str
    destination: Destination
    compress: bool

    def send(self, file: Path, key: str) -> int:
        """Store a file under a key below the destination; the bytes written. May raise anything: it is retried."""
        return upload(file, self.destination, key, self.compress)

    def close(self) -> None:
        """Release connections; a later ``send`` opens them again."""

    def forked(self) -> None:
        """Forget, in a forked child, what belongs to the parent."""


def transport_to(address: str, kms_key_id: str | None, compress: bool) -> Transport:
    """The transport to an address. Raises ConfigError."""
    destination = destination_at(address, kms_key_id)
    if isinstance(destination, Folder):
        return Transport(str(destination.root), destination, compress)
    return ByUploader(address.rstrip("/"), destination, compress, address, kms_key_id)


@dataclass
class ByUploader(Transport):
    """Asks the uploader process to upload."""

    address: str
    kms_key_id: str | None
    connection: socket | None = field(default=None, repr=False)

    def send(self, file: Path, key: str) -> int:
        from socket import MSG_NOSIGNAL

        destination = {"address": self.address, "kms_key_id": self.kms_key_id, "compress": self.compress}
        request = json.dumps({"file": str(file), "key": key, **destination}).encode() + b"\n"
        received = b""
        try:
            connection = self.connection = self.connection or UPLOADER.connect()
            connection.sendall(request, MSG_NOSIGNAL)
            while not received.endswith(b"\n"):
                if not (more := connection.recv(65536)):
                    raise OSError("it closed the connection")
                received += more
        except OSError as error:
            self.close(is_dead=True)
            raise StoreError(f"the uploader process has ended, or can't be started: {error}") from error
        answer: dict[str, str | int] = json.loads(received)
        if "error" in answer:
            raise StoreError(str(answer["error"]))
        return int(answer["bytes"])

    def close(self, is_dead: bool = False) -> None:
        connection, self.connection = self.connection, None
        if connection:
            UPLOADER.disconnect(connection, is_dead)

    def forked(self) -> None:
        self.connection = None


class Uploader:
    """The child process. It starts with the first connection, and again with the next one if it has ended."""

    def __init__(self) -> None:
        self.lock = threading.RLock()  # reentrant: under gevent, starting a process forks in Python and locks again
        self._forget()

    def _forget(self) -> None:
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

    def disconnect(self, connection: socket, is_dead: bool) -> None:
        """Close a connection. The uploader exits after the last one, or if it ``is_dead``."""
        connection.close()
        with self.lock:
            if connection in self._connections:  # not a connection to an earlier process
                self._connections.remove(connection)
                if is_dead or not self._connections:
                    self._stop()

    def _stop(self) -> None:
        control, process = self._control, self._process
        self._forget()
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
        self._forget()
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
