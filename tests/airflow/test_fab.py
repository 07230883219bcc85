"""The dashboard keeps to the permissions of Airflow's FAB auth manager, where that is installed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "support" / "fab_permissions.py"


def test_users_of_fab_see_and_change_what_their_roles_say(tmp_path: Path) -> None:
    pytest.importorskip("airflow.providers.fab", reason="pip install apache-airflow-providers-fab")
    run = subprocess.run([sys.executable, str(SCRIPT), str(tmp_path)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-2000:]
    found = json.loads(run.stdout.splitlines()[-1])
    assert found["pages"] == {
        "": [None, 401, 401, 401, 401],
        "reader": [["seen"], 200, 404, 403, 200],
        "editor": [["seen"], 200, 404, 403, 200],
        "nobody": [[], 404, 404, 403, 200],
        "all": [["hidden", "seen"], 200, 200, 303, 200],
    }
    assert found["viewers"] == {
        "reader": [True, False, False, False, False],
        "editor": [True, False, True, False, False],
        "nobody": [False, False, False, False, False],
        "all": [True, True, True, True, True],
    }
