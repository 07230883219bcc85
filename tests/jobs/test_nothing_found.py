"""Does a window without requests say where it looked, and what there is instead?"""

from __future__ import annotations

from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from support.captures import HOUR, at, capture, endpoint_file, record
from support.visited import seen, visit

from model_monitor import jobs
from model_monitor.config.execution import Execution
from model_monitor.core.window import Window
from model_monitor.results.reading import Report

LATER = Window(at(600), at(660))


def reason(root: Path) -> str:
    """Why the window could not be judged, after all tasks, as its report and its pages say it."""
    file = endpoint_file(root)
    execution = Execution.of(file, "dq", LATER)
    jobs.collect_window(execution)
    jobs.compute_metrics(execution)
    report = Report.at(jobs.evaluate_constraints(execution))
    jobs.alert(execution)
    assert report.execution["status"] == "NoData"
    why = str(report.execution["reason"])
    _, page = seen(visit(Path(file)), "execution", endpoint="churn", schedule="dq", start=LATER.start, end=LATER.end)
    for html in (Path(report.folder, "report.html").read_text(), page):
        assert why in unescape(html)
    return why


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        ("churn", "there are captures from 2026/01/05/03 to 2026/01/06/05"),
        ("other", "capture has no endpoint churn, but other"),
    ],
)
def test_the_folders_and_what_is_there_instead_are_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, endpoint: str, words: str
) -> None:
    for hour in (HOUR, HOUR + timedelta(hours=26)):
        capture(tmp_path / "capture", [record("a", time=hour)], hour, endpoint=endpoint)
    folders = f"{tmp_path / 'capture'}/churn/AllTraffic/2026/01/05/12 to 2026/01/05/14"
    why = reason(tmp_path)
    assert why.startswith(f"No records in this window: looked for capture files in {folders}; ")
    assert why.endswith(words)
    assert why.partition(": ")[2] in caplog.text


@pytest.mark.parametrize(
    ("line", "settings", "why"),
    [
        (record("e", time=LATER.start), {"preprocess": {"script": "drop.py"}}, "drop.py returned [] for each"),
        (b"{", {"max_rejected": 1.0}, "not JSON, perhaps cut off"),
    ],
)
def test_a_window_whose_records_made_no_row_says_so(
    tmp_path: Path, line: Any, settings: dict[str, Any], why: str
) -> None:
    capture(tmp_path / "capture", [line], LATER.start)
    (tmp_path / "drop.py").write_text("def preprocess_handler(record):\n    return []\n")
    execution = Execution.of(endpoint_file(tmp_path, **settings), "dq", LATER)
    document = Report.at(jobs.judge_window(execution)).execution
    assert document["status"] == "NoData"
    assert document["reason"].startswith("1 record of this window made no row to judge: ")
    assert document["reason"].endswith(why)


def test_another_variant_and_an_empty_folder_are_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "capture/churn/Blue/2026").mkdir(parents=True)
    assert reason(tmp_path).endswith("churn has no variant AllTraffic, but Blue")
    (tmp_path / "empty").mkdir()
    execution = Execution.of(endpoint_file(tmp_path, capture={"uri": str(tmp_path / "empty")}), "dq", LATER)
    jobs.collect_window(execution)
    assert "empty is empty, or not there" in caplog.text
