"""Each query of the dashboard over the history's views is answered, with the columns that its panel needs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from support.captures import HOUR
from support.places import PROJECT
from support.postgres import Postgres
from support.reports import execution_of, labels_of, write

from model_monitor.history import tables
from model_monitor.history.database import History
from model_monitor.history.record import record

DASHBOARD = json.loads((PROJECT / "examples/grafana/history.json").read_text())
PANELS = [(panel, target) for panel in DASHBOARD["panels"] for target in panel["targets"]]
VARIABLES = [variable for variable in DASHBOARD["templating"]["list"] if variable["type"] == "query"]
CHOSEN = {
    "endpoint": ["churn"],
    "schedule": ["dq", "other"],
    "metric": ["accuracy", "baseline_drift_check"],
    "column": ["", "age"],
}


@pytest.fixture(scope="module")
def history(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> History:
    """Two windows with violations and labels, and an open alert."""
    root, history = tmp_path_factory.mktemp("store"), History.at(postgres.new_database())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MODEL_MONITOR_HISTORY", history.engine.url.render_as_string(hide_password=False))
        for hour in range(2):
            write(execution_of(Path(root), hour), labels=labels_of("final", "2026-01-06T05:00:00Z"))
            record(execution_of(Path(root), hour))
    about = {"endpoint": "churn", "variant": "v", "kind": "violations", "cause": "data", "schedule": "dq"}
    times = dict.fromkeys(("since", "opened", "last"), HOUR)
    with history.session() as session:
        session.add(tables.Incident(**about, **times, severity="warning", schedules="[]", subjects="[]", muted=False))
    return history


def filled_in(sql: str) -> str:
    """The query as Grafana sends it: its macro, and variables as quoted lists."""
    sql = sql.replace(
        "$__timeFilter(window_end)", "window_end BETWEEN '2026-01-01T00:00:00Z' AND '2026-02-01T00:00:00Z'"
    )
    for name, values in CHOSEN.items():
        sql = sql.replace(f"${{{name}:sqlstring}}", ",".join(f"'{value}'" for value in values))
    assert "$" not in sql
    return sql


def answered(history: History, sql: str) -> list[dict[str, Any]]:
    with history.reading() as session:
        return [dict(row) for row in session.execute(sa.text(filled_in(sql).replace(":", r"\:"))).mappings()]


@pytest.mark.parametrize(("panel", "target"), PANELS, ids=[panel["title"] for panel, _ in PANELS])
def test_a_panel_gets_rows_of_the_shape_that_it_draws(
    history: History, panel: dict[str, Any], target: dict[str, Any]
) -> None:
    rows = answered(history, target["rawSql"])
    assert rows
    if target["format"] == "time_series":
        assert set(rows[0]) == {"time", "metric", "value"}
        assert rows == sorted(rows, key=lambda row: row["time"])


@pytest.mark.parametrize("variable", VARIABLES, ids=[variable["name"] for variable in VARIABLES])
def test_a_variable_offers_what_there_is(history: History, variable: dict[str, Any]) -> None:
    offered = [value for row in answered(history, variable["query"]) for value in row.values()]
    assert set(CHOSEN[variable["name"]]) & set(offered) and len(offered) == len(set(offered))


def test_every_status_that_a_window_can_have_has_a_colour() -> None:
    from model_monitor.results import execution

    [timeline] = [panel for panel in DASHBOARD["panels"] if panel["type"] == "state-timeline"]
    [mapping] = timeline["fieldConfig"]["defaults"]["mappings"]
    statuses = {getattr(execution, name) for name in dir(execution) if isinstance(getattr(execution, name), str)}
    known = {
        "Completed",
        "CompletedWithViolations",
        "Failed",
        "NoData",
        "BaselineMissing",
        "Undefined",
        "LabelsPending",
    }
    assert known <= statuses and set(mapping["options"]) == known


def test_panels_lie_side_by_side_and_use_the_chosen_source() -> None:
    cells: set[tuple[int, int]] = set()
    for panel, target in PANELS:
        place = panel["gridPos"]
        own = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & own and max(x for x, _ in own) < 24
        cells |= own
        assert panel["datasource"]["uid"] == target["datasource"]["uid"] == "${datasource}"
