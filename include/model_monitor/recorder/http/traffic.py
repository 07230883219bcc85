"""Select the HTTP requests to capture, and turn each into a record: what ASGI and WSGI share."""

from __future__ import annotations

import contextlib
import re
import time
import zlib
from collections.abc import Callable, Collection, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from fnmatch import translate
from time import perf_counter
from typing import Any, Generic, TypeVar

from model_monitor.errors import ConfigError
from model_monitor.recorder.recorder import Recorder
from model_monitor.recorder.records import TRUNCATED, Payload, Request
from model_monitor.recorder.threads import Quietly

Headers = Mapping[bytes, bytes]  # those that matter here, by lower-case name
CONTENT_TYPE, CONTENT_ENCODING, CONTENT_LENGTH = b"content-type", b"content-encoding", b"content-length"
TRANSFER_ENCODING = b"transfer-encoding"
INFERENCE_ID = b"x-amzn-sagemaker-inference-id"
CUSTOM_ATTRIBUTES = b"x-amzn-sagemaker-custom-attributes"
REQUEST_HEADERS = {INFERENCE_ID, CUSTOM_ATTRIBUTES, CONTENT_TYPE, CONTENT_ENCODING, CONTENT_LENGTH, TRANSFER_ENCODING}
RESPONSE_HEADERS = {INFERENCE_ID, CONTENT_TYPE, CONTENT_ENCODING}

# SageMaker's limits (InvokeEndpoint of the sagemaker-runtime API).
MAX_INFERENCE_ID, MAX_CUSTOM_ATTRIBUTES = 64, 1024

CAPTURED_BY = "model_monitor.recorders"  # the key, in a scope or environ, of the recorders that capture a request

BROKEN = 500  # the status that servers send for an app that raised

SMALL_CHUNK = 1024  # bytes
OVERHEAD = 2000  # bytes of memory that a request takes beside its bodies

App = TypeVar("App")


class Middleware(Generic[App]):
    """Wraps an app, ASGI or WSGI, and selects the requests to capture: by default every POST with a status of 2xx or
    5xx.

    Bodies pass through unchanged; copies are kept up to ``recorder.max_payload_bytes``. A request is recorded when its
    response is complete, with its latency and status. ``recorder`` may be a function that makes it, for apps that are
    pickled and sent to where they serve (Ray).

    ``paths`` are exact paths or shell-style patterns, as the app's routes spell them (without the prefix under which a
    server or another app mounts it): ``*`` stands for any characters, slashes too, ``?`` for one, ``[ab]`` for one of
    those; None means all. Put one of these characters in brackets to match itself: ``[*]``. ``statuses`` are those of
    the responses. A status in ``failures``, or an exception of the app (if they have 500), is a request that failed: it
    is recorded without its output, and only the monitor ``traffic`` sees it. Raises ConfigError.
    """

    def __init__(
        self,
        app: App,
        recorder: Recorder | Callable[[], Recorder],
        *,
        paths: Sequence[str] | None = None,
        methods: Collection[str] = ("POST",),
        statuses: Collection[int] = range(200, 300),
        failures: Collection[int] = range(500, 600),
    ) -> None:
        for name, value in (("paths", paths), ("methods", methods)):
            if isinstance(value, str):
                raise ConfigError(f"{name} is a list, not the text {value!r}; write {name}=[{value!r}]")
        if wrong := [path for path in paths or () if not path.startswith(("/", "*"))]:
            raise ConfigError(f"the path {wrong[0]!r} can't match any: paths begin with a slash, e.g. '/{wrong[0]}'")
        self.app = app
        self.recorder = recorder() if callable(recorder) else recorder
        self.methods = frozenset(method.upper() for method in methods)
        self.statuses = frozenset(statuses)
        self.failures = frozenset(failures) - self.statuses
        self.matches = None if paths is None else re.compile("|".join(map(translate, paths)) or "(?!)").match
        self.quietly = Quietly()

    def selects(self, method: str, path: str, request: MutableMapping[str, Any]) -> bool:
        """Whether to capture an incoming request. Marks ``request``, its scope or environ: of several middlewares with
        one recorder, as of an app and an app mounted in it, only the outermost captures."""
        if method not in self.methods or (self.matches and not self.matches(path)):
            return False
        recorders: tuple[Recorder, ...] = request.get(CAPTURED_BY, ())
        if self.recorder in recorders:
            return False
        request[CAPTURED_BY] = (*recorders, self.recorder)
        return True


