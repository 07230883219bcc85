"""Serve a model, let something go wrong, and see that the monitoring finds it.

    python examples/serving/watch.py          # half a minute; writes to .demo/serving only

uvicorn serves the model of ``model.py`` with two workers, which capture each request. First the requests are good. Then
a client measures in other units: ``mean_radius`` in centimetres instead of millimetres. The model answers all the same.
The captured requests of both windows are judged without Airflow, by the functions that its tasks call.
"""

from __future__ import annotations

import asyncio
import contextlib
import csv
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from load import send_requests
from model import FEATURES, FOLDER, PREDICTION, predict, request_bodies, train

from model_monitor import jobs
from model_monitor.config.execution import Assignment, Execution
from model_monitor.core.window import Window

SERVING = Path(__file__).resolve().parent
ENDPOINT, SCHEDULE = str(SERVING / "endpoint.yaml"), "tumours-data-quality"
REQUESTS = 2000


def main() -> None:
    os.environ.pop("CAPTURE", None)
    shutil.rmtree(FOLDER, ignore_errors=True)
    bodies = request_bodies()
    write_baseline(bodies)
    with served() as port:
        print(f"sending {REQUESTS} good requests")
        good = send(port, bodies)
        print(f"sending {REQUESTS} requests with mean_radius in centimetres")
        bad = send(port, [in_centimetres(body) for body in bodies])
    # The server has ended, so every request is in the store.
    learn_baseline()
    for title, window in (("good requests", good), ("in centimetres", bad)):
        summary = judge(window)
        print(f"\n{title}: {summary['message']}")
        for line in summary["details"]:
            print(f"  {line}")
        print(f"  {traffic(window)}")
    print(f"\nThe reports are in {FOLDER / 'monitoring/tumours' / SCHEDULE}, the captures in {FOLDER / 'capture'}.")


def write_baseline(bodies: Sequence[bytes]) -> None:
    """Good requests with the model's answers, as the text that will be captured."""
    FOLDER.mkdir(parents=True)
    answers = predict(train(), b"".join(bodies)).decode().split()
    with (FOLDER / "baseline.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow([PREDICTION, *FEATURES])
        rows.writerows(
            [answer, *body.decode().strip().split(",")] for answer, body in zip(answers, bodies, strict=True)
        )


@contextlib.contextmanager
def served() -> Iterator[int]:
    """The app behind uvicorn with two workers; yields its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "app:app",
        "--workers",
        "2",
        "--port",
        str(port),
        "--log-level",
        "warning",
    ]
    with subprocess.Popen([*command, "--no-access-log"], cwd=SERVING) as server:
        try:
            for _ in range(600):
                with contextlib.suppress(OSError):
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/ping").read()
                    break
                time.sleep(0.1)
            yield port
        finally:
            server.terminate()


def send(port: int, bodies: Sequence[bytes]) -> Window:
    """Send requests; returns their window, in whole seconds like the times of captured requests."""
    start = datetime.now(UTC).replace(microsecond=0)
    print(f"  {asyncio.run(send_requests(port, REQUESTS, bodies=bodies))}")
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1)
    time.sleep(1)
    return Window(start, end)


def in_centimetres(body: bytes) -> bytes:
    radius, _, others = body.partition(b",")
    return b"%r,%b" % (float(radius) / 10, others)


def learn_baseline() -> None:
    assignment = Assignment.load(ENDPOINT, SCHEDULE)
    state = jobs.observe_baseline(assignment)
    version = jobs.suggest_constraints(assignment, state, created=datetime.now(UTC).isoformat())
    jobs.publish_baseline(assignment, version)


def judge(window: Window) -> dict[str, object]:
    """Call what the tasks of the schedule's DAG call, in turn."""
    return jobs.alert(evaluated(SCHEDULE, window))


def traffic(window: Window) -> str:
    """How the model answered, as the monitor of requests measures it; a baseline of it takes some days."""
    report = Path(evaluated("tumours-traffic", window).report)
    measures = json.loads((report / "measures.json").read_text())["measures"]
    numbers = {one["measure"]: one["value"] for one in measures}
    return (
        f"{numbers['requests']:.0f} requests, of which {numbers['error_share']:.1%} failed; "
        f"95 % were answered within {numbers['latency_p95_ms']:.1f} ms"
    )


def evaluated(schedule: str, window: Window) -> Execution:
    execution = Execution.of(ENDPOINT, schedule, window)
    for verb in (jobs.collect_window, jobs.compute_metrics, jobs.evaluate_constraints):
        verb(execution)
    return execution


if __name__ == "__main__":
    main()
