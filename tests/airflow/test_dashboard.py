"""Every path of the dashboard asks Airflow's auth manager, also those that are added later."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.reports import window, write_page
from support.visited import VIOLATED, endpoint, judged

from model_monitor.config.execution import Assignment

SEEN, HIDDEN = "seen-dq", "hidden-dq"
COLUMN = "<script>alert(1)</script>"
ANSWERS = {  # for what stands in braces in a path
    "endpoint": "hidden",
    "schedule": HIDDEN,
    "dag_id": HIDDEN,
    "run_id": "manual__1",
    "start": f"{window(0).start:%Y-%m-%dT%H:%M:%SZ}",
    "end": f"{window(0).end:%Y-%m-%dT%H:%M:%SZ}",
    "name": "dashboard.css",
    "path": "no/such/page",
}
QUERY = {"column": "age", "metric": "accuracy", "schedule": HIDDEN, "endpoint": "hidden", "window": ANSWERS["start"]}


@pytest.fixture(scope="module")
def endpoints(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Two endpoints with a history, as the only ones that this process's Airflow knows."""
    folder = tmp_path_factory.mktemp("dashboard")
    with pytest.MonkeyPatch.context() as patch:
        (folder / "endpoints").mkdir()
        for name, schedule in (("seen", SEEN), ("hidden", HIDDEN)):
            file = endpoint(folder, name, [{"name": schedule, "monitor": "data_quality"}])
            for hour in range(3):
                judged(file, schedule, hour, VIOLATED)
            write_page(Assignment.load(file, schedule).on(window(0)).report, [])
            file.rename(folder / "endpoints" / f"{name}.yaml")
        patch.setenv("MODEL_MONITOR_ENDPOINTS", str(folder / "endpoints"))
        yield folder


@pytest.fixture(scope="module")
def app(endpoints: Path, database: None) -> Iterator[Any]:
    """The application beside an auth manager of Airflow that decides for each DAG, as FAB's and Keycloak's do."""
    from airflow.api_fastapi.app import _AuthManagerState
    from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager
    from airflow.models.dag import DagModel
    from airflow.models.dagbundle import DagBundleModel
    from airflow.utils.session import create_session

    from model_monitor_airflow.dashboard.app import application

    class PerDag(SimpleAuthManager):
        """The roles viewer and user, for the DAGs only that the user's name lists."""

        def is_authorized_dag(self, *, method: Any, user: Any, access_entity: Any = None, details: Any = None) -> bool:
            named = details is None or details.id is None or details.id in user.username.split()
            return named and super().is_authorized_dag(
                method=method, user=user, access_entity=access_entity, details=details
            )

    with create_session() as session:
        if session.get(DagBundleModel, "dashboard") is None:
            session.add(DagBundleModel(name="dashboard"))
            session.flush()
            session.add_all(
                DagModel(dag_id=name, bundle_name="dashboard", fileloc="x", relative_fileloc="x", is_stale=False)
                for name in (SEEN, HIDDEN)
            )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_AuthManagerState, "instance", PerDag())
        yield application()


Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def ask(app: Any) -> Ask:
    """Asks as somebody: ``ask(method, path, dags, role)``; without ``dags`` as nobody."""
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from fastapi.testclient import TestClient

    client = TestClient(app, follow_redirects=False)

    def asking(method: str, path: str, dags: str | None = None, role: str = "viewer", **more: Any) -> Any:
        cookies = {}
        if dags is not None:
            user = SimpleAuthManagerUser(username=dags or "nobody", role=role)
            cookies = {"_token": get_auth_manager().generate_jwt(user)}
        client.cookies = cookies
        return client.request(method, path, **more)

    return asking


def paths(app: Any) -> list[tuple[str, str]]:
    """Each method and path that the router knows, about what is hidden."""
    return [
        (method, re.sub(r"\{(\w+)(?::path)?\}", lambda match: ANSWERS[match[1]], route.path))
        for route in app.routes
        for method in sorted(route.methods)
    ]


