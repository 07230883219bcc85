"""Is every request that the example answers analysed once, though its store fails and its workers are killed?

SERVING_REQUESTS=200000 in the environment sends that many requests, which takes some minutes.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq
import pytest
from support.places import PROJECT
from support.seaweed import BUCKET, Server, free_port, running

from model_monitor import jobs
from model_monitor.config.execution import Execution
from model_monitor.core.window import Window, floor_hour
from model_monitor.results.documents.protocol import decode

SERVING = PROJECT / "examples/serving"
REQUESTS = int(os.environ.get("SERVING_REQUESTS", "10000"))
FLUSH_SECONDS = 1.0  # the recorder's default

sys.path.insert(0, str(SERVING))
import load  # noqa: E402


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    (tmp_path / "weed").mkdir()
    with running(tmp_path / "weed") as one:
        yield one


@contextlib.contextmanager
def serving(capture: str, spool: Path) -> Iterator[tuple[psutil.Process, int]]:
    """The example behind uvicorn with two workers: its process and port."""
    port = free_port()
    own = {
        "PYTHONPATH": os.pathsep.join([str(PROJECT / "include"), str(SERVING)]),
        "CAPTURE": capture,
        "MODEL_MONITOR_SPOOL": str(spool),
        "CAPTURE_ROLL_SECONDS": "2",
        "SERVING_MODEL": "logistic",  # the quickest
    }
    command = [sys.executable, "-m", "uvicorn", "app:app", "--workers", "2", "--port", str(port)]
    command += ["--host", "127.0.0.1", "--log-level", "warning", "--no-access-log"]
    with subprocess.Popen(command, cwd=SERVING, env=os.environ | own) as process:
        try:
            until(lambda: told(port, "ping") == "healthy")
            yield psutil.Process(process.pid), port
        finally:
            process.terminate()
            process.wait(60)


def told(port: int, path: str) -> Any:
    with contextlib.suppress(OSError):
        return json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=10))


def until(done: Callable[[], Any], seconds: float = 90) -> None:
    ends = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < ends, "it did not come to that"
        time.sleep(0.1)


def workers(server: psutil.Process) -> list[psutil.Process]:
    """The processes that answer requests; uvicorn starts one anew when it is gone."""
    found = []
    for child in server.children():
        with contextlib.suppress(psutil.NoSuchProcess):  # or a zombie, which is one
            found += [child] if "resource_tracker" not in " ".join(child.cmdline()) else []
    return found


def counted(port: int) -> dict[int, dict[str, float]]:
    """What each worker counted; each connection is some worker's."""
    found: dict[int, dict[str, float]] = {}
    until(lambda: (one := told(port, "capture")) and found.update({one["pid"]: one}) is None and len(found) == 2)
    return found


def collected(folder: Path, capture: str, begun: datetime) -> tuple[list[str], dict[str, Any]]:
    """The event ids that the DAG's first task finds, and what it says of them."""
    document = {
        "endpoint": "tumours",
        "capture": {"uri": capture},
        "output": str(folder / "out"),
        "schedules": [{"name": "dq", "monitor": "data_quality"}],
    }
    file = folder / "endpoint.yaml"
    file.write_text(json.dumps(document))
    window = Window(floor_hour(begun), floor_hour(datetime.now(UTC)) + timedelta(hours=1))
    about = decode(Path(jobs.collect_window(Execution.of(str(file), "dq", window))).read_bytes(), "collected")
    return [one for rows in about["partitions"] for one in pq.read_table(rows)["@event_id"].to_pylist()], about


def test_each_answered_request_is_analysed_once_unless_its_worker_was_killed_within_a_second(
    tmp_path: Path, server: Server
) -> None:
    begun = datetime.now(UTC)
    capture, spool = f"s3://{BUCKET}/capture?{server.query}", tmp_path / "spool"
    killed: list[float] = []
    with serving(capture, spool) as (process, port):
        answers: list[load.Answers] = []
        asking = threading.Thread(
            target=lambda: answers.append(asyncio.run(load.send_requests(port, REQUESTS, keep_ids=True)))
        )
        asking.start()

        def kill_one() -> None:
            before = {worker.pid for worker in workers(process)}
            os.kill(min(before), signal.SIGKILL)
            killed.append(time.time())
            until(lambda: len({worker.pid for worker in workers(process)} - before) == 1)

        time.sleep(1)
        kill_one()
        with server.frozen():
            time.sleep(2)
        server.stop()
        time.sleep(1)
        kill_one()
        server.start_again()
        asking.join()
        until(lambda: all(not (one["queued"] or one["spooled"]) for one in counted(port).values()) and no_files(spool))
        counters = counted(port)
    [answered] = answers
    analysed, about = collected(tmp_path, capture, begun)
    assert len(analysed) == len(set(analysed)) and about["rejected"] == 0
    lost = set(answered.ids) - set(analysed)
    assert len(answered.ids) >= 0.9 * REQUESTS
    # A killed worker loses only what had not reached its spool: requests of its last second. It took each between the
    # moments at which it was sent and answered, which a busy machine moves apart.
    late = 0.5  # seconds by which such a machine lets the worker's own thread wait
    times = [answered.ids[one] for one in lost]
    assert all(any(sent <= end <= got + FLUSH_SECONDS + late for end in killed) for sent, got in times)
    assert sum(one["dropped"] for one in counters.values()) == 0


def no_files(spool: Path) -> bool:
    """Whether nothing of a worker that was killed is left, either."""
    return not [path for path in spool.rglob("*") if path.suffix in (".open", ".ready")]


def test_the_example_sees_that_a_client_changed_its_units(tmp_path: Path) -> None:
    own = {"PYTHONPATH": str(PROJECT / "include"), "SERVING_DEMO": str(tmp_path / "demo"), "SERVING_MODEL": "logistic"}
    told = subprocess.run(
        [sys.executable, str(SERVING / "watch.py")],
        env=os.environ | own,
        stdout=subprocess.PIPE,
        text=True,
        timeout=120,
        check=True,
    )
    assert "Completed, 2000 rows, 0 violations" in told.stdout
    assert "mean_radius: median" in told.stdout and "CompletedWithViolations, 2000 rows" in told.stdout
