"""Are the requests that KServe's and Seldon's payload loggers send recorded once, under the right names?

The events are those of KServe's pkg/logger/worker.go and of Seldon Core's executor/logger/worker.go: binary mode of
CloudEvents 1.0 over HTTP, attributes that are empty included.
"""

from __future__ import annotations

import base64
import json
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from support.recorded import data_of, free_port, records_in, rows_of, running, served, until

from model_monitor.__main__ import main, parser
from model_monitor.errors import ConfigError
from model_monitor.recorder.receiver.command import receiver
from model_monitor.recorder.receiver.connections import SERVER
from model_monitor.recorder.receiver.events import OVERHEAD, REQUEST, RESPONSE, Event, Pairs, events_of
from model_monitor.recorder.receiver.receiver import Receiver

ASKED = b'{"instances": [[6.8,  2.8,  4.8,  1.4],[6.0,  3.4,  4.5,  1.6]]}'
ANSWERED = b'{"predictions":[1,2]}'
TIMES = ("2023-04-05T07:39:53.501752983Z", "2023-04-05T07:39:54.505997782Z")
MOMENT = datetime(2023, 4, 5, 7, 39, 53, tzinfo=UTC)


def kserve(kind: str, event_id: str, **more: str) -> dict[str, str]:
    """The headers of one of KServe's events."""
    return {
        "Ce-Component": "predictor",
        "Ce-Endpoint": "",
        "Ce-Id": event_id,
        "Ce-Inferenceservicename": "sklearn-iris",
        "Ce-Metadata": "{}",
        "Ce-Namespace": "default",
        "Ce-Source": "http://localhost:9081/",
        "Ce-Specversion": "1.0",
        "Ce-Time": TIMES[kind == RESPONSE],
        "Ce-Type": f"org.kubeflow.serving.inference.{kind}",
        "Content-Type": "application/json",
    } | more


def seldon(kind: str, request_id: str, **more: str) -> dict[str, str]:
    """The headers of one of Seldon's events; each has an id of its own."""
    return {
        "CE-Endpoint": "main",
        "CE-Id": str(uuid4()),
        "CE-Inferenceservicename": "income",
        "CE-Modelid": "classifier",
        "CE-Namespace": "seldon",
        "CE-Protocol": "seldon",
        "CE-Requestid": request_id,
        "CE-Source": "http://:8000/",
        "CE-Specversion": "1.0",
        "CE-Time": TIMES[kind == RESPONSE],
        "CE-Type": f"io.seldon.serving.inference.{kind}",
        "Content-Type": "application/json",
    } | more


def app_into(folder: Path, *options: str) -> Receiver:
    """The app that ``model-monitor receive`` serves with these options."""
    given = ["receive", "--destination", str(folder / "capture"), "--spool", str(folder / "spool"), *options]
    return receiver(parser().parse_args(given))


