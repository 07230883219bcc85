"""Is every request sent once or counted as dropped, whatever happens to the store, the disk and the workers?"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.recorded import ids, in_balance, until, uploaders
from support.seaweed import BUCKET, Server, running

from model_monitor.errors import StoreError
from model_monitor.recorder import Recorder
from model_monitor.recorder.sending.destinations import destination_at
from model_monitor.recorder.sending.transports import Transport
from model_monitor.recorder.spool.disk import LOCK

CSV: dict[str, Any] = {"input_content_type": "text/csv", "output_content_type": "text/csv"}


def made(folder: Path, **more: Any) -> Recorder:
    return Recorder("churn", **({"destination": str(folder / "capture"), "spool": folder / "spool"} | more))


def out_of_reach(folder: Path) -> Path:
    """A destination that nothing can be written to until ``within_reach``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "capture").write_text("in the way")
    return folder


def within_reach(folder: Path) -> None:
    (folder / "capture").unlink()


def test_while_the_store_is_away_requests_wait_on_the_disk_and_are_sent_in_order(tmp_path: Path) -> None:
    out_of_reach(tmp_path)
    with made(tmp_path, roll_bytes=2000, flush_interval=0.05) as recorder:
        for i in range(100):
            recorder.record(b"x" * 100, b"1", **CSV, event_id=f"e{i:03d}")
        until(lambda: recorder.counters()["failures"] and not recorder.counters()["queued"])
        counters = recorder.counters()
        assert counters["spooled"] == 100 and counters["sent"] == 0 and counters["lag"] > 0 and in_balance(recorder)
        within_reach(tmp_path)
        until(lambda: recorder.counters()["sent"])
        sent = sorted(ids(tmp_path / "capture"))
        assert sent == [f"e{i:03d}" for i in range(len(sent))]
        assert recorder.flush(20)
    assert ids(tmp_path / "capture") == Counter(f"e{i:03d}" for i in range(100))


@pytest.mark.parametrize(("policy", "kept"), [("drop_oldest", "last"), ("drop_newest", "first")])
def test_past_the_bound_requests_are_dropped_as_configured_and_counted(tmp_path: Path, policy: Any, kept: str) -> None:
    out_of_reach(tmp_path)
    more = {"max_spool_bytes": 50_000, "roll_bytes": 5_000, "flush_interval": 0.02}
    with made(tmp_path, when_full=policy, **more) as recorder:
        for i in range(1000):
            recorder.record(b"x" * 100, b"1", **CSV, event_id=f"e{i:04d}")
        until(lambda: not recorder.counters()["queued"])
        counters = recorder.counters()
        assert counters["dropped_spool"] == counters["dropped"] > 500 and in_balance(recorder)
        assert counters["spooled_bytes"] < 80_000
        within_reach(tmp_path)
        assert recorder.flush(20) and in_balance(recorder)
    found = ids(tmp_path / "capture")
    assert set(found.values()) == {1} and len(found) == 1000 - counters["dropped"]
    # The file that is being tried at the time is not dropped, so of the oldest some may be there as well.
    assert ("e0999" if kept == "last" else "e0000") in found
    assert ("e0000" if kept == "first" else "e0500") in found or kept == "last"
    assert ("e0999" in found) == (kept == "last")


def test_with_block_the_caller_waits_until_there_is_room(tmp_path: Path) -> None:
    out_of_reach(tmp_path)
    more = {"max_spool_bytes": 20_000, "max_queue_bytes": 20_000, "roll_bytes": 5_000, "flush_interval": 0.02}
    with made(tmp_path, when_full="block", **more) as recorder:
        done = threading.Event()

        def work() -> None:
            for i in range(500):
                recorder.record(b"x" * 100, b"1", **CSV, event_id=f"e{i}")
            done.set()

        thread = threading.Thread(target=work)
        thread.start()
        until(lambda: recorder.counters()["failures"])
        assert not done.wait(0.5)
        within_reach(tmp_path)
        assert done.wait(30)
        thread.join()
    assert ids(tmp_path / "capture") == Counter(f"e{i}" for i in range(500)) and recorder.counters()["dropped"] == 0


@pytest.mark.parametrize("policy", ["drop_oldest", "drop_newest"])
def test_memory_is_bounded_when_the_disk_does_not_keep_up(tmp_path: Path, policy: Any) -> None:
    """The test holds the spool's lock, which the writer needs."""
    with made(tmp_path, max_queue_bytes=10_000, when_full=policy) as recorder:
        recorder.start()
        assert recorder._spool
        with recorder._spool.lock:
            taken = [recorder.record(b"x" * 100, b"1", **CSV, event_id=f"e{i}") for i in range(200)]
            assert recorder._queue.bytes <= 10_000
        assert recorder.flush() and in_balance(recorder)
        dropped = recorder.counters()["dropped_queue"]
    found = ids(tmp_path / "capture")
    assert dropped > 100 and len(found) == 200 - dropped
    assert ("e199" in found) == (policy == "drop_oldest") == (taken[-1] is not None)


