"""What an Airflow that is there already needs of us, in one folder: for `make bundle` and docs/existing-airflow.md."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
EXTRAS = "analysis,history,charts,expectations"
MWAA = "/usr/local/airflow/plugins"  # where MWAA unpacks plugins.zip
IGNORED = shutil.ignore_patterns("__pycache__")


def main(folder: Path = PROJECT / "build/bundle") -> int:
    shutil.rmtree(folder, ignore_errors=True)
    wheels = folder / "wheels"
    subprocess.run([PROJECT / ".uv/bin/uv", "build", "--quiet", "--wheel", "--out-dir", wheels, PROJECT], check=True)
    [wheel] = wheels.glob("*.whl")
    for name in ("dags", "plugins"):
        shutil.copytree(PROJECT / name, folder / name, ignore=IGNORED)
    (folder / "endpoints").mkdir()
    shutil.copy(PROJECT / "include/endpoints/endpoint.schema.json", folder / "endpoints")
    (folder / "requirements.txt").write_text(f"./wheels/{wheel.name}[{EXTRAS}]\n")
    (folder / "requirements-mwaa.txt").write_text(f"model-monitor[{EXTRAS}] @ file://{MWAA}/{wheel.name}\n")
    with zipfile.ZipFile(folder / "plugins.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(wheel, wheel.name)
        for path in sorted((folder / "plugins").rglob("*")):
            archive.write(path, path.relative_to(folder / "plugins"))
    print(f"{folder}: dags, plugins, requirements, wheel; docs/existing-airflow.md says what goes where")
    return 0


if __name__ == "__main__":
    sys.exit(main())
