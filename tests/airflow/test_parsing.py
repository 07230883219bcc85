"""Parsing a DAG file costs little: what tasks import is theirs to import."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from support.places import INCLUDE, PROJECT

PARSE = """
import runpy, sys
from pathlib import Path
for path in sorted(Path(sys.argv[1]).glob("*.py")):
    runpy.run_path(str(path))
rooms = ("model_monitor.history.", "model_monitor.jobs", "model_monitor.alerts.", "alembic")
print([name for name in sys.modules if name.startswith(rooms) and name != "model_monitor.history.places"])
"""  # Airflow itself imports SQLAlchemy


def test_parsing_all_dags_imports_nothing_of_the_history(tmp_path: Path) -> None:
    paths = os.pathsep.join([str(INCLUDE), str(PROJECT / "plugins")])
    endpoints = str(INCLUDE / "endpoints")
    environment = os.environ | {"AIRFLOW_HOME": str(tmp_path), "PYTHONPATH": paths}
    environment["MODEL_MONITOR_ENDPOINTS"] = endpoints
    command = [sys.executable, "-c", PARSE, str(PROJECT / "dags")]
    seen = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert seen.stdout.splitlines()[-1] == "[]"
