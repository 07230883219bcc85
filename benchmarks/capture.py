"""What does a call of the recorder cost, and a request to an app? ``serving.py`` has what a model behind servers pays.

    python benchmarks/capture.py
    python benchmarks/capture.py --part import   # only some
    SERVING_MODEL=logistic python benchmarks/capture.py --part request

* import: of the recorder in a fresh process, in milliseconds and of what ``import asyncio`` takes.
* record: calls with payloads of 2 KB, one thread and all the recorder's own on one core; how long a call takes, of what
  ``json.dumps`` takes with the same payload; and how many a second are sustained, paced and as fast as it goes.
* request: what a request to the example's app takes of the thread that answers it, with the middleware and without, in
  one process without a network.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
SERVING = PROJECT / "examples/serving"
sys.path[:0] = [str(PROJECT / "include"), str(PROJECT / "tests"), str(SERVING)]

PAYLOAD = ("1.5,2.25,abc," * 160)[:2000].encode()


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--part", nargs="+", choices=PARTS, default=list(PARTS))
    for part in arguments.parse_args().part:
        PARTS[part]()


def measure_import() -> None:
    def seconds(statement: str) -> float:
        code = f"import time; t = time.perf_counter(); {statement}; print(time.perf_counter() - t)"
        command = [sys.executable, "-c", code]
        runs = [subprocess.run(command, env=environment(), capture_output=True, check=True) for _ in range(9)]
        return statistics.median(float(run.stdout) for run in runs[1:])  # the first finds nothing in the disk's cache

    recorder, yardstick = seconds("from model_monitor.recorder import Recorder"), seconds("import asyncio")
    print(f"import: {1e3 * recorder:.0f} ms, {recorder / yardstick:.1f} of import asyncio")


def environment(**more: str) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(PROJECT / "include"), str(SERVING)])} | more


def measure_record() -> None:
    """In a child of its own, as it binds itself to one core."""
    command = [sys.executable, "-c", "import capture; capture.record_on_one_core()"]
    subprocess.run(command, check=True, env=environment() | {"PYTHONPATH": str(PROJECT / "benchmarks")})


def record_on_one_core() -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    text = PAYLOAD.decode()
    for rate, count in ((2_000, 20_000), (20_000, 400_000), (None, 400_000)):
        # A core that slept between two calls needs longer for anything: so the yardstick has the same pace.
        yardstick = timed(lambda: json.dumps({"data": text}), rate, 20_000)
        times, seconds, cpu, counters = recorded(rate, count)
        pace = f"{rate:,} a second asked" if rate else "as fast as it goes"
        told = ", ".join(
            f"p{100 * share:g} {at(times, share):.0f} µs ({at(times, share) / at(yardstick, share):.1f} of json.dumps)"
            for share in (0.5, 0.99, 0.999)
        )
        print(
            f"record, {pace}: {told}; {counters['sent'] / seconds:,.0f} a second sent, "
            f"{1e6 * cpu / count:.0f} µs of a core each, {counters['dropped']:,.0f} dropped"
        )


def at(times: list[float], share: float) -> float:
    """What a share of sorted times in seconds are at most, in microseconds."""
    return 1e6 * times[int(share * len(times))]


def timed(call: Callable[[], object], rate: int | None, count: int) -> list[float]:
    """The sorted times of so many calls, by twenty at a time where there is a pace."""
    times, began = [], time.perf_counter()
    for i in range(count):
        if rate and i % 20 == 0:
            time.sleep(max(0.0, began + i / rate - time.perf_counter()))
        called = time.perf_counter()
        call()
        times.append(time.perf_counter() - called)
    return sorted(times)


def recorded(rate: int | None, count: int) -> tuple[list[float], float, float, dict[str, float]]:
    """The sorted times of so many calls; the seconds of clock and core until all is in a local folder; the counts."""
    from model_monitor.recorder import Recorder

    kinds: Any = {"input_content_type": "text/csv", "output_content_type": "text/csv"}
    with tempfile.TemporaryDirectory() as folder:
        recorder = Recorder("churn", f"{folder}/capture", spool=f"{folder}/spool")
        recorder.start()
        began, core = time.perf_counter(), time.process_time()
        times = timed(lambda: recorder.record(PAYLOAD, b"0.5", **kinds), rate, count)
        recorder.close(60)
        return times, time.perf_counter() - began, time.process_time() - core, recorder.counters()


def measure_request() -> None:
    """In one process without a network: each request once with the middleware and once without, in random order."""
    command = [sys.executable, "-c", "import capture; capture.request_by_request()"]
    path = os.pathsep.join([str(PROJECT / "include"), str(SERVING), str(PROJECT / "benchmarks")])
    subprocess.run(command, check=True, env=environment(CAPTURE="", OMP_NUM_THREADS="1") | {"PYTHONPATH": path})


def request_by_request(seconds: float = 30) -> None:
    from app import app
    from model import MODEL, request_bodies

    from model_monitor.recorder import AsgiCaptureMiddleware, Recorder

    with tempfile.TemporaryDirectory() as folder, Recorder("churn", f"{folder}/c", spool=f"{folder}/s") as recorder:
        apps = {"off": app, "on": AsgiCaptureMiddleware(app, recorder, paths=["/invocations"])}
        bodies = request_bodies()

        def answered(count: int) -> tuple[float, float]:
            """The microseconds that a request takes, not captured and captured."""
            took = dict.fromkeys(apps, 0.0)
            for i in range(count):
                for side in random.sample(list(apps), 2):
                    took[side] += answered_in(apps[side], bodies[i % len(bodies)])
                    time.sleep(0.0002)  # as a server waits for its next request
            return 1e6 * took["off"] / count, 1e6 * took["on"] / count

        began = time.perf_counter()
        answered(300)
        count = int(300 * seconds / (time.perf_counter() - began))
        before = of_the_recorder()
        off, on = answered(count)
        threads = 1e6 * (of_the_recorder() - before) / count
    print(
        f"request, {MODEL}: {off:.0f} µs of the thread that answers it; captured {on - off:+.1f} µs, and {threads:.1f} "
        f"µs of the recorder's own threads: {100 * (on + threads) / off:.1f} %"
    )


def of_the_recorder() -> float:
    """The seconds of a core that the recorder's threads have needed."""
    ids = [thread.native_id for thread in threading.enumerate() if thread.name.startswith("model-monitor-")]
    return sum(core_seconds_of(Path(f"/proc/self/task/{one}")) for one in ids)


def core_seconds_of(task: Path) -> float:
    """Of one thread, to the nanosecond, as Linux counts them."""
    return int((task / "schedstat").read_text().split()[0]) / 1e9


def answered_in(app: Any, body: bytes) -> float:
    """The seconds of a core that the thread needs which answers a request."""
    headers = [(b"host", b"localhost"), (b"content-type", b"text/csv"), (b"content-length", b"%d" % len(body))]
    scope: dict[str, Any] = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "path": "/invocations",
        "root_path": "",
    }
    scope |= {"headers": headers, "query_string": b"", "scheme": "http", "server": ("127.0.0.1", 80)}
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    answering = app(scope, receive, send)
    began = time.thread_time()
    with contextlib.suppress(StopIteration):  # it waits for nothing
        answering.send(None)
    took = time.thread_time() - began
    assert sent[0]["status"] == 200, sent
    return took


PARTS: dict[str, Callable[[], None]] = {
    "import": measure_import,
    "record": measure_record,
    "request": measure_request,
}

if __name__ == "__main__":
    main()
