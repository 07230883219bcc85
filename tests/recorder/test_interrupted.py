"""Does the recorder survive signal handlers, forks, threads that can't start, and exits in odd order?"""

from __future__ import annotations

import http.server
import os
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from support.recorded import ids, recorder_into, records_in, until

from model_monitor.recorder import Recorder


def run(code: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout


SIGNALS = """
import signal, sys
from model_monitor.recorder import Recorder

root, policy = sys.argv[1], sys.argv[1].rpartition("/")[2]
recorder = Recorder("churn", root + "/capture", spool=root + "/spool", max_queue_bytes=20_000, when_full=policy)
heard = 0

def on_alarm(number, frame):
    global heard
    heard += 1
    recorder.record(b"signal", b"1")
    recorder.counters()

signal.signal(signal.SIGALRM, on_alarm)
signal.setitimer(signal.ITIMER_REAL, 0.0002, 0.0002)
asked = 0
while heard < 3000:
    recorder.record(b"main", b"1")
    asked += 1
signal.setitimer(signal.ITIMER_REAL, 0)
assert recorder.close()
c = recorder.counters()
assert c["recorded"] == asked + heard == c["sent"] + c["dropped"], (c, asked, heard)
assert recorder._queue.bytes == 0, recorder._queue.bytes
"""


@pytest.mark.parametrize("policy", ["drop_oldest", "drop_newest"])
def test_a_signal_handler_may_record_in_the_middle_of_anything(tmp_path: Path, policy: str) -> None:
    run(SIGNALS, tmp_path / policy)


CLOSED_TWICE = """
import signal, sys, threading, time
from model_monitor.recorder import Recorder

root = sys.argv[1]
recorder = Recorder("churn", root + "/capture", spool=root + "/spool")
for i in range(100):
    recorder.record(b"1", b"2", event_id=f"e{i}")
with recorder._queue.room:  # as in the middle of ``record``, where a handler of SIGTERM closes
    assert not recorder.close(timeout=0.2)
"""


def test_what_could_not_be_sent_by_close_is_sent_at_exit(tmp_path: Path) -> None:
    run(CLOSED_TWICE, tmp_path)
    assert ids(tmp_path / "capture") == Counter(f"e{i}" for i in range(100))


def test_closing_again_says_again_whether_the_store_has_all(tmp_path: Path) -> None:
    (tmp_path / "capture").write_text("in the way")
    recorder = recorder_into(tmp_path)
    recorder.record(b"1", b"2")
    assert not recorder.close(0.3) and not recorder.close(0.3) and not recorder.flush(5)


def test_threads_that_can_not_be_started_are_tried_again_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model_monitor.recorder.recorder.RESTART_SECONDS", 0.0)
    start, tried, before = threading.Thread.start, [], set(threading.enumerate())

    def refused(thread: threading.Thread) -> None:
        tried.append(thread.name)
        if len(tried) in (1, 3):  # the first thread of the first try, the second one of the second
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refused)
    recorder = recorder_into(tmp_path)
    assert recorder.record(b"1", b"2", event_id="a") is None
    assert recorder.record(b"1", b"2", event_id="b") is None
    assert recorder.record(b"1", b"2", event_id="c") == "c"
    assert recorder.close() and ids(tmp_path / "capture") == Counter("c")
    counters = recorder.counters()
    assert counters["recorded"] == 3 and counters["dropped"] == counters["dropped_disk"] == 2
    assert set(threading.enumerate()) <= before
    assert not [path for path in (tmp_path / "spool").rglob("*") if path.is_file()]


class Kept(http.server.BaseHTTPRequestHandler):
    """Keeps connections open, and remembers on which one each file came."""

    protocol_version = "HTTP/1.1"
    came: list[tuple[int, str]]

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.came.append((self.client_address[1], self.path))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