def test_close_leaves_what_the_store_did_not_take_to_the_next_start(tmp_path: Path) -> None:
    out_of_reach(tmp_path)
    first = made(tmp_path)
    for i in range(10):
        first.record(b"1", b"2", **CSV, event_id=f"e{i}")
    assert first.close(timeout=0.5) is False
    assert first.record(b"1", b"2", **CSV) is None and first.counters()["dropped_closed"] == 1
    within_reach(tmp_path)
    with made(tmp_path) as second:
        second.record(b"1", b"2", **CSV, event_id="later")
        until(lambda: second.counters()["adopted"] == 10)
    assert ids(tmp_path / "capture") == Counter([*(f"e{i}" for i in range(10)), "later"])
    assert not [path for path in (tmp_path / "spool").rglob("*") if path.is_file()]


KILLED = """
import sys, time
from model_monitor.recorder import Recorder

root = sys.argv[1]
recorder = Recorder("churn", root + "/capture", spool=root + "/spool", flush_interval=0.2, roll_bytes=20_000)
for i in range(1_000_000):
    recorder.record(b"x" * 200, b"1", input_content_type="text/csv", output_content_type="text/csv", event_id=f"e{i}")
    print(i, time.monotonic(), flush=True)
    time.sleep(0.0005)
"""


