"""Who carries a file from the spool to the store? This process does to a folder, a helper process to all else.

What speaks to a store asks for the interpreter's lock some eighty times for a file, which the requests that are being
answered pay for, and imports more than many an app. A helper process keeps both out of the serving one; what is asked
of it, and what it answers, is a line of JSON each.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from model_monitor.errors import StoreError
from model_monitor.recorder.sending.destinations import Destination, Folder, destination_at
from model_monitor.recorder.sending.uploader import HELPER

if TYPE_CHECKING:
    from socket import socket


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
    return Helped(address, kms_key_id, packed)


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
class Helped:
    """Has the helper process carry files."""

    address: str
    kms_key_id: str | None
    packed: bool
    line: socket | None = field(default=None, repr=False)

    @property
    def place(self) -> str:
        return self.address.rstrip("/")

    def carry(self, file: Path, key: str) -> int:
        place = {"address": self.address, "kms_key_id": self.kms_key_id, "packed": self.packed}
        try:
            answer = self.asked(file=str(file), key=key, **place)
        except OSError as error:
            self.close(is_dead=True)
            raise StoreError(f"the process that sends has ended, or can't be started: {error}") from error
        if "error" in answer:
            raise StoreError(str(answer["error"]))
        return int(answer["bytes"])

    def asked(self, **what: object) -> dict[str, Any]:
        """What the process answers. Raises OSError."""
        from socket import MSG_NOSIGNAL

        line = self.line = self.line or HELPER.line()
        line.sendall(json.dumps(what).encode() + b"\n", MSG_NOSIGNAL)
        answer = b""
        while not answer.endswith(b"\n"):
            if not (more := line.recv(65536)):
                raise OSError("it hung up")
            answer += more
        said: dict[str, Any] = json.loads(answer)
        return said

    def close(self, is_dead: bool = False) -> None:
        line, self.line = self.line, None
        if line:
            HELPER.hang_up(line, is_dead)

    def forget(self) -> None:
        self.line = None
