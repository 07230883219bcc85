"""The forms on baselines change what Airflow's permissions allow, and only for the dashboard's own pages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.proposed import ANN, DQ, LIMIT, Place
from support.visited import Only

ROWS = '["dq", "rows", null, null]'
READER, STRANGER = Only(read=("dq",)), Only(read=("other",))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def client(project: Any, database: None, place: Place) -> Iterator[Any]:
    """A browser; ``client.viewer`` is who has logged in."""
    from airflow.api_fastapi.core_api.security import get_user
    from fastapi.testclient import TestClient

    from model_monitor_airflow.dashboard.app import application
    from model_monitor_airflow.dashboard.visits import visit_of

    app = application()
    with TestClient(app, follow_redirects=False) as client:
        client.viewer = ANN  # type: ignore[attr-defined]
        app.dependency_overrides[get_user] = lambda: "a user"
        app.dependency_overrides[visit_of] = lambda: place.visit(client.viewer)  # type: ignore[attr-defined]
        yield client


def forms(place: Place) -> dict[str, dict[str, Any]]:
    """Each form, with what a person could send."""
    about, seen = {**DQ, "version": Path(place.learn(100)).name}, place.page()[0].seen
    return {
        "/baselines/preview": {**about, "place": [LIMIT], "value": ["1.0"]},
        "/baselines/decide": {**about, "decision": "approved", "seen": seen},
        "/charts/keep": {"endpoint": "churn", "name": "mine", "pick": [ROWS]},
    }


@pytest.mark.parametrize(("viewer", "code"), [(READER, 403), (STRANGER, 404)])
def test_who_may_not_edit_the_dag_changes_nothing(client: Any, place: Place, viewer: Only, code: int) -> None:
    sent, client.viewer = forms(place), viewer
    files = place.files
    for path, form in sent.items():
        assert client.post(path, data=form).status_code == code, path
        assert client.post(f"/api{path}", json=form).status_code == code, path
    assert place.files == files


def test_a_form_of_another_site_changes_nothing(client: Any, place: Place) -> None:
    sent, files = forms(place), place.files
    for header in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://elsewhere.example"}):
        for path, form in sent.items():
            assert client.post(path, data=form, headers=header).status_code == 403
    assert place.files == files


def test_thresholds_are_tried_out_and_then_approved_by_forms(client: Any, place: Place) -> None:
    first = place.in_force
    about = {**DQ, "version": first}
    answer = client.post("/baselines/preview", data={**about, "place": [LIMIT], "value": ["1.0"]})
    assert answer.status_code == 303
    page = client.get(answer.headers["location"].removeprefix("/model-monitor"))
    assert page.status_code == 200 and "Of the last 5 windows 2 would flip" in page.text
    shown = client.get(answer.headers["location"].replace("/model-monitor", "/api", 1)).json()
    decision = {**about, "decision": "approved", "edit": shown["edit"], "seen": shown["seen"], "why": "season"}
    answer = client.post("/baselines/decide", data=decision)
    assert (answer.status_code, place.in_force != first) == (303, True)
    assert "approved by ann" in client.get(answer.headers["location"].removeprefix("/model-monitor")).text
    assert client.post("/api/baselines/decide", json=decision).status_code == 422  # it is another version's by now


def test_a_chart_is_kept_shown_and_deleted_by_forms(client: Any, place: Place) -> None:
    answer = client.post("/charts/keep", data={"endpoint": "churn", "name": "mine & yours", "pick": [ROWS]})
    assert answer.status_code == 303
    page = client.get(answer.headers["location"].removeprefix("/model-monitor"))
    assert "kept by ann" in page.text
    picked = client.get("/api/charts", params={"endpoint": "churn", "pick": [ROWS, '["dq", "columns", null, null]']})
    assert picked.status_code == 200 and picked.json()["kept"][0]["by"] == "ann"
    named = {"endpoint": "churn", "name": "mine & yours"}
    for viewer, code in ((READER, 403), (STRANGER, 404), (ANN, 303), (ANN, 404)):
        client.viewer = viewer
        assert client.post("/charts/delete", data=named).status_code == code


def test_what_a_form_lacks_is_said_in_words_and_is_no_fault_of_the_server(client: Any, place: Place) -> None:
    about = {**DQ, "version": place.in_force}
    for path, form in (
        ("/baselines/preview", {**about, "place": [LIMIT]}),
        ("/baselines/preview", {**about, "place": [LIMIT], "value": ["much"]}),
        ("/baselines/decide", {**about, "decision": "maybe"}),
        ("/baselines/decide", {**about, "decision": "approved", "seen": "x"}),
        ("/baselines/decide", {**about, "decision": "rejected"}),  # it is in force
        ("/baselines/decide", {}),
        ("/charts/keep", {"endpoint": "churn", "name": "", "pick": [ROWS]}),
        ("/charts/keep", {"endpoint": "churn", "name": "x", "pick": [ROWS], "period": "eon"}),
    ):
        assert client.post(path, data=form).status_code == 422, form
