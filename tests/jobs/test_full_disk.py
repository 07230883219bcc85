"""A disk without room is told as such at each step, is tried again, and costs nothing once there is room."""

from __future__ import annotations

import resource
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.judged import Endpoint

from model_monitor import store
from model_monitor.errors import StoreError
from model_monitor.rows.summary import undamaged

LIMITS = (0, 50, 300, 1000, 3000, 8000, 20_000)


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """A disk on which no file may be longer than so many bytes."""
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        signal.signal(signal.SIGXFSZ, old)


def test_a_full_disk_is_a_store_error_at_each_step_and_loses_nothing(tmp_path: Path) -> None:
    endpoint = Endpoint(tmp_path)
    for step in endpoint.steps():
        step()
    good = endpoint.files()
    shutil.rmtree(endpoint.out)
    failures = 0
    for step in endpoint.steps():
        for size in LIMITS:
            with room_for(size):
                try:
                    step()
                except StoreError as error:
                    failures += 1
                    assert "can't be written" in str(error) and "make room" in str(error)
                    assert "restore" not in str(error)
        step()
    assert failures > 40
    assert endpoint.files() == good


def test_no_temporary_folder_is_a_store_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    with pytest.raises(StoreError, match=r"no temporary folder can be made.*set TMPDIR"), store.WorkingFolder():
        pass


def test_a_disk_that_can_not_be_read_is_no_damaged_file(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1]}), path := tmp_path / "a.parquet")
    with pytest.raises(StoreError, match="Input/output error"), undamaged(str(path)):
        raise OSError(5, "Input/output error")
