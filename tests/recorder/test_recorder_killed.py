"""Is each request in the store once, or counted, at whatever call of the operating system a process is killed?"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from support.recorded import ids, recorder_into, until

from model_monitor.recorder import Recorder, tally
from model_monitor.recorder.spool.disk import LOCK

CALLS = ("open", "write", "fsync", "fdatasync", "close", "rename", "replace", "unlink", "rmdir", "mkdir", "truncate")
SAID = "said"


def killed_before(call: int, work: Callable[[], None]) -> bool:
    """Whether a process that does some work came to such a call, counted from 1, which killed it."""
    if not (child := os.fork()):
        code = 1
        try:  # nothing of pytest's may run in here
            calls, lock = count(1), threading.Lock()

            def deadly(function: Callable[..., Any]) -> Callable[..., Any]:
                def counted(*given: Any, **named: Any) -> Any:
                    with lock:
                        if next(calls) == call:
                            os.kill(os.getpid(), signal.SIGKILL)
                    return function(*given, **named)

                return counted

            for name in CALLS:
                setattr(os, name, deadly(getattr(os, name)))
            work()
            code = 0
        finally:
            os._exit(code)
    status = os.waitpid(child, 0)[1]
    assert status in (0, signal.SIGKILL)
    return status != 0


def recovered(folder: Path) -> dict[str, float]:
    """What the next recorder counts when it has sent all that was left."""
    recorder = recorder_into(folder)
    recorder.start()
    until(lambda: recorder._sender.looked > 0)  # monotonic
    time.sleep(0.02)
    assert recorder.close()
    return recorder.counters()


def test_what_a_process_had_taken_is_sent_once_or_counted_wherever_it_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = tmp_path / "counts"
    counts.mkdir()
    monkeypatch.setattr(tally, "FOLDER", counts)
    for call in count(1):
        folder = tmp_path / str(call)
        folder.mkdir()

        def work(folder: Path = folder) -> None:
            with (
                recorder_into(folder, flush_interval=0.001, roll_bytes=1500) as recorder,
                (folder / SAID).open("w") as said,
            ):
                for i in range(12):
                    recorder.record(b"x" * 200, b"1", event_id=f"e{i}")
                    said.write(f"e{i}\n")
                    said.flush()
                    if i % 4 == 3:
                        assert recorder.flush(20)

        was_killed = killed_before(call, work)
        said = (folder / SAID).read_text().split() if (folder / SAID).exists() else []
        counters = recovered(folder)
        found = ids(folder / "capture")
        assert set(found.values()) <= {1}
        assert len(set(said) - set(found)) <= counters["dropped_killed"], call
        assert not [path for path in (folder / "spool").rglob("*") if path.suffix in (".open", ".ready")]
        if not was_killed:
            assert len(found) == 12 and call > 50
            break
    assert not list(counts.iterdir())


def test_what_was_left_is_sent_once_wherever_the_one_that_takes_it_over_is_killed(tmp_path: Path) -> None:
    for call in count(1):
        folder = tmp_path / str(call)
        (folder / "spool").mkdir(parents=True)
        (folder / "capture").write_text("in the way")

        def leave(folder: Path = folder) -> None:
            recorder = recorder_into(folder, flush_interval=0.001, roll_bytes=600)
            for i in range(10):
                recorder.record(b"x" * 200, b"1", event_id=f"e{i}")
                until(lambda: not recorder.counters()["queued"])
            until(lambda: recorder.counters()["spooled"] == 10)
            os.kill(os.getpid(), signal.SIGKILL)

        def take_over(folder: Path = folder) -> None:
            recovered(folder)

        assert killed_before(-1, leave)
        (folder / "capture").unlink()
        was_killed = killed_before(call, take_over)
        if was_killed:
            recovered(folder)
        assert ids(folder / "capture") == Counter(f"e{i}" for i in range(10)), call
        if not was_killed:
            assert call > 20
            break


def test_many_take_over_at_once_and_each_request_is_sent_once(tmp_path: Path) -> None:
    """Some workers that start together after some were killed."""
    recorders: list[Recorder] = [recorder_into(tmp_path) for _ in range(4)]
    for n in range(20):
        left = recorders[0].spool_root / f"left{n:02d}"
        left.mkdir()
        (left / LOCK).touch()
        for i in range(3):
            line = json.dumps({"eventMetadata": {"eventId": f"{n}-{i}"}})
            (left / f"2022.04.18.12.20-48-871-{n}-{i}.ready").write_text(f"{line}\n")
    for recorder in recorders:
        recorder.start()
    until(lambda: sum(recorder.counters()["sent"] for recorder in recorders) >= 60)
    assert all(recorder.close() for recorder in recorders)
    assert ids(tmp_path / "capture") == Counter(f"{n}-{i}" for n in range(20) for i in range(3))
    assert sum(recorder.counters()["adopted"] for recorder in recorders) == 60
    assert not list(recorders[0].spool_root.iterdir())
