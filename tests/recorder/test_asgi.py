"""Does the middleware for ASGI record what passed through it, and change nothing of it?"""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests
from fastapi import BackgroundTasks, FastAPI, Request, WebSocket
from fastapi.responses import PlainTextResponse, Response, StreamingResponse
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Mount, Route
from support.recorded import Waiting, data_of, recorder_into, records_in, rows_of, running, served, written_by
from support.recorded import free_port as port_that_is_free

from model_monitor.errors import ConfigError
from model_monitor.recorder import AsgiCaptureMiddleware, Recorder, records
from model_monitor.recorder.http.traffic import CAPTURED_BY, Body

ID = "X-Amzn-SageMaker-Inference-Id"
ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"


def model(recorder: Recorder, **settings: Any) -> FastAPI:
    app = FastAPI()

    @app.post("/predict")
    async def predict(features: dict[str, float]) -> dict[str, float]:
        return {"score": sum(features.values())}

    @app.post("/echo")
    async def echo(request: Request) -> Response:
        return Response(await request.body(), media_type=request.headers.get("content-type"))

    @app.post("/v1/models/{name}:predict")
    async def v1(name: str) -> dict[str, str]:
        return {"name": name}

    @app.get("/predict")
    async def about() -> dict[str, str]:
        return {"about": "a model"}

    @app.post("/broken")
    async def broken() -> None:
        raise RuntimeError("no model")

    @app.post("/stream")
    async def stream() -> StreamingResponse:
        async def tokens() -> AsyncIterator[str]:
            for token in ("a", "b", "c"):
                yield token

        return StreamingResponse(tokens(), media_type="text/csv")

    app.add_middleware(AsgiCaptureMiddleware, recorder=recorder, **settings)
    return app


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    with recorder_into(tmp_path) as made:
        yield made


def test_a_request_is_recorded_as_it_was_sent_and_its_rows_are_collected(recorder: Recorder, tmp_path: Path) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    headers = {ID.lower(): "order-1", ATTRIBUTES.upper(): "trace=abc, b=c"}
    answer = TestClient(model(recorder)).post("/predict", json={"age": 1.0, "debt": 2}, headers=headers)
    assert answer.json() == {"score": 3.0}
    assert answer.headers.get_list(ID) == ["order-1"]
    [record] = written_by(recorder, tmp_path)
    assert data_of(record) == ('{"age":1.0,"debt":2}', '{"score":3.0}')
    about = record["eventMetadata"]
    assert (about["inferenceId"], about["customAttributes"]) == ("order-1", ["trace=abc, b=c"])
    assert before <= datetime.fromisoformat(about["inferenceTime"]) <= datetime.now(UTC)
    [row] = rows_of(tmp_path)
    assert (row["age"], row["debt"], row["score"], row["@inference_id"]) == ("1.0", "2", "3.0", "order-1")


def test_a_caller_without_an_id_is_sent_the_event_id_by_which_labels_join(recorder: Recorder, tmp_path: Path) -> None:
    answer = TestClient(model(recorder)).post("/predict", json={"age": 1})
    [record] = written_by(recorder, tmp_path)
    assert answer.headers[ID] == record["eventMetadata"]["eventId"]
    assert "inferenceId" not in record["eventMetadata"]


@pytest.mark.parametrize("refused", ["x" * 65, "caf\xe9", "a\tb", "   "])
def test_an_id_that_sagemaker_would_refuse_is_left_out(recorder: Recorder, tmp_path: Path, refused: str) -> None:
    headers = {ID: refused.encode("latin-1"), ATTRIBUTES: b"x" * 1025}
    answer = TestClient(model(recorder)).post("/predict", json={"age": 1}, headers=headers)
    [record] = written_by(recorder, tmp_path)
    assert answer.status_code == 200
    assert {"inferenceId", "customAttributes"}.isdisjoint(record["eventMetadata"])
    assert answer.headers[ID] == record["eventMetadata"]["eventId"]


