"""How do I run Airflow on this machine, without a container? For `make demo`, `make ui` and the tests.

    python scripts/local_airflow.py ui [--home DIR] [--port N]

starts a scheduler, a DAG processor, a triggerer and the web server on 127.0.0.1 and serves until Ctrl-C. In Python:

    with LocalAirflow(home, project) as airflow:
        airflow.wait_for_dags("churn-data-quality")
        airflow.backfill("churn-data-quality", "2026-01-01T00:00:00Z", "2026-01-01T23:00:00Z")
        airflow.wait_for_runs("churn-data-quality", 24)

SQLite and four tasks at once: enough for one person on one machine. For more, see ``docker-compose.yaml``.
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
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any, Self
from urllib.parse import quote, urlencode

HOST = "127.0.0.1"
DONE = frozenset({"success", "failed"})

# Tasks are forks of the scheduler, so what it has imported once, no task imports again: half of a small task's time.
PRELOADED = "import model_monitor.jobs; from airflow.__main__ import main; main()"
AIRFLOW = "from airflow.__main__ import main; main()"

say_nothing: Callable[[str], None] = lambda text: None  # noqa: E731


class LocalAirflowError(RuntimeError):
    """A process ended, something did not happen in time, or Airflow's REST API refused a request."""

    status: int | None = None


@dataclass
class Process:
    """One Airflow process, the leader of a process group of its own."""

    name: str
    popen: subprocess.Popen[bytes]
    log: Path

    def check(self) -> None:
        """Raises LocalAirflowError with the end of its log if it is not running any more."""
        if self.popen.poll() is not None:
            end = "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-20:])
            raise LocalAirflowError(f"{self.name} ended with {self.popen.returncode}; the end of {self.log}:\n{end}")

    def stop(self, deadline: float) -> None:
        """Waits for it until a time, then kills what is left of its group."""
        with suppress(subprocess.TimeoutExpired):
            self.popen.wait(max(0.1, deadline - time.monotonic()))
        with suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()


