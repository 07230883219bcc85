"""For tests of the recorder: make one, read its files, collect its rows; and run servers on free ports."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq
import requests
import uvicorn

from model_monitor import jobs, store
from model_monitor.config.execution import Execution
from model_monitor.core.window import Window
from model_monitor.recorder import Recorder, records
from support.captures import endpoint_file
from support.places import INCLUDE


def recorder_into(folder: Path, **settings: Any) -> Recorder:
    """A recorder with its destination and its spool in a folder."""
    return Recorder("churn", str(folder / "capture"), spool=folder / "spool", **settings)


def written_by(recorder: Recorder, folder: Path) -> list[dict[str, Any]]:
    """The records of a recorder, after closing it."""
    assert recorder.close()
    return records_in(folder)


def records_in(folder: Path) -> list[dict[str, Any]]:
    return records_at(str(folder / "capture"))


def records_at(address: str) -> list[dict[str, Any]]:
    """The records at an address, in order of the files' names."""
    files = store.list_files(address)
    content = [line for file in files for line in store.read(file.address).split(b"\n")]
    return [json.loads(line) for line in content if line]


def ids(address: Path | str) -> Counter[str]:
    """How often each event id is in the capture files below a folder or address."""
    return Counter(record["eventMetadata"]["eventId"] for record in records_at(str(address)))


def in_balance(recorder: Recorder) -> bool:
    """Whether every request is in the store, waiting, or counted as dropped."""
    c = recorder.counters()
    return bool(c["recorded"] + c["adopted"] == c["sent"] + c["queued"] + c["spooled"] + c["dropped"])


def data_of(record: dict[str, Any]) -> tuple[Any, Any]:
    """A record's input and output; None for a missing side."""
    sides = record["captureData"]
    return tuple(sides[side]["data"] if side in sides else None for side in ("endpointInput", "endpointOutput"))  # type: ignore[return-value]


class Waiting(Recorder):
    """A recorder that blocks and is full: ``take`` waits until ``released`` is set."""

    def __init__(self, folder: Path) -> None:
        super().__init__("churn", str(folder / "capture"), spool=folder / "spool", when_full="block")
        self.waits, self.released = threading.Event(), threading.Event()
        self.was_released = False

    def take(self, request: records.Queued) -> bool:
        self.waits.set()
        self.was_released = self.released.wait(10)
        return super().take(request)


def around(moment: datetime) -> Window:
    """The three hours around a time."""
    hour = moment.replace(minute=0, second=0, microsecond=0)
    return Window(hour - timedelta(hours=1), hour + timedelta(hours=2))


def rows_of(folder: Path, moment: datetime | None = None, **settings: Any) -> list[dict[str, Any]]:
    """The rows that ``collect_window`` makes of the requests captured around a time (now), by event id."""
    file = endpoint_file(folder, **settings)
    document = json.loads(
        store.read(jobs.collect_window(Execution.of(file, "dq", around(moment or datetime.now(UTC)))))
    )
    assert not document["rejected"], document["reasons"]
    rows = [row for address in document["partitions"] for row in pq.read_table(address).to_pylist()]
    return sorted(rows, key=lambda row: row["@event_id"])


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@contextmanager
def served(app: Any, **options: Any) -> Iterator[str]:
    """The address of an ASGI app that uvicorn serves in a thread, with its lifespan."""
    server = uvicorn.Server(uvicorn.Config(app, port=free_port(), log_level="warning", **options))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started)
        yield f"http://127.0.0.1:{server.config.port}"
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def running(
    arguments: Sequence[str], port: int, folder: Path, path: str = "/healthz"
) -> Iterator[subprocess.Popen[str]]:
    """A server process that answers; ended by SIGTERM."""
    environment = os.environ | {"PYTHONPATH": f"{INCLUDE}{os.pathsep}{folder}", "TMPDIR": str(folder)}
    server = subprocess.Popen(
        [sys.executable, *arguments], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        until(lambda: server.poll() is not None or answers(f"http://127.0.0.1:{port}{path}"))
        assert server.poll() is None, server.communicate()[0]
        yield server
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=60)


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).status_code < 500
    except requests.ConnectionError:
        return False


def until(condition: Callable[[], Any], seconds: float = 60) -> None:
    """Wait until a condition holds."""
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "the condition never held"
        time.sleep(0.01)


def uploaders(process: int | None = None) -> list[psutil.Process]:
    """The uploaders of a process (this one); also one that has ended and was not waited for."""
    children = psutil.Process(process).children()
    return [one for one in children if is_gone(one) or "model_monitor.recorder.sending.uploader_main" in one.cmdline()]


def is_gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
