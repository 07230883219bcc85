"""What users of Airflow's FAB auth manager get from the dashboard, as JSON: ``python fab_permissions.py FOLDER``.

FAB's tables, roles and permissions are real.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from support.permissions import HIDDEN, SEEN, answers, describe, rights, set_up

MANAGER = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
ROLES = {
    "reader": [("can_read", f"DAG:{SEEN}")],
    "editor": [("can_read", f"DAG:{SEEN}"), ("can_edit", f"DAG:{SEEN}")],
    "nobody": [],
    "all": [("can_read", "DAGs"), ("can_edit", "DAGs")],
}


def main(folder: Path) -> None:
    set_up(folder, MANAGER)
    describe(folder)
    app, users = made_users()
    with app.app_context():
        from airflow.api_fastapi.app import get_auth_manager
        from fastapi.testclient import TestClient

        from model_monitor_airflow.dashboard.app import application

        cookies = {name: {"_token": get_auth_manager().generate_jwt(user)} for name, user in users.items()}
        client = TestClient(application(), follow_redirects=False)
        print(json.dumps({"pages": answers(client, cookies), "viewers": rights(users)}))


def made_users() -> tuple[Any, dict[str, Any]]:
    """FAB's own application, and a user for each role, with the same name."""
    from airflow.api_fastapi.app import create_auth_manager
    from airflow.providers.fab.auth_manager.models.db import FABDBManager
    from airflow.providers.fab.www.app import create_app
    from airflow.utils.session import create_session

    with create_session() as session:
        FABDBManager(session).initdb()
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


if __name__ == "__main__":
    main(Path(sys.argv[1]))
