"""Does the uploader end when it should, and only then, at no cost to the serving process?"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from support.recorded import ids, in_balance, is_gone, until, uploaders
from support.seaweed import BUCKET, Server, running

from model_monitor.recorder import Recorder
from model_monitor.recorder.sending.transports import interpreter


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("weed")) as one:
        yield one


@pytest.fixture
def address(server: Server, tmp_path: Path) -> str:
    return f"s3://{BUCKET}/{tmp_path.name}?{server.query}"


SERVING = """
import os, signal, sys
from model_monitor.recorder import Recorder
recorder = Recorder("churn", sys.argv[1], spool=sys.argv[2], flush_interval=0.05)
recorder.record(b"1", b"2", event_id="first")
assert recorder.flush(60)
assert not {"boto3", "botocore", "urllib3"} & set(sys.modules), sorted(sys.modules)
print("sent", flush=True)
"""
WAITING = SERVING + "sys.stdin.read()\n"
ANSWERING = """
recorder.record(b"1", b"2", event_id="second")
try:
    print("asked", flush=True)
    signal.pause()
finally:
    assert recorder.close(60)
    print(recorder.counters()["failures"])
"""
FORKING = SERVING + "os.fork()\nsys.stdin.read()\n"


def served(script: str, address: str, spool: Path, **more: Any) -> subprocess.Popen[str]:
    """A process that has captured and sent a request."""
    command = [sys.executable, "-c", script, address, str(spool)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, **pipes, **more)
    assert process.stdout and process.stdout.readline() == "sent\n"
    return process


def test_the_uploader_ends_when_the_serving_process_is_killed(address: str, tmp_path: Path) -> None:
    with served(WAITING, address, tmp_path) as process:
        [uploader] = uploaders(process.pid)
        process.kill()
        until(lambda: is_gone(uploader), 10)
    assert ids(address) == Counter(["first"])


def test_a_child_of_the_serving_process_does_not_keep_it_from_ending(address: str, tmp_path: Path) -> None:
    with served(FORKING, address, tmp_path) as process:
        [uploader] = uploaders(process.pid)
        until(lambda: len(psutil.Process(process.pid).children()) == 2)
        [child] = [one for one in psutil.Process(process.pid).children() if one != uploader]
        process.kill()
        until(lambda: is_gone(uploader), 10)
        child.kill()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_all_of_them_ends_the_serving_process_and_the_rest_is_sent(
    address: str, tmp_path: Path, how: signal.Signals
) -> None:
    script = "import signal, sys\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit())\n"
    script += "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell's background jobs ignore it
    script += f"{SERVING}{ANSWERING}"
    with served(script, address, tmp_path, start_new_session=True, stderr=subprocess.DEVNULL) as process:
        [uploader] = uploaders(process.pid)
        assert process.stdout and process.stdout.readline() == "asked\n"
        os.killpg(process.pid, how)
        assert process.stdout.readline() == "0\n", "the uploader was there all the time"
        process.wait(30)
        until(lambda: is_gone(uploader), 10)
    assert ids(address) == Counter(["first", "second"])


def test_nothing_is_left_of_it_when_the_recorder_is_closed(address: str, tmp_path: Path) -> None:
    with Recorder("churn", address, spool=tmp_path) as recorder:
        recorder.record(b"1", b"2")
        assert not uploaders(), "it is started for the first file"
        assert recorder.flush(60) and len(uploaders()) == 1
    assert not uploaders()


def test_all_recorders_of_a_process_share_one(server: Server, tmp_path: Path) -> None:
    addresses = [f"s3://{BUCKET}/{tmp_path.name}-{i}?{server.query}" for i in range(3)]
    recorders = [Recorder("churn", address, spool=tmp_path) for address in addresses]
    for recorder in recorders:
        recorder.record(b"1", b"2", event_id="first")
        assert recorder.flush(60)
    [uploader] = uploaders()
    assert recorders[0].close()
    recorders[1].record(b"1", b"2", event_id="second")
    assert recorders[1].flush(60) and uploaders() == [uploader]
    uploader.kill()
    for recorder in recorders[1:]:
        recorder.record(b"1", b"2", event_id="third")
    assert all(recorder.flush(60) for recorder in recorders[1:])
    [another] = uploaders()
    assert another != uploader
    assert recorders[1].close() and uploaders() == [another] and recorders[2].close() and not uploaders()
    expected = [["first"], ["first", "second", "third"], ["first", "third"]]
    assert [ids(address) for address in addresses] == [Counter(names) for names in expected]


def test_one_that_was_killed_is_replaced_even_where_a_broken_pipe_would_end_the_process(
    address: str, tmp_path: Path
) -> None:
    script = f"""
