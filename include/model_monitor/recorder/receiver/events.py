"""Parse the CloudEvents that payload loggers of KServe and Seldon Core send, and match the two events of a request.

Formats: version 1.0 of the CloudEvents HTTP binding, in binary mode (attributes are ``ce-*`` headers), structured mode
and batched mode (JSON), with the attributes of KServe's ``pkg/logger`` and Seldon Core's ``executor/logger``.
"""

from __future__ import annotations

import base64
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import unquote

import msgspec

from model_monitor.recorder.http import traffic
from model_monitor.recorder.records import Truncated

REQUEST, RESPONSE, OTHER = "request", "response", "other"
STRUCTURED, BATCHED = "application/cloudevents+json", "application/cloudevents-batch+json"
JSON_TYPE = "application/json"
MAX_ID = 256  # characters, also of names, which wait in memory
YEARS = range(1970, 2200)  # a time outside of them is ignored
NAMES = ("inferenceservicename", "modelid", "endpoint", "namespace", "component")
ADVICE = "send CloudEvents as KServe's and Seldon's payload loggers do"

OVERHEAD = 1_500  # bytes of memory that a waiting event takes beside its payload and attributes
MAX_RECORDED = 100_000  # requests that are remembered, to recognise events that are delivered again

Place = tuple[str, str]  # endpoint and variant

# Raw keeps JSON's spelling: 1.0 stays 1.0.
ONE = msgspec.json.Decoder(dict[str, msgspec.Raw])
MANY = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])


@dataclass(frozen=True, slots=True)
class Event:
    """A request or a response (or something else, ``kind`` OTHER). ``endpoint``, ``variant``, ``namespace`` and
    ``component`` are the sender's names, unchecked; None if missing. ``time`` is when it was sent."""

    kind: str
    id: str
    content: bytes | Truncated | None  # the receiver drops what it need not keep
    content_type: str
    time: datetime | None
    endpoint: str | None
    variant: str | None
    namespace: str | None
    component: str | None
    inference_id: str | None
    custom_attributes: str | None

    @property
    def size(self) -> int:
        payload = len(self.content) if isinstance(self.content, bytes) else 0
        return OVERHEAD + payload + len(self.custom_attributes or "")


def events_of(headers: Mapping[str, str], body: bytes) -> list[Event]:
    """The events of an HTTP request; header names are in lower case. Raises ValueError with what is wrong."""
    content_type = headers.get("content-type", "")
    mode = content_type.partition(";")[0].strip().lower()
    try:
        if mode == STRUCTURED:
            return [structured(ONE.decode(body))]
        if mode == BATCHED:
            return [structured(members) for members in MANY.decode(body)]
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError(f"the body is no {mode}: {error}") from error
    attributes = {name[3:]: header(value) for name, value in headers.items() if name.startswith("ce-")}
    return [event(attributes, body, content_type)]


