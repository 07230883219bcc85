"""One bad endpoint file harms only itself: in the DAG processor, and in the workers, which read the files too."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from support.hostile_files import GOOD, HOSTILE


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of endpoint files with a good one, whose name is written with an escape, and much else."""
    monkeypatch.setenv("MODEL_MONITOR_ENDPOINTS", str(tmp_path))
    (tmp_path / "good.yaml").write_text(GOOD.replace("endpoint: churn", "endpoint: good").replace("dq", '"g\\x6fod"'))
    os.mkfifo(tmp_path / "fifo.yaml")
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / ".#good.yaml").symlink_to("somebody@host.123")  # an editor's lock
    for i, content in enumerate(HOSTILE.values()):
        own = content.replace("churn", f"churn{i}").replace("dq", f"dq{i}")
        (tmp_path / f"bad{i:02}.yaml").write_text(own)
    return tmp_path


def bag() -> Any:
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(ROOT / "dags")


def test_the_other_files_dags_stay_and_one_import_error_names_each_bad_file(folder: Path) -> None:
    found = bag()
    assert set(found.dags) >= {"good", "good-baseline"}
    ((file, text),) = found.import_errors.items()
    assert Path(file).name == "endpoint_files.py"
    # An unreadable file may name the captures of another, whose retention waits.
    own, waiting = (
        "\n".join(line for line in text.splitlines() if line.endswith("until it can be read") == waits)
        for waits in (False, True)
    )
    assert f"{folder}/good.yaml:" in waiting and f"{folder}/good.yaml:" not in own
    for path in folder.glob("bad*.yaml"):
        unknown_monitor = ("..", '"."')  # its DAG is there, and its tasks say what is wrong
        is_bad = not any(f"monitor: {name}\n" in path.read_text() for name in unknown_monitor)
        assert (f"{path}:" in own) == is_bad, path.name
    assert "fifo.yaml: " in text and "folder.yaml: " in text and ".#good.yaml" not in text


@pytest.mark.parametrize("name", ["good", "good-baseline"])
def test_a_worker_finds_its_dag_beside_them(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", name)
    found = bag()
    assert set(found.dags) == {name}
    assert not found.import_errors