class Client:
    """Whoever sends events to an app, over HTTP."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()

    def post(self, headers: dict[str, str], body: bytes, path: str = "/") -> tuple[int, str]:
        answer = self.session.post(self.url + path, data=body, headers=headers, timeout=10)
        return answer.status_code, answer.text

    def both(self, headers: Any, request_id: str, **more: str) -> None:
        for kind, body in ((REQUEST, ASKED), (RESPONSE, ANSWERED)):
            assert self.post(headers(kind, request_id, **more), body) == (200, "")

    def counters(self) -> dict[str, Any]:
        return dict(self.session.get(f"{self.url}/counters", timeout=10).json())


@contextmanager
def receiving(folder: Path, *options: str) -> Iterator[Client]:
    with served(app_into(folder, *options), **SERVER) as url:
        yield Client(url)


def test_times_that_go_backwards_tell_no_latency(tmp_path: Path) -> None:
    with receiving(tmp_path) as client:
        client.post(kserve(REQUEST, "1", **{"Ce-Time": TIMES[1]}), ASKED)
        client.post(kserve(RESPONSE, "1", **{"Ce-Time": TIMES[0]}), ANSWERED)
    [record] = records_in(tmp_path)
    assert "latencyMs" not in record["eventMetadata"]


@pytest.mark.parametrize(("unpaired", "expected"), [("keep", [None, None]), ("failed", [None, True])])
def test_a_request_without_a_response_is_taken_as_failed_where_that_is_said(
    tmp_path: Path, unpaired: str, expected: list[bool | None]
) -> None:
    """KServe logs no response unless its status is 200."""
    with receiving(tmp_path, "--unpaired", unpaired) as client:
        client.both(kserve, "1")
        client.post(kserve(REQUEST, "2"), ASKED)
    records = {record["eventMetadata"]["eventId"]: record for record in records_in(tmp_path)}
    assert [records[event]["eventMetadata"].get("failed") for event in ("1", "2")] == expected
    assert data_of(records["2"]) == (ASKED.decode(), None)


@pytest.mark.parametrize(
    ("headers", "endpoint", "variant"), [(kserve, "sklearn-iris", "AllTraffic"), (seldon, "income", "main")]
)
def test_both_events_of_a_request_become_one_record(tmp_path: Path, headers: Any, endpoint: str, variant: str) -> None:
    with receiving(tmp_path) as client:
        client.both(headers, "4f9d7a")
    [record] = records_in(tmp_path)
    assert data_of(record) == (ASKED.decode(), ANSWERED.decode())
    about = {"eventId": "4f9d7a", "inferenceTime": "2023-04-05T07:39:53Z", "latencyMs": 1004.245}
    assert record["eventMetadata"] == about
    assert (tmp_path / "capture" / endpoint / variant / "2023/04/05/07").is_dir()


def test_the_command_serves_until_it_is_told_to_stop_and_its_rows_are_collected(tmp_path: Path) -> None:
    port = free_port()
    command = ["-m", "model_monitor", "receive", "--destination", str(tmp_path / "capture"), "--port", str(port)]
    with running([*command, "--spool", str(tmp_path / "spool"), "--unpaired", "drop"], port, tmp_path):
        client = Client(f"http://127.0.0.1:{port}")
        for i in range(50):
            body = json.dumps({"age": i, "debt": 0.5}).encode()
            # What curl sends if it is told no content type; KServe reads it as JSON.
            plain = {"Content-Type": "application/x-www-form-urlencoded"}
            assert client.post(kserve(REQUEST, f"r{i}", **plain), body) == (200, "")
            if i:
                assert client.post(kserve(RESPONSE, f"r{i}"), b'{"score": 0.25}') == (200, "")
    rows = rows_of(tmp_path, MOMENT, endpoint="sklearn-iris")
    assert [row["@event_id"] for row in rows] == sorted(f"r{i}" for i in range(1, 50))
    assert sorted(float(row["age"]) for row in rows) == list(range(1, 50))
    assert {row["score"] for row in rows} == {"0.25"}


def test_what_kserve_sends_is_read_as_rows(tmp_path: Path) -> None:
    with receiving(tmp_path) as client:
        client.both(kserve, "1")
    rows = rows_of(tmp_path, MOMENT, endpoint="sklearn-iris")
    values = [[row[f"_c{i}"] for i in range(5)] for row in rows]  # what was answered, then what was asked
    assert values == [["1", "6.8", "2.8", "4.8", "1.4"], ["2", "6.0", "3.4", "4.5", "1.6"]]


def test_a_logger_of_requests_only_gives_rows_too(tmp_path: Path) -> None:
    with receiving(tmp_path) as client:
        for i in range(5):
            assert client.post(kserve(REQUEST, f"r{i}"), json.dumps({"age": i}).encode()) == (200, "")
        assert client.counters()["waiting"] == 5
    rows = rows_of(tmp_path, MOMENT, endpoint="sklearn-iris")
    assert [row["age"] for row in rows] == ["0", "1", "2", "3", "4"]


def test_the_order_of_events_does_not_matter_and_more_than_one_service_is_kept_apart(tmp_path: Path) -> None:
    with receiving(tmp_path) as client:
        for name in ("iris", "income"):
            more = {"Ce-Inferenceservicename": name, "Ce-Endpoint": "canary"}
            client.post(kserve(RESPONSE, "1", **more), ANSWERED)
            client.post(kserve(REQUEST, "1", **more), ASKED, path="/any/path")
        assert client.counters()["waiting"] == 0
    assert [data_of(record) for record in records_in(tmp_path)] == [(ASKED.decode(), ANSWERED.decode())] * 2
    assert {str(path.relative_to(tmp_path / "capture")) for path in (tmp_path / "capture").glob("*/*")} == {
        "iris/canary",
        "income/canary",
    }


def test_an_event_that_is_delivered_again_is_recorded_once(tmp_path: Path) -> None:
    with receiving(tmp_path) as client:
        client.post(kserve(REQUEST, "1"), ASKED)
        client.both(kserve, "1")
        client.both(kserve, "1")
        assert client.counters()["duplicates"] == 3
    assert len(records_in(tmp_path)) == 1


def test_a_request_whose_other_event_does_not_come_is_recorded_alone_and_counted(tmp_path: Path) -> None:
    with receiving(tmp_path, "--pair-timeout", "0.05") as client:
        client.post(kserve(REQUEST, "1"), ASKED)
        until(lambda: client.counters().get("unpaired_requests") == 1)
        client.post(kserve(RESPONSE, "1"), ANSWERED)
        client.post(kserve(RESPONSE, "2"), ANSWERED)
        until(lambda: client.counters().get("unpaired_responses") == 1)
        assert client.counters()["late"] == 1
    assert sorted(map(data_of, records_in(tmp_path)), key=str) == [
        (ASKED.decode(), None),
        (None, ANSWERED.decode()),
    ]


def test_events_of_another_component_are_no_second_request(tmp_path: Path) -> None:
    """A transformer in front of a predictor passes the request's id on, and both log."""
    with receiving(tmp_path) as client:
        client.post(kserve(REQUEST, "1", **{"Ce-Component": "transformer"}), b'{"raw":1}')
        client.both(kserve, "1")
        client.post(kserve(RESPONSE, "1", **{"Ce-Component": "transformer"}), b'{"raw":2}')
        assert client.counters()["other_component"] == 1
    assert [data_of(record) for record in records_in(tmp_path)] == [(ASKED.decode(), ANSWERED.decode())]


