"""Run many cases of mutated files in worker processes, each with a limit of time and of memory."""

from __future__ import annotations

import logging
import multiprocessing
import resource
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

SECONDS = 60  # for one case, on a busy machine
BYTES = 4 << 30  # of memory that one worker may take
AWAY = ("hang", "crash")

Case = tuple[int, int]  # the number of a world, and a seed
Fault = tuple[str, str]  # its kind, and what happened


@dataclass
class Count:
    """What came of many cases: by world and kind of file how many, how many were refused, and all faults."""

    cases: Counter[tuple[str, str]] = field(default_factory=Counter)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    faults: list[tuple[str, int, str, Fault]] = field(default_factory=list)  # world, seed, kind of file

    def of_kind(self, kind: str) -> int:
        """How many cases had a fault of a kind."""
        return len({(world, seed) for world, seed, _, fault in self.faults if fault[0] == kind})


def worlds() -> list[object]:
    from support.faults import commands, dags, endpoints

    return [*commands.WORLDS, *dags.WORLDS, *endpoints.WORLDS]


def work(link: Connection) -> None:
    """Run the cases that come over a link until it is closed."""
    from support.faults.worlds import Built

    logging.disable()
    resource.setrlimit(resource.RLIMIT_DATA, (BYTES, BYTES))
    everything, built = worlds(), {}
    with tempfile.TemporaryDirectory() as folder:
        while True:
            try:
                number, seed = link.recv()
            except EOFError:
                return
            if number not in built:
                built[number] = Built.of(everything[number], Path(folder) / f"world-{number}")  # type: ignore[arg-type]
            kind, outcome = built[number].run(seed)
            link.send((kind, outcome.faults, bool(outcome.refused)))


@contextmanager
def working() -> Iterator[Connection]:
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=work, args=(there,), daemon=True)
    process.start()
    there.close()
    try:
        yield here
    finally:
        here.close()
        process.join(5)
        if process.is_alive():
            process.kill()
            process.join()


def run_all(cases: Sequence[Case], names: Sequence[str], count: Count) -> None:
    """Run cases in one worker after another: one that hangs or dies is replaced."""
    waiting = list(cases)
    while waiting:
        with working() as link:
            while waiting:
                number, seed = case = waiting.pop(0)
                kind, faults, refused = "", [("hang", f"more than {SECONDS} s")], False
                try:
                    link.send(case)
                    if has_ended := link.poll(SECONDS):
                        kind, faults, refused = link.recv()
                except (EOFError, OSError):
                    has_ended, faults = False, [("crash", "the process died")]
                count.cases[names[number], kind] += 1
                count.refused[names[number], kind] += refused
                count.faults += [(names[number], seed, kind, fault) for fault in faults]
                if not has_ended:
                    break


def mutations(total: int, seed: int, workers: int = 2, only: str = "") -> Count:
    """The outcome of so many cases, spread over all worlds, or those whose name contains ``only``."""
    names = [world.name for world in worlds()]  # type: ignore[attr-defined]
    chosen = [number for number, name in enumerate(names) if only in name]
    cases = [(chosen[i % len(chosen)], seed * 1_000_000 + i) for i in range(total)]
    count = Count()
    with ThreadPoolExecutor(workers) as pool:
        shares = [cases[i::workers] for i in range(workers)]
        list(pool.map(lambda share: run_all(share, names, count), shares))
    return count
