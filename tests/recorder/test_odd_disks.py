"""Are requests kept as long as possible, and never sent to a wrong place, if the local disk misbehaves?"""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
import threading
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from support.recorded import ids, in_balance, recorder_into, until

from model_monitor.recorder import Recorder
from model_monitor.recorder.sending.destinations import destination_at
from model_monitor.recorder.sending.transports import Transport
from model_monitor.recorder.spool import disk, files
from model_monitor.recorder.spool.disk import LOCK


def test_a_spool_that_is_deleted_meanwhile_is_made_again_and_what_was_in_it_counted(tmp_path: Path) -> None:
    (tmp_path / "capture").write_text("in the way")
    with recorder_into(tmp_path, flush_interval=0.02, roll_seconds=0.1) as recorder:
        recorder.record(b"1", b"2", event_id="ready")
        until(lambda: recorder.counters()["failures"])
        recorder.record(b"1", b"2", event_id="open")
        until(lambda: recorder.counters()["spooled"] == 2)
        shutil.rmtree(tmp_path / "spool")
        (tmp_path / "capture").unlink()
        until(lambda: recorder.counters()["dropped_disk"] == 2)
        for i in range(3):
            recorder.record(b"1", b"2", event_id=f"after{i}")
            assert recorder.flush(20)
        assert recorder.counters()["dropped"] == 2 and in_balance(recorder)
        assert recorder._spool.others() == []  # type: ignore[union-attr]
        [folder] = recorder.spool_root.iterdir()
        with disk.lock_abandoned(folder) as is_locked:
            assert not is_locked, "another recorder would take it over"
    assert ids(tmp_path / "capture") == Counter(["after0", "after1", "after2"])
    assert not [path for path in (tmp_path / "spool").rglob("*") if path.is_file()]


def test_a_slow_disk_leaves_no_more_in_memory_than_a_quick_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is in memory is lost when the process is killed."""
    interval, written = 0.4, []
    write, sync = os.write, os.fdatasync

    def noted(descriptor: int, content: Any) -> int:
        written.append(time.monotonic())
        return write(descriptor, content)

    def slow(descriptor: int) -> None:
        time.sleep(interval)
        sync(descriptor)

    monkeypatch.setattr(files.os, "write", noted)
    monkeypatch.setattr(files.os, "fdatasync", slow)
    with recorder_into(tmp_path, flush_interval=interval, roll_seconds=60) as recorder:
        for _ in range(300):
            recorder.record(b"1", b"2")
            time.sleep(0.01)
    assert median(after - before for before, after in pairwise(written)) < 1.5 * interval


def test_a_file_that_can_not_be_read_at_the_moment_is_not_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as when the application has used up its file descriptors."""
    read = Path.read_bytes
    fails = threading.Event()
    fails.set()

    def limited(path: Path) -> bytes:
        if path.suffix == files.READY and fails.is_set():
            raise OSError(errno.EMFILE, "Too many open files")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", limited)
    with recorder_into(tmp_path) as recorder:
        recorder.record(b"1", b"2", event_id="a")
        assert not recorder.flush(0.5)
        assert recorder.counters()["spooled"] == 1 and recorder.counters()["dropped"] == 0
        fails.clear()
        assert recorder.flush(20)
    assert ids(tmp_path / "capture") == Counter("a")


def test_the_sender_goes_on_whatever_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import gzip

    compress, failed = gzip.compress, []

    def short_of_memory(*given: Any, **named: Any) -> bytes:
        if not failed:
            failed.append(1)
            raise MemoryError
        return compress(*given, **named)

    monkeypatch.setattr(gzip, "compress", short_of_memory)
    with recorder_into(tmp_path, gzip=True) as recorder:
        recorder.record(b"1", b"2", event_id="a")
        assert recorder.flush(20) and failed
        assert recorder.counters()["sent"] == 1 and in_balance(recorder)


def test_a_disk_that_turns_read_only_does_not_stop_what_it_holds_from_being_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlink = Path.unlink

    def read_only(path: Path, missing_ok: bool = False) -> None:
        if path.suffix == files.READY:
            raise OSError(errno.EROFS, "Read-only file system")
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", read_only)
    with recorder_into(tmp_path) as recorder:
        for i in range(3):
            recorder.record(b"1", b"2", event_id=f"e{i}")
            assert recorder.flush(20)
        assert recorder.counters()["sent"] == 3 and in_balance(recorder)
    monkeypatch.undo()
    with recorder_into(tmp_path) as later:
        later.start()
        until(lambda: later.counters()["adopted"] == 3)
    assert ids(tmp_path / "capture") == Counter(f"e{i}" for i in range(3)), "they are sent again, under the same names"


def test_what_can_not_be_closed_at_the_end_is_left_for_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = recorder_into(tmp_path)
    first.record(b"1", b"2", event_id="a")
    until(lambda: first.counters()["spooled"] == 1)

    def fails(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fails)
    assert not first.close(1)
    monkeypatch.undo()
    with recorder_into(tmp_path) as second:
        second.start()
        until(lambda: second.counters()["adopted"] == 1)
    assert ids(tmp_path / "capture") == Counter("a")


def left_by_another(folder: Path, name: str, count: int) -> Path:
    """A folder of the spool whose process has ended, with a file of ``count`` requests."""
    with recorder_into(folder) as recorder:
        root = recorder.spool_root
    left = root / name
    left.mkdir(parents=True)
    (left / LOCK).touch()
    lines = [json.dumps({"eventMetadata": {"eventId": f"{name}{i}"}}) for i in range(count)]
    (left / f"2022.04.18.12.20-48-871-{name}.open").write_text("".join(f"{line}\n" for line in lines))
    return left


