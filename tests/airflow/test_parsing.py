"""Parsing a DAG file costs little: what tasks import is theirs to import."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

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


SCHEDULES = 100
MANY = r"""
import json, os, re, sys, time
import airflow
from airflow.dag_processing.dagbag import DagBag
began, dags = time.process_time(), {}
for name in ("monitors", "baselines"):
    dags |= DagBag(f"{sys.argv[1]}/{name}.py").dags
print(json.dumps({
    "dags": sorted(dags),
    "seconds": time.process_time() - began,
    "mebibytes": int(re.search(r"VmHWM:\s+(\d+) kB", open("/proc/self/status").read())[1]) / 1024,
    "timetables": len({id(dag.timetable) for dag in dags.values() if dag.timetable.can_be_scheduled}),
    "copies": sum(len({*task.params} & {*dag.params}) for dag in dags.values() for task in dag.tasks),
    "params": sum(len(dag.params) for dag in dags.values()),
}))
"""


def parsed(folder: Path, dag_id: str | None = None) -> dict[str, Any]:
    """What it costs to parse ``SCHEDULES`` schedules, as a worker that runs a task of a DAG does if one is named."""
    (folder / "endpoints").mkdir(exist_ok=True)
    for i in range(SCHEDULES):
        text = (
            f"{{endpoint: e{i}, capture: {{uri: c}}, output: o, schedules: [{{name: s{i:03}, monitor: data_quality}}]}}"
        )
        (folder / f"endpoints/e{i}.yaml").write_text(text)
    paths = os.pathsep.join([str(INCLUDE), str(PROJECT / "plugins")])
    environment = os.environ | {"AIRFLOW_HOME": str(folder), "PYTHONPATH": paths}
    environment["MODEL_MONITOR_ENDPOINTS"] = str(folder / "endpoints")
    environment |= (
        {"_AIRFLOW_PARSING_CONTEXT_DAG_ID": dag_id, "_AIRFLOW_PARSING_CONTEXT_TASK_ID": "t"} if dag_id else {}
    )
    command = [sys.executable, "-c", MANY, str(PROJECT / "dags")]
    seen = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return dict(json.loads(seen.stdout.splitlines()[-1]))


def test_many_schedules_share_what_is_dear_and_a_worker_parses_its_own_dag_alone(tmp_path: Path) -> None:
    """Twice the time of 500 schedules in 5 s and of one in half a second: the machine may be busy."""
    many = parsed(tmp_path)
    assert len(many["dags"]) == 2 * SCHEDULES and many["params"] == 6 * SCHEDULES
    assert many["timetables"] == 1 and many["copies"] == 0
    assert many["seconds"] < 2 * 5 * SCHEDULES / 500 and many["mebibytes"] < 300
    one = parsed(tmp_path, "s007")
    assert one["dags"] == ["s007"] and one["seconds"] < 2 * 0.5
