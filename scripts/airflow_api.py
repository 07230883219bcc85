"""Airflow's REST API, as far as the demo and the tests need it.

Not by ``apache-airflow-client``: it would replace ``call`` alone, while logging in, paging and waiting stay, and it has
to be of the server's version.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

import requests

DONE = frozenset({"success", "failed"})
PATIENCE = 120  # seconds for one answer: where many start at once, the first of them takes long
PROGRESS = 10  # seconds between two lines of progress


class LocalAirflowError(RuntimeError):
    """A process of Airflow's ended, a request was refused, or something did not happen in time."""

    def __init__(self, text: str, status: int | None = None) -> None:
        super().__init__(text)
        self.status = status


class AirflowApi:
    """The Airflow at ``url``, as its user ``admin``."""

    url: str
    password: str | None
    say: Callable[[str], None]
    token: str | None = None

    # Questions

    def dags(self) -> list[str]:
        return [dag["dag_id"] for dag in self.call("GET", "/dags?limit=100")["dags"]]

    def import_errors(self) -> dict[str, str]:
        """The stack traces of DAG files that Airflow can't import, by file."""
        errors = self.call("GET", "/importErrors")["import_errors"]
        return {error["filename"]: error["stack_trace"] for error in errors}

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        """The DAG's runs, newest window first; ``state`` is one of queued, running, success, failed."""
        runs: list[dict[str, Any]] = []
        while True:
            page = self.call("GET", f"/dags/{dag_id}/dagRuns?limit=100&offset={len(runs)}&order_by=-logical_date")
            runs += page["dag_runs"]
            if len(runs) >= page["total_entries"] or not page["dag_runs"]:
                return runs

    def count(self, dag_id: str, *states: str, run_type: str | None = None) -> int:
        """How many of the DAG's runs are in one of some states."""
        asked = urlencode({"state": states, "limit": 1} | ({"run_type": run_type} if run_type else {}), doseq=True)
        return int(self.call("GET", f"/dags/{dag_id}/dagRuns?{asked}")["total_entries"])

    def task_states(self, dag_id: str, run_id: str) -> dict[str, str]:
        page = self.call("GET", f"/dags/{dag_id}/dagRuns/{quote(run_id)}/taskInstances")
        return {task["task_id"]: task["state"] for task in page["task_instances"]}

    def result(self, dag_id: str, run_id: str, task_id: str) -> Any:
        """What a task returned."""
        path = f"/dags/{dag_id}/dagRuns/{quote(run_id)}/taskInstances/{task_id}/xcomEntries/return_value"
        return self.call("GET", path + "?deserialize=true")["value"]

    def question(self, dag_id: str, run_id: str, task_id: str) -> dict[str, Any]:
        """What a task that waits for a person asks: ``subject``, ``body``, ``options``, and ``params``, its form."""
        return dict(self.call("GET", self.question_path(dag_id, run_id, task_id)))

    def question_path(self, dag_id: str, run_id: str, task_id: str) -> str:
        return f"/dags/{dag_id}/dagRuns/{quote(run_id)}/taskInstances/{task_id}/-1/hitlDetails"

    # Requests

    def answer(self, dag_id: str, run_id: str, task_id: str, option: str, form: dict[str, Any]) -> None:
        """Answers a question as a person does: one of its options, and all that its form asks."""
        body = {"chosen_options": [option], "params_input": form}
        self.write("PATCH", self.question_path(dag_id, run_id, task_id), body)

    def unpause(self, dag_id: str) -> None:
        """Lets a DAG's runs start, and its schedule make new ones."""
        self.write("PATCH", f"/dags/{dag_id}", {"is_paused": False})

    def trigger(self, dag_id: str, params: dict[str, Any] | None = None, logical_date: str | None = None) -> str:
        """Starts a run by hand; returns its id."""
        body = {"logical_date": logical_date, "conf": params or {}}
        return str(self.write("POST", f"/dags/{dag_id}/dagRuns", body)["dag_run_id"])

    def backfill(
        self, dag_id: str, from_date: str, to_date: str, max_active_runs: int = 4, conf: dict[str, Any] | None = None
    ) -> int:
        """Backfills the windows whose previous tick is between two times, both inclusive; returns the backfill's id.

        ``conf``: what each run has in its form. It waits for the runs of an earlier backfill of the DAG: Airflow allows
        one backfill at a time.
        """
        self.wait_until(lambda: self.is_free(dag_id), f"the backfill of {dag_id} before", seconds=120)
        body = {
            "dag_id": dag_id,
            "from_date": from_date,
            "to_date": to_date,
            "max_active_runs": max_active_runs,
            "reprocess_behavior": "none",
            "dag_run_conf": conf or {},
        }
        return int(self.write("POST", "/backfills", body)["id"])

    def is_free(self, dag_id: str) -> bool:
        """Whether no backfill of a DAG has runs to come.

        Airflow looks only every half minute whether a backfill has ended; cancelling one without such runs ends it now.
        """
        if self.count(dag_id, "queued", "running", run_type="backfill"):
            return False
        for backfill in self.call("GET", f"/backfills?dag_id={dag_id}&order_by=-id&limit=1")["backfills"]:
            if not backfill["completed_at"]:
                self.write("PUT", f"/backfills/{backfill['id']}/cancel", None)
        return True

    # Waiting

    def wait_for_dags(self, *dag_ids: str, seconds: float = 90) -> None:
        """Waits until these DAGs can run; until any DAG can if none is named."""

        def parsed() -> bool:
            known = set(self.dags())
            return known >= set(dag_ids) if dag_ids else bool(known)

        self.wait_until(parsed, f"DAGs {', '.join(dag_ids)}", seconds)

    def wait_for_runs(self, dag_id: str, count: int, seconds: float = 600) -> Counter[str]:
        """Waits until this many runs of the DAG have ended, and reports progress; returns the number per state."""
        states: Counter[str] = Counter()
        last = 0.0

        def ended() -> bool:
            nonlocal states, last
            states = +Counter({state: self.count(dag_id, state) for state in DONE})
            done = states.total() >= count
            if done or time.monotonic() > last + PROGRESS:
                last = time.monotonic()
                self.say(f"{dag_id}: {states.total()} of {count} windows")
            return done

        self.wait_until(ended, f"{count} runs of {dag_id}", seconds, pause=1.0)
        return states

    def wait_until_idle(self, dag_id: str, seconds: float = 120) -> Counter[str]:
        """Waits until all runs of the DAG have ended; returns the number per state."""
        self.wait_until(
            lambda: all(run["state"] in DONE for run in self.runs(dag_id)), f"all runs of {dag_id}", seconds, pause=1.0
        )
        return Counter(run["state"] for run in self.runs(dag_id))

    def wait_for_run(self, dag_id: str, run_id: str, seconds: float = 120) -> str:
        """Waits until a run has ended; returns its state."""
        path = f"/dags/{dag_id}/dagRuns/{quote(run_id)}"
        self.wait_until(lambda: self.call("GET", path)["state"] in DONE, f"run {run_id} of {dag_id}", seconds)
        return str(self.call("GET", path)["state"])

    def wait_until(self, happened: Callable[[], bool], what: str, seconds: float, pause: float = 0.3) -> None:
        deadline = time.monotonic() + seconds
        while not happened():
            self.check()
            if time.monotonic() > deadline:
                raise LocalAirflowError(f"waited {seconds:.0f} s for {what}")
            time.sleep(pause)

    def check(self) -> None:
        """Raises if waiting is pointless."""

    # HTTP

    def write(self, method: str, path: str, body: Any) -> Any:
        """A request that changes something."""
        return self.call(method, path, body)

    def call(self, method: str, path: str, body: Any = None, anonymous: bool = False) -> Any:
        """JSON to JSON. Raises LocalAirflowError."""
        if not anonymous and self.token is None:
            login = {"username": "admin", "password": self.password}
            self.token = request("POST", f"{self.url}/auth/token", login, {})["access_token"]
        headers = {} if anonymous else {"Authorization": f"Bearer {self.token}"}
        return request(method, f"{self.url}/api/v2{path}", body, headers)


def request(method: str, url: str, body: Any, headers: dict[str, str]) -> Any:
    """JSON to JSON, past any proxy. Raises LocalAirflowError with the response's text for an error."""
    with requests.Session() as session:
        session.trust_env = False
        response = session.request(method, url, json=body, headers=headers, timeout=PATIENCE)
    if not response.ok:
        raise LocalAirflowError(f"{method} {url}: {response.status_code} {response.text}", response.status_code)
    return response.json()
