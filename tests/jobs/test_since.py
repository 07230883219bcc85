"""The log and the command line say since when a window violates what it violates."""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path

import pytest
from support.captures import HOUR, capture, endpoint_file, record

from model_monitor import jobs
from model_monitor.__main__ import main
from model_monitor.config.execution import Assignment, Execution
from model_monitor.core.window import Window
from model_monitor.jobs import since
from model_monitor.results.reading import Report
from model_monitor.rows.sources.datasets import Dataset

HOURS = "aabbcb"  # the category that each hour's requests have more of: only a is like the baseline


@pytest.fixture
def file(tmp_path: Path) -> str:
    given = endpoint_file(tmp_path)
    assignment = Assignment.load(given, "dq")
    (tmp_path / "rows.csv").write_text("p,n,c\n" + "".join(f"{i % 10 / 10},{i % 7},a\n" for i in range(600)))
    state = jobs.observe_baseline(assignment, Dataset.at(str(tmp_path / "rows.csv"), "csv"))
    jobs.publish_baseline(assignment, jobs.suggest_constraints(assignment, state, "2026-01-05T00:00:00Z"))
    for hour, category in enumerate(HOURS):
        moment = HOUR + timedelta(hours=hour)
        asked = [
            record(f"{hour}-{i}", f"{i % 7},{category}\n", str(i % 10 / 10), moment + timedelta(minutes=i))
            for i in range(60)
        ]
        capture(tmp_path / "capture", asked, moment)
    return given


def on(file: str, hour: int) -> Execution:
    start = HOUR + timedelta(hours=hour)
    return Execution.of(file, "dq", Window(start, start + timedelta(hours=1)))


def test_a_violation_that_lasts_is_told_with_its_first_window(
    file: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    told = []
    with caplog.at_level(logging.INFO, "model_monitor.jobs"):
        for hour in range(len(HOURS)):
            caplog.clear()
            jobs.judge_window(on(file, hour))
            told.append([one.message for one in caplog.records if one.message.startswith("c: ")])
    assert not told[0] and not told[1]
    assert told[2] and not any("since" in line for line in told[2])
    first = f"since {HOUR + timedelta(hours=2):%Y-%m-%dT%H:%M:%SZ}"
    assert all(line.endswith(first) for hour in (3, 4, 5) for line in told[hour])
    tried = on(file, 3).window
    window = ["--start", f"{tried.start:%Y-%m-%dT%H:%MZ}", "--end", f"{tried.end:%Y-%m-%dT%H:%MZ}"]
    capsys.readouterr()
    main(["run", file, "dq", *window, "--output", str(tmp_path / "tried")])
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  c: ")]
    assert lines and all(line.endswith(first) for line in lines)


def test_a_violation_of_something_else_or_a_window_between_ends_it(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for hour in range(len(HOURS)):
        jobs.judge_window(on(file, hour))
    Path(on(file, 3).report, "execution.json").unlink()
    last = on(file, 5)
    document = Report.at(last.report).execution
    assert since.violated_in(on(file, 3)) == set()
    sentences = since.sentences_since(last, document)
    assert all(one.endswith(f"since {HOUR + timedelta(hours=4):%Y-%m-%dT%H:%M:%SZ}") for one in sentences)
    monkeypatch.setattr(since, "MOST", 0)
    assert not any("since" in one for one in since.sentences_since(last, document))
