"""What does capturing cost the serving code: a call, a core, and the requests of a served model?

    python benchmarks/capture.py                        # all of it; --requests 200000 for each side of the last part
    python benchmarks/capture.py --part import record   # only some

* import: of the recorder in a fresh process, in milliseconds and of what ``import asyncio`` takes.
* record: calls with payloads of 2 KB, one thread and all the recorder's own on one core; how long a call takes, of what
  ``json.dumps`` takes with the same payload; and how many a second are sustained, paced and as fast as it goes.
* serving: the example behind uvicorn with two workers, captured to a real S3 server (SeaweedFS) on this machine, and
  not captured, asked by another process in turns of half a second. SERVING_MODEL chooses the model.
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
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
SERVING = PROJECT / "examples/serving"
sys.path[:0] = [str(PROJECT / "include"), str(PROJECT / "tests"), str(SERVING)]

PAYLOAD = ("1.5,2.25,abc," * 160)[:2000].encode()
TURN, GAP = 0.4, 0.15  # seconds that a turn takes, about; and between two


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--part", nargs="+", choices=PARTS, default=list(PARTS))
    arguments.add_argument("--requests", type=int, default=200_000)
    asked = arguments.parse_args()
    for part in asked.part:
        PARTS[part](asked.requests)


def measure_import(requests: int) -> None:
    def seconds(statement: str) -> float:
        code = f"import time; t = time.perf_counter(); {statement}; print(time.perf_counter() - t)"
        command = [sys.executable, "-c", code]
        runs = [subprocess.run(command, env=environment(), capture_output=True, check=True) for _ in range(9)]
        return statistics.median(float(run.stdout) for run in runs[1:])  # the first finds nothing in the disk's cache

    recorder, yardstick = seconds("from model_monitor.rows.recorder import Recorder"), seconds("import asyncio")
    print(f"import: {1e3 * recorder:.0f} ms, {recorder / yardstick:.1f} of import asyncio")


def environment(**more: str) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(PROJECT / "include"), str(SERVING)])} | more


def measure_record(requests: int) -> None:
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
    from model_monitor.rows.recorder import Recorder

    kinds = {"input_content_type": "text/csv", "output_content_type": "text/csv"}
    with tempfile.TemporaryDirectory() as folder:
        recorder = Recorder("churn", f"{folder}/capture", spool=f"{folder}/spool")
        recorder.start()
        began, core = time.perf_counter(), time.process_time()
        times = timed(lambda: recorder.record(PAYLOAD, b"0.5", **kinds), rate, count)
        recorder.close(60)
        return times, time.perf_counter() - began, time.process_time() - core, recorder.counters()


def measure_serving(requests: int) -> None:
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        process = stack.enter_context(asking())
        destination = stack.enter_context(bucket(folder))
        servers = {
            side: stack.enter_context(serving(capture, folder / "spool"))
            for side, capture in (("off", ""), ("on", destination))
        }

        def turns(count: int, each: int, rate: float = 0.0) -> tuple[list[Turn], list[Turn]]:
            seen: dict[str, list[Turn]] = {side: [] for side in servers}
            for _ in range(count):
                for side in random.sample(list(servers), len(servers)):
                    seen[side].append(asked(process, *servers[side], each, rate))
            return seen["off"], seen["on"]

        turns(5, 200)  # the first requests are slow
        rate = statistics.median(turn.rate for turn in turns(5, 200)[0])
        each = max(100, int(rate * TURN))
        off, on = turns(max(10, requests // each), each)
        tell_costs(off, on)
        tell_times(*turns(max(10, requests // each // 4), each, rate / 2), rate / 2)


def tell_costs(off: list[Turn], on: list[Turn]) -> None:
    model, count = os.environ.get("SERVING_MODEL") or "logistic", sum(len(turn.times) for turn in off)
    rate, core = count / sum(turn.seconds for turn in off), sum(turn.core for turn in off) / count
    print(
        f"serving, {model}: {count:,} requests each way in {len(off)} turns; not captured {rate:,.0f} a second, "
        f"{1e6 * core:,.0f} µs of the workers' cores each"
    )
    for text, of in (("time of the workers' cores", "core"), ("requests a second", "rate")):
        share, low, high = ratio([getattr(turn, of) for turn in off], [getattr(turn, of) for turn in on])
        print(f"  captured, the {text}: {100 * share:.1f} % (19 of 20 times in {100 * low:.1f} to {100 * high:.1f} %)")


def tell_times(off: list[Turn], on: list[Turn], rate: float) -> None:
    """Where requests don't wait for each other as they do where a server is asked as much as it can answer."""
    print(f"  asked {rate:,.0f} times a second, {sum(len(turn.times) for turn in off):,} requests each way:")
    for share in (0.5, 0.99):
        without, with_ = (at(sorted(t for turn in side for t in turn.times), share) / 1e3 for side in (off, on))
        print(f"  {100 * share:g} % of the answers within {without:.2f} ms, captured {with_ - without:+.2f} ms")


