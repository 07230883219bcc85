"""Give up connections that keep the server waiting, so that there is room for the next one."""

from __future__ import annotations

import asyncio
import resource
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

PATIENCE = 5.0  # seconds for a head, and for the sender to read what was answered
MOST = 1_000  # connections at once
BACKLOG = 128  # accepted at once, before the first of them is counted


class Connection(H11Protocol):
    """A connection of uvicorn that ends if no request follows within PATIENCE, counted from its start or from the last
    answer, or if its answers are not read. uvicorn itself waits for ever for a head that was begun, and for a reader.

    Beyond the bound of connections, the one that has been without a request longest ends at once.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.idle_since = self.loop.time()
        self.timer = self.loop.call_later(PATIENCE, self.end_if_idle)
        if len(self.connections) > most():
            others = (one for one in self.connections if isinstance(one, Connection) and one is not self)
            oldest = min(others, key=Connection.patience_due, default=None)
            if oldest:
                oldest.transport.abort()

    def patience_due(self) -> tuple[bool, bool, float]:
        """Sorts connections: those that should end first come first."""
        return self.transport.is_closing(), not self.is_idle, self.idle_since

    @property
    def is_idle(self) -> bool:
        """Whether no request is in progress."""
        return self.cycle is None or self.cycle.response_complete

    def end_if_idle(self) -> None:
        if self.is_idle:
            self.transport.abort()  # close() would wait until all that was answered is read

    def on_response_complete(self) -> None:
        self.idle_since = self.loop.time()
        self.timer.cancel()
        self.timer = self.loop.call_later(PATIENCE, self.end_if_idle)
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self.timer.cancel()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self.loop.call_later(PATIENCE, self.end_if_unread)

    def end_if_unread(self) -> None:
        if self.flow.write_paused:
            self.transport.abort()


def most() -> int:
    """The bound of connections: half of the descriptors, as spool and store need some."""
    return min(MOST, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2)


# The options of uvicorn that hold these bounds.
SERVER: dict[str, Any] = {"http": Connection, "ws": "none", "backlog": BACKLOG, "lifespan": "on", "access_log": False}
