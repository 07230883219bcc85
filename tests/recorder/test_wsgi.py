"""Does the middleware for WSGI record what passed through it, and change nothing of it?"""

from __future__ import annotations

import gzip
import importlib.util
import io
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest
import requests
from flask import Flask, Response, request
from hypothesis import given
from hypothesis import strategies as st
from support.recorded import data_of, free_port, recorder_into, rows_of, running, written_by
from werkzeug.serving import make_server as make_werkzeug_server
from werkzeug.test import Client

from model_monitor.recorder import Recorder, WsgiCaptureMiddleware, records

ID = "X-Amzn-SageMaker-Inference-Id"


def model(recorder: Recorder, **settings: Any) -> Flask:
    app = Flask("model")

    @app.post("/predict")
    def predict() -> dict[str, float]:
        return {"score": sum(request.get_json().values())}

    @app.post("/echo")
    def echo() -> Response:
        return Response(request.get_data(), content_type=request.content_type)

    @app.post("/stream")
    def stream() -> Response:
        return Response(iter(["a", "b", "c"]), content_type="text/csv")

    @app.post("/cut")
    def cut() -> Response:
        def tokens() -> Iterator[str]:
            yield "a"
            raise RuntimeError("no more")

        return Response(tokens())

    @app.post("/unread")
    def unread() -> str:
        return "x"

    @app.post("/é")
    def accent() -> str:
        return "x"

    app.wsgi_app = WsgiCaptureMiddleware(app.wsgi_app, recorder=recorder, **settings)  # type: ignore[method-assign]
    return app


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None: ...