def test_without_a_login_every_path_says_401(app: Any, ask: Ask) -> None:
    known = paths(app)
    assert {"/", "/api/", "/static/dashboard.css", "/api/openapi.json", "/no/such/page"} <= {path for _, path in known}
    answers = {(method, path): ask(method, path).status_code for method, path in known}
    assert set(answers.values()) == {401}, answers
    assert "log in" in ask("GET", "/").text


def test_a_dag_that_one_may_not_read_looks_on_every_path_as_if_it_were_not_there(app: Any, ask: Ask) -> None:
    """The answers are those about a name that nothing has."""
    for method, path in paths(app):
        for query in ({}, QUERY):
            about = {name: value.replace("hidden", "absent") for name, value in query.items()}
            answer = ask(method, path, SEEN, "admin", params=query)
            absent = ask(method, path.replace("hidden", "absent"), SEEN, "admin", params=about)
            assert answer.status_code in (200, 403, 404, 422), (method, path)
            assert answer.status_code == absent.status_code, (method, path)
            texts = [one.text.replace("hidden", "absent") for one in (answer, absent)]  # a form has hidden fields
            assert texts[0] == texts[1], (method, path)


def test_who_may_read_a_dag_gets_its_pages(app: Any, ask: Ask) -> None:
    """Else the test above would hold of a dashboard that shows nothing."""
    for path in (
        "/",
        "/endpoints/hidden",
        "/executions",
        f"/endpoints/hidden/executions/{HIDDEN}/{ANSWERS['start']}/{ANSWERS['end']}",
    ):
        page, data = ask("GET", path, HIDDEN), ask("GET", f"/api{path}", HIDDEN)
        assert (page.status_code, data.status_code) == (200, 200), (path, page.text[-500:])
        assert "hidden" in page.text and "hidden" in str(data.json())
        assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    page = ask("GET", f"/endpoints/hidden/executions/{HIDDEN}/{ANSWERS['start']}/{ANSWERS['end']}/report.html", HIDDEN)
    assert page.status_code == 200 and "'unsafe" not in page.headers["Content-Security-Policy"]
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert ask("GET", f"/dag/{HIDDEN}", HIDDEN).headers["location"].startswith("/endpoints/hidden")


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        ({"sec-fetch-site": "cross-site"}, True),
        ({"sec-fetch-site": "same-site"}, True),
        ({"origin": "https://elsewhere.example"}, True),
        ({"origin": "null"}, True),
        ({"sec-fetch-site": "same-origin", "origin": "http://testserver"}, False),
        ({"origin": "http://testserver"}, False),
        ({}, False),
    ],
)
def test_a_page_of_another_site_can_not_change_anything(ask: Ask, headers: dict[str, str], refused: bool) -> None:
    answer = ask("POST", "/no/such/act", SEEN, "admin", headers=headers)
    assert answer.status_code == (403 if refused else 404)


def test_an_act_needs_the_permission_to_edit_each_dag(app: Any) -> None:
    from pydantic import BaseModel
    from support.visited import Only, visit

    class Nothing(BaseModel):
        """A form without fields."""

    from model_monitor.dashboard.visit import NoSuchPage
    from model_monitor_airflow.dashboard.actions import Action, NotAllowed
    from model_monitor_airflow.dashboard.visits import endpoint_files

    action = Action("/x", Nothing, lambda visit, form: [SEEN, HIDDEN], lambda visit, form: "done")
    files = endpoint_files()
    answers = []
    for viewer in (Only({SEEN}, {SEEN}), Only({SEEN, HIDDEN}, {SEEN}), Only({SEEN, HIDDEN}, {SEEN, HIDDEN})):
        try:
            answers.append(action(visit(*files, viewer=viewer), Nothing()))
        except (NoSuchPage, NotAllowed) as error:
            answers.append(type(error))
    assert answers == [NoSuchPage, NotAllowed, "done"]