@dataclass(slots=True, eq=False)
class Exchange:
    """One request and its response, as far as they have passed; made when the request comes in. A request is named by
    the caller's inference id; else by the one in the app's response; else by none. Then the caller is sent the event id
    instead, and ground truth may refer to that: labels join by the captured inference id, and by the event id if there
    is none. Ids and attributes that SageMaker would refuse are left out."""

    recorder: Recorder
    statuses: Collection[int]
    failures: Collection[int]
    quietly: Quietly
    request_headers: Headers
    response_headers: Headers = field(default_factory=dict)
    time: float = field(default_factory=time.time)
    began: float = field(default_factory=perf_counter)
    latency_ms: float | None = None  # once it is done
    status: int | None = None  # None before the response starts
    failed: bool = False
    event_id: str = field(init=False)
    percentage: float | None = field(init=False)  # None if sampling leaves it out
    inference_id: str | None = None
    input: Body | None = None  # None if it is not captured
    output: Body | None = None
    is_selected: bool = False  # by the status of the response
    is_done: bool = False  # then the bodies don't change any more, even if the app reads on

    def __post_init__(self) -> None:
        self.event_id = self.recorder.new_event_id()
        self.percentage = self.recorder.chosen_by(self.event_id)
        if INFERENCE_ID in self.request_headers:
            self.inference_id = inference_id_of(self.request_headers[INFERENCE_ID])
        if self.percentage is not None and self.recorder.captures_input:
            self.input = Body(self.recorder.max_payload_bytes)
        if self.percentage is not None and self.recorder.captures_output:
            self.output = Body(self.recorder.max_payload_bytes)

    def respond(self, status: int, headers: Headers) -> str | None:
        """Note the start of the response; the id to add to its headers, None if they have one."""
        self.response_headers = headers
        self.status, self.failed = status, status in self.failures
        self.is_selected = self.failed or status in self.statuses
        if self.failed:
            self.output = None
        if INFERENCE_ID not in headers:
            return self.inference_id or self.event_id
        self.inference_id = self.inference_id or inference_id_of(headers[INFERENCE_ID])
        return None

    def done(self) -> None:
        """Pass the request to the recorder: its response is complete."""
        if self.is_done or not self.is_selected:
            return
        self.is_done = True
        self.latency_ms = 1000 * (perf_counter() - self.began)
        if self.percentage is None:
            self.quietly(self.recorder.sampled_out)
        else:
            self.quietly(self.recorder.take, self)

    def broke(self) -> None:
        """Record a request that the app did not answer to the end: it raised an exception, and servers then send 500,
        unless the response had started."""
        if BROKEN in self.failures and not self.is_done:
            self.is_selected = self.failed = True
            self.status = self.status or BROKEN
            self.output = None
            self.done()

    @property
    def size(self) -> int:
        headers = sum(map(len, self.request_headers.values())) + sum(map(len, self.response_headers.values()))
        return OVERHEAD + headers + len(self.input or b"") + len(self.output or b"")

    def request(self) -> Request:
        """The request to write: headers as text, bodies decompressed."""
        assert self.percentage is not None
        received, sent = self.request_headers, self.response_headers
        attributes = custom_attributes_of(received.get(CUSTOM_ATTRIBUTES, b""))
        return Request(
            self.event_id,
            int(1000 * self.time),
            None if self.input is None else self.input.payload(received),
            None if self.output is None else self.output.payload(sent),
            received[CONTENT_TYPE].decode("latin-1") if CONTENT_TYPE in received else None,
            sent[CONTENT_TYPE].decode("latin-1") if CONTENT_TYPE in sent else None,
            self.inference_id,
            [attributes] if attributes else None,
            self.percentage,
            self.latency_ms,
            self.status,
            self.failed,
        )