def ratio(off: list[float], on: list[float]) -> tuple[float, float, float]:
    """Of the means over all turns, and between which two it lies in 95 of 100 draws of the turns."""
    draws = []
    for _ in range(2000):
        drawn = random.choices(range(len(off)), k=len(off))
        draws.append(sum(on[turn] for turn in drawn) / sum(off[turn] for turn in drawn))
    draws.sort()
    return sum(on) / sum(off), draws[50], draws[-50]


@contextlib.contextmanager
def asking() -> Iterator[subprocess.Popen[str]]:
    """Another process that asks a server, each time a line names its port and how often; it answers with the times."""
    code = (
        "import asyncio, json, load, sys\n"
        "for line in sys.stdin:\n"
        "    port, count, rate = line.split()\n"
        "    answers = asyncio.run(load.ask(int(port), int(count), rate=float(rate)))\n"
        "    assert not answers.failed, answers\n"
        "    print(json.dumps([answers.seconds, answers.times]), flush=True)\n"
    )
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", code], env=environment(), **pipes) as process:
        yield process


@contextlib.contextmanager
def bucket(folder: Path) -> Iterator[str]:
    from seaweed import BUCKET, running

    (folder / "weed").mkdir()
    with running(folder / "weed") as server:
        yield f"s3://{BUCKET}/capture?{server.query}"


@contextlib.contextmanager
def serving(capture: str, spool: Path) -> Iterator[tuple[int, int]]:
    """The example behind uvicorn with two workers; its port and process."""
    from seaweed import free_port

    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "app:app", "--workers", "2", "--port", str(port)]
    command += ["--host", "127.0.0.1", "--log-level", "warning", "--no-access-log"]
    own = environment(CAPTURE=capture, MODEL_MONITOR_SPOOL=str(spool), OMP_NUM_THREADS="1")
    with subprocess.Popen(command, cwd=SERVING, env=own) as server:
        try:
            wait_for(port)
            yield port, server.pid
        finally:
            server.terminate()
            server.wait(60)


def wait_for(port: int) -> None:
    for _ in range(300):
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/ping").read()
            return
        time.sleep(0.1)
    raise SystemExit("the example did not start")


@dataclass
class Turn:
    """What came of some requests: seconds until all were answered, and of the workers' cores, and of each answer."""

    seconds: float
    core: float
    times: list[float]

    @property
    def rate(self) -> float:
        return len(self.times) / self.seconds


def asked(ask: subprocess.Popen[str], port: int, process: int, count: int, rate: float) -> Turn:
    before = core_seconds(process)
    assert ask.stdin and ask.stdout
    ask.stdin.write(f"{port} {count} {rate}\n")
    ask.stdin.flush()
    seconds, times = json.loads(ask.stdout.readline())
    time.sleep(GAP)  # what was captured is written down
    return Turn(seconds, core_seconds(process) - before, times)


def core_seconds(process: int) -> float:
    """Of a process' children and all their threads, to the nanosecond, as Linux counts them."""
    import psutil

    children = [child.pid for child in psutil.Process(process).children(recursive=True)]
    threads = [thread for child in children for thread in Path(f"/proc/{child}/task").iterdir()]
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9


PARTS: dict[str, Callable[[int], None]] = {
    "import": measure_import,
    "record": measure_record,
    "serving": measure_serving,
}

if __name__ == "__main__":
    main()
