"""What is Airflow doing, and what should it do next? Its REST API in the words of this project."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

DONE = frozenset({"success", "failed"})
PROGRESS = 10  # seconds between two lines about the same


class LocalAirflowError(RuntimeError):
    """A process of Airflow's ended, a request was refused, or something did not happen in time."""

    def __init__(self, text: str, status: int | None = None) -> None:
        super().__init__(text)
        self.status = status


class AirflowApi:
    """An Airflow at ``url``, asked as the user ``admin``."""

    url: str
    password: str | None
    say: Callable[[str], None]
    token: str | None = None

    # Questions

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

    # Requests

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
        """Waits until this many runs of the DAG have ended, and tells so now and then; returns how many ended how."""
        states: Counter[str] = Counter()
        last = 0.0

        def ended() -> bool:
            nonlocal states, last
            states = Counter(run["state"] for run in self.runs(dag_id) if run["state"] in DONE)
            done = states.total() >= count
            if done or time.monotonic() > last + PROGRESS:
                last = time.monotonic()
                self.say(f"{dag_id}: {states.total()} of {count} windows")
            return done

        self.wait_until(ended, f"{count} runs of {dag_id}", seconds, pause=1.0)
        return states

    def wait_until_idle(self, dag_id: str, seconds: float = 120) -> Counter[str]:
        """Waits until the DAG has no run to do; returns how many ended how."""
        self.wait_until(
            lambda: all(run["state"] in DONE for run in self.runs(dag_id)), f"all runs of {dag_id}", seconds, pause=1.0
        )
        return Counter(run["state"] for run in self.runs(dag_id))

    def wait_for_run(self, dag_id: str, run_id: str, seconds: float = 120) -> str:
        """Waits until a run has ended; returns its state."""
        path = f"/dags/{dag_id}/dagRuns/{quote(run_id)}"
        self.wait_until(lambda: self.call("GET", path)["state"] in DONE, f"run {run_id} of {dag_id}", seconds)
        return self.call("GET", path)["state"]

    def wait_until(self, happened: Callable[[], bool], what: str, seconds: float, pause: float = 0.3) -> None:
        deadline = time.monotonic() + seconds
        while not happened():
            self.check()
            if time.monotonic() > deadline:
                raise LocalAirflowError(f"waited {seconds:.0f} s for {what}")
            time.sleep(pause)

    def check(self) -> None:
        """Raises where waiting has become pointless."""

    # HTTP

    def write(self, method: str, path: str, body: Any) -> Any:
        """A request that changes something."""
        return self.call(method, path, body)

    def call(self, method: str, path: str, body: Any = None, anonymous: bool = False) -> Any:
        """Airflow's REST API: JSON to JSON. Raises LocalAirflowError."""
        if not anonymous and self.token is None:
            login = {"username": "admin", "password": self.password}
            self.token = request("POST", f"{self.url}/auth/token", login, {})["access_token"]
        headers = {} if anonymous else {"Authorization": f"Bearer {self.token}"}
        return request(method, f"{self.url}/api/v2{path}", body, headers)


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
        text = error.read().decode("utf-8", "replace")
        raise LocalAirflowError(f"{method} {url}: {error.code} {text}", error.code) from error
