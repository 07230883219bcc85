"""Does the monitoring see what goes wrong at a served model? Serves it, asks it, has something go wrong, and looks.

    python examples/serving/watch.py          # half a minute; everything is written into .demo/serving

The model of ``model.py`` is behind uvicorn with two workers, which capture each request. First callers ask as they
should. Then a client measures in other units: ``mean_radius`` comes in centimetres rather than millimetres. The model
answers all the same. The captured requests of both spans are judged, without Airflow, by the verbs that its tasks call.
"""

from __future__ import annotations

import asyncio
import contextlib
import csv
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

from load import ask
from model import FEATURES, HERE, PREDICTION, answered, questions, trained

from model_monitor import jobs
from model_monitor.core.window import Window

SERVING = Path(__file__).resolve().parent
ENDPOINT, SCHEDULE = str(SERVING / "endpoint.yaml"), "tumours-data-quality"
REQUESTS = 2000


def main() -> None:
    os.environ.pop("CAPTURE", None)
    shutil.rmtree(HERE, ignore_errors=True)
    bodies = questions()
    write_baseline(bodies)
    with served() as port:
        print(f"asking {REQUESTS} times, as it should be")
        good = asked(port, bodies)
        print(f"asking {REQUESTS} times, with mean_radius in centimetres")
        bad = asked(port, [in_centimetres(body) for body in bodies])
    # Ended by now, and so each request is in the store.
    learn()
    for title, window in (("as it should be", good), ("in centimetres", bad)):
        summary = judged(window)
        print(f"\n{title}: {summary['message']}")
        for line in summary["details"]:
            print(f"  {line}")
    print(f"\nThe reports are in {HERE / 'monitoring/tumours' / SCHEDULE}, the captures in {HERE / 'capture'}.")


def write_baseline(bodies: Sequence[bytes]) -> None:
    """What good traffic looks like, with what the model answers: as text, as it will be captured."""
    HERE.mkdir(parents=True)
    answers = answered(trained(), b"".join(bodies)).decode().split()
    with (HERE / "baseline.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow([PREDICTION, *FEATURES])
        rows.writerows(
            [answer, *body.decode().strip().split(",")] for answer, body in zip(answers, bodies, strict=True)
        )


@contextlib.contextmanager
def served() -> Iterator[int]:
    """The app behind uvicorn with two workers, on a free port of this machine."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
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


def asked(port: int, bodies: Sequence[bytes]) -> Window:
    """Ask, and tell when; windows are of whole seconds, as the times of captured requests are."""
    start = datetime.now(UTC).replace(microsecond=0)
    print(f"  {asyncio.run(ask(port, REQUESTS, bodies=bodies))}")
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1)
    time.sleep(1)
    return Window(start, end)


def in_centimetres(body: bytes) -> bytes:
    radius, _, others = body.partition(b",")
    return b"%r,%b" % (float(radius) / 10, others)


def learn() -> None:
    state = jobs.observe_baseline(ENDPOINT, SCHEDULE)
    version = jobs.suggest_constraints(ENDPOINT, SCHEDULE, state, created=datetime.now(UTC).isoformat())
    jobs.publish_baseline(ENDPOINT, SCHEDULE, version)


def judged(window: Window) -> dict[str, object]:
    """What the tasks of the schedule's DAG do, one after the other."""
    for verb in (jobs.collect_window, jobs.compute_metrics, jobs.evaluate_constraints):
        verb(ENDPOINT, SCHEDULE, window)
    return jobs.alert(ENDPOINT, SCHEDULE, window)


if __name__ == "__main__":
    main()