def test_a_killed_worker_loses_no_more_than_the_flush_interval_and_nothing_is_sent_twice(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout
        said = []
        for line in worker.stdout:
            said.append(line.split())
            if len(said) == 3000:
                worker.send_signal(signal.SIGKILL)
    died = float(said[-1][1])
    with made(tmp_path) as recorder:
        recorder.start()
        until(lambda: recorder.counters()["adopted"] and recorder.flush())
    found = ids(tmp_path / "capture")
    old_enough = {f"e{i}" for i, when in said if float(when) < died - 0.2}
    assert old_enough <= set(found) and set(found.values()) == {1} and len(old_enough) > 1500
    counters = recorder.counters()
    assert counters["adopted"] == counters["sent"] and counters["dropped"] == 0 and in_balance(recorder)


def test_an_incomplete_line_is_left_out(tmp_path: Path) -> None:
    first = made(tmp_path)
    for i in range(3):
        first.record(b"1", b"2", **CSV, event_id=f"e{i}")
    until(lambda: first.counters()["spooled"] == 3)
    [path] = (tmp_path / "spool").rglob("*.open")
    left = path.parents[1] / "left"
    left.mkdir()
    (left / LOCK).touch()
    (left / path.name.replace(path.stem[-4:], "0000")).write_bytes(
        path.read_bytes().replace(b'"eventId":"e', b'"eventId":"f')[:-5]
    )
    with made(tmp_path) as second:
        second.start()
        until(lambda: second.counters()["adopted"] == 2)
    first.close()
    assert set(ids(tmp_path / "capture")) == {"e0", "e1", "e2", "f0", "f1"}


def test_a_spool_that_is_in_use_is_left_alone(tmp_path: Path) -> None:
    with made(tmp_path) as first, made(tmp_path) as second:
        first.record(b"1", b"2", **CSV, event_id="first")
        second.record(b"1", b"2", **CSV, event_id="second")
        until(lambda: first.counters()["spooled"] == second.counters()["spooled"] == 1)
        assert first._spool
        [folder] = first._spool.others()
        first._sender.adopt(folder)
        assert first.counters()["adopted"] == 0 and list(folder.glob("*.open"))
    assert ids(tmp_path / "capture") == Counter(["first", "second"])


def test_a_forked_worker_records_its_own_requests_and_the_parents_stay_the_parents(tmp_path: Path) -> None:
    recorder = made(tmp_path)
    for i in range(50):
        recorder.record(b"1", b"2", **CSV, event_id=f"parent{i}")
    children = []
    for n in range(3):
        if not (child := os.fork()):
            code = 1
            try:  # nothing of pytest's may run in here
                for i in range(50):
                    recorder.record(b"1", b"2", **CSV, event_id=f"child{n}-{i}")
                code = 0 if recorder.counters()["recorded"] == 50 and recorder.close() else 2
            finally:
                os._exit(code)
        children.append(child)
    for i in range(50, 100):
        recorder.record(b"1", b"2", **CSV, event_id=f"parent{i}")
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
    assert recorder.close()
    expected = [*(f"parent{i}" for i in range(100)), *(f"child{n}-{i}" for n in range(3) for i in range(50))]
    assert ids(tmp_path / "capture") == Counter(expected)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_of_multiprocessing_send_when_they_end(tmp_path: Path, method: str) -> None:
    recorder = made(tmp_path)
    context = multiprocessing.get_context(method)
    target = recorder.record if method == "fork" else recorded_elsewhere
    worker = context.Process(target=target, args=(b"1", str(tmp_path)))
    worker.start()
    worker.join(60)
    assert worker.exitcode == 0 and len(ids(tmp_path / "capture")) == 1


def recorded_elsewhere(payload: bytes, folder: str) -> None:
    made(Path(folder)).record(payload, b"2")


def test_a_disk_that_is_full_costs_requests_that_are_counted_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with made(tmp_path, flush_interval=0.02) as recorder:
        recorder.record(b"1", b"2", **CSV, event_id="before")
        until(lambda: recorder.counters()["spooled"] == 1)
        write = os.write

        def half(descriptor: int, content: Any) -> int:
            if len(content) > 100 and b"during" in bytes(content):
                write(descriptor, content[:50])
                raise OSError(28, "No space left on device")
            return write(descriptor, content)

        monkeypatch.setattr(os, "write", half)
        recorder.record(b"1", b"2", **CSV, event_id="during")
        until(lambda: recorder.counters()["dropped_disk"] == 1)
        monkeypatch.undo()
        recorder.record(b"1", b"2", **CSV, event_id="after")
        assert recorder.flush() and in_balance(recorder)
    assert ids(tmp_path / "capture") == Counter(["before", "after"])


def test_a_spool_that_can_not_be_made_is_an_error_at_once(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("in the way")
    with pytest.raises(StoreError, match="name a folder with spool="):
        made(tmp_path)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("weed")) as one:
        yield one


def test_a_server_that_stops_freezes_and_refuses_delays_requests_and_loses_none(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("model_monitor.recorder.sending.sender.LONGEST_WAIT", 0.5)
    address = f"s3://{BUCKET}/{tmp_path.name}?{server.query}"
    with made(tmp_path, destination=address, roll_bytes=20_000, flush_interval=0.05) as recorder:
        number = iter(range(1_000_000))

        def some() -> None:
            for _ in range(300):
                recorder.record(b"x" * 200, b"1", **CSV, event_id=f"e{next(number)}")

        def failed(before: float) -> bool:
            return recorder.counters()["failures"] > before

        some()
        assert recorder.flush(30)
        with server.frozen():
            some()
            until(lambda: recorder.counters()["spooled"] == 300)
            time.sleep(1)
            assert recorder.counters()["sent"] == 300, "they were all taken, and none of them waited for the server"
        some()
        server.stop()
        before = recorder.counters()["failures"]
        some()
        until(lambda: failed(before))
        server.start_again()
        some()
        assert recorder.flush(60) and in_balance(recorder)
        with monkeypatch.context() as patch:
            patch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
            uploaders()[0].kill()  # the next one has a key that the server does not accept
            before = recorder.counters()["failures"]
            some()
            until(lambda: failed(before + 1))
        uploaders()[0].kill()
        assert recorder.flush(60)
        counters = recorder.counters()
    assert ids(address) == Counter(f"e{i}" for i in range(1800))
    assert counters["sent"] == 1800 and counters["dropped"] == 0


def test_a_server_that_takes_a_file_and_never_answers_is_given_up_and_tried_again(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Uploads in this process, where the timeout can be set."""
    monkeypatch.setattr("model_monitor.recorder.sending.destinations.READ_SECONDS", 1)
    monkeypatch.setattr("model_monitor.recorder.sending.sender.LONGEST_WAIT", 0.5)
    address = f"s3://{BUCKET}/{tmp_path.name}?{server.query}"
    with made(tmp_path, destination=address, flush_interval=0.05, roll_seconds=0.1) as recorder:
        recorder._transport = Transport(address, destination_at(address), False)
        recorder.record(b"1", b"2", **CSV, event_id="before")
        assert recorder.flush(30)
        with server.frozen():
            recorder.record(b"1", b"2", **CSV, event_id="during")
            until(lambda: recorder.counters()["failures"], 30)
            assert recorder.counters()["sent"] == 1 and in_balance(recorder)
        assert recorder.flush(30)
    assert ids(address) == Counter(["before", "during"])


def test_a_spool_that_is_gone_later_costs_requests_that_are_counted_and_no_request_fails(tmp_path: Path) -> None:
    recorder = made(tmp_path)
    recorder.spool_root.rmdir()
    recorder.spool_root.write_text("in the way")
    assert recorder.record(b"1", b"2", **CSV) is None
    counters = recorder.counters()
    assert counters["recorded"] == counters["dropped_disk"] == 1
