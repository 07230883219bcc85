"""Which HTTP requests are captured, under which id, and how much of their bodies is kept? What ASGI and WSGI share."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Collection, Mapping, MutableMapping, Sequence
from datetime import UTC, datetime
from fnmatch import translate
from typing import Any

from model_monitor.errors import ConfigError
from model_monitor.rows.recorder import TRUNCATED, Recorder, Truncated
from model_monitor.rows.recorder.quiet import Quiet

INFERENCE_ID = "x-amzn-sagemaker-inference-id"
CUSTOM_ATTRIBUTES = "x-amzn-sagemaker-custom-attributes"
CONTENT_TYPE, CONTENT_ENCODING, CONTENT_LENGTH = "content-type", "content-encoding", "content-length"
TRANSFER_ENCODING = "transfer-encoding"
REQUEST_HEADERS = (
    INFERENCE_ID,
    CUSTOM_ATTRIBUTES,
    CONTENT_TYPE,
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    TRANSFER_ENCODING,
)
RESPONSE_HEADERS = (INFERENCE_ID, CONTENT_TYPE, CONTENT_ENCODING)

# The original's limits (InvokeEndpoint of the sagemaker-runtime API).
LONGEST_INFERENCE_ID, LONGEST_CUSTOM_ATTRIBUTES = 64, 1024

SMALL_CHUNK = 1024  # bytes
SEEN = "model_monitor.recorders"  # in what a request is to its server: who captures it already

Payload = bytes | Truncated | None


class Traffic:
    """The requests of one app: which of them are captured, and by whom. ``recorder`` may be a function that makes one,
    for apps that are pickled on their way to where they serve (Ray).

    ``paths`` are exact paths or shell-style patterns, as the app's routes spell them (without the prefix under which a
    server or another app mounts it): ``*`` stands for any characters, slashes too, ``?`` for one, ``[ab]`` for one of
    those. None means all. A path that holds one of these characters itself is written with it in brackets: ``[*]``.
    ``statuses`` are those of the responses. Raises ConfigError.
    """

    def __init__(
        self,
        recorder: Recorder | Callable[[], Recorder],
        paths: Sequence[str] | None = None,
        methods: Collection[str] = ("POST",),
        statuses: Collection[int] = range(200, 300),
    ) -> None:
        for name, given in (("paths", paths), ("methods", methods)):
            if isinstance(given, str):
                raise ConfigError(f"{name} is a list, not the text {given!r}; write {name}=[{given!r}]")
        if wrong := [path for path in paths or () if not path.startswith(("/", "*"))]:
            raise ConfigError(f"the path {wrong[0]!r} can't match any: paths begin with a slash, e.g. '/{wrong[0]}'")
        self.recorder = recorder() if callable(recorder) else recorder
        self.waits = self.recorder.when_full == "block"
        self.methods = frozenset(method.upper() for method in methods)
        self.statuses = frozenset(statuses)
        self.matches = None if paths is None else re.compile("|".join(map(translate, paths)) or "(?!)").match
        self.quietly = Quiet()

    def begin(
        self, method: str, path: str, request: MutableMapping[str, Any], headers: Callable[[], Mapping[str, str]]
    ) -> Exchange | None:
        """What is kept of a request that came in now; None if it is not one to capture.

        ``request`` is its scope or environ, which is marked: of several middlewares with the same recorder, as of an
        app and one that is mounted in it, the outermost captures.
        """
        if method not in self.methods or (self.matches and not self.matches(path)):
            return None
        seen: tuple[Recorder, ...] = request.get(SEEN, ())
        if any(one is self.recorder for one in seen):
            return None
        request[SEEN] = (*seen, self.recorder)
        return self.quietly(Exchange, self, headers)


class Middleware:
    """What stands before an app, of whichever kind, and what it captures of it."""

    def __init__(
        self,
        app: Any,
        recorder: Recorder | Callable[[], Recorder],
        *,
        paths: Sequence[str] | None = None,
        methods: Collection[str] = ("POST",),
        statuses: Collection[int] = range(200, 300),
    ) -> None:
        self.app = app
        self.traffic = Traffic(recorder, paths, methods, statuses)


class Body:
    """A copy of a body while it passes, up to a limit in bytes; beyond it nothing is kept.

    Chunks are referred to, not copied; small ones are joined, as each would take some 40 bytes of memory more.
    """

    __slots__ = ("chunks", "ended", "limit", "size")

    def __init__(self, limit: int) -> None:
        self.chunks: list[bytes | bytearray] | None = []
        self.ended = False
        self.limit = limit
        self.size = 0

    def add(self, chunk: bytes) -> None:
        self.size += len(chunk)
        if self.size > self.limit:
            self.chunks = None
        elif chunk and self.chunks is not None:
            if not self.chunks or len(chunk) >= SMALL_CHUNK:
                self.chunks.append(bytes(chunk))  # bytes themselves are not copied
            elif isinstance(last := self.chunks[-1], bytearray):
                last += chunk
            else:
                self.chunks.append(bytearray(chunk))

    def lose(self) -> None:
        """Keep nothing: part of the body went another way."""
        self.chunks, self.limit = None, -1

    def payload(self, headers: Mapping[str, str]) -> Payload:
        """The whole body, readable; None if there is none."""
        if self.chunks is None or not (self.ended or self.has_all(headers)):
            return TRUNCATED
        if not self.chunks and CONTENT_TYPE not in headers:
            return None
        content = bytes(self.chunks[0]) if len(self.chunks) == 1 else b"".join(self.chunks)
        return readable(content, headers.get(CONTENT_ENCODING), self.limit)

    def has_all(self, headers: Mapping[str, str]) -> bool:
        """Whether all that the headers announce has passed, though nobody looked for the end."""
        length = headers.get(CONTENT_LENGTH) or ""
        if length.isdecimal():
            return self.size >= int(length)
        return not (self.size or length or TRANSFER_ENCODING in headers or CONTENT_TYPE in headers)


class Exchange:
    """One request and its response, as far as they have passed. Made when the request comes in.

    The caller's inference id names the request, else one that the app's response gives, else none. A caller who gave
    none is told the event id instead, which ground truth may name just as well: labels join by the captured inference
    id, and by the event id where there is none. An id or attributes that the original would refuse are left out.
    """

    __slots__ = (
        "custom_attributes",
        "event_id",
        "inference_id",
        "input",
        "is_done",
        "is_selected",
        "is_wanted",
        "output",
        "received",
        "sent",
        "time",
        "traffic",
    )

    def __init__(self, traffic: Traffic, headers: Callable[[], Mapping[str, str]]) -> None:
        recorder = traffic.recorder
        self.traffic = traffic
        self.time = datetime.now(UTC)
        self.event_id = recorder.new_event_id()
        self.is_wanted = recorder.wants(self.event_id)
        self.received = headers()
        self.sent: Mapping[str, str] = {}
        self.inference_id = inference_id_of(self.received.get(INFERENCE_ID))
        self.custom_attributes = custom_attributes_of(self.received.get(CUSTOM_ATTRIBUTES))
        self.input = Body(recorder.max_payload_bytes) if self.is_wanted and recorder.captures_input else None
        self.output = Body(recorder.max_payload_bytes) if self.is_wanted and recorder.captures_output else None
        self.is_selected = False  # by the status of the response
        self.is_done = False

    def answer(self, status: int, headers: Mapping[str, str]) -> str | None:
        """Take note of how a response begins; the id to add to its headers, None if it has one already."""
        self.sent = headers
        self.is_selected = status in self.traffic.statuses
        if not self.is_selected:
            self.input = self.output = None
        if INFERENCE_ID not in headers:
            return self.inference_id or self.event_id
        self.inference_id = self.inference_id or inference_id_of(headers[INFERENCE_ID])
        return None

    @property
    def is_packed(self) -> bool:
        """Whether a body has to be unpacked, which may take some milliseconds."""
        return CONTENT_ENCODING in self.sent or CONTENT_ENCODING in self.received

    def done(self) -> None:
        """Hand the request to the recorder, now that its response is complete."""
        if self.is_selected and not self.is_done:
            self.traffic.quietly(self.record if self.is_wanted else self.traffic.recorder.sampled_out)
        self.is_done = True

    def record(self) -> None:
        self.traffic.recorder.record(
            self.input.payload(self.received) if self.input else None,
            self.output.payload(self.sent) if self.output else None,
            input_content_type=self.received.get(CONTENT_TYPE),
            output_content_type=self.sent.get(CONTENT_TYPE),
            inference_id=self.inference_id,
            custom_attributes=self.custom_attributes,
            event_id=self.event_id,
            event_time=self.time,
        )


def inference_id_of(header: str | None) -> str | None:
    """An inference id as the original takes it: 1 to 64 printable ASCII characters; None if it is none.

    >>> inference_id_of("order-000123"), inference_id_of("x" * 65), inference_id_of("café")
    ('order-000123', None, None)
    """
    text = (header or "").strip()
    return text if 0 < len(text) <= LONGEST_INFERENCE_ID and text.isascii() and text.isprintable() else None


def custom_attributes_of(header: str | None) -> str | None:
    """Custom attributes as the original takes them: at most 1,024 ASCII characters; None if there are none."""
    return header if header and len(header) <= LONGEST_CUSTOM_ATTRIBUTES and header.isascii() else None


def readable(content: bytes, encoding: str | None, limit: int) -> bytes | Truncated:
    """A body without its Content-Encoding, if that is gzip or deflate; TRUNCATED if it is larger than ``limit`` then.

    One in another encoding, or damaged, stays as it is; the recorder writes what is no text as BASE64.
    """
    names = (encoding or "").lower().replace("x-gzip", "gzip").strip()
    if names not in ("gzip", "deflate"):
        return content
    for window in (47, -15):  # gzip or zlib; what some servers call deflate has no header at all
        try:
            unpacked = unpack(content, window, limit)
        except zlib.error:
            continue
        return TRUNCATED if unpacked is None else unpacked
    return content


def unpack(content: bytes, window: int, limit: int) -> bytes | None:
    """The unpacked members of a compressed body; None if they are more than ``limit`` bytes. Raises zlib.error."""
    members: list[bytes] = []
    room = limit
    while content:
        decompressor: Any = zlib.decompressobj(window)
        members.append(decompressor.decompress(content, room + 1))
        room -= len(members[-1])
        if room < 0:
            return None
        if not decompressor.eof:
            raise zlib.error("it ends too early")
        content = decompressor.unused_data
    return b"".join(members)
