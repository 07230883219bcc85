"""What was asked and answered over HTTP? Middleware for ASGI apps: FastAPI, Starlette, BentoML, Ray Serve.

    app.add_middleware(CaptureMiddleware, recorder=recorder, paths=["/predict"])

Bodies pass on as they come; copies are kept up to ``recorder.max_payload_bytes``. A request is recorded once its
response is complete, just before the last of it is sent on; one that the app does not finish is not recorded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any

from model_monitor.rows.recorder.traffic import (
    INFERENCE_ID,
    REQUEST_HEADERS,
    RESPONSE_HEADERS,
    Body,
    Exchange,
    Middleware,
    Traffic,
)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

IN_REQUESTS = {name.encode(): name for name in REQUEST_HEADERS}
IN_RESPONSES = {name.encode(): name for name in RESPONSE_HEADERS}
INFERENCE_ID_NAME = INFERENCE_ID.encode()
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
            exchange = self.traffic.begin(
                scope["method"], path_of(scope), scope, lambda: chosen(scope["headers"], IN_REQUESTS)
            )
            if exchange:
                receive = hearing(exchange.input, receive) if exchange.input else receive
                send = saying(exchange, send)
        elif scope["type"] == "lifespan":
            send = living(self.traffic, send)
        await self.app(scope, receive, send)


def path_of(scope: Scope) -> str:
    """The path as the app's routes spell it, so without the prefix under which the app is mounted."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    return path[len(root) :] if root and path.startswith(f"{root.rstrip('/')}/") else path


def chosen(headers: Iterable[tuple[bytes, bytes]], names: Mapping[bytes, str]) -> dict[str, str]:
    """The headers among ``names``; of one that is there several times the values, with commas between."""
    found: dict[str, str] = {}
    for name, value in headers:
        known = names.get(name) or names.get(name.lower())
        if known:
            text = value.decode("latin-1")
            found[known] = f"{found[known]},{text}" if known in found else text
    return found


def hearing(body: Body, receive: Receive) -> Receive:
    """``receive`` that keeps a copy of the request's body."""

    async def heard() -> Message:
        message = await receive()
        if message["type"] == "http.request":
            body.add(message.get("body") or b"")
            body.ended = not message.get("more_body", False)
        return message

    return heard


def saying(exchange: Exchange, send: Send) -> Send:
    """``send`` that adds the inference id, keeps a copy of the response's body, and records at its end."""
    traffic = exchange.traffic

    async def said(message: Message) -> None:
        kind = message["type"]
        if kind == "http.response.start":
            message = traffic.quietly(begun, exchange, message) or message  # type: ignore[assignment]
        if not ends(exchange, message):
            await send(message)
        elif traffic.waits:
            await aside(exchange.done)
            await send(message)
        elif exchange.is_wanted and exchange.is_packed:
            await send(message)  # unpacking is nothing that a caller should wait for
            await aside(exchange.done)
        else:
            exchange.done()  # before the end is sent: what was answered was recorded, even if the process is killed now
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
    """The start of a response with the inference id among its headers."""
    headers = list(message.get("headers", ()))
    inference_id = exchange.answer(message["status"], chosen(headers, IN_RESPONSES))
    if inference_id is None:
        return message
    return {**message, "headers": [*headers, (INFERENCE_ID_NAME, inference_id.encode())]}


def ends(exchange: Exchange, message: Message) -> bool:
    """Take note of a response's message; whether it is the body's last."""
    kind, output = message["type"], exchange.output
    if kind == "http.response.body":
        is_last = not message.get("more_body", False)
        if output:
            output.add(message.get("body") or b"")
            output.ended = is_last
        return is_last
    if kind not in FILES:
        return False
    if output:
        output.lose()
    return kind == "http.response.pathsend" or not message.get("more_body", False)


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