import signal
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
{SERVING}
sys.stdin.readline()
another = Recorder("churn", sys.argv[1], variant="another", spool=sys.argv[2])
for one, event_id in ((another, "second"), (recorder, "third")):
    one.record(b"1", b"2", event_id=event_id)
    assert one.close(60)
"""
    with served(script, address, tmp_path) as process:
        [uploader] = uploaders(process.pid)
        uploader.kill()
        until(lambda: is_gone(uploader), 10)
        process.communicate("go on\n", timeout=60)
    assert process.returncode == 0 and ids(address) == Counter(["first", "second", "third"])


def test_if_it_can_not_be_started_requests_wait_and_the_reason_is_logged(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "executable", "/usr/bin/uwsgi")
    assert Path(interpreter()).resolve() == Path(f"{sys.exec_prefix}/bin/python3").resolve()
    monkeypatch.setattr(sys, "exec_prefix", str(tmp_path))
    with Recorder("churn", address, spool=tmp_path / "spool") as recorder, caplog.at_level(logging.WARNING):
        recorder.record(b"1", b"2", event_id="waits")
        assert not recorder.flush(1)
        assert recorder.counters()["failures"] and in_balance(recorder)
        monkeypatch.undo()
        assert recorder.flush(60)
    assert f"No such file or directory: '{tmp_path}/bin/python3'" in caplog.text
    assert ids(address) == Counter(["waits"])


def test_its_errors_are_logged(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with Recorder("churn", address, spool=tmp_path) as recorder, caplog.at_level(logging.WARNING):
        recorder.record(b"1", b"2")
        assert not recorder.flush(0.5)
        until(lambda: recorder.counters()["failures"])
        assert in_balance(recorder)
        recorder.close(0.1)
    assert f"can't be sent to {address}" in caplog.text and "SignatureDoesNotMatch" in caplog.text


def test_modules_are_found_where_the_serving_process_finds_them(address: str, tmp_path: Path) -> None:
    """Even if the module path holds odd entries."""
    (tmp_path / "gone").mkdir()
    script = f"""
import os, pathlib, sys
sys.path += ["", {str(tmp_path / "own")!r}, pathlib.Path("/not/a/text"), b"nor this"]
os.chdir({str(tmp_path / "gone")!r})
os.rmdir(os.getcwd())
"""
    with served(script + WAITING, address, tmp_path / "spool") as process:
        [uploader] = uploaders(process.pid)
        folders = uploader.environ()["PYTHONPATH"].split(os.pathsep)
        process.kill()
    assert folders[-1] == str(tmp_path / "own") and "" not in folders


def test_a_time_limit_of_the_applications_sockets_is_not_the_uploaders(address: str, tmp_path: Path) -> None:
    """Nor does it make its connections time out while there is nothing to read."""
    limited = "import socket, time\nsocket.setdefaulttimeout(0.01)\n"
    again = """
time.sleep(0.1)
recorder.record(b"1", b"2", event_id="second")
assert recorder.flush(60)
print(recorder.counters()["failures"])
"""
    with served(limited + SERVING + again, address, tmp_path / "spool") as process:
        assert process.communicate(timeout=60)[0] == "0\n"
    assert ids(address) == Counter(["first", "second"])


def test_it_gives_way_to_requests(address: str, tmp_path: Path) -> None:
    with served(WAITING, address, tmp_path) as process:
        [uploader] = uploaders(process.pid)
        assert uploader.nice() > psutil.Process(process.pid).nice()
        process.kill()
