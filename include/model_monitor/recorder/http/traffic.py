"""Which HTTP requests are captured, and under which id? What ASGI and WSGI share."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, MutableMapping, Sequence
from fnmatch import translate
from typing import Any

from model_monitor.errors import ConfigError
from model_monitor.recorder import Recorder
from model_monitor.recorder.http.bodies import (
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    TRANSFER_ENCODING,
    Body,
    Headers,
    payload_of,
)
from model_monitor.recorder.quiet import Quiet
from model_monitor.recorder.records import Request

INFERENCE_ID = b"x-amzn-sagemaker-inference-id"
CUSTOM_ATTRIBUTES = b"x-amzn-sagemaker-custom-attributes"
REQUEST_HEADERS = frozenset(
    (INFERENCE_ID, CUSTOM_ATTRIBUTES, CONTENT_TYPE, CONTENT_ENCODING, CONTENT_LENGTH, TRANSFER_ENCODING)
)
RESPONSE_HEADERS = frozenset((INFERENCE_ID, CONTENT_TYPE, CONTENT_ENCODING))

# The original's limits (InvokeEndpoint of the sagemaker-runtime API).
LONGEST_INFERENCE_ID, LONGEST_CUSTOM_ATTRIBUTES = 64, 1024

PATTERN = re.compile(r"[*?[]")  # what a path has that stands for several
SEEN = "model_monitor.recorders"  # in what a request is to its server: who captures it already

NO_HEADERS: Headers = {}
OVERHEAD = 2000  # bytes that a request takes in memory beside its bodies


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
        self.paths = None if paths is None else frozenset(path for path in paths if not PATTERN.search(path))
        patterns = [translate(path) for path in paths or () if PATTERN.search(path)]
        self.matches = re.compile("|".join(patterns)).match if patterns else None
        self.quietly = Quiet()

    def begins(self, method: str, path: str, request: MutableMapping[str, Any]) -> bool:
        """Whether a request that came in is one to capture.

        ``request`` is its scope or environ, which is marked: of several middlewares with the same recorder, as of an
        app and one that is mounted in it, the outermost captures.
        """
        if method not in self.methods:
            return False
        if self.paths is not None and path not in self.paths and not (self.matches and self.matches(path)):
            return False
        seen: tuple[Recorder, ...] = request.get(SEEN, ())
        if seen and any(one is self.recorder for one in seen):
            return False
        request[SEEN] = (*seen, self.recorder)
        return True


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


class Exchange:
    """One request and its response, as far as they have passed. Made when the request comes in.

    The caller's inference id names the request, else one that the app's response gives, else none. A caller who gave
    none is told the event id instead, which ground truth may name just as well: labels join by the captured inference
    id, and by the event id where there is none. An id or attributes that the original would refuse are left out.
    """

    __slots__ = (
        "event_id",
        "inference_id",
        "input",
        "is_done",
        "is_selected",
        "output",
        "percentage",
        "received",
        "sent",
        "time",
        "traffic",
    )

    def __init__(self, traffic: Traffic, received: Headers) -> None:
        recorder = traffic.recorder
        self.traffic = traffic
        self.time = time.time()
        self.event_id = recorder.new_event_id()
        self.percentage = recorder.chosen_by(self.event_id)  # None if it is not wanted
        self.received = received
        self.sent = NO_HEADERS
        self.inference_id = inference_id_of(received[INFERENCE_ID]) if INFERENCE_ID in received else None
        self.input: Body | bytes | None = None
        self.output: Body | bytes | None = None
        self.is_selected = False  # by the status of the response
        self.is_done = False

    def answer(self, status: int, headers: Headers) -> str | None:
        """Take note of how a response begins; the id to add to its headers, None if it has one already."""
        self.sent = headers
        self.is_selected = status in self.traffic.statuses
        if INFERENCE_ID not in headers:
            return self.inference_id or self.event_id
        self.inference_id = self.inference_id or inference_id_of(headers[INFERENCE_ID])
        return None

    def done(self) -> None:
        """Hand the request to the recorder, now that its response is complete."""
        if self.is_done or not self.is_selected:
            return
        self.is_done = True
        try:
            if self.percentage is None:
                self.traffic.recorder.sampled_out()
                return
            if isinstance(self.input, Body):  # of which the app may still read
                self.input = self.input.copy()
            self.traffic.recorder.take(self)
        except Exception:  # noqa: BLE001 - the response goes on, whatever it is
            self.traffic.quietly.tell()

    @property
    def size(self) -> int:
        """How many bytes it takes in memory, about."""
        size = OVERHEAD + sum(map(len, self.received.values())) + sum(map(len, self.sent.values()))
        if self.input is not None:
            size += len(self.input)
        if self.output is not None:
            size += len(self.output)
        return size

    def request(self) -> Request:
        """What is to be written down of it: headers in text, bodies unpacked."""
        assert self.percentage is not None
        recorder, received, sent = self.traffic.recorder, self.received, self.sent
        limit, attributes = recorder.max_payload_bytes, custom_attributes_of(received.get(CUSTOM_ATTRIBUTES, b""))
        return Request(
            self.event_id,
            int(1000 * self.time),
            payload_of(self.input, received, limit) if recorder.captures_input else None,
            payload_of(self.output, sent, limit) if recorder.captures_output else None,
            received[CONTENT_TYPE].decode("latin-1") if CONTENT_TYPE in received else None,
            sent[CONTENT_TYPE].decode("latin-1") if CONTENT_TYPE in sent else None,
            self.inference_id,
            [attributes] if attributes else None,
            self.percentage,
        )


def inference_id_of(header: bytes) -> str | None:
    """An inference id as the original takes it: 1 to 64 printable ASCII characters; None if it is none.

    >>> inference_id_of(b"order-000123"), inference_id_of(b"x" * 65), inference_id_of(b"caf\xe9")
    ('order-000123', None, None)
    """
    text = header.decode("latin-1").strip()
    return text if 0 < len(text) <= LONGEST_INFERENCE_ID and text.isascii() and text.isprintable() else None


def custom_attributes_of(header: bytes) -> str | None:
    """Custom attributes as the original takes them: at most 1,024 ASCII characters; None if there are none."""
    return header.decode() if header and len(header) <= LONGEST_CUSTOM_ATTRIBUTES and header.isascii() else None