@pytest.mark.parametrize(("asked", "captured"), [(None, "from-app"), ("from-caller", "from-caller")])
def test_an_id_that_the_app_answers_is_the_requests_own_unless_the_caller_gave_one(
    recorder: Recorder, tmp_path: Path, asked: str | None, captured: str
) -> None:
    async def answer(request: Request) -> Response:
        return PlainTextResponse("1", headers={ID: "from-app"})

    app = AsgiCaptureMiddleware(Starlette(routes=[Route("/", answer, methods=["POST"])]), recorder)
    told = TestClient(app).post("/", headers={ID: asked} if asked else {})
    [record] = written_by(recorder, tmp_path)
    assert told.headers.get_list(ID) == ["from-app"]
    assert record["eventMetadata"]["inferenceId"] == captured


@pytest.mark.parametrize(
    ("paths", "captured"),
    [
        (None, ["/echo", "/predict", "/v1/models/churn:predict"]),
        (["/predict"], ["/predict"]),
        (["/v1/models/*:predict"], ["/v1/models/churn:predict"]),
        (["/predic?", "/e*"], ["/echo", "/predict"]),
        (["/pred"], []),
        ([], []),
    ],
)
def test_paths_are_exact_or_patterns(
    recorder: Recorder, tmp_path: Path, paths: list[str] | None, captured: list[str]
) -> None:
    client = TestClient(model(recorder, paths=paths))
    for path in ("/predict", "/echo", "/v1/models/churn:predict"):
        assert client.post(path, json={"age": 1}, headers={ID: path}).status_code == 200
    assert client.get("/predict").status_code == 200
    assert sorted(record["eventMetadata"]["inferenceId"] for record in written_by(recorder, tmp_path)) == captured


def test_the_path_is_the_one_of_the_apps_own_routes_wherever_it_is_mounted(recorder: Recorder, tmp_path: Path) -> None:
    whole = Starlette(routes=[Mount("/models/churn", app=model(recorder, paths=["/predict"]))])
    with served(whole, root_path="/behind/a/proxy") as url:
        assert requests.post(f"{url}/models/churn/predict", json={"age": 1}, timeout=10).json() == {"score": 1.0}
    assert len(written_by(recorder, tmp_path)) == 1


def test_only_chosen_methods_and_statuses_are_captured(recorder: Recorder, tmp_path: Path) -> None:
    client = TestClient(model(recorder, methods=["get", "post"], statuses=[200, 422]))
    assert client.get("/predict", headers={ID: "get"}).status_code == 200
    assert client.post("/predict", json={"age": "old"}, headers={ID: "refused"}).status_code == 422
    assert client.post("/nowhere", headers={ID: "none"}).status_code == 404
    records = {record["eventMetadata"]["inferenceId"]: record for record in written_by(recorder, tmp_path)}
    assert set(records) == {"get", "refused"}
    assert data_of(records["get"]) == (None, '{"about":"a model"}')


