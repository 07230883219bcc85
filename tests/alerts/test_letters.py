"""The chart of a message: what its number did over windows, what chance alone reaches, and while alerts were open."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.reports import FINDINGS, labels_of, window
from support.visited import HOLDS, endpoint, judged

from model_monitor import config, jobs
from model_monitor.alerts.letters import Letter, course_of
from model_monitor.config.execution import Assignment
from model_monitor.core.window import iso
from model_monitor.history.database import History
from model_monitor.jobs.deliver import chart_of
from model_monitor.results.charts import Span, course, svg

ACCURACY, COMPLETE, DRIFT, _ = FINDINGS


def test_the_chart_of_a_message_shows_intervals_chance_provisional_windows_and_open_alerts(tmp_path: Path) -> None:
    schedule = {"name": "dq", "monitor": "data_quality"}
    file = endpoint(tmp_path, "churn", [schedule], alerts={"to": [{"webhook": "pager"}]})
    findings = [HOLDS, FINDINGS, HOLDS, FINDINGS]
    for hour, found in enumerate(findings):
        labels = labels_of("provisional", "2026-01-05T09:00:00Z") if hour == 3 else None
        judged(file, "dq", hour, found, labels)
        jobs.alert(Assignment.load(file, "dq").on(window(hour)), "always")
    letters: list[Letter] = []
    jobs.deliver(config.load(file), lambda destination, letter: letters.append(letter))
    (letter,), history = letters, History.of(config.load(file))
    about = {**letter.message, "window": {"end": iso(window(3).end)}}
    chart = chart_of(history, replace(letter, message=about))
    assert chart and chart.startswith(b"\x89PNG")
    with history.reading() as session:
        by_check = {
            finding["check"]: course_of(session, replace(letter, message=about | {"findings": [finding]}))
            for finding in about["findings"]
        }
    points, alerts = by_check["LessThanThreshold"]
    assert [point.start for point in points] == [window(1).start, window(3).start]
    assert [point.provisional for point in points] == [False, True]
    last = points[-1]
    assert (last.observed, last.chance) == (0.7, pytest.approx((0.75, 0.8)))
    assert last.interval == pytest.approx((0.504, 0.896), abs=1e-3)
    assert by_check["baseline_drift_check"][0][-1][5:] == ((0.0, 0.02), True, None)
    assert alerts == [Span(window(1).start, None)]
    drawn = svg(course(points, "accuracy", alerts=alerts)).replace("\u00a0", " ")
    for mark in ("band: chance alone", "bars: 95 % intervals", "hollow: provisional", "shaded: alert open"):
        assert mark in drawn
