"""Parse the CloudEvents that payload loggers of KServe and Seldon Core send: one per request, another per response.

Formats: version 1.0 of the CloudEvents HTTP binding, in binary mode (attributes are ``ce-*`` headers), structured mode
and batched mode (JSON), with the attributes of KServe's ``pkg/logger`` and Seldon Core's ``executor/logger``.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import unquote

import msgspec

from model_monitor.recorder.http import traffic
from model_monitor.recorder.http.traffic import Headers
from model_monitor.recorder.records import Truncated

REQUEST, RESPONSE, OTHER = "request", "response", "other"
STRUCTURED, BATCHED = "application/cloudevents+json", "application/cloudevents-batch+json"
JSON_TYPE = "application/json"
MAX_ID = 256  # characters, also of names, which wait in memory
YEARS = range(1970, 2200)  # a time outside of them is ignored
ADVICE = "send CloudEvents as KServe's and Seldon's payload loggers do"

NAMES = ("inferenceservicename", "modelid", "endpoint", "namespace", "component")

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
    if "data_base64" in attributes:
        content = base64.b64decode(attributes["data_base64"], validate=True)
    else:
        content = data(members.get("data"), content_type)
    return event(attributes, content, content_type)


def data(raw: msgspec.Raw | None, content_type: str) -> bytes:
    """The payload in an object's ``data``: JSON keeps its spelling, any other text is a JSON string."""
    if raw is None:
        return b""
    value: object = None if "json" in content_type.lower() else msgspec.json.decode(raw)
    return value.encode() if isinstance(value, str) else bytes(raw)


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


def caller_headers(metadata: str | None) -> Headers:
    """The first values of the caller's headers that KServe is configured to pass on, by lower-case name."""
    try:
        headers = msgspec.json.decode(metadata or "{}", type=dict[str, list[str]])
    except msgspec.MsgspecError:
        return {}
    return {name.lower().encode(): values[0].encode() for name, values in headers.items() if values}


def time_of(text: str | None) -> datetime | None:
    """A time in RFC 3339, in UTC; None if it is invalid or outside of YEARS."""
    try:
        time = datetime.fromisoformat(text or "")
        time = time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return time if time.year in YEARS else None
