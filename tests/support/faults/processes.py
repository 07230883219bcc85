"""Kill processes that run the verbs, or run them twice at once: the bytes are those of one undisturbed run."""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from model_monitor import jobs
from model_monitor.config.execution import Assignment
from model_monitor.store.unfinished import PART
from support.faults import process
from support.faults.outcomes import Outcome
from support.faults.worlds import Built, World

CONTEXT = multiprocessing.get_context("forkserver")  # it imports once what each process needs
CONTEXT.set_forkserver_preload(["support.faults.process"])

Started = tuple[BaseProcess, Connection]


@dataclass
class Bench:
    """A folder in which the verbs run in processes, and the files that one undisturbed run leaves."""

    built: Built
    seconds: float = 0.0  # that a run lasts
    whole: dict[str, bytes] = field(default_factory=dict)

    @classmethod
    def at(cls, folder: Path, modes: tuple[str, ...] = ("",)) -> Bench:
        bench = cls(Built.of(World("processes", process.build, lambda *_: None), folder / "world"))
        bench.restore()
        for mode in modes:
            begun = time.monotonic()
            assert bench.ends(bench.started(mode)) == 0
            bench.seconds = time.monotonic() - begun
        bench.whole = bench.files()
        return bench

    @property
    def root(self) -> Path:
        return self.built.root

    def restore(self) -> None:
        self.built.restore()
        (self.root / "tmp").mkdir()

    def files(self) -> dict[str, bytes]:
        return {str(p.relative_to(self.root)): p.read_bytes() for p in self.root.rglob("*") if p.is_file()}

    def started(self, mode: str = "") -> Started:
        """A process that is about to run the verbs."""
        here, there = CONTEXT.Pipe()
        one = CONTEXT.Process(target=process.work, args=(self.root, mode, there))
        one.start()
        there.close()
        assert here.recv() == "ready"
        return one, here

    def ends(self, *started: Started) -> int:
        """Let processes begin at once; the highest exit code. AssertionError with a traceback, if there is one."""
        for _, link in started:
            link.send("go")
        for one, link in started:
            one.join(120)
            assert one.exitcode in (0, process.RETRIED), link.recv() if link.poll() else f"it ended by {one.exitcode}"
            link.close()
        return max(one.exitcode or 0 for one, _ in started)

    def check(self, outcome: Outcome, among: str = "", apart: str = PART) -> None:
        """All files are those of the undisturbed run. What a killed process left half-written goes with the next run
        (a working folder, once it is older than a minute) or with retention (a file, once it is older than a day)."""
        found = self.files()
        names = {name for name in found.keys() | self.whole.keys() if name.startswith(among)}
        names = {name for name in names if PART not in name and apart not in name and not name.startswith("tmp/")}
        if others := sorted(name for name in names if found.get(name) != self.whole.get(name)):
            outcome.faults.append(("bytes", f"other bytes: {others[:5]}"))
        for path in [*(self.root / "tmp").iterdir(), *self.root.rglob(f"{PART}*")]:
            os.utime(path, (0, 0))
        self.ends(self.started("retention"))
        left = [str(p) for p in self.root.rglob("*") if PART in p.name] + [
            str(p) for p in (self.root / "tmp").iterdir()
        ]
        if left:
            outcome.faults.append(("left", f"left over: {left[:5]}"))


def kill(bench: Bench, chance: random.Random, outcome: Outcome) -> None:
    """A run is killed, perhaps twice, and then runs to its end."""
    bench.restore()
    for _ in range(chance.choice([1, 1, 2])):
        started, link = bench.started()
        link.send("go")
        time.sleep(chance.uniform(0, bench.seconds * 1.1))
        started.kill()
        started.join()
        link.close()
    begun = time.monotonic()
    bench.ends(bench.started())
    bench.seconds = min(bench.seconds, time.monotonic() - begun)  # the first run was perhaps slowed down by others
    bench.check(outcome)


def twice(bench: Bench, chance: random.Random, outcome: Outcome) -> None:
    """The same run twice at once. Of two retentions at once, which Airflow does not start, each records its part."""
    bench.restore()
    if bench.ends(bench.started(), bench.started()):
        bench.ends(bench.started())
    bench.check(outcome, apart="out/_retention/")


def late(bench: Bench, chance: random.Random, outcome: Outcome) -> None:
    """The run of the schedule and the one of late labels at once; then the report of all labels is on top."""
    bench.restore()
    one, other = bench.started("early"), bench.started("late")
    modes = {one: "early", other: "late"}
    if bench.ends(*modes):
        for (ended, _), mode in modes.items():
            if ended.exitcode:
                bench.ends(bench.started(mode))
    if jobs.grown_windows(Assignment.load(bench.root / "endpoint.yaml", "dq"), process.NOW):
        bench.ends(bench.started("late"))
    bench.check(outcome, "out/churn")


Campaign = Callable[[Bench, random.Random, Outcome], None]


def campaign(
    run: Campaign, count: int, seed: int, workers: int = 2, modes: tuple[str, ...] = ("",)
) -> list[tuple[int, str]]:
    """The number and the words of each case that went wrong."""

    with patch.dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)):  # else the server can't import what it should
        forkserver.ensure_running()

    def share(worker: int) -> list[tuple[int, str]]:
        wrong = []
        with TemporaryDirectory() as folder:
            bench = Bench.at(Path(folder), modes)
            for number in range(worker, count, workers):
                outcome = Outcome()
                try:
                    run(bench, random.Random(f"{seed} {number}"), outcome)
                except AssertionError as error:
                    outcome.faults.append(("traceback", str(error)))
                wrong += [(number, f"{kind}: {words}") for kind, words in outcome.faults]
            shutil.rmtree(folder, ignore_errors=True)
            Path(folder).mkdir()
        return wrong

    with ThreadPoolExecutor(workers) as pool:
        return [case for found in pool.map(share, range(workers)) for case in found]
