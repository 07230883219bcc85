"""Middleware for ASGI apps: FastAPI, Starlette, BentoML, Ray Serve.

app.add_middleware(AsgiCaptureMiddleware, recorder=recorder, paths=["/predict"])
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, MutableMapping
from typing import Any

from model_monitor.recorder.http import traffic
from model_monitor.recorder.http.traffic import Body, Exchange, Headers, Middleware
from model_monitor.recorder.recorder import Recorder
from model_monitor.recorder.threads import Quietly

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

FILES = ("http.response.pathsend", "http.response.zerocopysend")  # extensions by which the server reads a file itself


class AsgiCaptureMiddleware(Middleware[App]):
    """Captures the requests of ``app``; see ``traffic.Middleware`` for the arguments. If the recorder blocks when it is
    full, the end of a response waits in a thread; otherwise nothing waits. The recorder starts with the app's lifespan
    and is flushed when that ends; it stays open, as other apps may use it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = None
        if scope["type"] == "http":
            if exchange := self.quietly(self.begin, scope):
                receive = receive if exchange.input is None else copying(exchange, exchange.input, receive)
                send = recording(exchange, send)
        elif scope["type"] == "lifespan":
            send = following_lifespan(self.recorder, self.quietly, send)
        try:
            await self.app(scope, receive, send)
        except Exception:
            if exchange:
                await settled(exchange, exchange.broke)
            raise

    def begin(self, scope: Scope) -> Exchange | None:
        """The exchange that starts with an incoming request; None if it is not to be captured."""
        if not self.selects(scope["method"], path_of(scope), scope):
            return None
        headers = select(scope["headers"], traffic.REQUEST_HEADERS)
        return Exchange(self.recorder, self.statuses, self.failures, self.quietly, headers)


def path_of(scope: Scope) -> str:
    """The path as the app's routes spell it: without the prefix under which the app is mounted."""
    path: str = scope["path"]
    root: str | None = scope.get("root_path")
    return path[len(root) :] if root and path.startswith(f"{root.rstrip('/')}/") else path


def select(headers: Iterable[tuple[bytes, bytes]], names: Collection[bytes]) -> Headers:
    """The headers in ``names``; values of a repeated header are joined by commas."""
    selected: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in names:
            selected[name] = value if name not in selected else selected[name] + b"," + value
    return selected


def copying(exchange: Exchange, body: Body, receive: Receive) -> Receive:
    """``receive`` that keeps a copy of the request's body."""

    async def receive_and_copy() -> Message:
        message = await receive()
        if message["type"] == "http.request" and not exchange.is_done:
            body.add(message.get("body") or b"", not message.get("more_body", False))
        return message

    return receive_and_copy


def recording(exchange: Exchange, send: Send) -> Send:
    """``send`` that adds the inference id, copies the response's body, and records before the last message is sent. So
    every answered request was recorded, even if the process is killed right after answering."""

    async def record_and_send(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = exchange.quietly(with_inference_id, exchange, message) or message
        elif exchange.is_selected and not exchange.is_done and copy_response(exchange, message):
            await settled(exchange, exchange.done)
        await send(message)

    return record_and_send


async def settled(exchange: Exchange, record: Callable[[], object]) -> None:
    """Record the exchange; where the recorder blocks when it is full, in a thread."""
    if exchange.recorder.when_full == "block":
        await in_thread(record)
    else:
        record()


async def in_thread(function: Callable[[], object]) -> None:
    """Call in a thread, so that the event loop goes on; directly under another event loop than asyncio's (trio)."""
    import asyncio  # not with the recorder: a WSGI app does not need it

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        function()
    else:
        await asyncio.to_thread(function)


def with_inference_id(exchange: Exchange, message: Message) -> Message:
    """The start of a response with the inference id in its headers."""
    headers = list(message.get("headers", ()))
    known = select([(name.lower(), value) for name, value in headers], traffic.RESPONSE_HEADERS)
    inference_id = exchange.respond(message["status"], known)
    if inference_id is None:
        return message
    return {**message, "headers": [*headers, (traffic.INFERENCE_ID, inference_id.encode())]}


def copy_response(exchange: Exchange, message: Message) -> bool:
    """Copy a message of the response's body; whether it is the last."""
    kind, body, is_last = message["type"], exchange.output, not message.get("more_body", False)
    if kind == "http.response.body":
        if body is not None:
            body.add(message.get("body") or b"", is_last)
        return is_last
    if kind not in FILES:
        return False
    if body is not None:
        body.drop()
    return kind == "http.response.pathsend" or is_last


def following_lifespan(recorder: Recorder, quietly: Quietly, send: Send) -> Send:
    """``send`` that starts the recorder at startup, and flushes it before the server learns that shutdown is complete.
    A recorder that runs sends what killed workers left, even before its first request. A server may end by a signal
    without Python's own exit, as uvicorn does."""

    async def start_or_flush(message: Message) -> None:
        if message["type"] == "lifespan.startup.complete":
            quietly(recorder.start)
        if message["type"] in ("lifespan.shutdown.complete", "lifespan.shutdown.failed"):
            await in_thread(lambda: quietly(recorder.flush))
        await send(message)

    return start_or_flush
