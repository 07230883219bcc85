"""Is each request that reached the spool sent once, at whatever system call the process is killed?"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from support.recorded import ids, in_balance, recorder_into, until

from model_monitor.recorder import Recorder
from model_monitor.recorder.spool.disk import LOCK

CALLS = ("open", "write", "fsync", "fdatasync", "close", "rename", "replace", "unlink", "rmdir", "mkdir", "truncate")
SPOOLED = "spooled"


def killed_before(call: int, work: Callable[[], None]) -> bool:
    """Run ``work`` in a process that is killed at the n-th of CALLS, counted from 1; False if it made fewer calls."""
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


def is_on_disk(folder: Path, event_id: str) -> bool:
    """Whether a request is in a file of the spool or the store."""
    with contextlib.suppress(OSError):  # a file that was just sent
        files = [path for path in folder.rglob("*") if path.suffix in (".open", ".ready", ".jsonl")]
        return any(f'"{event_id}"' in path.read_text() for path in files)
    return False


def recovered(folder: Path) -> dict[str, float]:
    """The counters of the next recorder, once it has sent all that was left."""
    recorder = recorder_into(folder)
    recorder.start()
    until(lambda: recorder._sender.adopted > 0)  # monotonic
    time.sleep(0.02)
    assert recorder.close() and in_balance(recorder)
    return recorder.counters()


def test_what_had_reached_the_spool_is_sent_once_wherever_the_process_is_killed(tmp_path: Path) -> None:
    for call in count(1):
        folder = tmp_path / str(call)
        folder.mkdir()

        def work(folder: Path = folder) -> None:
            with (
                recorder_into(folder, flush_interval=0.001, roll_bytes=1500) as recorder,
                (folder / SPOOLED).open("w") as spooled,
            ):
                for i in range(12):
                    recorder.record(b"x" * 200, b"1", event_id=f"e{i}")
                    if i % 2:
                        until(partial(is_on_disk, folder, f"e{i}"))
                        spooled.write(f"e{i - 1}\ne{i}\n")
                        spooled.flush()
                    if i % 4 == 3:
                        assert recorder.flush(20)
            assert in_balance(recorder) and recorder.counters()["sent"] == 12

        was_killed = killed_before(call, work)
        spooled = (folder / SPOOLED).read_text().split() if (folder / SPOOLED).exists() else []
        counters = recovered(folder)
        found = ids(folder / "capture")
        assert set(found.values()) <= {1}
        assert set(spooled) <= set(found), call
        assert counters["adopted"] == counters["sent"] and counters["dropped"] == 0
        assert not [path for path in (folder / "spool").rglob("*") if path.suffix in (".open", ".ready")]
        if not was_killed:
            assert len(found) == 12 and call > 50
            break


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
    """Several workers start together after others were killed."""
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
