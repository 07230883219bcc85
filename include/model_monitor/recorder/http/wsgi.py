"""Middleware for WSGI apps: Flask, Django, and everything gunicorn serves.

app.wsgi_app = WsgiCaptureMiddleware(app.wsgi_app, recorder=recorder, paths=["/predict"])
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, cast

from model_monitor.recorder.http import traffic
from model_monitor.recorder.http.traffic import Body, Exchange, Headers, Middleware

Environ = dict[str, Any]
Write = Callable[[bytes], object]
StartResponse = Callable[..., Write]
App = Callable[[Environ, StartResponse], Iterable[bytes]]

INFERENCE_ID_NAME = "X-Amzn-SageMaker-Inference-Id"
WITHOUT_PREFIX = (traffic.CONTENT_TYPE, traffic.CONTENT_LENGTH)  # in CGI, all other headers begin with HTTP_
KEYS = {
    name: ("" if name in WITHOUT_PREFIX else "HTTP_") + name.decode().upper().replace("-", "_")
    for name in traffic.REQUEST_HEADERS
}


class WsgiCaptureMiddleware(Middleware[App]):
    """Captures the requests of ``app``; see ``traffic.Middleware`` for the arguments."""

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        exchange = self.quietly(self.begin, environ)
        if not exchange:
            return self.app(environ, start_response)
        try:
            chunks = self.app(environ, copying(exchange, start_response))
        except Exception:
            exchange.broke()
            raise
        kind = SizedChunks if hasattr(type(chunks), "__len__") else Chunks
        return kind(chunks, exchange)

    def begin(self, environ: Environ) -> Exchange | None:
        """The exchange that starts with an incoming request; None if it is not to be captured."""
        if not self.selects(environ["REQUEST_METHOD"], path_of(environ), environ):
            return None
        exchange = Exchange(self.recorder, self.statuses, self.failures, self.quietly, request_headers(environ))
        if exchange.input is not None:
            environ["wsgi.input"] = CopyingInput(environ["wsgi.input"], exchange, exchange.input)
        return exchange


def path_of(environ: Environ) -> str:
    """The path as the app's routes spell it. WSGI presents its bytes as Latin-1."""
    return str(environ.get("PATH_INFO") or "/").encode("latin-1", "replace").decode("utf-8", "replace")


def request_headers(environ: Environ) -> Headers:
    """The request's headers that matter. CGI may present a missing header as an empty text."""
    return {name: environ[key].encode("latin-1") for name, key in KEYS.items() if environ.get(key)}


def response_headers(headers: Sequence[tuple[str, str]]) -> Headers:
    """The response's headers that matter."""
    known = [(name.lower().encode("latin-1"), value) for name, value in headers]
    return {name: value.encode("latin-1") for name, value in known if name in traffic.RESPONSE_HEADERS}


def copying(exchange: Exchange, start_response: StartResponse) -> StartResponse:
    """``start_response`` that adds the inference id, and whose ``write`` copies the body."""
    quietly = exchange.quietly

    def start_and_copy(
        status: str, headers: Sequence[tuple[str, str]], exc_info: tuple[object, ...] | None = None
    ) -> Write:
        known = quietly(response_headers, headers) or {}
        inference_id = quietly(lambda: exchange.respond(int(status[:3]), known))
        # A list of its own: the app may use the one it passed again.
        extended = [*headers, (INFERENCE_ID_NAME, inference_id)] if inference_id else [*headers]
        write = start_response(status, extended, *([] if exc_info is None else [exc_info]))

        def write_and_copy(chunk: bytes) -> object:
            if exchange.output is not None:
                exchange.output.add(chunk)
            return write(chunk)

        return write_and_copy

    return start_and_copy


class CopyingInput:
    """``wsgi.input`` that copies what the app reads until the exchange is done; all else is the server's."""

    def __init__(self, stream: Any, exchange: Exchange, body: Body) -> None:
        self.stream, self.exchange, self.body = stream, exchange, body
        self.reread = 0  # how many of the next bytes were read before, as the app went back

    def copy(self, content: bytes, requested: int | None = None) -> bytes:
        """Copy what was read. Reading nothing, or without a limit, shows the end of the body."""
        if not self.exchange.is_done:
            is_last = requested is None or requested < 0 or (requested > 0 and not content)
            self.body.add(content[self.reread :], is_last)
            self.reread = max(0, self.reread - len(content))
        return content

    def read(self, size: int | None = -1) -> bytes:
        return self.copy(self.stream.read() if size is None or size < 0 else self.stream.read(size), size)

    def readline(self, size: int | None = -1) -> bytes:
        is_whole = size is None or size < 0
        return self.copy(self.stream.readline() if is_whole else self.stream.readline(size), 1 if is_whole else size)

    def readlines(self, hint: int | None = -1) -> list[bytes]:
        lines: list[bytes] = self.stream.readlines() if hint is None or hint <= 0 else self.stream.readlines(hint)
        self.copy(b"".join(lines), hint or -1)
        return lines

    def __iter__(self) -> Iterator[bytes]:
        for line in self.stream:
            yield self.copy(line, 1)
        self.copy(b"")

    def __getattr__(self, name: str) -> Any:
        """Methods that only some servers' streams have."""
        attribute = getattr(self.stream, name)
        if name == "read1":
            return lambda size=-1: self.copy(attribute(size), abs(size))
        if name == "seek":
            return partial(self.seek_by, attribute)
        return partial(self.fill_by, attribute) if name in ("readinto", "readinto1") else attribute

    def seek_by(self, seek: Callable[..., int], *where: int) -> int:
        position = seek(*where)
        self.reread = self.body.size - position
        if self.reread < 0 and not self.exchange.is_done:
            self.body.drop()
        return position

    def fill_by(self, readinto: Callable[[Any], int | None], buffer: Any) -> int | None:
        count = readinto(buffer)
        if count is not None:
            self.copy(bytes(memoryview(buffer)[:count]), len(buffer))
        return count


class Chunks:
    """A response's body that copies what the server takes, and records when it has taken all."""

    def __init__(self, chunks: Iterable[bytes], exchange: Exchange) -> None:
        self.chunks, self.iterator = chunks, copied(chunks, exchange)

    def __iter__(self) -> Iterator[bytes]:
        return self.iterator

    def __next__(self) -> bytes:
        return next(self.iterator)

    def close(self) -> None:
        if hasattr(self.chunks, "close"):
            self.chunks.close()


class SizedChunks(Chunks):
    """The same for a body with a length, from which a server may derive a Content-Length."""

    def __len__(self) -> int:
        return len(cast(Sequence[bytes], self.chunks))


def copied(chunks: Iterable[bytes], exchange: Exchange) -> Iterator[bytes]:
    try:
        for chunk in chunks:
            if exchange.output is not None:
                exchange.output.add(chunk)
            yield chunk
    except Exception:
        exchange.broke()
        raise
    if exchange.output is not None:
        exchange.output.ended = True
    exchange.done()
