"""Encode a captured request as one line of JSON, as SageMaker does (docs/sagemaker-formats.md, "Capture files")."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import lru_cache
from typing import Protocol

import msgspec

from model_monitor.recorder.privacy import Privacy

CSV, JSON, BASE64 = "CSV", "JSON", "BASE64"
SCALE, HASH = 1 << 64, hashlib.blake2b(digest_size=8, person=b"capture")
OVERHEAD = 400  # bytes of memory that a request takes beside its payloads and names
EPOCH, MILLISECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(milliseconds=1)


class Truncated(Enum):
    """Stands for a payload that was too large to keep."""

    TRUNCATED = 0


TRUNCATED = Truncated.TRUNCATED

AnyPayload = bytes | str | bytearray | memoryview | Truncated  # as callers may pass it
Payload = bytes | Truncated


class Queued(Protocol):
    """A captured request in memory. Slow conversions are left to ``request``, which the writer calls."""

    @property
    def size(self) -> int:
        """About how many bytes it takes in memory."""

    def request(self) -> Request: ...


class Request(msgspec.Struct, gc=False):
    """A captured request. ``time`` is in milliseconds since 1970; a side that is None is not captured. ``latency_ms``
    and ``status_code`` are None if unknown. The garbage collector skips these (``gc=False``): they can't form cycles,
    and there may be very many."""

    event_id: str
    time: int
    input: Payload | None
    output: Payload | None
    input_type: str | None
    output_type: str | None
    inference_id: str | None
    custom_attributes: Sequence[str] | None
    percentage: float
    latency_ms: float | None = None
    status_code: int | None = None
    failed: bool = False

    @property
    def size(self) -> int:
        parts = (self.event_id, self.input, self.output, self.inference_id, *(self.custom_attributes or ()))
        return OVERHEAD + sum(len(part) for part in parts if isinstance(part, bytes | str))

    def request(self) -> Request:
        return self


class Side(msgspec.Struct, omit_defaults=True, rename="camel"):
    """The input or output; ``truncated`` and ``withheld`` are written only if true."""

    observed_content_type: str | None
    mode: str
    data: str | None
    encoding: str
    truncated: bool = False
    withheld: bool = False


class Metadata(msgspec.Struct, omit_defaults=True, kw_only=True, rename="camel"):
    event_id: str
    inference_id: str | None = None
    custom_attributes: Sequence[str] | None = None
    inference_time: str
    sampling_percentage: float | None = None
    latency_ms: float | None = None
    status_code: int | None = None
    failed: bool = False


def is_sampled(event_id: str, percentage: float) -> bool:
    """Whether a request is captured: the same for the same id, and all that 10 % take, 20 % take too.

    The hash differs from the one by which schedules sample rows, so that the two samples are independent.

    >>> is_sampled("feca1ab1-8025-47e3-8f6a-99e3fdd7b8d9", 100), is_sampled("feca1ab1-8025-47e3-8f6a-99e3fdd7b8d9", 0)
    (True, False)
    """
    if percentage >= 100:
        return True
    hashed = HASH.copy()
    hashed.update(to_unicode(event_id).encode())
    return int.from_bytes(hashed.digest(), "big") < hash_bound(percentage)


@lru_cache
def hash_bound(percentage: float) -> int:
    """The bound that the hashes of this percentage of all requests are below."""
    return math.ceil(percentage / 100 * SCALE)


@lru_cache(maxsize=4096)
def utc_text(time: int) -> str:
    """A time in whole seconds since 1970 as ``YYYY-MM-DDTHH:MM:SSZ``."""
    return datetime.fromtimestamp(time, UTC).isoformat().replace("+00:00", "Z")


class Format:
    """How payloads are written: which content types are text, and which privacy rules apply."""

    def __init__(self, csv: Sequence[str], json: Sequence[str], privacy: Privacy | None) -> None:
        self.encodings = dict.fromkeys(map(media_type, csv), CSV) | dict.fromkeys(map(media_type, json), JSON)
        self.privacy = privacy
        self.encoder = msgspec.json.Encoder()

    def line(self, request: Request) -> bytes:
        """The request as one line, with its newline."""
        sides: dict[str, Side] = {}
        if request.input is not None:
            sides["endpointInput"] = self.side(request.input, request.input_type, "INPUT")
        if request.output is not None:
            sides["endpointOutput"] = self.side(request.output, request.output_type, "OUTPUT")
        metadata = Metadata(
            event_id=request.event_id,
            inference_id=request.inference_id,
            custom_attributes=request.custom_attributes,
            inference_time=utc_text(request.time // 1000),
            sampling_percentage=request.percentage if request.percentage < 100 else None,
            latency_ms=None if request.latency_ms is None else round(request.latency_ms, 3),
            status_code=request.status_code,
            failed=request.failed,
        )
        return self.encoder.encode({"captureData": sides, "eventMetadata": metadata, "eventVersion": "0"}) + b"\n"

    def side(self, payload: Payload, content_type: str | None, mode: str) -> Side:
        """One side: as text if its content type is listed, parameters aside; else in base64."""
        encoding = self.encodings.get(media_type(content_type), BASE64) if content_type else BASE64
        content_type = content_type and to_unicode(content_type)
        if isinstance(payload, Truncated):
            return Side(content_type, mode, None, encoding, truncated=True)
        text = None
        if encoding != BASE64:
            with contextlib.suppress(UnicodeError):
                text = payload.decode()
        if self.privacy:
            text = None if text is None else self.privacy.applied(text, encoding, mode)
        elif text is None:
            text, encoding = base64.b64encode(payload).decode(), BASE64
        return Side(content_type, mode, text, encoding, withheld=text is None)


@lru_cache(maxsize=1024)
def media_type(content_type: str) -> str:
    """A content type without its parameters.

    >>> media_type("Text/CSV; charset=utf-8")
    'text/csv'
    """
    return content_type.partition(";")[0].strip().lower()


def limited(payload: AnyPayload | None, max_bytes: int) -> Payload | None:
    """A payload in bytes, text in UTF-8; TRUNCATED if it is larger than ``max_bytes``. Raises TypeError if it is
    neither bytes nor text."""
    if isinstance(payload, bytes):
        return payload if len(payload) <= max_bytes else TRUNCATED
    if payload is None or isinstance(payload, Truncated):
        return payload
    if not isinstance(payload, str | bytearray | memoryview):
        raise TypeError(f"a payload is bytes or text, not {type(payload).__name__}; see the decorator ``captured``")
    if (payload.nbytes if isinstance(payload, memoryview) else len(payload)) > max_bytes:
        return TRUNCATED  # before it is copied
    # With ``surrogatepass`` a lone surrogate gives bytes that are not UTF-8, which are later written in base64.
    content = payload.encode("utf-8", "surrogatepass") if isinstance(payload, str) else bytes(payload)
    return content if len(content) <= max_bytes else TRUNCATED


def to_unicode(value: object) -> str:
    """A value as text that can be encoded: lone surrogates become question marks."""
    text = value if isinstance(value, str) else str(value)
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def milliseconds(moment: datetime) -> int:
    """A time in milliseconds since 1970, rounded down; in UTC if it has no zone."""
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - EPOCH) // MILLISECOND


def attribute_list(attributes: str | Sequence[str] | None) -> list[str] | None:
    texts = [attributes] if attributes and isinstance(attributes, str) else attributes
    return [to_unicode(text) for text in texts or ()] or None
