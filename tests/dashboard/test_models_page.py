"""The page Models says which models are ill now, and since when."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.captures import HOUR
from support.reports import labels_of, window
from support.visited import HOLDS, VIOLATED, Only, endpoint, judged, seen, visit

DQ = {"name": "dq", "monitor": "data_quality"}


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Three endpoints: one whose last two windows were violated, a healthy one, and one that never ran."""
    ill = endpoint(tmp_path, "ill", [DQ | {"name": "ill-dq"}], alerts={"owner": "team-a", "severity": "critical"})
    well = endpoint(tmp_path, "well", [DQ | {"name": "well-dq"}], tags=["prices"])
    idle = endpoint(tmp_path, "idle", [DQ | {"name": "idle-dq"}])
    for hour in range(4):
        judged(ill, "ill-dq", hour, VIOLATED if hour > 1 else HOLDS)
        judged(well, "well-dq", hour, labels=labels_of("provisional", "2026-01-05T12:00:00Z"))
    return [well, idle, ill]


def test_the_worst_is_first_and_says_since_when(files: list[Path]) -> None:
    shown, text = seen(visit(*files), "models")
    assert [(m.endpoint, m.condition.words) for m in shown.models] == [
        ("ill", "violated"),
        ("idle", "no data"),
        ("well", "healthy"),
    ]
    assert shown.models[0].condition.since == window(2).start
    assert (shown.ill, shown.total) == (1, 3)
    assert "1 of 3 models is ill" in text and f"since {HOUR:%Y-%m-%d}" in text


def test_a_row_has_strip_traffic_labels_risk_and_each_usual_monitor(files: list[Path]) -> None:
    shown, text = seen(visit(*files), "models")
    ill, _, well = shown.models
    assert [tick.health for tick in ill.strip] == ["healthy", "healthy", "violated", "violated"]
    assert all(tick.provisional for tick in well.strip) and 'class="healthy provisional"' in text
    assert ill.traffic == (60, 60, 60, 60) and well.coverage == (0.5, 0.5, 0.5, 0.5) and ill.coverage == ()
    assert (ill.risk, well.risk, ill.owner) == ("critical", "warning", "team-a")
    words = {monitor.monitor: monitor.condition.words for monitor in ill.monitors}
    assert words == {"data_quality": "violated"} | dict.fromkeys(
        ("model_quality", "bias", "attribution", "traffic"), "no monitor"
    )


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"owner": "team-a"}, ["ill"]),
        ({"tag": "prices"}, ["well"]),
        ({"state": "healthy"}, ["well"]),
        ({"tag": "prices", "state": "violated"}, []),
        ({"owner": "<script>"}, []),
    ],
)
def test_filters_leave_the_others_out(files: list[Path], query: dict[str, str], names: list[str]) -> None:
    shown, text = seen(visit(*files), "models", **query)
    assert [model.endpoint for model in shown.models] == names
    assert shown.total == 3 and "<script>" not in text


def test_a_long_list_has_pages_which_keep_the_filters(files: list[Path]) -> None:
    names, page = [], 1
    while True:
        shown, text = seen(visit(*files), "models", page=page, limit=1)
        assert (shown.total, shown.ill, shown.fitting, len(shown.models)) == (3, 1, 3, 1)
        names += [model.endpoint for model in shown.models]
        if shown.next is None:
            break
        assert f'href="/model-monitor/?page={page + 1}" rel="next"' in text
        page = shown.next
    assert names == ["ill", "idle", "well"] and 'rel="next"' not in text
    shown, text = seen(visit(*files), "models", tag="prices", limit=1)
    assert (shown.fitting, shown.next) == (1, None) and 'aria-label="Pages"' not in text


def test_who_may_not_read_a_dag_sees_nothing_of_it_not_even_in_counts(files: list[Path]) -> None:
    shown, text = seen(visit(*files, viewer=Only({"well-dq"})), "models")
    assert (shown.total, shown.ill, shown.owners, shown.counts) == (1, 0, (), {"healthy": 1})
    assert "ill-dq" not in text and "team-a" not in text
