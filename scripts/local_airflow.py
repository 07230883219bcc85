"""Run Airflow on this machine, without a container: for `make demo`, `make ui` and the tests.

    python scripts/local_airflow.py ui [--home DIR] [--port N]

starts a scheduler, a DAG processor, a triggerer and the web server on 127.0.0.1 and serves until Ctrl-C. In Python:

    with LocalAirflow(home, project) as airflow:
        airflow.wait_for_dags("churn-data-quality")
        airflow.backfill("churn-data-quality", "2026-01-01T00:00:00Z", "2026-01-01T23:00:00Z")
        airflow.unpause("churn-data-quality")
        airflow.wait_for_runs("churn-data-quality", 24)

SQLite and four tasks at once: enough for one person on one machine. For more, see ``docker-compose.yaml``.

Not by ``airflow standalone``: its log servers listen on all interfaces, and nobody outside its process can stop or
freeze the scheduler alone, which SQLite needs (see ``write``) and the tests do.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

from airflow_api import AirflowApi, LocalAirflowError

HOST = "127.0.0.1"

# Tasks are forks of the scheduler, so what it has imported once, no task imports again: half of a small task's time.
PRELOADED = """
import altair, great_expectations, model_monitor.jobs, shap, sklearn.cluster, vl_convert
from airflow.__main__ import main
main()
"""
PLAIN = "from airflow.__main__ import main; main()"


@dataclass
class Process:
    """One Airflow process, the leader of a process group of its own."""

    name: str
    command: list[str]
    home: Path
    environment: dict[str, str]
    popen: subprocess.Popen[bytes] = field(init=False)

    @property
    def log(self) -> Path:
        return self.home / "logs" / f"{self.name}.log"

    def start(self) -> None:
        self.log.parent.mkdir(exist_ok=True)
        with self.log.open("ab") as output:
            self.popen = subprocess.Popen(
                self.command,
                env=self.environment,
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def check(self) -> None:
        """Raises LocalAirflowError with the end of its log if the process has ended."""
        if self.popen.poll() is not None:
            end = "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-20:])
            raise LocalAirflowError(f"{self.name} ended with {self.popen.returncode}; the end of {self.log}:\n{end}")

    def stop(self, deadline: float) -> None:
        """Waits for the process until a time, then kills what is left of its group."""
        with suppress(subprocess.TimeoutExpired):
            self.popen.wait(max(0.1, deadline - time.monotonic()))
        self.kill_group()
        self.popen.wait()

    def kill_group(self) -> None:
        """Kills the process, if it is still there, and its children."""
        with suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)


@dataclass
class LocalAirflow(AirflowApi):
    """Airflow's processes on this machine, from ``with`` to its end.

    ``home`` keeps database, logs and secrets between uses. ``project`` has the folders ``dags``, ``plugins`` and
    ``include``. ``environment`` overrides every variable set here. ``say`` is called with lines of progress.
    """

    home: Path
    project: Path
    port: int | None = None
    password: str | None = None
    triggerer: bool = False
    parallelism: int = 4
    environment: Mapping[str, str] = field(default_factory=dict)
    say: Callable[[str], None] = lambda text: None
    processes: list[Process] = field(default_factory=list, init=False)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    @property
    def url(self) -> str:  # type: ignore[override]
        return f"http://{HOST}:{self.port}"

    def start(self) -> None:
        """Creates the home and the database if they are missing, starts the processes and waits for them."""
        self.home, self.project = self.home.resolve(), self.project.resolve()
        self.home.mkdir(parents=True, exist_ok=True)
        self.port = free_port(self.port or 0)
        self.password = self.password or kept_secret(self.home / "admin_password", 12)
        write_secret(self.home / "passwords.json", json.dumps({"admin": self.password}))
        self.migrate()
        self.say("starting Airflow")
        self.spawn("api-server", PLAIN, "api-server", "--host", HOST, "--port", str(self.port), "--workers", "1")
        self.spawn("scheduler", PRELOADED, "scheduler", "--skip-serve-logs")
        self.spawn("dag-processor", PLAIN, "dag-processor")
        if self.triggerer:
            self.spawn("triggerer", PLAIN, "triggerer", "--skip-serve-logs")
        self.wait_until(self.healthy, "Airflow to be healthy", seconds=180)

    def stop(self) -> None:
        """Ends the processes that this object started, and their children."""
        for process in self.processes:
            if process.popen.poll() is None:
                process.popen.terminate()
        deadline = time.monotonic() + 8
        for process in self.processes:
            process.stop(deadline)
        self.processes.clear()

    def migrate(self) -> None:
        """Creates or upgrades the database, once per version of Airflow."""
        stamp = self.home / "migrated"
        if stamp.exists() and stamp.read_text() == version("apache-airflow-core"):
            return
        self.say("making Airflow's database")
        migration = self.spawn("migrate", PLAIN, "db", "migrate")
        if migration.popen.wait():
            migration.check()
        self.processes.remove(migration)
        stamp.write_text(version("apache-airflow-core"))

    def spawn(self, name: str, code: str, *arguments: str) -> Process:
        process = Process(name, [sys.executable, "-c", code, *arguments], self.home, self.variables())
        process.start()
        self.processes.append(process)
        return process

    def check(self) -> None:
        for process in self.processes:
            process.check()

    def revive(self) -> None:
        """Restarts processes that have ended. SQLite sometimes makes the scheduler end, see ``write``."""
        for process in self.processes:
            if process.popen.poll() is not None:
                self.say(f"{process.name} ended, see {process.log}; starting it again")
                process.kill_group()
                process.start()

    def healthy(self) -> bool:
        parts = ["metadatabase", "scheduler", "dag_processor", *(["triggerer"] if self.triggerer else [])]
        with suppress(OSError):
            health = self.call("GET", "/monitor/health", anonymous=True)
            return all(health[part]["status"] == "healthy" for part in parts)
        return False

    def write(self, method: str, path: str, body: Any) -> Any:
        """A request that changes something, made while the scheduler is frozen.

        SQLite refuses a transaction that read before another one wrote. Airflow then rolls a half-made backfill back,
        and the scheduler crashes if it has seen it. So the scheduler is frozen meanwhile, and the request repeated.
        """
        responses: list[Any] = []

        def accepted() -> bool:
            with self.scheduler_stopped():
                try:
                    responses.append(self.call(method, path, body))
                except LocalAirflowError as error:
                    if error.status not in (500, 503):
                        raise
            return bool(responses)

        self.wait_until(accepted, f"{method} {path}", seconds=60)
        return responses[0]

    @contextmanager
    def scheduler_stopped(self) -> Iterator[None]:
        scheduler = next(process.popen for process in self.processes if process.name == "scheduler")
        scheduler.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            scheduler.send_signal(signal.SIGCONT)

    def variables(self) -> dict[str, str]:
        """The environment of all processes: this process's own without its Airflow settings, then ours."""
        inherited = {name: text for name, text in os.environ.items() if not name.startswith(("AIRFLOW", "_AIRFLOW"))}
        paths = [str(self.project / "include"), inherited.get("PYTHONPATH", "")]
        return inherited | {
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.project / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(self.project / "plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(self.home / "logs"),  # Airflow keeps where a home was made
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__PARALLELISM": str(self.parallelism),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",  # the default queries the name server
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self.home / "passwords.json"),
            "AIRFLOW__API__BASE_URL": self.url,
            "AIRFLOW__API__SECRET_KEY": kept_secret(self.home / "session_secret"),
            "AIRFLOW__API_AUTH__JWT_SECRET": kept_secret(self.home / "jwt_secret"),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self.home / 'airflow.db'}",
            "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
            # A supervisor narrowly misses the end of each third task; it looks again after this many seconds.
            "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
            "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "60",
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            "DO_NOT_TRACK": "1",
            "SCARF_ANALYTICS": "false",
            "NO_PROXY": ",".join(filter(None, [HOST, inherited.get("NO_PROXY")])),
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            "PYTHONWARNINGS": "ignore",
            **self.environment,
        }


