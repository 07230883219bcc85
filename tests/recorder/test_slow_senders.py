"""Does ``model-monitor receive`` go on answering, whatever senders keep it waiting for?"""

from __future__ import annotations

import resource
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest
import requests
from recorder.test_receive import ASKED, Client, kserve, receiving
from support.recorded import free_port, running, until

from model_monitor.recorder.receiver import arrivals, connections
from model_monitor.recorder.receiver.events import REQUEST

PATIENCE = 1.0  # seconds, instead of 5 and 10
HEAD = b"POST / HTTP/1.1\r\nHost: x\r\n"
BODY = HEAD + b"".join(f"{name}: {value}\r\n".encode() for name, value in kserve(REQUEST, "1").items() if value)
WHOLE = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setattr(connections, "PATIENCE", PATIENCE)
    monkeypatch.setattr(arrivals, "PATIENCE", PATIENCE)
    with receiving(tmp_path) as client:
        yield client


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=5)


def seconds_until_ended(sender: socket.socket, drip: bytes = b"") -> float:
    """How long the server keeps a connection to which ``drip`` is sent again and again; 9 if longer than that."""
    begun = time.monotonic()
    sender.settimeout(0.1)
    while (lasted := time.monotonic() - begun) < 9:
        try:
            if drip:
                sender.sendall(drip)
            if not sender.recv(1000):
                break
        except TimeoutError:
            continue
        except OSError:
            break
    return lasted


SLOW: dict[str, tuple[bytes, bytes]] = {  # what is sent at first, and then again and again
    "says nothing": (b"", b""),
    "sends half a head": (HEAD, b""),
    "sends a head byte by byte": (HEAD + b"X-Slow: ", b"a"),
    "sends half a body": (BODY + b"Content-Length: 100\r\n\r\n{", b""),
    "sends a body byte by byte": (BODY + b"Content-Length: 1000000\r\n\r\n{", b" "),
    "sends a body by small chunks": (BODY + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "stays after its answer": (WHOLE, b""),
    "sends half a head after its answer": (WHOLE + HEAD, b""),
    "asks for an upgrade": (HEAD + b"Connection: upgrade\r\nUpgrade: websocket\r\n" + BODY[len(HEAD) :], b"a"),
}


@pytest.mark.parametrize("case", SLOW)
def test_a_sender_is_given_up_that(client: Client, case: str) -> None:
    first, drip = SLOW[case]
    with connected(int(client.url.rpartition(":")[2])) as sender:
        sender.sendall(first)
        assert PATIENCE / 2 < seconds_until_ended(sender, drip) < 8
    assert client.post(kserve(REQUEST, "2"), ASKED) == (200, "")


def test_a_slow_sender_is_answered_and_counted(client: Client) -> None:
    with connected(int(client.url.rpartition(":")[2])) as sender:
        sender.sendall(BODY + b"Content-Length: 100\r\n\r\n{")
        answer = sender.recv(1000)
    assert answer.startswith(b"HTTP/1.1 408 ") and b"connection: close" in answer
    assert client.counters()["slow"] == 1


def test_a_connection_ends_whose_answers_are_not_read(client: Client) -> None:
    for number in range(10):  # the more there is to answer, the sooner no more fits between the two
        client.post(kserve(REQUEST, "1", **{"Ce-Inferenceservicename": f"service-{number}"}), ASKED)
    with connected(int(client.url.rpartition(":")[2])) as reader, pytest.raises(ConnectionError):
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        for _ in range(1000):
            reader.sendall(WHOLE.replace(b"healthz", b"counters") * 1000)


def test_senders_that_go_on_are_not_given_up(client: Client) -> None:
    port, size = int(client.url.rpartition(":")[2]), 400_000
    with connected(port) as sender:
        for number in range(3):  # longer than the time for one, all together
            body = b'"' + b"x" * (size - 2) + b'"'
            sender.sendall(BODY.replace(b"Ce-Id: 1", f"Ce-Id: {number}".encode()))
            sender.sendall(f"Content-Length: {size}\r\n\r\n".encode())
            for start in range(0, size, size // 4):
                sender.sendall(body[start : start + size // 4])
                time.sleep(PATIENCE / 3)
            assert sender.recv(1000).startswith(b"HTTP/1.1 200 ")


@contextmanager
def started(folder: Path, limited: Callable[[], None] | None = None) -> Iterator[tuple[int, psutil.Process]]:
    """The command itself, with its own times; its port and its process."""
    port = free_port()
    command = ["-m", "model_monitor", "receive", "--destination", str(folder / "capture"), "--port", str(port)]
    with running([*command, "--spool", str(folder / "spool")], port, folder) as server:
        process = psutil.Process(server.pid)
        yield port, process


def test_more_connections_than_descriptors_do_not_keep_it_from_answering(tmp_path: Path) -> None:
    with started(tmp_path) as (port, process), ExitStack() as held:
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (256, 256))
        begun = time.monotonic()
        for _ in range(400):
            held.enter_context(connected(port)).sendall(HEAD)
        for _ in range(5):
            assert requests.get(f"http://127.0.0.1:{port}/healthz", timeout=2).text == "ok"
        assert time.monotonic() - begun < connections.PATIENCE, "before the time of the first is over"
        assert process.num_fds() < 200


def test_half_sent_bodies_are_within_the_bound_of_memory_and_whole_ones_are_taken(tmp_path: Path) -> None:
    with started(tmp_path) as (port, process), ExitStack() as held:
        client = Client(f"http://127.0.0.1:{port}")
        client.post(kserve(REQUEST, "0"), ASKED)
        before = process.memory_info().rss
        for _ in range(40):
            sender = held.enter_context(connected(port))
            sender.sendall(BODY + b"Content-Length: 8000001\r\n\r\n")
            sender.sendall(b"x" * 8_000_000)
            assert process.memory_info().rss - before < 160 << 20
        assert client.post(kserve(REQUEST, "2"), ASKED) == (200, "")
        assert client.counters()["slow"] >= 30
        until(lambda: client.counters()["slow"] == 40, seconds=2 * arrivals.PATIENCE)
