"""Does ``model-monitor retention`` delete what the DAG would, and nothing else?"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from support.captures import HOUR, endpoint_file

from model_monitor.__main__ import main
from model_monitor.core.window import iso

DAYS = 10
NOW = iso(HOUR + timedelta(days=DAYS, hours=1))
FUTURE = "2226-01-15"


@pytest.fixture
def captured(tmp_path: Path) -> Path:
    """A capture file of an hour that is past at ``NOW``."""
    file = tmp_path / f"capture/churn/AllTraffic/{HOUR:%Y/%m/%d/%H}/a.jsonl"
    file.parent.mkdir(parents=True)
    file.write_bytes(b'{"captureData": {}}\n')
    return file


def test_it_says_what_the_task_says(tmp_path: Path, captured: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["retention", endpoint_file(tmp_path, retention_days=DAYS), "--now", NOW]
    assert main([*command, "--dry-run"]) == 0 and captured.exists()
    assert main(command) == 0 and not captured.exists()
    would, did = capsys.readouterr().out.splitlines()
    assert did == (
        "churn/AllTraffic, before 2026-01-05T04:00:00Z: deleted 1 file of captures of 2026-01-05T03 (20 bytes)."
    )
    assert would == did.replace("deleted", "would delete")


@pytest.mark.parametrize("other", ["that keeps them longer", "that can't be read"])
def test_it_looks_at_the_other_files_of_the_folder(
    tmp_path: Path, captured: Path, capsys: pytest.CaptureFixture[str], other: str
) -> None:
    file = endpoint_file(tmp_path, retention_days=DAYS)
    endpoint_file(tmp_path, "other.yaml", name="long", output=str(tmp_path / "long"))
    if other == "that can't be read":
        (tmp_path / "other.yaml").write_text("endpoint: churn\nschedules: [")
    assert main(["retention", file, "--now", NOW]) == 1 and captured.exists()
    reason = "reads the same captures and keeps them all" if "longer" in other else "until it can be read"
    assert reason in capsys.readouterr().err


def test_it_deletes_nothing_by_a_moment_that_is_still_to_come(
    tmp_path: Path, captured: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = endpoint_file(tmp_path, retention_days=DAYS)
    assert main(["retention", file, "--now", FUTURE]) == 1
    assert captured.exists() and "is still to come; add --dry-run" in capsys.readouterr().err
    assert main(["retention", file, "--now", FUTURE, "--dry-run"]) == 0
    assert main(["retention", file, "--now", "tomorrow"]) == 1
    assert main(["retention", endpoint_file(tmp_path, "all.yaml"), "--now", NOW]) == 1
    assert "has no retention_days; set it to delete" in capsys.readouterr().err