@pytest.mark.parametrize("wrong", [{"paths": "/predict"}, {"paths": ["predict"]}, {"methods": "POST"}])
def test_rules_that_match_nothing_are_refused(recorder: Recorder, wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        AsgiCaptureMiddleware(FastAPI(), recorder, **wrong)


def test_a_request_that_is_sampled_out_is_counted_if_it_would_have_been_captured(tmp_path: Path) -> None:
    recorder = recorder_into(tmp_path, sampling_percentage=0)
    client = TestClient(model(recorder, paths=["/predict"]))
    assert len(client.post("/predict", json={"age": 1}).headers[ID]) == 36
    assert client.post("/predict", json={"age": 1}, headers={ID: "mine"}).headers[ID] == "mine"
    client.post("/predict", json={"age": "old"})  # 422
    client.post("/echo", content=b"1")  # another path
    assert recorder.counters()["sampled_out"] == 2
    assert written_by(recorder, tmp_path) == []


def test_one_decision_is_made_for_each_request(tmp_path: Path) -> None:
    recorder = recorder_into(tmp_path, sampling_percentage=30)
    client = TestClient(model(recorder))
    told = [client.post("/predict", json={"age": i}).headers[ID] for i in range(200)]
    records = written_by(recorder, tmp_path)
    assert sorted(r["eventMetadata"]["eventId"] for r in records) == sorted(filter(recorder.wants, told))
    assert recorder.counters()["sampled_out"] == 200 - len(records)
    assert all(None not in data_of(record) for record in records)


@pytest.mark.parametrize("capture", [["input"], ["output"]])
def test_a_side_that_is_not_captured_is_not_there(tmp_path: Path, capture: Any) -> None:
    recorder = recorder_into(tmp_path, capture=capture)
    TestClient(model(recorder)).post("/predict", json={"age": 1})
    [record] = written_by(recorder, tmp_path)
    assert [side.lower().removeprefix("endpoint") for side in record["captureData"]] == capture


def test_a_large_body_passes_whole_and_is_marked_in_the_record(tmp_path: Path) -> None:
    recorder = recorder_into(tmp_path, max_payload_bytes=1000)
    client = TestClient(model(recorder))
    for size in (1000, 1001):
        assert client.post("/echo", content=b"1" * size, headers={"content-type": "text/csv"}).content == b"1" * size
    whole, cut = written_by(recorder, tmp_path)
    assert data_of(whole) == ("1" * 1000, "1" * 1000)
    assert [side["truncated"] for side in cut["captureData"].values()] == [True, True]
    assert data_of(cut) == (None, None)


def test_a_stream_is_recorded_whole_and_before_background_tasks_end(recorder: Recorder, tmp_path: Path) -> None:
    seen: list[float] = []
    app = model(recorder)

    @app.post("/later")
    async def later(tasks: BackgroundTasks) -> str:
        tasks.add_task(lambda: seen.append(recorder.counters()["recorded"]))
        return "x"

    client = TestClient(app)
    assert client.post("/stream").text == "abc"
    client.post("/later")
    assert seen == [2]
    assert data_of(written_by(recorder, tmp_path)[0])[1] == "abc"


@pytest.mark.parametrize("failures", [(), range(500, 600)])
def test_a_request_that_failed_is_recorded_without_its_output(
    recorder: Recorder, tmp_path: Path, failures: Any
) -> None:
    app = model(recorder, failures=failures)

    @app.post("/cut")
    async def cut() -> StreamingResponse:
        async def tokens() -> AsyncIterator[bytes]:
            yield b"a"
            raise RuntimeError("no more")

        return StreamingResponse(tokens())

    @app.post("/busy")
    async def busy() -> Response:
        return Response("come back later", status_code=503)

    client = TestClient(app, raise_server_exceptions=False)
    client.post("/cut")
    assert client.post("/broken").status_code == 500
    assert client.post("/busy", content=b"1,2", headers={"Content-Type": "text/csv"}).text == "come back later"
    records = written_by(recorder, tmp_path)
    told = [(r["eventMetadata"]["statusCode"], r["eventMetadata"]["failed"]) for r in records]
    assert told == ([(200, True), (500, True), (503, True)] if failures else [])
    assert all(list(r["captureData"]) == ["endpointInput"] for r in records[2:])
    assert all("endpointOutput" not in r["captureData"] for r in records)


def test_latency_and_status_are_written_after_what_sagemaker_writes(recorder: Recorder, tmp_path: Path) -> None:
    app = model(recorder)

    @app.post("/thinks")
    async def thinks() -> dict[str, float]:
        await asyncio.sleep(0.05)
        return {"score": 1.0}

    TestClient(app).post("/thinks")
    [record] = written_by(recorder, tmp_path)
    assert list(record["eventMetadata"]) == ["eventId", "inferenceTime", "latencyMs", "statusCode"]
    assert 50 <= record["eventMetadata"]["latencyMs"] < 2000
    assert record["eventMetadata"]["statusCode"] == 200


def test_a_client_that_leaves_harms_nothing(recorder: Recorder, tmp_path: Path) -> None:
    app = FastAPI()
    sizes: list[int] = []

    @app.post("/slow")
    async def slow(request: Request) -> StreamingResponse:
        async def tokens() -> AsyncIterator[bytes]:
            for _ in range(200):
                sizes.append(1)
                yield b"x" * 10_000
                await asyncio.sleep(0.005)

        return StreamingResponse(tokens())

    app.add_middleware(AsgiCaptureMiddleware, recorder=recorder)
    with served(app) as url:
        with requests.post(f"{url}/slow", stream=True, timeout=10) as answer:
            answer.raw.read(10)
        assert requests.post(f"{url}/slow", timeout=30).content == b"x" * 2_000_000
    assert len(written_by(recorder, tmp_path)) in (1, 2)
    assert len(sizes) >= 200


def deflated(content: bytes) -> bytes:
    raw = zlib.compressobj(wbits=-15)
    return raw.compress(content) + raw.flush()


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(b'{"age": 1.0}', mtime=0)),
        ("x-gzip", gzip.compress(b'{"age"', mtime=0) + gzip.compress(b": 1.0}", mtime=0)),
        ("deflate", zlib.compress(b'{"age": 1.0}')),
        ("Deflate", deflated(b'{"age": 1.0}')),
        ("identity", b'{"age": 1.0}'),
    ],
)
def test_a_compressed_body_is_recorded_readable(
    recorder: Recorder, tmp_path: Path, encoding: str, packed: bytes
) -> None:
    headers = {"content-type": "application/json", "content-encoding": encoding}
    assert TestClient(model(recorder)).post("/echo", content=packed, headers=headers).content == packed
    [record] = written_by(recorder, tmp_path)
    assert data_of(record)[0] == '{"age": 1.0}'