def test_components_can_be_chosen(tmp_path: Path) -> None:
    with receiving(tmp_path, "--component", "transformer") as client:
        client.both(kserve, "1")
        client.both(kserve, "2", **{"Ce-Component": "transformer"})
        assert client.counters()["ignored"] == 2
    assert [record["eventMetadata"]["eventId"] for record in records_in(tmp_path)] == ["2"]


def test_headers_of_the_caller_that_kserve_passes_on_are_honoured(tmp_path: Path) -> None:
    metadata = {"X-Amzn-Sagemaker-Inference-Id": ["order-1"], "X-Amzn-Sagemaker-Custom-Attributes": ["a=b"]}
    with receiving(tmp_path) as client:
        client.both(kserve, "1", **{"Ce-Metadata": json.dumps(metadata)})
        client.both(kserve, "2", **{"Ce-Metadata": "null"})
    first, second = (record["eventMetadata"] for record in records_in(tmp_path))
    assert (first["inferenceId"], first["customAttributes"]) == ("order-1", ["a=b"])
    assert "inferenceId" not in second


@pytest.mark.parametrize("mode", ["structured", "batched"])
def test_structured_and_batched_events_are_the_same_to_the_byte(tmp_path: Path, mode: str) -> None:
    def event(kind: str, **data: Any) -> bytes:
        attributes = {name[3:].lower(): value for name, value in kserve(kind, "1").items() if name.startswith("Ce-")}
        content = {"datacontenttype": "application/json", **attributes}
        # The payload's own spelling: 1.0 is not 1, and 1e3 not 1000.0.
        return (
            json.dumps(content)[:-1].encode() + b', "data": {"x": [1.0, 1e3]}}'
            if not data
            else json.dumps(content | data).encode()
        )

    packed = base64.b64encode(b'{"y": 0.50}').decode()
    events = [event(REQUEST), event(RESPONSE, data_base64=packed)]
    with receiving(tmp_path) as client:
        if mode == "batched":
            kind = {"Content-Type": "application/cloudevents-batch+json; charset=utf-8"}
            assert client.post(kind, b"[" + b",".join(events) + b"]") == (200, "")
        else:
            for one in events:
                assert client.post({"Content-Type": "application/cloudevents+json"}, one) == (200, "")
    [record] = records_in(tmp_path)
    assert data_of(record) == ('{"x": [1.0, 1e3]}', '{"y": 0.50}')


