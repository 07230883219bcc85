"""Choose which process uploads a file: this one to a local folder, the uploader to every other store.

An upload by boto3 acquires the GIL some eighty times, which delays requests being answered, and imports more than many
an app. The uploader keeps both out of the serving process. Request and answer are one line of JSON each.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from model_monitor.errors import StoreError
from model_monitor.recorder.sending.destinations import Destination, Folder, destination_at, upload
from model_monitor.recorder.sending.uploader import UPLOADER

if TYPE_CHECKING:
    from socket import socket


class Transport(Protocol):
    """A way to one destination; ``place`` names the destination in messages."""

    place: str

    def send(self, file: Path, key: str) -> int:
        """Store a file under a key below the destination; the bytes written. May raise anything: it is retried."""

    def close(self) -> None:
        """Release connections; a later ``send`` opens them again."""
        return

    def forked(self) -> None:
        """Forget, in a forked child, what belongs to the parent."""
        return


def transport_to(address: str, kms_key_id: str | None, compress: bool) -> Transport:
    """The transport to an address. Raises ConfigError."""
    destination = destination_at(address, kms_key_id)
    if isinstance(destination, Folder):
        return Direct(str(destination.root), destination, compress)
    return ByUploader(address.rstrip("/"), address, kms_key_id, compress)


@dataclass(frozen=True)
class Direct(Transport):
    """Uploads in this process."""

    place: str
    destination: Destination
    compress: bool

    def send(self, file: Path, key: str) -> int:
        return upload(file, self.destination, key, self.compress)


@dataclass
class ByUploader(Transport):
    """Asks the uploader process to upload."""

    place: str
    address: str
    kms_key_id: str | None
    compress: bool
    connection: socket | None = field(default=None, repr=False)

    def send(self, file: Path, key: str) -> int:
        destination = {"address": self.address, "kms_key_id": self.kms_key_id, "compress": self.compress}
        try:
            answer = self.ask({"file": str(file), "key": key, **destination})
        except OSError as error:
            self.close(is_dead=True)
            raise StoreError(f"the uploader process has ended, or can't be started: {error}") from error
        if "error" in answer:
            raise StoreError(str(answer["error"]))
        return int(answer["bytes"])

    def ask(self, request: dict[str, str | bool | None]) -> dict[str, str | int]:
        """The uploader's answer. Raises OSError."""
        from socket import MSG_NOSIGNAL

        connection = self.connection = self.connection or UPLOADER.connect()
        connection.sendall(json.dumps(request).encode() + b"\n", MSG_NOSIGNAL)
        received = b""
        while not received.endswith(b"\n"):
            if not (more := connection.recv(65536)):
                raise OSError("it closed the connection")
            received += more
        answer: dict[str, str | int] = json.loads(received)
        return answer

    def close(self, is_dead: bool = False) -> None:
        connection, self.connection = self.connection, None
        if connection:
            UPLOADER.disconnect(connection, is_dead)

    def forked(self) -> None:
        self.connection = None
