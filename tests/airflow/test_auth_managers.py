"""The dashboard keeps to the permissions of Airflow's FAB and Keycloak auth managers, where those are installed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPTS = Path(__file__).parents[1] / "support"
NOBODY = [None, 401, 401, 401, 401]
PAGES = {
    "": NOBODY,
    "reader": [["seen"], 200, 404, 403, 200],
    "editor": [["seen"], 200, 404, 403, 200],
    "nobody": [[], 404, 404, 403, 200],
    "all": [["hidden", "seen"], 200, 200, 303, 200],
}
RIGHTS = {
    "reader": [True, False, False, False, False],
    "editor": [True, False, True, False, False],
    "nobody": [False, False, False, False, False],
    "all": [True, True, True, True, True],
}


def found_by(script: str, folder: Path) -> Any:
    command = [sys.executable, str(SCRIPTS / script), str(folder)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-2000:]
    return json.loads(run.stdout.splitlines()[-1])


def test_users_of_fab_see_and_change_what_their_roles_say(tmp_path: Path) -> None:
    pytest.importorskip("airflow.providers.fab", reason="pip install apache-airflow-providers-fab")
    assert found_by("fab_permissions.py", tmp_path) == {"pages": PAGES, "viewers": RIGHTS}


def test_users_of_keycloak_see_and_change_what_keycloak_grants(tmp_path: Path) -> None:
    """In a browser, whose cookies have Keycloak's token, and in a program, whose token has it inside. A login without
    Keycloak's, or with somebody else's, is none."""
    pytest.importorskip("airflow.providers.keycloak", reason="pip install apache-airflow-providers-keycloak")
    found = found_by("keycloak_permissions.py", tmp_path)
    assert found["pages"] == found["of_programs"] == PAGES and found["viewers"] == RIGHTS
    assert found["of_another_s_token"] == found["without_keycloak_s"] == NOBODY