def test_a_compressed_response_is_recorded_readable_and_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    recorder = recorder_into(tmp_path, max_payload_bytes=5000)
    app = model(recorder)
    zipped = FastAPI()
    zipped.mount("/", GZipMiddleware(app, minimum_size=10))
    outer = recorder_into(tmp_path / "outer", max_payload_bytes=5000)
    zipped.add_middleware(AsgiCaptureMiddleware, recorder=outer, paths=["/echo"])
    client = TestClient(zipped)
    for size in (4000, 1_000_000):
        answer = client.post("/echo", content=b"1" * size, headers={"content-type": "text/csv"})
        assert (answer.headers["content-encoding"], answer.content) == ("gzip", b"1" * size)
    for one, folder in ((recorder, tmp_path), (outer, tmp_path / "outer")):
        assert [data_of(record)[1] for record in written_by(one, folder)] == ["1" * 4000, None]


def test_large_bodies_that_came_packed_are_all_recorded(tmp_path: Path) -> None:
    recorder = recorder_into(tmp_path)
    packed = gzip.compress(b"1" * 900_000)
    client = TestClient(model(recorder))
    for _ in range(12):
        client.post("/echo", content=packed, headers={"content-type": "text/csv", "content-encoding": "gzip"})
    assert [len(data_of(record)[0]) for record in written_by(recorder, tmp_path)] == [900_000] * 12


@pytest.mark.parametrize("name", [b"X-Amzn-SageMaker-Inference-Id", b"x-amzn-sagemaker-inference-id"])
def test_an_app_may_spell_the_names_of_headers_as_it_likes(recorder: Recorder, tmp_path: Path, name: bytes) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers = [(name, b"order-1"), (b"Content-Type", b"text/csv")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"1"})

    start, _ = asyncio.run(exchange(AsgiCaptureMiddleware(app, recorder), [{"type": "http.request", "body": b"1"}]))
    assert start["headers"] == [(name, b"order-1"), (b"Content-Type", b"text/csv")]
    [record] = written_by(recorder, tmp_path)
    assert record["eventMetadata"]["inferenceId"] == "order-1"
    assert record["captureData"]["endpointOutput"]["observedContentType"] == "text/csv"


@pytest.mark.parametrize("headers", [[], [(b"content-encoding", b"gzip")]])
def test_a_request_is_recorded_before_the_end_of_its_answer_is_sent(
    recorder: Recorder, headers: list[tuple[bytes, bytes]]
) -> None:
    recorded = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": gzip.compress(b"1", mtime=0), "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def send(message: Any) -> None:
        recorded.append(recorder.counters()["recorded"])

    scope = {"type": "http", "method": "POST", "path": "/", "headers": []}
    asyncio.run(AsgiCaptureMiddleware(app, recorder)(scope, aside, send))  # type: ignore[arg-type]
    assert recorded == [0, 0, 1]