@dataclass
class LocalAirflow:
    """Airflow's processes on this machine, from ``with`` to its end.

    ``home`` keeps database, logs and secrets, and can be used again. ``project`` has ``dags``, ``plugins`` and so on.
    ``environment`` is set for all processes and wins over everything here. ``say`` is told of progress.
    """

    home: Path
    project: Path
    port: int | None = None
    password: str | None = None
    triggerer: bool = False
    parallelism: int = 4
    environment: Mapping[str, str] = field(default_factory=dict)
    say: Callable[[str], None] = say_nothing
    processes: list[Process] = field(default_factory=list, init=False)
    _token: str | None = field(default=None, init=False)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    # Processes

    def start(self) -> None:
        """Makes the home and the database where they are missing, then starts the processes and waits for them."""
        self.home, self.project = self.home.resolve(), self.project.resolve()
        self.home.mkdir(parents=True, exist_ok=True)
        self.port = self.port or free_port()
        self.password = self.password or kept_secret(self.home / "admin_password", 12)
        write_secret(self.home / "passwords.json", json.dumps({"admin": self.password}))
        self.migrate()
        self.say("starting Airflow")
        self.spawn("api-server", AIRFLOW, "api-server", "--host", HOST, "--port", str(self.port), "--workers", "1")
        self.spawn("scheduler", PRELOADED, "scheduler", "--skip-serve-logs")
        self.spawn("dag-processor", AIRFLOW, "dag-processor")
        if self.triggerer:
            self.spawn("triggerer", AIRFLOW, "triggerer", "--skip-serve-logs")
        self.wait_until(self.healthy, "Airflow to be healthy", seconds=180)

    def stop(self) -> None:
        """Ends the processes that this object started, and whatever they started."""
        for process in self.processes:
            if process.popen.poll() is None:
                process.popen.terminate()
        deadline = time.monotonic() + 8
        for process in self.processes:
            process.stop(deadline)
        self.processes.clear()

    def migrate(self) -> None:
        """Makes or upgrades the database, once per version of Airflow."""
        stamp = self.home / "migrated"
        if stamp.exists() and stamp.read_text() == version("apache-airflow-core"):
            return
        self.say("making Airflow's database")
        self.spawn("migrate", AIRFLOW, "db", "migrate")
        process = self.processes.pop()
        if process.popen.wait():
            process.check()
        stamp.write_text(version("apache-airflow-core"))

    def spawn(self, name: str, code: str, *arguments: str) -> None:
        log = self.home / "logs" / f"{name}.log"
        log.parent.mkdir(exist_ok=True)
        with log.open("ab") as output:
            self.processes.append(Process(name, self.popen([sys.executable, "-c", code, *arguments], output), log))

    def popen(self, command: Sequence[str], output: IO[bytes]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            env=self.variables(),
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def variables(self) -> dict[str, str]:
        """The environment of all processes: this one's without its Airflow settings, then ours."""
        inherited = {name: text for name, text in os.environ.items() if not name.startswith(("AIRFLOW", "_AIRFLOW"))}
        paths = [str(self.project / "include"), inherited.get("PYTHONPATH", "")]
        return inherited | {
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.project / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(self.project / "plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__PARALLELISM": str(self.parallelism),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",  # the default one asks the name server
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self.home / "passwords.json"),
            "AIRFLOW__API__BASE_URL": self.url,
            "AIRFLOW__API__SECRET_KEY": kept_secret(self.home / "session_secret"),
            "AIRFLOW__API_AUTH__JWT_SECRET": kept_secret(self.home / "jwt_secret"),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self.home / 'airflow.db'}",
            "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
            # Each third task's end is missed by a hair; its supervisor looks again after this many seconds.
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

    # Questions and requests

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def healthy(self) -> bool:
        parts = ["metadatabase", "scheduler", "dag_processor", *(["triggerer"] if self.triggerer else [])]
        with suppress(OSError):
            health = self.call("GET", "/monitor/health", anonymous=True)
            return all(health[part]["status"] == "healthy" for part in parts)
        return False

    def dags(self) -> list[str]:
        return [dag["dag_id"] for dag in self.call("GET", "/dags?limit=100")["dags"]]

    def import_errors(self) -> dict[str, str]:
        """What Airflow says of DAG files that it can't import, by file."""
        errors = self.call("GET", "/importErrors")["import_errors"]
        return {error["filename"]: error["stack_trace"] for error in errors}

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        """The DAG's runs, newest window first; ``state`` is one of queued, running, success, failed."""
        found: list[dict[str, Any]] = []
        while True:
            query = urlencode({"limit": 100, "offset": len(found), "order_by": "-logical_date"})
            page = self.call("GET", f"/dags/{dag_id}/dagRuns?{query}")
            found += page["dag_runs"]
            if len(found) >= page["total_entries"] or not page["dag_runs"]:
                return found

    def task_states(self, dag_id: str, run_id: str) -> dict[str, str]:
        page = self.call("GET", f"/dags/{dag_id}/dagRuns/{quote(run_id)}/taskInstances")
        return {task["task_id"]: task["state"] for task in page["task_instances"]}

    def result(self, dag_id: str, run_id: str, task_id: str) -> Any:
        """What a task returned."""
        path = f"/dags/{dag_id}/dagRuns/{quote(run_id)}/taskInstances/{task_id}/xcomEntries/return_value"
        return self.call("GET", path + "?deserialize=true")["value"]

    def unpause(self, dag_id: str) -> None:
        """Lets a DAG's runs start, and its schedule make new ones."""
        self.write("PATCH", f"/dags/{dag_id}", {"is_paused": False})

    def trigger(self, dag_id: str, params: dict[str, Any] | None = None, logical_date: str | None = None) -> str:
        """Starts a run by hand; returns its id."""
        body = {"logical_date": logical_date, "conf": params or {}}
        return self.write("POST", f"/dags/{dag_id}/dagRuns", body)["dag_run_id"]

    def backfill(self, dag_id: str, from_date: str, to_date: str, max_active_runs: int = 8) -> int:
        """Makes a run of each window whose previous tick is between two times, both inclusive; returns its id."""
        body = {
            "dag_id": dag_id,
            "from_date": from_date,
            "to_date": to_date,
            "max_active_runs": max_active_runs,
            "reprocess_behavior": "none",
        }
        return self.write("POST", "/backfills", body)["id"]

    # Waiting

    def wait_for_dags(self, *dag_ids: str, seconds: float = 90) -> None:
        """Waits until these DAGs can be run; any at all if none is named."""

        def parsed() -> bool:
            known = set(self.dags())
            return known >= set(dag_ids) if dag_ids else bool(known)

        self.wait_until(parsed, f"DAGs {', '.join(dag_ids)}", seconds)

    def wait_for_runs(self, dag_id: str, count: int, seconds: float = 600) -> Counter[str]:
        """Waits until this many runs of the DAG have ended; returns how many ended how."""
        states: Counter[str] = Counter()
        told = -1

        def ended() -> bool:
            nonlocal states, told
            states = Counter(run["state"] for run in self.runs(dag_id) if run["state"] in DONE)
            if states.total() != told:
                told = states.total()
                self.say(f"{dag_id}: {told} of {count} windows")
            return told >= count

        self.wait_until(ended, f"{count} runs of {dag_id}", seconds, pause=1.0)
        return states

    def wait_for_run(self, dag_id: str, run_id: str, seconds: float = 120) -> str:
        """Waits until a run has ended; returns its state."""
        path = f"/dags/{dag_id}/dagRuns/{quote(run_id)}"
        self.wait_until(lambda: self.call("GET", path)["state"] in DONE, f"run {run_id} of {dag_id}", seconds)
        return self.call("GET", path)["state"]

    def wait_until(self, happened: Callable[[], bool], what: str, seconds: float, pause: float = 0.3) -> None:
        deadline = time.monotonic() + seconds
        while not happened():
            for process in self.processes:
                process.check()
            if time.monotonic() > deadline:
                raise LocalAirflowError(f"waited {seconds:.0f} s for {what}; logs are in {self.home / 'logs'}")
            time.sleep(pause)

    # HTTP

    def call(self, method: str, path: str, body: Any = None, anonymous: bool = False) -> Any:
        """Airflow's REST API, as admin."""
        headers = {} if anonymous else {"Authorization": f"Bearer {self.token()}"}
        return request(method, f"{self.url}/api/v2{path}", body, headers)

    def write(self, method: str, path: str, body: Any) -> Any:
        """A request that changes something, while the scheduler holds still.

        SQLite refuses a transaction that read before another one wrote. Airflow then takes a half-made backfill back,
        which the scheduler does not survive if it saw it. So it does not see it, and the request is made again.
        """
        answers: list[Any] = []

        def accepted() -> bool:
            with self.scheduler_stopped():
                try:
                    answers.append(self.call(method, path, body))
                except LocalAirflowError as error:
                    if error.status not in (500, 503):
                        raise
            return bool(answers)

        self.wait_until(accepted, f"{method} {path}", seconds=60)
        return answers[0]

    @contextmanager
    def scheduler_stopped(self) -> Iterator[None]:
        scheduler = next(process.popen for process in self.processes if process.name == "scheduler")
        scheduler.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            scheduler.send_signal(signal.SIGCONT)

    def token(self) -> str:
        if self._token is None:
            login = {"username": "admin", "password": self.password}
            self._token = request("POST", f"{self.url}/auth/token", login, {})["access_token"]
        return self._token


def request(method: str, url: str, body: Any, headers: dict[str, str]) -> Any:
    """JSON to JSON, past any proxy. Raises LocalAirflowError with the answer's text if it is an error."""
    asked = urllib.request.Request(
        url,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json", **headers},
    )
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(asked, timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        refused = LocalAirflowError(f"{method} {url}: {error.code} {error.read().decode('utf-8', 'replace')}")
        refused.status = error.code
        raise refused from error


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def kept_secret(path: Path, size: int = 64) -> str:
    """The secret in a file that only its owner can read; made at random if there is none."""
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
    with suppress(KeyboardInterrupt), LocalAirflow(home, project, port, triggerer=True, say=print) as airflow:
        print(f"\n  {airflow.url}   user: admin   password: {airflow.password}\n\nCtrl-C ends it.", flush=True)
        airflow.wait_until(lambda: False, "Ctrl-C", seconds=float("inf"), pause=2)


def main() -> None:
    project = Path(__file__).resolve().parents[1]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["ui"])
    parser.add_argument("--home", type=Path, default=project / ".demo/airflow", help="where Airflow keeps its files")
    parser.add_argument("--port", type=int, default=8080)
    arguments = parser.parse_args()
    serve(arguments.home, project, arguments.port)


if __name__ == "__main__":
    main()