def test_a_new_monitor_is_for_those_who_may_edit_dags(ask: Ask, endpoints: Path, monkeypatch: Any) -> None:
    """The form as a browser sends it, with lists in it: looked at, shown, saved, and not by others."""
    from support.drafted import table
    from support.forms import Fields

    folder = endpoints / "endpoints"
    monkeypatch.setenv("MODEL_MONITOR_NEW_BELOW", str(endpoints / "logs"))
    monkeypatch.setenv("MODEL_MONITOR_NEW_MAY_SAVE", "true")
    table(endpoints / "logs" / "churn")
    query = {"address": str(endpoints / "logs")}
    for path in ("/new", "/api/new"):
        assert ask("GET", path, f"{SEEN} {HIDDEN}", params=query).status_code == 403  # a viewer
    looked = ask("GET", "/new", SEEN, "user", params=query)
    assert looked.status_code == 200 and "request_time" in looked.text
    shown = ask("GET", "/new", SEEN, "user", params=Fields(looked.text).sent("new"))
    form = Fields(shown.text).sent("save")
    for path in ("/new/save", "/api/new/save"):
        body = {"json": form} if path.startswith("/api") else {"data": form}
        assert ask("POST", path, f"{SEEN} {HIDDEN}", **body).status_code == 403
        assert ask("POST", path, SEEN, "user", headers={"sec-fetch-site": "cross-site"}, **body).status_code == 403
    assert not (folder / "churn.yaml").exists()
    saved = ask("POST", "/new/save", SEEN, "user", data=form)
    assert (saved.status_code, saved.headers.get("location")) == (303, "/new?saved=churn"), saved.text
    again = ask("POST", "/new/save", SEEN, "user", data=form)
    assert "show=trial" in again.headers["location"]
    assert ask("GET", again.headers["location"], SEEN, "user").status_code == 200
    assert "Airflow does not show its DAGs yet" in ask("GET", "/new?saved=churn", SEEN, "user").text
    (folder / "churn.yaml").unlink()


def test_the_buttons_of_a_schedule_are_for_those_who_may_use_them(ask: Ask) -> None:
    for role, has in (("viewer", False), ("user", True)):
        page = ask("GET", "/endpoints/seen", SEEN, role)
        assert ('data-act="run"' in page.text, 'data-act="start"' in page.text) == (has, has)
        assert (ask("GET", "/api/endpoints/seen", SEEN, role).json()["control"] is not None) == has


def test_whatever_is_asked_no_path_fails(app: Any, ask: Ask) -> None:
    """Schemathesis makes requests from the OpenAPI that the dashboard publishes."""
    import schemathesis
    from hypothesis import HealthCheck, given, settings

    schema = schemathesis.openapi.from_dict(ask("GET", "/api/openapi.json", SEEN).json())
    operations = [result.ok() for result in schema.get_all_operations()]
    assert {"/api/", "/api/executions", "/api/endpoints/{endpoint}"} <= {operation.path for operation in operations}
    for operation in operations:

        @given(case=operation.as_strategy())
        @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        def no_fault(case: Any) -> None:
            query = dict(case.query or {})
            more: dict[str, Any] = {"json": case.body} if case.method == "POST" else {}
            answer = ask(case.method, case.formatted_path, f"{SEEN} {HIDDEN}", "admin", params=query, **more)
            assert answer.status_code < 500, (case.formatted_path, query, answer.text[:300])

        no_fault()


@pytest.mark.parametrize("name", ["../../../etc/passwd", COLUMN, "é" * 10_000, "a\nb", "%00", "x" * 20_001])
@pytest.mark.parametrize("path", ["/endpoints/{}", "/executions?endpoint={}", "/?tag={}", "/static/{}", "/dag/{}"])
def test_a_hostile_name_is_inert(ask: Ask, path: str, name: str) -> None:
    from urllib.parse import quote

    for prefix in ("", "/api"):
        answer = ask("GET", prefix + path.format(quote(name, safe="")), f"{SEEN} {HIDDEN}")
        assert answer.status_code in (200, 403, 404, 422)
        is_page = answer.headers["content-type"].startswith("text/html")
        assert not (is_page and "<script>alert" in answer.text) and "root:" not in answer.text
