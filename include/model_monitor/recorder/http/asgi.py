"""What was asked and answered over HTTP? Middleware for ASGI apps: FastAPI, Starlette, BentoML, Ray Serve.

    app.add_middleware(CaptureMiddleware, recorder=recorder, paths=["/predict"])

Bodies pass on as they come; copies are kept up to ``recorder.max_payload_bytes``. A request is recorded once its
response is complete, just before the last of it is sent on; one that the app does not finish is not recorded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, MutableMapping
from typing import Any

from model_monitor.recorder.http.bodies import Body, Headers, added
from model_monitor.recorder.http.traffic import (
    INFERENCE_ID,
    REQUEST_HEADERS,
    RESPONSE_HEADERS,
    Exchange,
    Middleware,
    Traffic,
)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

FILES = ("http.response.pathsend", "http.response.zerocopysend")  # extensions: the server reads a file by itself


class CaptureMiddleware(Middleware):
    """Captures the requests of ``app`` that ``traffic.Traffic`` selects: every POST that is answered by 200 to 299,
    unless ``paths``, ``methods`` or ``statuses`` say otherwise.

    With a recorder that blocks when it is full, a response's end waits for the recorder, in a thread; otherwise nothing
    waits. The recorder starts with the app's lifespan, and when that ends, all that was recorded is sent to the store;
    it stays open, as other apps may use it. Raises ConfigError.
    """

    app: App

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            traffic = self.traffic
            try:
                if traffic.begins(scope["method"], path_of(scope), scope):
                    exchange = Exchange(traffic, chosen(scope["headers"], REQUEST_HEADERS))
                    if exchange.percentage is not None and traffic.recorder.captures_input:
                        receive = hearing(exchange, receive)
                    send = saying(exchange, send)
            except Exception:  # noqa: BLE001 - the request goes on, whatever it is
                traffic.quietly.tell()
        elif scope["type"] == "lifespan":
            send = living(self.traffic, send)
        await self.app(scope, receive, send)


def path_of(scope: Scope) -> str:
    """The path as the app's routes spell it, so without the prefix under which the app is mounted."""
    path: str = scope["path"]
    root: str | None = scope.get("root_path")
    return path[len(root) :] if root and path.startswith(f"{root.rstrip('/')}/") else path


def chosen(headers: Iterable[tuple[bytes, bytes]], names: Collection[bytes]) -> Headers:
    """The headers among ``names``; of one that is there several times the values, with commas between."""
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in names:
            found[name] = value if name not in found else found[name] + b"," + value
    return found


def hearing(exchange: Exchange, receive: Receive) -> Receive:
    """``receive`` that keeps a copy of the request's body."""
    limit = exchange.traffic.recorder.max_payload_bytes

    async def heard() -> Message:
        message = await receive()
        if message["type"] == "http.request" and not exchange.is_done:
            is_last = not message.get("more_body", False)
            exchange.input = added(exchange.input, message.get("body") or b"", is_last, limit)
        return message

    return heard


def saying(exchange: Exchange, send: Send) -> Send:
    """``send`` that adds the inference id, keeps a copy of the response's body, and records at its end.

    Before the end is sent: what was answered was recorded, even if the process is killed just then.
    """

    async def said(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = begun(exchange, message)
        elif exchange.is_selected and not exchange.is_done and ends(exchange, message):
            if exchange.traffic.waits:
                await aside(exchange.done)
            else:
                exchange.done()
        await send(message)

    return said


async def aside(call: Callable[[], object]) -> None:
    """Call in a thread, so that others go on; at once under an event loop that is not asyncio's, such as trio's."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        call()
    else:
        await asyncio.to_thread(call)


def begun(exchange: Exchange, message: Message) -> Message:
    """The start of a response with the inference id among its headers; as it is if that can't be."""
    try:
        headers = list(message.get("headers", ()))
        known = chosen([(name.lower(), value) for name, value in headers], RESPONSE_HEADERS)
        inference_id = exchange.answer(message["status"], known)
        if inference_id is None:
            return message
        return {**message, "headers": [*headers, (INFERENCE_ID, inference_id.encode())]}
    except Exception:  # noqa: BLE001 - the response goes on, whatever it is
        exchange.traffic.quietly.tell()
        return message


def ends(exchange: Exchange, message: Message) -> bool:
    """Take note of a response's message; whether it is the body's last."""
    kind, recorder = message["type"], exchange.traffic.recorder
    is_last = not message.get("more_body", False)
    if kind == "http.response.body":
        if recorder.captures_output and exchange.percentage is not None:
            body = message.get("body") or b""
            exchange.output = added(exchange.output, body, is_last, recorder.max_payload_bytes)
        return is_last
    if kind not in FILES:
        return False
    exchange.output = Body(recorder.max_payload_bytes)
    exchange.output.lose()
    return kind == "http.response.pathsend" or is_last


def living(traffic: Traffic, send: Send) -> Send:
    """``send`` of a lifespan that starts the recorder, and empties it before the server hears that the app is through.

    Once it runs it sends what a worker that was killed has left, though nobody asks this one yet. A server may end by a
    signal, as uvicorn does, without Python's own exit.
    """

    async def told(message: Message) -> None:
        if message["type"] == "lifespan.startup.complete":
            traffic.quietly(traffic.recorder.start)
        if message["type"] in ("lifespan.shutdown.complete", "lifespan.shutdown.failed"):
            await aside(lambda: traffic.quietly(traffic.recorder.flush))
        await send(message)

    return told
