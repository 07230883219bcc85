"""A killed process leaves no temporary folder with captured rows in it for good."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from model_monitor import store
from model_monitor.store.unfinished import JUST_MADE, PREFIX, remove_abandoned

ROWS = """
import sys, time
from pathlib import Path
from model_monitor import store
folder = store.WorkingFolder()
(Path(folder.name) / "0.parquet").write_bytes(b"captured rows")
print(folder.name, flush=True)
time.sleep(60)
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary folder of this test's own, for child processes too."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def age(folder: Path) -> None:
    old = time.time() - 2 * JUST_MADE
    os.utime(folder, (old, old))


def child() -> tuple[subprocess.Popen[str], Path]:
    process = subprocess.Popen([sys.executable, "-c", ROWS], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    return process, Path(process.stdout.readline().strip())


def test_the_next_process_removes_what_a_killed_one_left_and_nothing_that_is_in_use(tmp_path: Path) -> None:
    killed, abandoned = child()
    alive, used = child()
    with killed, alive:
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        for folder in (abandoned, used):
            age(folder)
        try:
            with store.WorkingFolder() as own:
                assert not abandoned.exists()
                assert (used / "0.parquet").read_bytes() == b"captured rows"
                age(Path(own))
                remove_abandoned()  # as another thread's next folder does
                assert Path(own).is_dir()
        finally:
            alive.kill()
    assert [path.name for path in tmp_path.iterdir()] == [used.name]


def test_only_old_folders_with_our_name_are_removed_and_no_link_is_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").touch()
    (tmp_path / f"{PREFIX}young").mkdir()
    (tmp_path / f"{PREFIX}link").symlink_to(elsewhere, target_is_directory=True)
    (tmp_path / f"{PREFIX}file").touch()
    (tmp_path / "model-monitor-of-someone").mkdir()
    for path in (tmp_path / f"{PREFIX}file", tmp_path / "model-monitor-of-someone", elsewhere):
        age(path)
    before = sorted(tmp_path.rglob("*"))
    with store.WorkingFolder():
        pass
    assert sorted(tmp_path.rglob("*")) == before


def test_a_file_on_its_way_to_an_object_store_is_in_such_a_folder(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), store.writing("s3://bucket/rows.parquet?region=eu-west-1") as part:
        assert part.parent.parent == tmp_path
        assert part.parent.name.startswith(PREFIX)
        raise RuntimeError
    assert not [*tmp_path.iterdir()]
