"""Measure how fast a server on this machine answers, over several connections at once.

    python examples/serving/load.py --port 8000 --requests 200000

Prints requests per second, and the times within which 50 %, 99 % and 99.9 % of the requests were answered.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from model import request_bodies

REQUESTS_PER_CONNECTION = 100  # which worker accepts a connection is chance, and must even out


@dataclass
class Answers:
    """How long each request took, in seconds, and how many failed."""

    seconds: float = 0.0
    times: list[float] = field(default_factory=list)
    failed: int = 0
    ids: dict[str, tuple[float, float]] = field(default_factory=dict)  # the server's id: when it was sent and answered

    @property
    def rate(self) -> float:
        return len(self.times) / self.seconds

    def within(self, share: float) -> float:
        """The time in seconds within which a share of the requests was answered."""
        return sorted(self.times)[min(len(self.times) - 1, int(share * len(self.times)))]

    def __str__(self) -> str:
        spread = ", ".join(
            f"{100 * share:g} % within {1e3 * self.within(share):.2f} ms" for share in (0.5, 0.99, 0.999)
        )
        return f"{len(self.times)} answers, {self.rate:.0f} per second, {spread}, {self.failed} failed"


class Caller(asyncio.Protocol):
    """One connection: sends a request, and the next one when it is answered."""

    def __init__(
        self, left: list[int], bodies: Sequence[bytes], answers: Answers, keep_ids: bool, due: Iterator[float]
    ) -> None:
        self.left, self.bodies, self.answers, self.keep_ids, self.due = left, bodies, answers, keep_ids, due
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting = False
        self.received = b""
        self.remaining = REQUESTS_PER_CONNECTION

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.send()

    def send(self) -> None:
        if not (self.left[0] and self.remaining):
            self.transport.close()
            return
        self.left[0] -= 1
        self.remaining -= 1
        self.waiting, self.received = True, b""
        now = time.perf_counter()
        self.sent = next(self.due, now)  # a request sent late, as no connection was free, has waited since it was due
        body = self.bodies[self.left[0] % len(self.bodies)]
        if self.sent > now:
            asyncio.get_running_loop().call_later(self.sent - now, self.transport.write, body)
        else:
            self.transport.write(body)

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, end, body = self.received.partition(b"\r\n\r\n")
        if not end or len(body) < int(header(head, b"content-length") or 0):
            return
        self.waiting = False
        if head.startswith(b"HTTP/1.1 200"):
            taken, now = time.perf_counter() - self.sent, time.time()
            self.answers.times.append(taken)
            if self.keep_ids:
                self.answers.ids[header(head, b"x-amzn-sagemaker-inference-id").decode()] = (now - taken, now)
        else:
            self.answers.failed += 1
        self.send()

    def connection_lost(self, error: Exception | None) -> None:
        self.answers.failed += self.waiting
        self.over.set_result(None)


def header(head: bytes, name: bytes) -> bytes:
    """The value of a header; empty if it is missing."""
    _, separator, rest = head.lower().partition(b"\r\n" + name + b":")
    return rest.partition(b"\r\n")[0].strip() if separator else b""


async def send_requests(
    port: int,
    count: int,
    connections: int = 8,
    rate: float = 0.0,
    keep_ids: bool = False,
    bodies: Sequence[bytes] = (),
) -> Answers:
    """Send ``count`` requests with these bodies in turn; a connection that the server closes is opened again.

    ``rate`` is the number of requests a second; 0 sends the next one as soon as a connection is free.
    """
    answers, left = Answers(), [count]
    head = b"POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\nContent-Length: %d\r\n\r\n%b"
    requests = [head % (len(body), body) for body in bodies or request_bodies()]
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    due = (began + place / rate for place in itertools.count()) if rate else iter(())

    async def keep_sending() -> None:
        while left[0]:
            try:
                _, caller = await loop.create_connection(
                    lambda: Caller(left, requests, answers, keep_ids, due), "127.0.0.1", port
                )
                await caller.over
            except OSError:
                await asyncio.sleep(0.05)  # no worker is listening at the moment

    await asyncio.gather(*(keep_sending() for _ in range(connections)))
    answers.seconds = time.perf_counter() - began
    return answers


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure how fast a model's server answers.")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--requests", type=int, default=200_000)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--rate", type=float, default=0.0, help="requests a second; 0 for as many as possible")
    options = parser.parse_args()
    print(asyncio.run(send_requests(options.port, options.requests, options.connections, options.rate)))


if __name__ == "__main__":
    main()