def test_a_forked_worker_does_not_speak_on_its_parents_connections(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    came: list[tuple[int, str]] = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Kept,), {"came": came})) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        query = f"endpoint_override=127.0.0.1:{server.server_port}&scheme=http"
        recorder = Recorder("churn", f"s3://bucket/a?{query}", spool=tmp_path)
        for _ in range(2):
            recorder.record(b"1", b"2")
            assert recorder.flush()
        if not (child := os.fork()):
            code = 1
            try:  # nothing of pytest's may run in here
                recorder.record(b"1", b"2")
                code = 0 if recorder.close() else 2
            finally:
                os._exit(code)
        assert os.waitpid(child, 0)[1] == 0
        recorder.record(b"1", b"2")
        assert recorder.close()
        server.shutdown()
        thread.join()
    first, second, childs, last = (port for port, _ in came)
    assert first == second == last != childs


LATE = """
import atexit, sys
root = sys.argv[1]
made = []
atexit.register(lambda: made[0].record(b"1", b"2", event_id="too late"))  # runs after what the recorder registers
from model_monitor.recorder import Recorder
made.append(Recorder("churn", root + "/capture", spool=root + "/spool"))
made[0].record(b"1", b"2", event_id="in time")
atexit.register(lambda: made[0].record(b"1", b"2", event_id="at exit"))
"""

FIRST_AT_EXIT = """
import atexit, sys
from model_monitor.recorder import Recorder
root = sys.argv[1]
recorder = Recorder("churn", root + "/capture", spool=root + "/spool")
def late():
    taken = recorder.record(b"1", b"2")
    c = recorder.counters()
    print("taken" if taken else "dropped", c["recorded"], c["dropped"], flush=True)
atexit.register(late)
"""


def test_a_request_at_exit_is_sent_or_counted(tmp_path: Path) -> None:
    run(LATE, tmp_path / "a")
    assert ids(tmp_path / "a/capture") == Counter(["in time", "at exit"])
    said = run(FIRST_AT_EXIT, tmp_path / "b").split()
    sent = len(records_in(tmp_path / "b"))
    assert (said, sent) in ((["taken", "1", "0"], 1), (["dropped", "1", "1"], 0))


def test_flush_ends_though_requests_keep_coming(tmp_path: Path) -> None:
    with recorder_into(tmp_path) as recorder:
        recorder.record(b"1", b"2", event_id="first")
        ended = threading.Event()

        def work() -> None:
            while not ended.wait(0.001):
                recorder.record(b"1", b"2")

        thread = threading.Thread(target=work)
        thread.start()
        try:
            assert recorder.flush(20)
            assert "first" in ids(tmp_path / "capture")
        finally:
            ended.set()
            thread.join()


def test_flush_is_not_done_while_the_spool_has_no_room_for_what_was_recorded(tmp_path: Path) -> None:
    """At the moment when the spool is empty and the queue is not."""
    sizes: dict[str, Any] = {"max_spool_bytes": 3_000, "roll_bytes": 1_000_000, "flush_interval": 0.02}
    with recorder_into(tmp_path, when_full="block", **sizes) as recorder:
        recorder.start()
        with recorder._spool.lock:  # type: ignore[union-attr]
            for i in range(500):
                recorder.record(b"x" * 1000, b"1", event_id=f"e{i}")
        assert recorder.flush(30) and len(ids(tmp_path / "capture")) == 500


def test_intervals_that_never_end_are_refused(tmp_path: Path) -> None:
    from model_monitor.errors import ConfigError

    for bound in ({"roll_seconds": float("inf")}, {"flush_interval": float("nan")}, {"roll_seconds": float("nan")}):
        with pytest.raises(ConfigError, match="above 0"):
            recorder_into(tmp_path, **bound)  # type: ignore[arg-type]
    with recorder_into(tmp_path, roll_seconds=1e12, flush_interval=0.01) as recorder:
        recorder.record(b"1", b"2")
        until(lambda: recorder.counters()["spooled"] == 1)
        threading.Event().wait(0.3)
        assert all(thread.is_alive() for thread in recorder._threads)