def inference_id_of(header: bytes) -> str | None:
    """An inference id as SageMaker accepts it: 1 to 64 printable ASCII characters; None if it is not valid.

    >>> inference_id_of(b"order-000123"), inference_id_of(b"x" * 65), inference_id_of(b"caf\\xe9")
    ('order-000123', None, None)
    """
    text = header.decode("latin-1").strip()
    return text if 0 < len(text) <= MAX_INFERENCE_ID and text.isascii() and text.isprintable() else None


def custom_attributes_of(header: bytes) -> str | None:
    """Custom attributes as SageMaker accepts them: at most 1,024 ASCII characters; None if there are none."""
    return header.decode() if header and len(header) <= MAX_CUSTOM_ATTRIBUTES and header.isascii() else None


@dataclass(slots=True, eq=False)
class Body:
    """A copy of a body up to ``limit`` bytes; nothing is kept of a larger one. Chunks are referenced, not copied; small
    ones are joined, as each would take some 40 bytes of memory more."""

    limit: int
    chunks: list[bytes | bytearray] | None = field(default_factory=list)
    ended: bool = False
    size: int = 0

    def add(self, chunk: bytes, is_last: bool = False) -> None:
        self.ended |= is_last
        self.size += len(chunk)
        if self.size > self.limit:
            self.chunks = None
        elif chunk and self.chunks is not None:
            if not self.chunks or len(chunk) >= SMALL_CHUNK:
                self.chunks.append(bytes(chunk))  # no copy if it is of type bytes
            elif isinstance(last := self.chunks[-1], bytearray):
                last += chunk
            else:
                self.chunks.append(bytearray(chunk))

    def __len__(self) -> int:
        """The number of bytes kept."""
        return 0 if self.chunks is None else self.size

    def drop(self) -> None:
        """Keep nothing, as part of the body bypassed this copy."""
        self.chunks, self.limit = None, -1

    def payload(self, headers: Headers) -> Payload | None:
        """The body without its Content-Encoding; TRUNCATED if too large or incomplete, None if there is none."""
        if self.chunks is None or not (self.ended or self.is_complete(headers)):
            return TRUNCATED
        content = b"".join(self.chunks)
        if CONTENT_ENCODING in headers:
            return decompress(content, headers[CONTENT_ENCODING].decode("latin-1"), self.limit)
        return content if content or CONTENT_TYPE in headers else None

    def is_complete(self, headers: Headers) -> bool:
        """Whether all that the headers announce was read, even if the app did not read on to the end."""
        length = headers.get(CONTENT_LENGTH) or b""
        if length.isdigit():
            return self.size >= int(length)
        return not (self.size or length or TRANSFER_ENCODING in headers or CONTENT_TYPE in headers)


def decompress(content: bytes, encoding: str, limit: int) -> Payload:
    """A body without its Content-Encoding, if that is gzip or deflate; TRUNCATED if the result exceeds ``limit``. A
    body in another encoding, or a damaged one, is returned as it is; as it is not text, it is written in base64."""
    if encoding.lower().replace("x-gzip", "gzip").strip() not in ("gzip", "deflate"):
        return content
    for window in (47, -15):  # gzip or zlib; some servers' "deflate" has no header at all
        with contextlib.suppress(zlib.error):
            return unpack(content, window, limit)
    return content


def unpack(content: bytes, window: int, limit: int) -> Payload:
    """The unpacked members of a compressed body; TRUNCATED if they exceed ``limit`` bytes. Raises zlib.error."""
    unpacked = bytearray()
    while content:
        decompressor = zlib.decompressobj(window)
        unpacked += decompressor.decompress(content, limit - len(unpacked) + 1)
        if len(unpacked) > limit:
            return TRUNCATED
        if not decompressor.eof:
            raise zlib.error("it ends too early")
        content = decompressor.unused_data
    return bytes(unpacked)
