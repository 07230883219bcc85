"""What a caller of the endpoint names never forges a line of a log or a terminal's commands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_monitor.errors import printable
from model_monitor.results.execution import summary

HOSTILE = ["plan\n[INFO] Completed", "\x1b[2J", "a\rb", "\u2028", "\u202egnp.exe", "\x85", "\x00", "\ud800"]
DOCUMENT = {
    "status": "CompletedWithViolations",
    "reason": "",
    "schedule": "s",
    "window": {"start": "a", "end": "b"},
    "counts": {"judged": 1, "rejected": 0, "unusable": 0},
    "violations": 1,
    "undefined": 0,
    "findings": [],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_names_in_an_alert_are_printable(name: str) -> None:
    violation = {"feature_name": name, "constraint_check_type": "extra_column_check", "description": f"Extra: {name}"}
    said = summary(DOCUMENT | {"reason": name}, "report", [violation])
    assert all(text.isprintable() for text in [said["message"], *said["details"]])


@given(st.text())
def test_a_printable_text_stays_and_any_becomes_one(text: str) -> None:
    assert printable(text).isprintable()
    if text.isprintable():
        assert printable(text) == text