@contextmanager
def wsgiref_server(app: Any) -> Iterator[str]:
    """The standard library's server, with its check that app and middleware keep to WSGI."""

    class Checked(WSGIServer):
        def handle_error(self, *_: object) -> None:
            faults.append("an exception")

    faults: list[str] = []
    with make_server("127.0.0.1", 0, validator(app), server_class=Checked, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
    assert not faults


@contextmanager
def werkzeug_server(app: Any) -> Iterator[str]:
    server = make_werkzeug_server("127.0.0.1", 0, app, threaded=True, request_handler=None)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    with recorder_into(tmp_path) as made:
        yield made


@pytest.mark.parametrize("serving", [wsgiref_server, werkzeug_server])
def test_requests_over_http_are_recorded_and_their_rows_collected(
    recorder: Recorder, tmp_path: Path, serving: Callable[[Any], Any]
) -> None:
    with serving(model(recorder, paths=["/pre*"])) as url:
        first = requests.post(f"{url}/predict", json={"age": 1.0}, headers={ID.lower(): "order-1"}, timeout=10)
        second = requests.post(f"{url}/predict", json={"age": 2}, timeout=10)
        requests.post(f"{url}/echo", json={"age": 3}, timeout=10)
        requests.get(f"{url}/predict", timeout=10)
    assert (first.json(), first.headers[ID]) == ({"score": 1.0}, "order-1")
    records = {data_of(record): record["eventMetadata"] for record in written_by(recorder, tmp_path)}
    assert set(records) == {('{"age": 1.0}', '{"score":1.0}\n'), ('{"age": 2}', '{"score":2}\n')}
    assert records['{"age": 1.0}', '{"score":1.0}\n']["inferenceId"] == "order-1"
    assert records['{"age": 2}', '{"score":2}\n']["eventId"] == second.headers[ID]
    assert sorted((row["age"], row["score"]) for row in rows_of(tmp_path)) == [("1.0", "1.0"), ("2", "2")]


@pytest.mark.skipif(not importlib.util.find_spec("gunicorn"), reason="gunicorn is not installed")
@pytest.mark.parametrize("kind", [["sync"], ["gthread", "--threads", "3"]])
def test_gunicorns_workers_record_each_request_once(tmp_path: Path, kind: list[str]) -> None:
    (tmp_path / "served_flask.py").write_text(
        "from flask import Flask, request\n"
        "from model_monitor.recorder import Recorder\n"
        "from model_monitor.recorder import WsgiCaptureMiddleware\n"
        "app = Flask('model')\n"
        "@app.post('/predict')\n"
        "def predict(): return {'score': sum(request.get_json().values())}\n"
        f"recorder = Recorder('churn', {str(tmp_path / 'capture')!r}, spool={str(tmp_path / 'spool')!r})\n"
        "app.wsgi_app = WsgiCaptureMiddleware(app.wsgi_app, recorder=recorder)\n"
    )
    port = free_port()
    options = ["--preload", "--workers", "2", "--bind", f"127.0.0.1:{port}", "--worker-class", *kind]
    with running(["-m", "gunicorn", *options, "served_flask:app"], port, tmp_path, "/"):
        told = [
            requests.post(f"http://127.0.0.1:{port}/predict", json={"age": i}, timeout=10).headers[ID]
            for i in range(60)
        ]
    rows = rows_of(tmp_path)
    assert [row["@event_id"] for row in rows] == sorted(told)
    assert sorted(float(row["score"]) for row in rows) == list(range(60))


def test_a_stream_is_recorded_whole_and_one_that_is_cut_as_failed(recorder: Recorder, tmp_path: Path) -> None:
    client = model(recorder).test_client()
    assert client.post("/stream").text == "abc"
    with pytest.raises(RuntimeError, match="no more"):
        _ = client.post("/cut").text
    whole, cut = written_by(recorder, tmp_path)
    assert (data_of(whole), data_of(cut)) == ((None, "abc"), (None, None))
    assert [one["eventMetadata"].get("failed") for one in (whole, cut)] == [None, True]
    assert min(one["eventMetadata"]["latencyMs"] for one in (whole, cut)) > 0


def test_an_app_that_raises_before_it_answers_is_recorded_as_status_500(recorder: Recorder, tmp_path: Path) -> None:
    def broken(environ: object, start_response: object) -> Any:
        raise RuntimeError("no model")

    client = Client(WsgiCaptureMiddleware(broken, recorder=recorder))
    with pytest.raises(RuntimeError, match="no model"):
        client.post("/predict")
    [record] = written_by(recorder, tmp_path)
    assert (record["eventMetadata"]["statusCode"], record["eventMetadata"]["failed"]) == (500, True)


def test_statuses_and_sampling_are_counted_as_what_they_are(tmp_path: Path) -> None:
    recorder = recorder_into(tmp_path, sampling_percentage=0)
    client = model(recorder, statuses=[200, 415]).test_client()
    assert len(client.post("/predict", json={"age": 1}, buffered=True).headers[ID]) == 36
    assert client.post("/predict", buffered=True).status_code == 415
    assert client.post("/predict", data="{", content_type="application/json", buffered=True).status_code == 400
    assert recorder.counters()["sampled_out"] == 2
    assert written_by(recorder, tmp_path) == []


def test_a_body_that_the_app_did_not_read_is_marked(recorder: Recorder, tmp_path: Path) -> None:
    model(recorder).test_client().post("/unread", data=b"1,2", content_type="text/csv", buffered=True)
    [record] = written_by(recorder, tmp_path)
    assert record["captureData"]["endpointInput"]["truncated"] is True


def test_a_compressed_body_is_recorded_readable_and_a_large_one_marked(tmp_path: Path) -> None:
    recorder = recorder_into(tmp_path, max_payload_bytes=1000)
    client = model(recorder).test_client()
    for size in (1000, 1001):
        packed = gzip.compress(b"1" * size)
        headers = {"Content-Encoding": "gzip", "Content-Type": "text/csv"}
        assert client.post("/echo", data=packed, headers=headers).data == packed
    whole, cut = (record["captureData"]["endpointInput"] for record in written_by(recorder, tmp_path))
    assert (whole["data"], cut["data"], cut["truncated"]) == ("1" * 1000, None, True)


def test_a_path_may_have_any_letters(recorder: Recorder, tmp_path: Path) -> None:
    assert model(recorder, paths=["/é"]).test_client().post("/é").text == "x"
    assert len(written_by(recorder, tmp_path)) == 1


def test_a_recorder_that_fails_breaks_no_request(recorder: Recorder, caplog: pytest.LogCaptureFixture) -> None:
    def chosen_by(event_id: str) -> float | None:
        raise RuntimeError("the recorder is broken")

    recorder.chosen_by = chosen_by  # type: ignore[method-assign]
    client = model(recorder).test_client()
    for _ in range(3):
        assert client.post("/echo", data=b"1").data == b"1"
    assert [record.levelname for record in caplog.records].count("ERROR") == 1


def test_of_two_middlewares_with_the_same_recorder_one_captures(recorder: Recorder, tmp_path: Path) -> None:
    app = model(recorder)
    app.wsgi_app = WsgiCaptureMiddleware(app.wsgi_app, recorder)  # type: ignore[method-assign]
    answer = app.test_client().post("/predict", json={"age": 1})
    assert answer.get_data() and len(answer.headers.getlist(ID)) == 1
    assert len(written_by(recorder, tmp_path)) == 1


def into(readinto: Callable[[Any], int], size: int) -> bytes:
    buffer = bytearray(size)
    return bytes(buffer[: readinto(buffer)])


READS: list[Callable[[Any], Any]] = [
    lambda stream: stream.read(3),
    lambda stream: stream.read(),
    lambda stream: stream.readline(),
    lambda stream: stream.readline(2),
    lambda stream: stream.readlines(),
    lambda stream: stream.readlines(4),
    list,
    lambda stream: into(stream.readinto, 4),
    lambda stream: into(stream.readinto1, 0),
    lambda stream: stream.read1(5),
    lambda stream: stream.read1(),
    lambda stream: stream.read(0),
    lambda stream: stream.tell(),
    lambda stream: stream.seek(0),
    lambda stream: stream.seek(stream.tell() // 2),
]


@given(
    st.binary(max_size=30),
    st.lists(st.sampled_from(READS), max_size=8),
    st.lists(st.binary(max_size=9), max_size=5),
    st.lists(st.binary(max_size=9), max_size=3),
    st.sampled_from(["list", "generator", "late"]),
    st.sampled_from([1, 12, 1000]),
)
def test_app_and_server_see_the_same_however_bodies_are_cut(
    body: bytes,
    reads: list[Callable[[Any], Any]],
    answered: list[bytes],
    first: list[bytes],
    kind: str,
    limit: int,
) -> None:
    kept: list[tuple[Any, Any]] = []

    class Keeping(Recorder):
        def __init__(self) -> None:
            self.max_payload_bytes, self.when_full = limit, "drop_oldest"
            self.captures_input = self.captures_output = True

        def chosen_by(self, event_id: str) -> float:
            return 100.0

        def take(self, waiting: records.Queued) -> bool:
            request = waiting.request()
            kept.append((request.input, request.output))
            return True

    def app_that_sees(seen: list[Any]) -> Any:
        def answer(environ: Any, start_response: Any) -> Iterator[bytes]:
            seen.extend(read(environ["wsgi.input"]) for read in reads)
            write = start_response("200 OK", [("X-Own", "1"), ("Content-Type", "text/csv")])
            for chunk in first:
                write(chunk)
            yield from answered

        def app(environ: Any, start_response: Any) -> Iterable[bytes]:
            chunks = answer(environ, start_response)
            return chunks if kind == "late" else list(chunks) if kind == "list" else (yield_first(chunks))

        return app

    plain: list[Any] = []
    watched: list[Any] = []
    expected = answer_of(app_that_sees(plain), body)
    status, headers, count, content = answer_of(WsgiCaptureMiddleware(app_that_sees(watched), Keeping()), body)
    assert watched == plain
    assert (status, headers[:-1], count, content) == expected
    assert headers[-1][0] == ID
    [(given_, answer)] = kept
    if isinstance(given_, bytes):
        assert given_ == body
    elif given_ is not None:
        read = b"".join(
            b"".join(part) if isinstance(part, list) else part for part in plain if not isinstance(part, int)
        )
        assert len(body) > limit or read != body or any(isinstance(part, int) for part in plain)  # read again
    told = b"".join([*first, *answered])
    assert answer == told if len(told) <= limit else not isinstance(answer, bytes)


def yield_first(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The same chunks, of which the first is made already, so that the response has begun."""
    made = list(chunks)
    return iter(made)


def answer_of(app: Any, body: bytes) -> tuple[Any, list[tuple[str, str]], int | None, bytes]:
    """What a server gets of an app: status, headers, how many chunks it is told of, and the content."""
    environ: dict[str, Any] = {}
    setup_testing_defaults(environ)
    more = {"REQUEST_METHOD": "POST", "CONTENT_LENGTH": str(len(body)), "CONTENT_TYPE": "text/csv"}
    environ |= more | {"wsgi.input": io.BytesIO(body)}
    told: list[Any] = []
    content: list[bytes] = []

    def start_response(*arguments: Any) -> Callable[[bytes], None]:
        told.append(arguments)
        return content.append

    chunks = app(environ, start_response)
    count = len(chunks) if hasattr(chunks, "__len__") else None
    content.extend(chunks)
    if hasattr(chunks, "close"):
        chunks.close()
    [(status, headers)] = told
    return status, headers, count, b"".join(content)
