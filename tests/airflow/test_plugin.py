"""Airflow gets one plugin of ours, and no module with a name that others may use."""

from __future__ import annotations

import os
import subprocess
import sys

from conftest import ROOT


def test_loading_plugins_registers_the_timetable_and_leaves_no_top_level_module_of_a_common_name(tmp_path) -> None:
    ours = sorted(path.stem for path in (ROOT / "plugins/model_monitor_airflow").rglob("*.py"))
    code = f"""
import sys
from airflow import plugins_manager
plugins, errors = plugins_manager._get_plugins()
print(errors, [timetable.__name__ for p in plugins if p.name == "model_monitor" for timetable in p.timetables])
print(sorted(sys.modules.keys() & set({ours!r})))
"""
    environment = os.environ | {
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "PYTHONPATH": str(ROOT / "include"),
    }
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    plugins, top_level = done.stdout.splitlines()[-2:]
    assert plugins == "{} ['UpcomingTimetable', 'WindowTimetable']"
    assert top_level == "[]"