def test_structured_text_is_text() -> None:
    event = {"type": "a.request", "id": "1", "datacontenttype": "text/csv", "data": "1,é\n"}
    [found] = events_of({"content-type": "application/cloudevents+json"}, json.dumps(event).encode())
    assert (found.content, found.content_type) == ("1,é\n".encode(), "text/csv")


@pytest.mark.parametrize(
    ("headers", "body", "words"),
    [
        ({}, b"{}", "no ce-type"),
        ({"Ce-Type": "org.kubeflow.serving.inference.request"}, b"{}", "no ce-id"),
        (kserve(REQUEST, "x" * 257), b"{}", "no ce-id"),
        (kserve(REQUEST, "%0A"), b"{}", "no ce-id"),
        ({"Content-Type": "application/cloudevents+json"}, b"[1", "no application/cloudevents"),
        ({"Content-Type": "application/cloudevents-batch+json"}, b'{"type": "a"}', "no application/cloudevents"),
        ({"Content-Type": "application/cloudevents+json"}, b'{"type": 1}', "no ce-type"),
        ({"Content-Type": "application/cloudevents+json"}, b'{"type": "a.request", "id": "1", "data_base64": "?"}', ""),
        ({"Content-Type": "application/cloudevents+json"}, b'{"a": ' + b"[" * 10**5 + b"]" * 10**5 + b"}", "no appl"),
        (kserve(REQUEST, "1", **{"Ce-Component": "x" * 257}), b"{}", "at most 256 characters"),
    ],
)
def test_what_is_no_event_is_answered_with_what_is_wrong(
    tmp_path: Path, headers: dict[str, str], body: bytes, words: str
) -> None:
    with receiving(tmp_path) as client:
        status, sentence = client.post(headers, body)
        assert (status, client.counters()["malformed"]) == (400, 1)
        assert words in sentence
        client.both(kserve, "1")
    assert len(records_in(tmp_path)) == 1


@pytest.mark.parametrize("name", ["../../etc", "a/b", ".", "", "..%2F..", "x" * 64, "-a", "a b", "a\\b"])
def test_no_event_chooses_a_path(tmp_path: Path, name: str) -> None:
    with receiving(tmp_path) as client:
        before = sorted(tmp_path.rglob("*"))
        for more in ({"Ce-Inferenceservicename": name}, {"Ce-Endpoint": name}) if name else ():
            assert client.post(kserve(REQUEST, "1", **more), ASKED)[0] == 403
        if not name:
            assert client.post(kserve(REQUEST, "1", **{"Ce-Inferenceservicename": name}), ASKED)[0] == 403
        assert sorted(tmp_path.rglob("*")) == before