def header(value: str) -> str:
    """Decode an attribute from its header: percent-encoded, perhaps in quotes."""
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = value[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return unquote(value)


def structured(members: Mapping[str, msgspec.Raw]) -> Event:
    """An event from one JSON object. Raises ValueError."""
    attributes = {
        name.lower(): text
        for name, raw in members.items()
        if name != "data" and isinstance(text := msgspec.json.decode(raw), str)
    }
    content_type = attributes.get("datacontenttype") or JSON_TYPE
    content = bytes(members.get("data", b""))
    if "data_base64" in attributes:
        content = base64.b64decode(attributes["data_base64"], validate=True)
    elif content and "json" not in content_type.lower():
        text = msgspec.json.decode(content)  # any text but JSON is a JSON string
        content = text.encode() if isinstance(text, str) else content
    return event(attributes, content, content_type)


def event(attributes: Mapping[str, str], content: bytes, content_type: str) -> Event:
    """An event from its attributes and payload. Raises ValueError."""
    event_type = attributes.get("type")
    if not event_type:
        raise ValueError(f"there is no ce-type; {ADVICE}")
    kind = next((kind for kind in (REQUEST, RESPONSE) if event_type.endswith(f".{kind}")), OTHER)
    # Seldon numbers its events and has another attribute for the request; KServe has one id for both events.
    request_id = attributes.get("requestid") or attributes.get("id") or ""
    if kind != OTHER and not (request_id.strip() and request_id.isprintable() and len(request_id) <= MAX_ID):
        raise ValueError(f"there is no ce-id of 1 to {MAX_ID} printable characters; {ADVICE}")
    if any(len(text) > MAX_ID for text in (content_type, *(attributes.get(name, "") for name in NAMES))):
        raise ValueError(f"the content type, {', '.join(NAMES)} have at most {MAX_ID} characters; {ADVICE}")
    headers = caller_headers(attributes.get("metadata"))
    model = attributes.get("modelid")
    return Event(
        kind,
        request_id,
        content,
        content_type or JSON_TYPE,  # the default of CloudEvents
        time_of(attributes.get("time")),
        attributes.get("inferenceservicename") or model or None,
        attributes.get("endpoint") or None,
        attributes.get("namespace") or None,
        attributes.get("component") or model or None,
        traffic.inference_id_of(headers.get(traffic.INFERENCE_ID, b"")),
        traffic.custom_attributes_of(headers.get(traffic.CUSTOM_ATTRIBUTES, b"")),
    )


def caller_headers(metadata: str | None) -> traffic.Headers:
    """The first values of the caller's headers that KServe is configured to pass on, by lower-case name."""
    try:
        headers = msgspec.json.decode(metadata or "{}", type=dict[str, list[str]])
    except (msgspec.MsgspecError, RecursionError):
        return {}
    return {name.lower().encode(): values[0].encode() for name, values in headers.items() if values}


def time_of(text: str | None) -> datetime | None:
    """A time in RFC 3339, in UTC; None if it is invalid or outside of YEARS."""
    try:
        moment = datetime.fromisoformat(text or "")
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return moment if moment.year in YEARS else None


class Waiting(NamedTuple):
    """An event that waits for the other one."""

    event: Event
    since: float


@dataclass
class Pairs:
    """Calls ``record`` once per request: when both events are there, or when one has waited ``timeout`` seconds. If all
    waiting events exceed ``max_bytes``, the one that waits longest is recorded alone. Left out and counted are events
    that were delivered before, that come after their request was recorded without them, or that come from another
    component of the same service."""

    record: Callable[[Place, Event | None, Event | None], None]
    timeout: float
    max_bytes: int
    clock: Callable[[], float] = time.monotonic
    counts: Counter[str] = field(default_factory=Counter)
    waiting: OrderedDict[tuple[Place, str | None, str], Waiting] = field(default_factory=OrderedDict)
    # The component of each recorded request, and which of its sides were recorded.
    recorded: OrderedDict[tuple[Place, str], tuple[str | None, frozenset[str]]] = field(default_factory=OrderedDict)
    bytes: int = 0

    def add(self, place: Place, event: Event) -> None:
        """Take an event of kind REQUEST or RESPONSE."""
        self.expire()
        if self.is_recorded(place, event):
            return
        key = (place, event.component, event.id)
        other = self.waiting.get(key)
        if other and other.event.kind == event.kind:
            self.counts["duplicates"] += 1
        elif other:
            self.settle(place, self.remove(key), event)
        else:
            self.waiting[key] = Waiting(event, self.clock())
            self.bytes += event.size
            while self.bytes > self.max_bytes:
                self.give_up()

    def is_recorded(self, place: Place, event: Event) -> bool:
        """Whether the event's request was recorded already; counts the event if so."""
        component, sides = self.recorded.get((place, event.id), (event.component, frozenset()))
        if component != event.component:
            self.counts["other_component"] += 1
        elif event.kind in sides:
            self.counts["duplicates"] += 1
        elif sides:
            self.counts["late"] += 1
        return bool(sides)

    def expire(self) -> None:
        """Record the events that have waited long enough."""
        while self.waiting and next(iter(self.waiting.values())).since <= self.clock() - self.timeout:
            self.give_up()

    def give_up(self) -> None:
        """Record the event that waits longest alone."""
        place, _, _ = key = next(iter(self.waiting))
        event = self.remove(key)
        if not self.is_recorded(place, event):
            self.counts[f"unpaired_{event.kind}s"] += 1
            self.settle(place, event)

    def flush(self) -> None:
        """Record all waiting events."""
        while self.waiting:
            self.give_up()

    def remove(self, key: tuple[Place, str | None, str]) -> Event:
        event = self.waiting.pop(key).event
        self.bytes -= event.size
        return event

    def settle(self, place: Place, *events: Event) -> None:
        sides = {event.kind: event for event in events}
        self.recorded[place, events[0].id] = (events[0].component, frozenset(sides))
        if len(self.recorded) > MAX_RECORDED:
            self.recorded.popitem(last=False)
        self.record(place, sides.get(REQUEST), sides.get(RESPONSE))
