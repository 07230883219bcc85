"""Who carries a file from the spool to the store? This process does to a folder, a helper process to all else.

What speaks to a store asks for the interpreter's lock some eighty times for a file, which the requests that are being
answered pay for, and imports more than many an app. A helper process (``helper.py``) keeps both out of the serving one;
what is asked of it, and what it answers, is a line of JSON each.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from model_monitor.errors import StoreError
from model_monitor.rows.recorder.destinations import Destination, Folder, destination_at

if TYPE_CHECKING:
    from socket import socket
    from subprocess import Popen

END_SECONDS = 1.0  # for the helper to end, once it was told that nothing more will come


class Carrier(Protocol):
    """``place`` is where it carries files to, for people."""

    @property
    def place(self) -> str: ...

    def carry(self, file: Path, key: str) -> int:
        """Store a file under a key below the destination; how many bytes that were.

        May raise anything: it is tried again.
        """

    def close(self) -> None:
        """Nothing more is to be carried, for now."""

    def forget(self) -> None:
        """In a process that was forked: what was begun is the parent's."""


def carrier_to(address: str, kms_key_id: str | None, packed: bool) -> Carrier:
    """Of files to an address, which are compressed if they are to be ``packed``. Raises ConfigError."""
    destination = destination_at(address, kms_key_id)
    if isinstance(destination, Folder):
        return Direct(destination, packed, str(destination.root))
    return Helper(address, kms_key_id, packed)


@dataclass(frozen=True)
class Direct:
    """Carries files by itself."""

    destination: Destination
    packed: bool
    place: str

    def carry(self, file: Path, key: str) -> int:
        content = file.read_bytes()
        if self.packed:
            content = gzip.compress(content, 6, mtime=0)
        self.destination.put(f"{key}.gz" if self.packed else key, content)
        return len(content)

    def close(self) -> None:
        pass

    def forget(self) -> None:
        pass


@dataclass
class Helper:
    """Has a process of its own carry files, from the first one on."""

    address: str
    kms_key_id: str | None
    packed: bool
    process: Popen[bytes] | None = None
    line: socket | None = field(default=None, repr=False)  # to the process

    @property
    def place(self) -> str:
        return self.address.rstrip("/")

    def carry(self, file: Path, key: str) -> int:
        place = {"address": self.address, "kms_key_id": self.kms_key_id, "packed": self.packed}
        try:
            answer = self.asked(file=str(file), key=key, **place)
        except OSError as error:
            self.close()
            raise StoreError(f"the process that sends has ended, or can't be started: {error}") from error
        if "error" in answer:
            raise StoreError(str(answer["error"]))
        return int(answer["bytes"])

    def asked(self, **what: object) -> dict[str, Any]:
        """What the process answers, which is started if there is none. Raises OSError."""
        from socket import MSG_NOSIGNAL

        line = self.line or self.start()
        line.sendall(json.dumps(what).encode() + b"\n", MSG_NOSIGNAL)
        answer = b""
        while not answer.endswith(b"\n"):
            if not (more := line.recv(65536)):
                raise OSError("it hung up")
            answer += more
        said: dict[str, Any] = json.loads(answer)
        return said

    def start(self) -> socket:
        from socket import socketpair  # where gevent has replaced it, by one that waits without holding up the others
        from subprocess import Popen

        ours, theirs = socketpair()
        command = [interpreter(), "-P", "-m", "model_monitor.rows.recorder.helper"]
        path = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
        self.line = ours
        with theirs:
            self.process = Popen(command, stdin=theirs.fileno(), env=os.environ | {"PYTHONPATH": path})
        return ours

    def close(self) -> None:
        """The process ends when nobody is left to ask it."""
        line, process, self.line, self.process = self.line, self.process, None, None
        if line:
            line.close()
        if process:
            from subprocess import TimeoutExpired

            with contextlib.suppress(TimeoutExpired):  # it is amid a file, which does no harm
                process.wait(END_SECONDS)

    def forget(self) -> None:
        line, process, self.line, self.process = self.line, self.process, None, None
        if line:
            line.close()
        if process:
            process.returncode = 0  # not a child of this process, which is not to ask what became of it


def interpreter() -> str:
    """Python, also where this one is within another program, as uWSGI has it."""
    if Path(sys.executable or "").name.startswith(("python", "pypy")):
        return sys.executable
    return str(Path(sys.exec_prefix) / "bin" / "python3")
