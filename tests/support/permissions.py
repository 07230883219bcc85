"""What users of an auth manager of Airflow get from the dashboard: for scripts that start one, as a process has one."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parents[1]
SEEN, HIDDEN = "seen-dq", "hidden-dq"
PATHS = ("/endpoints/seen", "/endpoints/hidden", f"/dag/{HIDDEN}", "/static/dashboard.css")


def set_up(folder: Path, manager: str, **settings: str) -> None:
    """The settings of Airflow, which it reads when it is first imported, and the path."""
    os.environ |= {
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(folder),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(folder),
        "AIRFLOW__CORE__AUTH_MANAGER": manager,
        "AIRFLOW__API_AUTH__JWT_SECRET": "only for this test, " * 4,
        "MODEL_MONITOR_ENDPOINTS": str(folder / "endpoints"),
        **settings,
    }
    sys.path[:0] = [str(place) for place in (TESTS, TESTS.parent / "include", TESTS.parent / "plugins")]


def describe(folder: Path) -> None:
    """Two endpoints with a history, and their DAGs in Airflow's tables."""
    from airflow.models.dag import DagModel
    from airflow.models.dagbundle import DagBundleModel
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
        session.add(DagBundleModel(name="d"))
        session.flush()
        session.add_all(
            DagModel(dag_id=name, bundle_name="d", fileloc="x", relative_fileloc="x", is_stale=False)
            for name in (SEEN, HIDDEN)
        )


def answers(client: Any, cookies: Mapping[str, Mapping[str, str]], root: str = "") -> dict[str, Any]:
    """The models that each user is shown, and the answers' codes; of "" those to who has not logged in."""
    found = {}
    for name, own in {"": {}, **cookies}.items():
        client.cookies = own
        models = client.get(f"{root}/api/")
        listed = [model["endpoint"] for model in models.json()["models"]] if models.status_code == 200 else None
        found[name] = [listed, *(client.get(root + path).status_code for path in PATHS)]
    return found


def rights(users: Mapping[str, Any]) -> dict[str, list[bool]]:
    """Whether each may read either DAG, edit either, and add endpoints."""
    from model_monitor_airflow.dashboard.viewer import AirflowViewer

    found = {}
    for name, user in users.items():
        viewer = AirflowViewer(user)
        read, edit = ([may(dag) for dag in (SEEN, HIDDEN)] for may in (viewer.may_read, viewer.may_edit))
        found[name] = [*read, *edit, viewer.may_add]
    return found
