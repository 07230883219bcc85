"""What users of Airflow's FAB auth manager get from the dashboard, as JSON: ``python fab_permissions.py FOLDER``.

A process of its own, as an Airflow has one auth manager. FAB's tables, roles and permissions are real.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parents[1]
MANAGER = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
SEEN, HIDDEN = "seen-dq", "hidden-dq"
PATHS = ("/endpoints/seen", "/endpoints/hidden", f"/dag/{HIDDEN}", "/static/dashboard.css")
ROLES = {
    "reader": [("can_read", f"DAG:{SEEN}")],
    "editor": [("can_read", f"DAG:{SEEN}"), ("can_edit", f"DAG:{SEEN}")],
    "nobody": [],
    "all": [("can_read", "DAGs"), ("can_edit", "DAGs")],
}


def main(folder: Path) -> None:
    os.environ |= {
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(folder),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(folder),
        "AIRFLOW__CORE__AUTH_MANAGER": MANAGER,
        "AIRFLOW__API_AUTH__JWT_SECRET": "only for this test, " * 4,
        "MODEL_MONITOR_ENDPOINTS": str(folder / "endpoints"),
    }
    sys.path[:0] = [str(place) for place in (TESTS, TESTS.parent / "include", TESTS.parent / "plugins")]
    describe(folder)
    app, users = made_users()
    with app.app_context():
        print(json.dumps({"pages": answers(users), "viewers": rights(users)}))


def describe(folder: Path) -> None:
    """Two endpoints with a history, and their DAGs in Airflow's and FAB's tables."""
    from airflow.models.dag import DagModel
    from airflow.models.dagbundle import DagBundleModel
    from airflow.providers.fab.auth_manager.models.db import FABDBManager
    from airflow.utils.db import initdb
    from airflow.utils.session import create_session

    from support.visited import VIOLATED, endpoint, judged

    (folder / "endpoints").mkdir()
    for name, schedule in (("seen", SEEN), ("hidden", HIDDEN)):
        file = endpoint(folder, name, [{"name": schedule, "monitor": "data_quality"}])
        judged(file, schedule, 0, VIOLATED)
        file.rename(folder / "endpoints" / f"{name}.yaml")
    initdb()
    with create_session() as session:
        FABDBManager(session).initdb()
        session.add(DagBundleModel(name="d"))
        session.flush()
        session.add_all(
            DagModel(dag_id=name, bundle_name="d", fileloc="x", relative_fileloc="x", is_stale=False)
            for name in (SEEN, HIDDEN)
        )


def made_users() -> tuple[Any, dict[str, Any]]:
    """FAB's own application, and a user for each role, with the same name."""
    from airflow.api_fastapi.app import create_auth_manager
    from airflow.providers.fab.www.app import create_app

    create_auth_manager().init()
    with (app := create_app(enable_plugins=False)).app_context():
        manager = app.appbuilder.sm
        for dag in (SEEN, HIDDEN):
            manager.sync_perm_for_dag(dag, None)
        users = {}
        for name, permissions in ROLES.items():
            role = manager.add_role(name)
            for action, resource in permissions:
                permission = manager.get_permission(action, resource) or manager.create_permission(action, resource)
                manager.add_permission_to_role(role, permission)
            users[name] = manager.add_user(name, "a", "b", f"{name}@example.org", role, "password")
    return app, users


def answers(users: dict[str, Any]) -> dict[str, Any]:
    """The models that each user is shown, and the answers' codes; of "" those to who has not logged in."""
    from airflow.api_fastapi.app import get_auth_manager
    from fastapi.testclient import TestClient

    from model_monitor_airflow.dashboard.app import application

    client, found = TestClient(application(), follow_redirects=False), {}
    tokens = {name: get_auth_manager().generate_jwt(user) for name, user in users.items()}
    for name, token in {"": None, **tokens}.items():
        client.cookies = {"_token": token} if token else {}
        models = client.get("/api/")
        listed = [model["endpoint"] for model in models.json()["models"]] if models.status_code == 200 else None
        found[name] = [listed, *(client.get(path).status_code for path in PATHS)]
    return found


def rights(users: dict[str, Any]) -> dict[str, list[bool]]:
    """Whether each may read either DAG, edit either, and add endpoints."""
    from model_monitor_airflow.dashboard.viewer import AirflowViewer

    found = {}
    for name, user in users.items():
        viewer = AirflowViewer(user)
        read, edit = ([may(dag) for dag in (SEEN, HIDDEN)] for may in (viewer.may_read, viewer.may_edit))
        found[name] = [*read, *edit, viewer.may_add]
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]))
