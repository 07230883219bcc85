"""What is a captured request? One JSON object on a line, as section 1.3 of the specification has it."""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import lru_cache
from typing import Protocol

import msgspec

from model_monitor.recorder.privacy import Privacy

CSV, JSON, BASE64 = "CSV", "JSON", "BASE64"
SCALE, HASH = 1 << 64, hashlib.blake2b(digest_size=8, person=b"capture")
OVERHEAD = 400  # bytes that a request takes in memory beside its payloads and names
EPOCH, MILLISECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(milliseconds=1)


class Truncated(Enum):
    """Stands for a payload that was larger than what is kept."""

    TRUNCATED = 0


TRUNCATED = Truncated.TRUNCATED

Given = bytes | str | bytearray | memoryview | Truncated  # what a payload may be handed in as
Payload = bytes | Truncated


class Waiting(Protocol):
    """What waits in memory to be written down. What takes time is left to who writes it, who has many at once."""

    @property
    def size(self) -> int:
        """How many bytes it takes, about."""

    def request(self) -> Request:
        """What is to be written of it."""


class Request(msgspec.Struct, gc=False):
    """A captured request; ``time`` is in milliseconds since 1970, a side that is None is not captured.

    Python's search for cycles passes it by: it can't be in one, and there may be very many.
    """

    event_id: str
    time: int
    input: Payload | None
    output: Payload | None
    input_type: str | None
    output_type: str | None
    inference_id: str | None
    custom_attributes: Sequence[str] | None
    percentage: float

    @property
    def size(self) -> int:
        """How many bytes it takes in memory: what its senders decided on, and all else."""
        size = OVERHEAD + len(self.event_id)
        if isinstance(self.input, bytes):
            size += len(self.input)
        if isinstance(self.output, bytes):
            size += len(self.output)
        if self.inference_id:
            size += len(self.inference_id)
        if self.custom_attributes:
            size += sum(map(len, self.custom_attributes))
        return size

    def request(self) -> Request:
        return self


class Side(msgspec.Struct, omit_defaults=True, rename="camel"):
    """What one side said; ``truncated`` and ``withheld`` are written only where they are true."""

    observed_content_type: str | None
    mode: str
    data: str | None
    encoding: str
    truncated: bool = False
    withheld: bool = False


class CaptureData(msgspec.Struct, omit_defaults=True, rename="camel"):
    endpoint_input: Side | None = None
    endpoint_output: Side | None = None


class Metadata(msgspec.Struct, omit_defaults=True, kw_only=True, rename="camel"):
    event_id: str
    inference_id: str | None = None
    custom_attributes: Sequence[str] | None = None
    inference_time: str
    sampling_percentage: float | None = None


class Record(msgspec.Struct, rename="camel"):
    capture_data: CaptureData
    event_metadata: Metadata
    event_version: str = "0"


def is_sampled(event_id: str, percentage: float) -> bool:
    """Whether a request is captured: always the same for the same id, and what 10 % take, 20 % take too.

    Not the hash by which a schedule samples rows: with the same one, its share of what was captured would be all of it.

    >>> is_sampled("feca1ab1-8025-47e3-8f6a-99e3fdd7b8d9", 100), is_sampled("feca1ab1-8025-47e3-8f6a-99e3fdd7b8d9", 0)
    (True, False)
    """
    if percentage >= 100:
        return True
    if not (isinstance(event_id, str) and event_id.isascii()):
        event_id = unicode(event_id)
    hashed = HASH.copy()
    hashed.update(event_id.encode())
    return int.from_bytes(hashed.digest(), "big") < bound(percentage)


@lru_cache
def bound(percentage: float) -> int:
    """What the hashes of so many per cent of all requests are less than."""
    return math.ceil(percentage / 100 * SCALE)


@lru_cache(maxsize=4096)
def second(time: int) -> str:
    """Whole seconds since 1970 as the records have them: in UTC, ``YYYY-MM-DDTHH:MM:SSZ``."""
    return datetime.fromtimestamp(time, UTC).isoformat().replace("+00:00", "Z")


