"""A mail server of this machine alone, whose only mailbox is a folder: who was told what?"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"


@dataclass
class Mailbox:
    """The mails that came, in their order; each is a file of the folder, as is its chart."""

    folder: Path
    port: int
    mails: list[EmailMessage] = field(default_factory=list)

    @property
    def connection(self) -> str:
        """The Airflow connection to the server, as JSON."""
        extra = {"from_email": "model-monitor@example.com", "disable_ssl": True, "disable_tls": True}
        return json.dumps({"conn_type": "smtp", "host": HOST, "port": self.port, "extra": extra})

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 aiosmtpd calls it so
        mail = BytesParser(policy=default).parsebytes(envelope.content)
        self.mails.append(mail)
        name = f"{len(self.mails):02}"
        (self.folder / f"{name}.eml").write_bytes(envelope.content)
        for part in mail.iter_attachments():
            chart: Any = part.get_payload(decode=True)
            (self.folder / f"{name}.png").write_bytes(chart)
        return "250 OK"


@contextmanager
def mailbox(folder: Path) -> Iterator[Mailbox]:
    """A mailbox that takes mails until the end of the block."""
    from aiosmtpd.controller import Controller

    folder.mkdir(parents=True, exist_ok=True)
    with socket.create_server((HOST, 0)) as free:
        port = free.getsockname()[1]
    box = Mailbox(folder, port)
    server = Controller(box, hostname=HOST, port=port)
    server.start()
    try:
        yield box
    finally:
        server.stop()
