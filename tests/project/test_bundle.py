"""Does `make bundle` hold all that another Airflow needs, and none of the demo?"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from support.places import PROJECT


@pytest.mark.skipif(not (PROJECT / ".uv/bin/uv").exists(), reason="uv is not installed in .uv")
def test_a_bundle_has_wheel_dags_and_plugins_and_no_endpoint_of_ours(tmp_path: Path) -> None:
    code = "import sys, pathlib; sys.path.insert(0, 'scripts'); import bundle; bundle.main(pathlib.Path(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", code, tmp_path / "b"], cwd=PROJECT, check=True, capture_output=True)
    [wheel] = (tmp_path / "b/wheels").glob("*.whl")
    assert any(name.endswith("templates/report.html.j2") for name in zipfile.ZipFile(wheel).namelist())
    plugins = zipfile.ZipFile(tmp_path / "b/plugins.zip").namelist()
    assert {wheel.name, "model_monitor_plugin.py", "model_monitor_airflow/.airflowignore"} <= set(plugins)
    assert (tmp_path / "b/dags/monitors.py").exists() and not list((tmp_path / "b/endpoints").glob("*.yaml"))
    for file in ("requirements.txt", "requirements-mwaa.txt"):
        assert wheel.name in (tmp_path / "b" / file).read_text()