@dataclass(frozen=True)
class Format:
    """How payloads are written: which content types are text, and what may not leave."""

    csv_content_types: tuple[str, ...] = ("text/csv",)
    json_content_types: tuple[str, ...] = ("application/json",)
    privacy: Privacy | None = None
    kinds: dict[str, str] = field(init=False, repr=False)
    encoder: msgspec.json.Encoder = field(init=False, repr=False, default_factory=msgspec.json.Encoder)

    def __post_init__(self) -> None:
        kinds = {bare(kind): CSV for kind in self.csv_content_types}
        object.__setattr__(self, "kinds", kinds | {bare(kind): JSON for kind in self.json_content_types})

    def line(self, request: Request) -> bytes:
        """The request as one line, with its newline."""
        sides = CaptureData(
            request.input if request.input is None else self.side(request.input, request.input_type, "INPUT"),
            request.output if request.output is None else self.side(request.output, request.output_type, "OUTPUT"),
        )
        metadata = Metadata(
            event_id=request.event_id,
            inference_id=request.inference_id,
            custom_attributes=request.custom_attributes,
            inference_time=second(request.time // 1000),
            sampling_percentage=request.percentage if request.percentage < 100 else None,
        )
        return self.encoder.encode(Record(sides, metadata)) + b"\n"

    def side(self, payload: Payload, content_type: str | None, mode: str) -> Side:
        """One side: text where its content type is one of those listed, parameters aside, else base64."""
        kind = self.kinds.get(bare(content_type), BASE64) if content_type else BASE64
        content_type = content_type and unicode(content_type)
        if isinstance(payload, Truncated):
            return Side(content_type, mode, None, kind, truncated=True)
        text = text_of(payload) if kind != BASE64 else None
        if self.privacy:
            text = self.privacy.applied(text, kind, mode) if text is not None else None
            return Side(content_type, mode, text, kind, withheld=text is None)
        if text is None:
            return Side(content_type, mode, base64.b64encode(payload).decode(), BASE64)
        return Side(content_type, mode, text, kind)


@lru_cache(maxsize=1024)
def bare(content_type: str) -> str:
    """A content type without its parameters.

    >>> bare("Text/CSV; charset=utf-8")
    'text/csv'
    """
    return content_type.partition(";")[0].strip().lower()


def text_of(payload: bytes) -> str | None:
    """A payload as text; None if it is not Unicode."""
    try:
        return payload.decode()
    except UnicodeError:
        return None


def kept(payload: Given | None, most: int) -> Payload | None:
    """A payload as it waits in memory: in UTF-8 if it is text, TRUNCATED if it has more than ``most`` bytes.

    Raises TypeError for what is neither bytes nor text.
    """
    if isinstance(payload, bytes):
        return payload if len(payload) <= most else TRUNCATED
    if payload is None or isinstance(payload, Truncated):
        return payload
    if not isinstance(payload, str | bytearray | memoryview):
        raise TypeError(f"a payload is bytes or text, not {type(payload).__name__}; see model_monitor's decorator")
    if (payload.nbytes if isinstance(payload, memoryview) else len(payload)) > most:
        return TRUNCATED  # not copied before
    # What ``surrogatepass`` lets through is found to be no text later, and written in base64.
    content = payload.encode("utf-8", "surrogatepass") if isinstance(payload, str) else bytes(payload)
    return content if len(content) <= most else TRUNCATED


def unicode(value: object) -> str:
    """A text that can be written, whatever a header held, or was given for a text."""
    text = value if isinstance(value, str) else str(value)
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def milliseconds(moment: datetime) -> int:
    """A time in milliseconds since 1970, rounded down; without a zone it is in UTC."""
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - EPOCH) // MILLISECOND


def texts(attributes: str | Sequence[str] | None) -> list[str] | None:
    if not attributes:
        return None
    return [unicode(one) for one in ([attributes] if isinstance(attributes, str) else attributes)]