def test_what_an_app_reads_and_sends_after_its_answer_has_ended_is_no_part_of_the_record(
    recorder: Recorder, tmp_path: Path
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(await receive())
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/csv")]})
        await send({"type": "http.response.body", "body": b"1", "more_body": True})
        await send({"type": "http.response.body", "body": b"2"})
        seen.append(await receive())
        await send({"type": "http.response.body", "body": b"3"})

    seen: list[Any] = []
    asked = [{"type": "http.request", "body": b"1,", "more_body": True}, {"type": "http.request", "body": b"2"}]
    sent = asyncio.run(exchange(AsgiCaptureMiddleware(app, recorder), asked))
    assert seen == asked and [message.get("body") for message in sent[1:]] == [b"1", b"2", b"3"]
    [record] = written_by(recorder, tmp_path)
    assert record["captureData"]["endpointInput"]["truncated"] is True
    assert data_of(record)[1] == "12"


async def aside() -> Any:
    raise AssertionError("nobody asks for the request's body")


@pytest.mark.parametrize(("encoding", "content"), [("br", b"\x8b\x01\x80ab\x03"), ("gzip", b"\x1f\x8bdamaged")])
def test_what_can_not_be_unpacked_is_recorded_as_it_is(
    recorder: Recorder, tmp_path: Path, encoding: str, content: bytes
) -> None:
    headers = {"content-type": "text/csv", "content-encoding": encoding}
    TestClient(model(recorder)).post("/echo", content=content, headers=headers)
    [record] = written_by(recorder, tmp_path)
    assert record["captureData"]["endpointInput"]["encoding"] == "BASE64"


class Broken:
    """A recorder that fails wherever it can."""

    max_payload_bytes, when_full, captures_input, captures_output = 1000, "drop_oldest", True, True

    def __init__(self, *, at: str) -> None:
        self.at = at

    def __getattr__(self, name: str) -> Any:
        def call(*_: Any, **__: Any) -> Any:
            if name == self.at:
                raise RuntimeError("the recorder is broken")
            return {"new_event_id": "id", "chosen_by": 100.0}.get(name)

        return call


@pytest.mark.parametrize("at", ["new_event_id", "chosen_by", "take", "flush"])
def test_a_recorder_that_fails_breaks_no_request_and_is_logged_once(at: str, caplog: pytest.LogCaptureFixture) -> None:
    with TestClient(model(Broken(at=at))) as client:  # type: ignore[arg-type]
        for _ in range(3):
            assert client.post("/predict", json={"age": 1}).json() == {"score": 1.0}
    assert [record.levelname for record in caplog.records if record.levelno > logging.INFO] == ["ERROR"]


def test_a_recorder_that_blocks_does_not_block_the_event_loop(tmp_path: Path) -> None:
    recorder = Waiting(tmp_path)

    async def scenario() -> list[dict[str, Any]]:
        asked = asyncio.create_task(exchange(model(recorder), [{"type": "http.request", "body": b"1"}]))
        while not recorder.waits.is_set():
            await asyncio.sleep(0.001)
        recorder.released.set()  # by another task of the same event loop
        return await asked

    assert asyncio.run(scenario())[-1]["body"] == b"1"
    assert recorder.was_released
    assert len(written_by(recorder, tmp_path)) == 1


async def exchange(app: Any, messages: list[dict[str, Any]], path: str = "/echo") -> list[dict[str, Any]]:
    """What an app sends to these messages of a request."""
    sent: list[dict[str, Any]] = []
    heard = iter(messages)

    async def receive() -> dict[str, Any]:
        return next(heard, {"type": "http.disconnect"})

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    headers = [(b"content-type", b"text/csv")]
    scope = {"type": "http", "method": "POST", "path": path, "headers": headers, "query_string": b"", "asgi": {}}
    await app(scope | {"http_version": "1.1", "scheme": "http", "root_path": ""}, receive, send)
    return sent


chunks = st.lists(st.binary(max_size=20), min_size=1, max_size=6)


@given(chunks, chunks, st.integers(0, 8), st.sampled_from([1, 30, 1000]), st.sampled_from([200, 201, 404]))
def test_app_and_client_see_the_same_however_bodies_are_cut(
    asked: list[bytes], answered: list[bytes], reads: int, limit: int, status: int
) -> None:
    kept: list[tuple[Any, Any]] = []

    class Keeping(Broken):
        max_payload_bytes = limit

        def take(self, waiting: records.Queued) -> None:
            request = waiting.request()
            kept.append((request.input, request.output))

    def app_that_sees(seen: list[Any]) -> Any:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            seen.append(scope)
            seen.extend([await receive() for _ in range(reads)])
            await send({"type": "http.response.start", "status": status, "headers": [(b"x-own", b"1")]})
            for i, chunk in enumerate(answered):
                await send({"type": "http.response.body", "body": chunk, "more_body": i < len(answered) - 1})

        return app

    messages = [
        {"type": "http.request", "body": chunk, "more_body": i < len(asked) - 1} for i, chunk in enumerate(asked)
    ]
    plain: list[Any] = []
    watched: list[Any] = []
    expected = asyncio.run(exchange(app_that_sees(plain), messages))
    start, *bodies = asyncio.run(exchange(AsgiCaptureMiddleware(app_that_sees(watched), Keeping(at="")), messages))
    assert watched[0].pop(CAPTURED_BY)
    assert watched == plain
    assert bodies == expected[1:]
    assert start == expected[0] | {"headers": [(b"x-own", b"1"), (ID.lower().encode(), b"id")]}
    if status == 404:
        assert kept == []
        return
    [(given, answer)] = kept
    for body, told, whole in ((given, b"".join(asked), reads >= len(asked)), (answer, b"".join(answered), True)):
        if isinstance(body, bytes):
            assert whole and body == told
        elif body is None:
            assert not told or reads == 0  # no content type, or nothing announced and nobody asked
        else:
            assert len(told) > limit or not whole


def test_a_body_in_the_smallest_chunks_takes_little_more_memory_than_its_bytes() -> None:
    body = Body(1 << 20)
    tracemalloc.start()
    for i in range(1 << 19):
        body.add(bytes([i % 251, 7]))
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    body.ended = True
    assert taken < 2 << 20
    assert body.payload({}) == b"".join(bytes([i % 251, 7]) for i in range(1 << 19))


@given(st.lists(st.sampled_from([b"", b"a", b"bc" * 100, b"d" * 1023, b"e" * 1024, b"f" * 5000]), max_size=12))
def test_a_body_is_kept_as_it_was_whatever_the_size_of_its_chunks(chunks: list[bytes]) -> None:
    body = Body(1 << 20)
    for chunk in chunks:
        body.add(chunk)
    body.ended = True
    assert (body.payload({}) or b"") == b"".join(chunks)


def test_of_several_middlewares_with_the_same_recorder_one_captures(recorder: Recorder, tmp_path: Path) -> None:
    """As of an app and one that is mounted in it; another recorder is another matter."""
    with recorder_into(tmp_path / "other") as other:
        inner = model(recorder)
        outer = Starlette(routes=[Mount("/v2", inner)])
        app = AsgiCaptureMiddleware(AsgiCaptureMiddleware(outer, other), recorder)
        client = TestClient(app)
        answers = [client.post("/v2/predict", json={"age": 1}) for _ in range(3)]
        told = {answer.headers[ID] for answer in answers}
        assert {record["eventMetadata"]["inferenceId"] for record in written_by(recorder, tmp_path)} == told
        assert len(told) == len(records_in(tmp_path)) == len(written_by(other, tmp_path / "other")) == 3


def driven(coroutine: Any) -> Any:
    """Run a coroutine that waits for nothing, without asyncio."""
    try:
        coroutine.send(None)
    except StopIteration as ended:
        return ended.value
    raise AssertionError("it waits")


def test_event_loops_that_are_not_asyncios_are_served_too(recorder: Recorder, tmp_path: Path) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await receive()
            headers = [(b"content-encoding", b"gzip"), (b"content-type", b"text/csv")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": gzip.compress(b"1", mtime=0)})
        else:
            await send({"type": "lifespan.shutdown.complete"})

    async def ended(message: Any) -> None:
        sent.append(message)

    sent: list[Any] = []
    watched = AsgiCaptureMiddleware(app, recorder)
    assert len(driven(exchange(watched, [{"type": "http.request", "body": b"0"}]))) == 2
    driven(watched({"type": "lifespan"}, None, ended))  # type: ignore[arg-type]
    assert [message["type"] for message in sent] == ["lifespan.shutdown.complete"]
    assert [data_of(record) for record in records_in(tmp_path)] == [("0", "1")]


def test_what_is_no_http_passes_through(recorder: Recorder, tmp_path: Path) -> None:
    app = model(recorder)

    @app.websocket("/talk")
    async def talk(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("hello")

    with TestClient(app) as client, client.websocket_connect("/talk") as socket:
        assert socket.receive_text() == "hello"
    assert written_by(recorder, tmp_path) == []


def test_at_the_end_of_the_lifespan_all_is_in_the_store_and_the_recorder_goes_on(
    recorder: Recorder, tmp_path: Path
) -> None:
    with TestClient(model(recorder)) as client:
        client.post("/predict", json={"age": 1})
    assert len(records_in(tmp_path)) == 1
    TestClient(model(recorder)).post("/predict", json={"age": 2})
    assert len(written_by(recorder, tmp_path)) == 2


APP = """
from fastapi import FastAPI
from model_monitor.recorder import AsgiCaptureMiddleware, Recorder

recorder = Recorder("churn", {capture!r}, spool={spool!r})
app = FastAPI()

@app.post("/predict")
async def predict(features: dict[str, float]) -> dict[str, float]:
    return {{"score": sum(features.values())}}

app.add_middleware(AsgiCaptureMiddleware, recorder=recorder, paths=["/predict"])
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_a_server_that_is_told_to_stop_loses_nothing(tmp_path: Path, workers: int) -> None:
    (tmp_path / "served_app.py").write_text(
        APP.format(capture=str(tmp_path / "capture"), spool=str(tmp_path / "spool"))
    )
    port = port_that_is_free()
    command = ["-m", "uvicorn", "served_app:app", "--port", str(port), "--workers", str(workers)]
    with running(command, port, tmp_path, "/docs"), requests.Session() as session:
        told = [
            session.post(f"http://127.0.0.1:{port}/predict", json={"age": i}, timeout=10).headers[ID]
            for i in range(100)
        ]
    rows = rows_of(tmp_path)
    assert [row["@event_id"] for row in rows] == sorted(told)
    assert sorted(float(row["score"]) for row in rows) == list(range(100))


def test_a_function_may_make_the_recorder_where_the_app_is_served(tmp_path: Path) -> None:
    """Ray Serve pickles an app on its way there, and a recorder has threads and locks."""
    app = model(partial(recorder_into, tmp_path))  # type: ignore[arg-type]
    assert not (tmp_path / "spool").exists()
    with TestClient(app) as client:  # at its end the recorder is flushed
        assert client.post("/predict", json={"age": 1}).json() == {"score": 1.0}
    assert [data_of(record) for record in records_in(tmp_path)] == [('{"age":1}', '{"score":1.0}')]


def test_the_time_is_when_the_request_came_in(recorder: Recorder, tmp_path: Path) -> None:
    app = FastAPI()
    began: list[datetime] = []

    @app.post("/slow")
    async def slow() -> str:
        began.append(datetime.now(UTC))
        await asyncio.sleep(1.2)
        return "x"

    app.add_middleware(AsgiCaptureMiddleware, recorder=recorder)
    TestClient(app).post("/slow")
    [record] = written_by(recorder, tmp_path)
    time = datetime.fromisoformat(record["eventMetadata"]["inferenceTime"])
    assert began[0] - timedelta(seconds=1.1) < time <= began[0]
    assert json.loads(data_of(record)[1]) == "x"