def free_port(wanted: int) -> int:
    """The port itself if it is free, any free port for 0. Raises LocalAirflowError."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted))
        except OSError as error:
            raise LocalAirflowError(f"port {wanted} can't be used ({error.strerror}); choose another") from error
        return int(probe.getsockname()[1])


def kept_secret(path: Path, size: int = 64) -> str:
    """The secret in a file that only its owner can read; a random one if the file is missing."""
    if not path.exists():
        write_secret(path, secrets.token_urlsafe(size))
    return path.read_text()


def write_secret(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(text)


def serve(home: Path, project: Path, port: int) -> None:
    """The web pages until Ctrl-C."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    own = project / "include/endpoints"
    served = os.pathsep.join(map(str, (own, project / "examples/flights/endpoints")))
    environment = {
        "MODEL_MONITOR_ENDPOINTS": served,
        "MODEL_MONITOR_NEW_MAY_SAVE": os.environ.get("MODEL_MONITOR_NEW_MAY_SAVE", "true"),
        "MODEL_MONITOR_NEW_BELOW": os.environ.get("MODEL_MONITOR_NEW_BELOW", str(project / ".demo/store")),
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "10",
    }
    with (
        suppress(KeyboardInterrupt),
        LocalAirflow(home, project, port, triggerer=True, environment=environment, say=print) as airflow,
    ):
        print(f"\n  {airflow.url}   user: admin   password: {airflow.password}\n", flush=True)
        print(
            f"It serves the demo and your own endpoints: a new file in {own} shows up within 30 s.\nCtrl-C ends it.",
            flush=True,
        )
        while True:
            time.sleep(2)
            airflow.revive()


def main() -> None:
    project = Path(__file__).resolve().parents[1]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["ui"])
    parser.add_argument("--home", type=Path, default=project / ".demo/airflow", help="where Airflow keeps its files")
    parser.add_argument("--port", type=int, default=8080)
    arguments = parser.parse_args()
    try:
        serve(arguments.home, project, arguments.port)
    except LocalAirflowError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
