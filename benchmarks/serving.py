"""What does a served model pay for being captured, behind servers that are asked by others?

    python benchmarks/serving.py                          # both parts; --requests 200000 of each side
    python benchmarks/serving.py --part latency           # only one
    SERVING_MODEL=logistic python benchmarks/serving.py   # the hardest case: a model that answers in 0.2 ms

* serving: the example behind uvicorn with two workers, captured to a real S3 server (SeaweedFS) on this machine, and
  not captured, asked by another process in turns of half a second, as much as it can answer.
* latency: the same, asked a quarter as much: how long answers take.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from capture import PROJECT, SERVING, at, core_seconds_of, environment

sys.path[:0] = [str(PROJECT / "tests"), str(SERVING)]

TURN, GAP = 0.4, 0.15  # seconds that a turn takes, about; and between two


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--part", nargs="+", choices=PARTS, default=list(PARTS))
    arguments.add_argument("--requests", type=int, default=200_000)
    asked = arguments.parse_args()
    for part in asked.part:
        PARTS[part](asked.requests)


def measure_serving(requests: int) -> None:
    """Asked as much as it can answer."""
    with example() as turns:
        each = max(100, int(rate_of(turns(5, 200)[0]) * TURN))
        tell_costs(*turns(max(10, requests // each), each))


def measure_latency(requests: int) -> None:
    """Asked a quarter as much, so that requests hardly wait for each other, even while the machine is slow."""
    with example() as turns:
        rate = rate_of(turns(5, 200)[0]) / 4
        each = max(100, int(rate * TURN))
        tell_times(*turns(max(10, requests // each), each, rate), rate)


@contextlib.contextmanager
def example() -> Iterator[Turns]:
    """The example, not captured and captured, behind servers of their own: what asks them in turns."""
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
        yield turns


def rate_of(turns: list[Turn]) -> float:
    return statistics.median(turn.rate for turn in turns)


def tell_costs(off: list[Turn], on: list[Turn]) -> None:
    from model import MODEL

    count = sum(len(turn.times) for turn in off)
    rate, core = count / sum(turn.seconds for turn in off), sum(turn.core for turn in off) / count
    print(
        f"serving, {MODEL}: {count:,} requests each way in {len(off)} turns; not captured {rate:,.0f} a second, "
        f"{1e6 * core:,.0f} µs of the workers' cores each"
    )
    for text, of in (("time of the workers' cores", "core"), ("requests a second", "rate")):
        share, low, high = of_draws(off, on, partial(change_of, of))
        print(f"  captured, the {text}: {100 * share:.1f} % (19 of 20 times in {100 * low:.1f} to {100 * high:.1f} %)")


def change_of(of: str, off: list[Turn], on: list[Turn]) -> float:
    return float(sum(getattr(turn, of) for turn in on) / sum(getattr(turn, of) for turn in off))


def tell_times(off: list[Turn], on: list[Turn], rate: float) -> None:
    from model import MODEL

    count = sum(len(turn.times) for turn in off)
    print(f"latency, {MODEL}: asked {rate:,.0f} times a second, {count:,} requests each way in {len(off)} turns")
    for share in (0.5, 0.99):
        added, low, high = of_draws(off, on, partial(delay_within, share))
        print(
            f"  {100 * share:g} % of the answers within {within(share, off):.2f} ms, captured {added:+.2f} ms "
            f"(19 of 20 times {low:+.2f} to {high:+.2f} ms)"
        )


def within(share: float, turns: list[Turn]) -> float:
    """Milliseconds in which so many of the answers came."""
    return at(sorted(time for turn in turns for time in turn.times), share) / 1e3


def delay_within(share: float, off: list[Turn], on: list[Turn]) -> float:
    return within(share, on) - within(share, off)


def of_draws(
    off: list[Turn], on: list[Turn], measure: Callable[[list[Turn], list[Turn]], float]
) -> tuple[float, float, float]:
    """Of all turns, and between which two it lies in 95 of 100 draws of the turns."""
    draws = []
    for _ in range(400):
        drawn = random.choices(range(len(off)), k=len(off))
        draws.append(measure([off[i] for i in drawn], [on[i] for i in drawn]))
    draws.sort()
    return measure(off, on), draws[10], draws[-11]


@contextlib.contextmanager
def asking() -> Iterator[subprocess.Popen[str]]:
    """Another process that asks a server, each time a line names its port and how often; it answers with the times."""
    code = (
        "import asyncio, json, load, sys\n"
        "for line in sys.stdin:\n"
        "    port, count, rate = line.split()\n"
        "    answers = asyncio.run(load.send_requests(int(port), int(count), rate=float(rate)))\n"
        "    assert not answers.failed, answers\n"
        "    print(json.dumps([answers.seconds, answers.times]), flush=True)\n"
    )
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", code], env=environment(), **pipes) as process:
        yield process


@contextlib.contextmanager
def bucket(folder: Path) -> Iterator[str]:
    from support.seaweed import BUCKET, running

    (folder / "weed").mkdir()
    with running(folder / "weed") as server:
        yield f"s3://{BUCKET}/capture?{server.query}"


@contextlib.contextmanager
def serving(capture: str, spool: Path) -> Iterator[tuple[int, int]]:
    """The example behind uvicorn with two workers; its port and process."""
    from support.seaweed import free_port

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
    """Of a process' children and all their threads."""
    import psutil

    children = [child.pid for child in psutil.Process(process).children(recursive=True)]
    threads = [thread for child in children for thread in Path(f"/proc/{child}/task").iterdir()]
    return sum(map(core_seconds_of, threads))


Turns = Callable[..., tuple[list[Turn], list[Turn]]]

PARTS: dict[str, Callable[[int], None]] = {"serving": measure_serving, "latency": measure_latency}

if __name__ == "__main__":
    main()