def test_an_event_that_is_not_sent_to_its_end_is_no_event(tmp_path: Path) -> None:
    with receiving(tmp_path) as client:
        head = "".join(f"{name}: {value}\r\n" for name, value in kserve(REQUEST, "1").items())
        port = int(client.url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as sender:
            sender.sendall(f"POST / HTTP/1.1\r\nHost: x\r\n{head}Content-Length: 100\r\n\r\n".encode() + ASKED[:5])
        until(lambda: client.counters().get("interrupted") == 1)
        client.both(kserve, "1")
        assert client.counters().get("duplicates", 0) == 0
    assert [data_of(record) for record in records_in(tmp_path)] == [(ASKED.decode(), ANSWERED.decode())]


def test_a_sender_that_stops_in_the_middle_does_not_keep_the_rest_from_being_sent(tmp_path: Path) -> None:
    port = free_port()
    command = ["-m", "model_monitor", "receive", "--destination", str(tmp_path / "capture"), "--port", str(port)]
    with socket.socket() as stuck, running([*command, "--spool", str(tmp_path / "spool")], port, tmp_path):
        Client(f"http://127.0.0.1:{port}").post(kserve(REQUEST, "1"), ASKED)
        stuck.connect(("127.0.0.1", port))
        stuck.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    assert len(records_in(tmp_path)) == 1


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-23:59", "0987-01-01T00:00:00Z"])
def test_a_time_at_which_nobody_can_have_asked_is_not_taken(tmp_path: Path, time: str) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    with receiving(tmp_path) as client:
        client.both(kserve, "1", **{"Ce-Time": time})
    [record] = records_in(tmp_path)
    assert before <= datetime.fromisoformat(record["eventMetadata"]["inferenceTime"]) <= datetime.now(UTC)


def test_an_event_that_is_refused_does_not_choose_the_namespace(tmp_path: Path) -> None:
    with receiving(tmp_path) as client:
        odd = {"Ce-Namespace": "staging", "Ce-Inferenceservicename": "../x"}
        assert client.post(kserve(REQUEST, "1", **odd), ASKED)[0] == 403
        client.both(kserve, "1")
    assert len(records_in(tmp_path)) == 1


def test_only_the_named_endpoints_and_one_namespace_are_received(tmp_path: Path) -> None:
    with receiving(tmp_path, "--endpoint", "sklearn-iris", "--variant", "blue") as client:
        client.both(kserve, "1", **{"Ce-Inferenceservicename": ""})
        client.both(kserve, "2", **{"Ce-Endpoint": "canary"})
        other = client.post(kserve(REQUEST, "3", **{"Ce-Inferenceservicename": "other"}), ASKED)
        elsewhere = client.post(kserve(REQUEST, "4", **{"Ce-Namespace": "staging"}), ASKED)
        assert client.counters()["refused"] == 2
    assert other == (403, "'other' is not received here; start the receiver with --endpoint other")
    assert elsewhere[0] == 403 and "namespace 'default'" in elsewhere[1]
    assert [record["eventMetadata"]["eventId"] for record in records_in(tmp_path)] == ["1", "2"]
    assert (tmp_path / "capture/sklearn-iris/blue").is_dir()


def test_endpoints_are_bounded_in_number(tmp_path: Path) -> None:
    with receiving(tmp_path, "--max-endpoints", "2") as client:
        told = [client.post(kserve(REQUEST, "1", **{"Ce-Inferenceservicename": f"m{i}"}), ASKED)[0] for i in range(4)]
    assert told == [200, 200, 403, 403]


def test_a_large_event_is_refused_and_a_large_payload_marked(tmp_path: Path) -> None:
    with receiving(tmp_path, "--max-event-bytes", "2000", "--max-payload-bytes", "1000") as client:
        assert client.post(kserve(REQUEST, "1"), b"1" * 2001)[0] == 413
        assert client.post(kserve(REQUEST, "1"), b"1" * 2000) == (200, "")
        assert client.post(kserve(RESPONSE, "1"), b"1" * 1000) == (200, "")
        assert client.counters()["too_large"] == 1
    [record] = records_in(tmp_path)
    assert data_of(record) == (None, "1" * 1000)
    assert record["captureData"]["endpointInput"]["truncated"] is True


def test_a_request_that_is_sampled_out_is_counted_once_and_not_kept(tmp_path: Path) -> None:
    app = app_into(tmp_path, "--sampling-percentage", "0")
    with served(app, lifespan="on") as url:
        client = Client(url)
        client.post(kserve(REQUEST, "1"), b"1" * 100_000)
        assert client.counters()["waiting_bytes"] == OVERHEAD
        client.post(kserve(RESPONSE, "1"), ANSWERED)
        client.both(kserve, "2")
        assert client.counters()["endpoints"]["sklearn-iris/AllTraffic"]["sampled_out"] == 2
    assert records_in(tmp_path) == []


def test_feedback_and_other_events_are_counted_and_nothing_else(tmp_path: Path) -> None:
    with receiving(tmp_path) as client:
        feedback = seldon(REQUEST, "1") | {"CE-Type": "io.seldon.serving.feedback"}
        outlier = {"Ce-Type": "org.kubeflow.serving.inference.outlier"}
        assert [client.post(one, b"{}") for one in (feedback, outlier)] == [(200, "")] * 2
        assert client.counters()["ignored"] == 2
    assert records_in(tmp_path) == []


def test_fields_can_be_left_out_and_hashed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HASH_KEY", "0123456789abcdef")
    options = ["--deny", "name", "--hash", "city", "--hash-key-from", "HASH_KEY"]
    with receiving(tmp_path, *options) as client:
        client.post(kserve(REQUEST, "1"), b'{"name":"Ann","city":"Lyon","age":3}')
        client.post(kserve(RESPONSE, "1"), ANSWERED)
    given_ = json.loads(data_of(records_in(tmp_path)[0])[0])
    assert set(given_) == {"city", "age"}
    assert len(given_["city"]) == 32


def test_there_is_a_page_for_probes(tmp_path: Path) -> None:
    with receiving(tmp_path) as client:
        told = [client.session.get(client.url + path, timeout=10).status_code for path in ("/healthz", "/nowhere")]
        told.append(client.session.delete(client.url, timeout=10).status_code)
    assert told == [200, 404, 405]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--pair-timeout", "0"], "--pair-timeout"),
        (["--endpoint", "../x"], "'../x' is no name"),
        (["--variant", "a/b"], "'a/b' is no name"),
        (["--sampling-percentage", "101"], "sampling_percentage"),
        (["--hash", "city"], "--hash-key-from"),
    ],
)
def test_invalid_options_are_reported_before_anything_is_served(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], words: str
) -> None:
    with pytest.raises(ConfigError):
        app_into(tmp_path, *options)
    assert main(["receive", "--destination", str(tmp_path / "capture"), *options]) == 1
    assert words in capsys.readouterr().err


