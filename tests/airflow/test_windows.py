"""Which window does a run judge, and where does a person see it?"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from model_monitor.core.window import Window
from model_monitor_airflow import schedules
from model_monitor_airflow.run_notes import judged_window
from model_monitor_airflow.timetables import WindowTimetable
from model_monitor_airflow.windows import window_of

OWN = Window.of("2026-01-05T03:00:00Z", "2026-01-05T04:00:00Z")
FORM = {"window_start": "2026-01-01T00:00:00Z", "window_end": "2026-01-02T00:00:00Z"}


def context(run_type: str, params: dict[str, str]) -> Any:
    dag = SimpleNamespace(dag_id="dq", timetable=WindowTimetable("0 * * * *"))
    times = {"data_interval_start": OWN.start, "data_interval_end": OWN.end}
    return {"dag": dag, "dag_run": SimpleNamespace(run_type=run_type), "params": params, **times}


@pytest.mark.parametrize("form", [FORM, {"window_start": FORM["window_start"]}])
def test_the_window_of_a_backfills_form_is_for_none_of_its_runs(form: dict[str, str]) -> None:
    assert window_of(context("backfill", form)) == OWN


def test_a_run_by_hand_judges_the_window_of_its_form() -> None:
    assert window_of(context("manual", FORM)) == Window.of(*FORM.values())
    assert window_of(context("manual", {})) == OWN


@pytest.mark.parametrize(
    ("run_type", "conf", "text"),
    [
        ("manual", FORM, "Window 2026-01-01T00:00:00Z to 2026-01-02T00:00:00Z"),
        ("manual", None, "Window 2026-01-05T03:00:00Z to 2026-01-05T04:00:00Z"),
        ("scheduled", None, ""),
        ("backfill", FORM, ""),
    ],
)
def test_the_note_of_a_run_by_hand_tells_its_window(run_type: str, conf: Any, text: str) -> None:
    start, end = datetime(2026, 1, 5, 3, tzinfo=UTC), datetime(2026, 1, 5, 4, tzinfo=UTC)
    run: Any = SimpleNamespace(run_type=run_type, conf=conf, data_interval_start=start, data_interval_end=end)
    assert judged_window(run) == text


def test_endpoint_files_may_be_in_more_than_one_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.yaml").touch()
    monkeypatch.setenv("MODEL_MONITOR_ENDPOINTS", f"{tmp_path / 'a'}:{tmp_path / 'b'}")
    assert [path.name for path in schedules.files()] == ["a.yaml", "b.yaml"]
    monkeypatch.delenv("MODEL_MONITOR_ENDPOINTS")
    assert schedules.files() == []  # none of the demo's is in anybody's Airflow
