"""An ASGI app that records the payload events KServe and Seldon send.

The endpoint and variant of a request are its inference service (``ce-inferenceservicename``) and ``ce-endpoint``.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Literal

from model_monitor.errors import ConfigError, StoreError
from model_monitor.recorder.http.asgi import Receive, Scope, Send
from model_monitor.recorder.receiver.arrivals import Arrivals
from model_monitor.recorder.receiver.events import OTHER, Event, Pairs, Place, events_of
from model_monitor.recorder.recorder import Recorder
from model_monitor.recorder.records import TRUNCATED
from model_monitor.recorder.threads import log

VARIANT = "AllTraffic"
MAX_BYTES = 64 << 20  # of all events in memory: those being received, and those that wait for the other one
MAX_WAITING_BYTES = 48 << 20  # of the latter
CLOSING_SECONDS = 20.0  # less than the 30 s that Kubernetes grants


@dataclass(frozen=True)
class Limits:
    """What is received: endpoints and components with these names (all if empty), and one namespace (if None, the first
    that sends). ``variant`` overrides the one in events; ``unpaired`` is a request of which only one event came:
    "failed" takes one without a response as one that failed. Times are in seconds, sizes in bytes."""

    endpoints: Sequence[str]
    variant: str | None
    namespace: str | None
    components: Sequence[str]
    pair_timeout: float
    unpaired: Literal["keep", "drop", "failed"]
    max_event_bytes: int
    max_endpoints: int


@dataclass
class Receiver:
    """POST takes events, at any path; GET answers ``/healthz`` and ``/counters``. The status is 200 with no body (a
    Knative broker takes any body for an event), or, with a sentence: 400 for a malformed event, 403 for a refused one,
    413 for one too large. ``make`` makes the recorder of an endpoint and a variant; it raises ConfigError for an
    invalid name, so no event chooses a path. A sender that is too slow gets 408."""

    make: Callable[[str, str], Recorder]
    limits: Limits
    recorders: dict[Place, Recorder] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.pairs = Pairs(self.record, self.limits.pair_timeout, MAX_WAITING_BYTES)
        self.arrivals = Arrivals(lambda: MAX_BYTES - self.pairs.bytes)
        self.counts = self.pairs.counts
        self.namespace = self.limits.namespace

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.run(receive, send)
        elif scope["type"] == "http":
            status, sentence = await self.respond(scope, receive)
            content = sentence.encode()
            headers = [(b"content-length", str(len(content)).encode())]
            if content:
                headers += [(b"content-type", b"application/json" if sentence.startswith("{") else b"text/plain")]
            if status == 408:
                headers += [(b"connection", b"close")]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": content})

    async def run(self, receive: Receive, send: Send) -> None:
        """Expire waiting events from startup to shutdown; then record all that wait and close the recorders."""
        await receive()
        expiring = asyncio.create_task(self.expire())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        expiring.cancel()
        self.pairs.flush()
        closing = [asyncio.to_thread(recorder.close, CLOSING_SECONDS) for recorder in self.recorders.values()]
        for place, has_all in zip(self.recorders, await asyncio.gather(*closing), strict=True):
            if not has_all:
                log.warning("%s/%s: not all was sent; the next start sends what is left", *place)
        await send({"type": "lifespan.shutdown.complete"})

    async def expire(self) -> None:
        while True:
            await asyncio.sleep(min(1.0, self.limits.pair_timeout))
            self.pairs.expire()

    async def respond(self, scope: Scope, receive: Receive) -> tuple[int, str]:
        """The status and the body of a response."""
        if scope["method"] in ("GET", "HEAD"):
            return self.status(scope["path"])
        if scope["method"] != "POST":
            return 405, "events come by POST"
        try:
            body = await self.arrivals.read(receive, self.limits.max_event_bytes)
        except EOFError:
            self.counts["interrupted"] += 1
            return 400, "the event was not sent to its end"  # the sender has gone
        except TimeoutError:
            self.counts["slow"] += 1
            return 408, "the event did not come in time; send it again"
        if body.chunks is None:
            self.counts["too_large"] += 1
            return 413, f"an event may have {self.limits.max_event_bytes} bytes (--max-event-bytes)"
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            events = events_of(headers, b"".join(body.chunks))
        except ValueError as error:
            self.counts["malformed"] += 1
            return 400, str(error)
        return self.take(events)

    def status(self, path: str) -> tuple[int, str]:
        if path == "/healthz":
            return 200, "ok"
        if path != "/counters":
            return 404, "there is /healthz and /counters; events come by POST"
        waiting = {"waiting": len(self.pairs.waiting), "waiting_bytes": self.pairs.bytes}
        endpoints = {"/".join(place): recorder.counters() for place, recorder in self.recorders.items()}
        return 200, json.dumps({**self.counts, **waiting, "endpoints": endpoints})

    def take(self, events: list[Event]) -> tuple[int, str]:
        """Take the events of one HTTP request; a refused one does not affect the others."""
        status, sentence = 200, ""
        for event in events:
            self.counts["events"] += 1
            if event.kind == OTHER or (self.limits.components and event.component not in self.limits.components):
                self.counts["ignored"] += 1
                continue
            try:
                place = self.place_of(event)
                recorder = self.recorder_of(place)
                self.namespace = self.namespace or event.namespace
                self.pairs.add(place, trimmed(event, recorder))
            except ConfigError as error:
                self.counts["refused"] += 1
                status, sentence = 403, str(error)
            except StoreError as error:
                self.counts["failed"] += 1
                return 503, str(error)
        return status, sentence

    def place_of(self, event: Event) -> Place:
        """The endpoint and the variant of an event. Raises ConfigError if they don't belong here."""
        allowed = self.limits.endpoints
        endpoint = event.endpoint or (allowed[0] if len(allowed) == 1 else None)
        if endpoint is None:
            raise ConfigError("the event names no service (ce-inferenceservicename); set one with --endpoint")
        if allowed and endpoint not in allowed:
            raise ConfigError(f"{endpoint!r} is not received here; start the receiver with --endpoint {endpoint}")
        if event.namespace and self.namespace not in (None, event.namespace):
            # Two services of one name must not become one endpoint.
            raise ConfigError(f"this receiver takes the events of namespace {self.namespace!r}; start one for each")
        return endpoint, self.limits.variant or event.variant or VARIANT

    def recorder_of(self, place: Place) -> Recorder:
        """The recorder of an endpoint and a variant. Raises ConfigError, StoreError."""
        if place not in self.recorders:
            if len(self.recorders) >= self.limits.max_endpoints:
                raise ConfigError(f"{self.limits.max_endpoints} endpoints are received already (--max-endpoints)")
            self.recorders[place] = self.make(*place)
        return self.recorders[place]

    def record(self, place: Place, request: Event | None, response: Event | None) -> None:
        """Record a request, at the time its first event was sent."""
        first = request or response
        if first is None or (self.limits.unpaired == "drop" and not (request and response)):
            return
        self.recorders[place].record(
            request.content if request else None,
            response.content if response else None,
            input_content_type=request.content_type if request else None,
            output_content_type=response.content_type if response else None,
            inference_id=first.inference_id,
            custom_attributes=first.custom_attributes,
            event_id=first.id,
            event_time=first.time,
            latency_ms=latency_of(request, response),
            failed=self.limits.unpaired == "failed" and response is None,
        )


def latency_of(request: Event | None, response: Event | None) -> float | None:
    """The milliseconds between the times of both events, which one sender tells; None if it does not."""
    if not (request and response and request.time and response.time) or response.time < request.time:
        return None
    return (response.time - request.time) / timedelta(milliseconds=1)


def trimmed(event: Event, recorder: Recorder) -> Event:
    """An event without its payload if sampling leaves it out or it is too large."""
    if not recorder.wants(event.id):
        return replace(event, content=None)
    if isinstance(event.content, bytes) and len(event.content) > recorder.max_payload_bytes:
        return replace(event, content=TRUNCATED)
    return event