def test_a_missing_server_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert main(["receive", "--destination", str(tmp_path)]) == 1
    assert "pip install uvicorn" in capsys.readouterr().err


def event(kind: str, event_id: str, size: int) -> Event:
    return Event(kind, event_id, b"1" * size, "text/csv", None, "churn", None, None, None, None, None)


@given(
    st.lists(st.tuples(st.sampled_from([REQUEST, RESPONSE]), st.integers(0, 5), st.integers(0, 3000)), max_size=40),
    st.lists(st.integers(0, 40), max_size=3),
)
def test_each_request_is_recorded_once_in_bounded_memory(
    deliveries: list[tuple[str, int, int]], pauses: list[int]
) -> None:
    recorded: list[tuple[str, frozenset[str]]] = []
    now = 0.0

    def record(place: Any, asked: Event | None, answered: Event | None) -> None:
        sides = {one.kind: one for one in (asked, answered) if one}
        assert (asked is None or asked.kind == REQUEST) and (answered is None or answered.kind == RESPONSE)
        [name] = {one.id for one in sides.values()}
        recorded.append((name, frozenset(sides)))

    pairs = Pairs(record, timeout=10, max_bytes=6000, clock=lambda: now)
    for i, (kind, number, size) in enumerate(deliveries):
        now += 11 if i in pauses else 0
        pairs.add(("churn", "AllTraffic"), event(kind, str(number), size))
        assert pairs.bytes <= 6000
        assert pairs.bytes == sum(OVERHEAD + len(one.event.content or b"") for one in pairs.waiting.values())  # type: ignore[arg-type]
    pairs.flush()
    assert (pairs.bytes, len(pairs.waiting)) == (0, 0)
    assert sorted(name for name, _ in recorded) == sorted({str(number) for _, number, _ in deliveries})
    assert sum(len(sides) for _, sides in recorded) + pairs.counts["duplicates"] + pairs.counts["late"] == len(
        deliveries
    )
    alone = sum(len(sides) == 1 for _, sides in recorded)
    assert pairs.counts["unpaired_requests"] + pairs.counts["unpaired_responses"] == alone


def test_many_senders_at_once_lose_nothing(tmp_path: Path) -> None:
    with receiving(tmp_path) as client:

        def send(sender: int) -> None:
            own = Client(client.url)
            for i in range(40):
                own.both(kserve, f"{sender}-{i}")

        threads = [threading.Thread(target=send, args=(sender,)) for sender in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    told = sorted(record["eventMetadata"]["eventId"] for record in records_in(tmp_path))
    assert told == sorted(f"{sender}-{i}" for sender in range(4) for i in range(40))
