"""What was asked and answered over HTTP? Middleware for WSGI apps: Flask, Django, and what gunicorn serves.

    app.wsgi_app = CaptureMiddleware(app.wsgi_app, recorder=recorder, paths=["/predict"])

Bodies pass on as they come; copies are kept up to ``recorder.max_payload_bytes``. A request is recorded once the server
has taken all of the response; one that the app does not finish is not recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any, cast

from model_monitor.recorder.http.bodies import CONTENT_LENGTH, CONTENT_TYPE, Body, Headers
from model_monitor.recorder.http.traffic import INFERENCE_ID, REQUEST_HEADERS, RESPONSE_HEADERS, Exchange, Middleware

Environ = dict[str, Any]
Failure = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]
Write = Callable[[bytes], object]
StartResponse = Callable[..., Write]
App = Callable[[Environ, StartResponse], Iterable[bytes]]

INFERENCE_ID_NAME = "X-Amzn-SageMaker-Inference-Id"
WITHOUT_PREFIX = (CONTENT_TYPE, CONTENT_LENGTH)  # CGI's own names; all others begin with HTTP_
KEYS = {
    name: ("" if name in WITHOUT_PREFIX else "HTTP_") + name.decode().upper().replace("-", "_")
    for name in REQUEST_HEADERS
}


class CaptureMiddleware(Middleware):
    """Captures the requests of ``app`` that ``traffic.Traffic`` selects: every POST that is answered by 200 to 299,
    unless ``paths``, ``methods`` or ``statuses`` say otherwise. Raises ConfigError."""

    app: App

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        exchange = self.traffic.quietly(self.begun, environ)
        if not exchange:
            return self.app(environ, start_response)
        chunks = self.app(environ, answering(exchange, start_response))
        kind = SizedChunks if hasattr(type(chunks), "__len__") else Chunks
        return kind(chunks, exchange)

    def begun(self, environ: Environ) -> Exchange | None:
        """What is kept of a request that came in now; None if it is not one to capture."""
        if not self.traffic.begins(environ["REQUEST_METHOD"], path_of(environ), environ):
            return None
        exchange, recorder = Exchange(self.traffic, received(environ)), self.traffic.recorder
        if exchange.percentage is not None and recorder.captures_input:
            exchange.input = Body(recorder.max_payload_bytes)
            environ["wsgi.input"] = Heard(environ["wsgi.input"], exchange.input)
        if exchange.percentage is not None and recorder.captures_output:
            exchange.output = Body(recorder.max_payload_bytes)
        return exchange


def path_of(environ: Environ) -> str:
    """The path as the app's routes spell it. WSGI has its bytes as if they were Latin-1."""
    return str(environ.get("PATH_INFO") or "/").encode("latin-1", "replace").decode("utf-8", "replace")


def received(environ: Environ) -> Headers:
    """The request's headers that matter; CGI has some as empty texts where there are none."""
    return {name: environ[key].encode("latin-1") for name, key in KEYS.items() if environ.get(key)}


def sent(headers: Sequence[tuple[str, str]]) -> Headers:
    """The response's headers that matter."""
    known = [(name.lower().encode("latin-1"), value) for name, value in headers]
    return {name: value.encode("latin-1") for name, value in known if name in RESPONSE_HEADERS}


def answering(exchange: Exchange, start_response: StartResponse) -> StartResponse:
    """``start_response`` that adds the inference id, and whose ``write`` keeps a copy."""
    traffic = exchange.traffic

    def started(status: str, headers: Sequence[tuple[str, str]], failure: Failure | None = None) -> Write:
        found = traffic.quietly(sent, headers)
        added = traffic.quietly(lambda: exchange.answer(int(status[:3]), found or {}))
        more = [(INFERENCE_ID_NAME, str(added))] if added and INFERENCE_ID not in (found or {}) else []
        # Added to a list of its own: the app may use the one it gave again.
        answered = ([*headers, *more],) if failure is None else ([*headers, *more], failure)
        write = start_response(status, *answered)

        def written(chunk: bytes) -> object:
            if isinstance(exchange.output, Body):
                exchange.output.add(chunk)
            return write(chunk)

        return written

    return started


class Heard:
    """``wsgi.input`` that keeps a copy of what the app reads; all else is the server's."""

    def __init__(self, stream: Any, body: Body) -> None:
        self.stream = stream
        self.body = body
        self.again = 0  # so many of the next bytes were read before

    def kept(self, content: bytes, wanted: int | None = None) -> bytes:
        """What was read; the body has ended if that is less than was wanted, or all of it."""
        self.body.add(content[self.again :])
        self.again = max(0, self.again - len(content))
        if wanted is None or wanted < 0 or (wanted and not content):
            self.body.ended = True
        return content

    def read(self, size: int | None = -1) -> bytes:
        return self.kept(self.stream.read() if size is None or size < 0 else self.stream.read(size), size)

    def readline(self, size: int | None = -1) -> bytes:
        line = self.stream.readline() if size is None or size < 0 else self.stream.readline(size)
        return self.kept(line, 1 if size is None or size < 0 else size)

    def readlines(self, hint: int | None = -1) -> list[bytes]:
        lines: list[bytes] = self.stream.readlines() if hint is None or hint <= 0 else self.stream.readlines(hint)
        self.kept(b"".join(lines), hint or -1)
        return lines

    def __iter__(self) -> Iterator[bytes]:
        for line in self.stream:
            yield self.kept(line, 1)
        self.body.ended = True

    def __getattr__(self, name: str) -> Any:
        """What only some servers' streams can do, and other apps ask for."""
        found = getattr(self.stream, name)
        if name == "read1":
            return lambda size=-1: self.kept(found(size), abs(size))
        if name == "seek":
            return self.seeking(found)
        return self.filling(found) if name in ("readinto", "readinto1") else found

    def seeking(self, seek: Callable[..., int]) -> Callable[..., int]:
        def sought(*where: int) -> int:
            place = seek(*where)
            self.again = self.body.size - place
            if self.again < 0:
                self.body.lose()
            return place

        return sought

    def filling(self, readinto: Callable[[Any], int | None]) -> Callable[[Any], int | None]:
        def read(buffer: Any) -> int | None:
            count = readinto(buffer)
            if count is not None:
                self.kept(bytes(memoryview(buffer)[:count]), len(buffer))
            return count

        return read


class Chunks:
    """A response's body that keeps a copy of what the server takes, and records when it has taken all."""

    def __init__(self, chunks: Iterable[bytes], exchange: Exchange) -> None:
        self.chunks = chunks
        self.exchange = exchange
        self.iterator: Iterator[bytes] | None = None

    def __iter__(self) -> Iterator[bytes]:
        self.iterator = iter(self.chunks)
        return self

    def __next__(self) -> bytes:
        if self.iterator is None:
            self.iterator = iter(self.chunks)
        output = self.exchange.output
        try:
            chunk = next(self.iterator)
        except StopIteration:
            if isinstance(self.exchange.output, Body):  # the app may have begun its response only now
                self.exchange.output.ended = True
            self.exchange.done()
            raise
        if isinstance(output, Body):
            output.add(chunk)
        return chunk

    def close(self) -> None:
        close = getattr(self.chunks, "close", None)
        if close:
            close()


class SizedChunks(Chunks):
    """The same of an app that tells how many chunks there are; a server may make a Content-Length of that."""

    def __len__(self) -> int:
        return len(cast(Sequence[bytes], self.chunks))