def test_what_others_left_is_taken_over_while_requests_keep_coming(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("model_monitor.recorder.sending.sender.ADOPT_INTERVAL", 0.2)
    with recorder_into(tmp_path, flush_interval=0.01) as recorder:
        recorder.record(b"1", b"2")
        assert recorder.flush()
        left_by_another(tmp_path, "late", 5)

        def came() -> bool:
            recorder.record(b"1", b"2")
            return recorder.counters()["adopted"] == 5

        until(came, 10)


def test_more_than_the_spool_may_hold_is_taken_over_all_the_same(tmp_path: Path) -> None:
    """The process that left them had the same bound, and slightly exceeded it."""
    left_by_another(tmp_path, "full", 1000)
    with recorder_into(tmp_path, max_spool_bytes=10_000) as recorder:
        recorder.start()
        until(lambda: recorder.counters()["adopted"] == 1000)
        assert recorder.flush(20) and in_balance(recorder)
    assert len(ids(tmp_path / "capture")) == 1000


def test_a_folder_that_can_not_be_taken_over_does_not_delay_others(tmp_path: Path) -> None:
    bad = left_by_another(tmp_path, "a", 1)
    (bad / "2022.04.18.12.00-00-000-dir.ready").mkdir()
    left_by_another(tmp_path, "b", 2)
    with recorder_into(tmp_path) as recorder:
        recorder.start()
        until(lambda: {"a0", "b0", "b1"} <= set(ids(tmp_path / "capture")))
        assert in_balance(recorder)


def test_nobody_else_can_read_what_waits(tmp_path: Path) -> None:
    (tmp_path / "capture").write_text("in the way")
    before = os.umask(0)
    try:
        with recorder_into(tmp_path) as recorder:
            recorder.record(b"1", b"2")
            assert not recorder.flush(1)
            assert stat.S_IMODE(recorder.spool_root.stat().st_mode) == 0o700
            for path in recorder.spool_root.rglob("*"):
                assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)
            (tmp_path / "capture").unlink()
    finally:
        os.umask(before)


def test_no_temporary_folder_at_all_is_an_error_that_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from model_monitor.errors import StoreError

    monkeypatch.delenv("MODEL_MONITOR_SPOOL", raising=False)
    monkeypatch.setattr(os, "access", lambda *given: False)

    def none() -> str:
        raise FileNotFoundError("No usable temporary directory found")

    monkeypatch.setattr(disk.tempfile, "gettempdir", none)
    with pytest.raises(StoreError, match="spool="):
        Recorder("churn", str(tmp_path))


def test_two_relative_destinations_are_two_spools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    roots = []
    for name in "ab":
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        roots.append(Recorder("churn", "capture", spool=tmp_path / "spool").spool_root)
    assert roots[0] != roots[1]


def test_hundreds_of_hours_at_once_keep_few_files_open(tmp_path: Path) -> None:
    from datetime import UTC, datetime, timedelta

    with recorder_into(tmp_path) as recorder:
        recorder.start()
        before = len(list(Path("/proc/self/fd").iterdir()))
        for i in range(300):
            recorder.record(
                b"1", b"2", event_id=f"e{i}", event_time=datetime(2022, 1, 1, tzinfo=UTC) + timedelta(hours=i)
            )
        until(lambda: recorder.counters()["queued"] == 0)
        assert len(list(Path("/proc/self/fd").iterdir())) - before <= files.MAX_OPEN_FILES + 4
    assert ids(tmp_path / "capture") == Counter(f"e{i}" for i in range(300))


def test_a_disk_that_can_not_list_its_files_does_not_stop_the_sender(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "capture").write_text("in the way")

    about = Path.stat

    def fails(path: Path, **how: Any) -> os.stat_result:
        if path.suffix == files.READY:
            raise OSError(errno.EIO, "broken")
        return about(path, **how)

    with recorder_into(tmp_path, roll_seconds=0.05, flush_interval=0.02) as recorder:
        with monkeypatch.context() as patch:
            patch.setattr(Path, "stat", fails)
            patch.setattr(Path, "lstat", fails)
            recorder.record(b"1", b"2", event_id="a")
            until(lambda: recorder.counters()["failures"] >= 2)
        (tmp_path / "capture").unlink()
        assert recorder.flush(10) and recorder.counters()["dropped"] == 0
    assert ids(tmp_path / "capture") == Counter("a")


def test_the_writer_ends_though_the_spool_is_full_and_the_store_away(tmp_path: Path) -> None:
    (tmp_path / "capture").write_text("in the way")
    recorder = recorder_into(tmp_path, max_spool_bytes=2_000, roll_seconds=0.05, flush_interval=0.02)
    recorder.start()
    sending = threading.Event()

    class Hanging(Transport):
        def send(self, file: Path, key: str) -> int:
            sending.set()
            assert released.wait(20)
            raise OSError("away")

        def close(self) -> None:
            pass

        forked = close

    released = threading.Event()
    recorder._sender.transport = Hanging("nowhere", destination_at(str(tmp_path)), False)
    for i in range(20):
        recorder.record(b"x" * 200, b"1", event_id=f"a{i}")
    assert sending.wait(10)
    for i in range(20):
        recorder.record(b"x" * 200, b"1", event_id=f"b{i}")
    assert not recorder.close(1.0)
    counters = recorder.counters()
    released.set()
    assert counters["queued"] == 0, "requests in memory would be lost"
    recorder.close(1.0)
