"""Read the bodies of events within bounds of time and memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from model_monitor.recorder.http.asgi import Receive
from model_monitor.recorder.http.traffic import Body

PATIENCE = 10.0  # seconds for the next piece of a body, and for all of it, with one more for each BYTES_PER_SECOND
BYTES_PER_SECOND = 100_000


@dataclass
class Arrivals:
    """The bodies that are being received. ``room`` is how many bytes they may hold together: beyond that, the body
    of which nothing has come for longest is given up."""

    room: Callable[[], int]
    bytes: int = 0
    sizes: dict[asyncio.Timeout, int] = field(default_factory=dict)  # the one that came on last is the last

    async def read(self, receive: Receive, limit: int) -> Body:
        """A body; nothing is kept of one larger than ``limit`` bytes. Raises TimeoutError if it is given up, EOFError
        if the sender has gone."""
        now = asyncio.get_running_loop().time
        body, begun = Body(limit), now()
        async with asyncio.timeout(PATIENCE) as patience:
            try:
                while not body.ended:
                    message = await receive()
                    if message["type"] != "http.request":
                        raise EOFError
                    body.add(message.get("body", b""), not message.get("more_body", False))
                    needed = min(body.size, limit) / BYTES_PER_SECOND
                    patience.reschedule(PATIENCE + min(now(), begun + needed))
                    self.hold(patience, len(body))
            finally:
                self.release(patience)
        return body

    def hold(self, patience: asyncio.Timeout, size: int) -> None:
        """Count what has come of a body, and give up others if that is too much."""
        self.release(patience)
        self.sizes[patience] = size
        self.bytes += size
        while self.bytes > self.room() and len(self.sizes) > 1:
            silent = next(iter(self.sizes))
            self.release(silent)
            silent.reschedule(0)  # long ago: its wait ends now

    def release(self, patience: asyncio.Timeout) -> None:
        self.bytes -= self.sizes.pop(patience, 0)
