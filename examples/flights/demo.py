"""Does the monitoring catch a real model's drift? Airflow judges six weeks of flights, day by day.

Writes everything into ``.demo``: the traffic and the reports into ``store``, Airflow's own files into ``airflow``.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "scripts"))

from local_airflow import LocalAirflow, LocalAirflowError  # noqa: E402 - a script, not a package

DEMO = PROJECT / ".demo"
STORE = DEMO / "store"
DAG = "flights-data-quality"
FIRST_DAY = datetime(2013, 3, 1, tzinfo=UTC)
DAYS = 45


def main() -> int:
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - began:4.0f} s] {text}", flush=True)

    shutil.rmtree(DEMO, ignore_errors=True)
    os.environ["MODEL_MONITOR_STORE"] = str(STORE)
    say("training a model on January and February, and replaying the six weeks after as captured traffic")
    command = [sys.executable, str(PROJECT / "examples/flights/traffic.py"), "--store", str(STORE), "--days", str(DAYS)]
    try:
        # Traffic is written while Airflow starts.
        with (
            subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as traffic,
            LocalAirflow(DEMO / "airflow", PROJECT, say=say) as airflow,
        ):
            told, _ = traffic.communicate()
            for line in told.splitlines():
                say(line)
            if traffic.returncode:
                return 1
            airflow.wait_for_dags(DAG, f"{DAG}-baseline")
            judge(airflow, say)
    except LocalAirflowError as error:
        print(f"The demo stopped: {error}", file=sys.stderr)
        return 1
    show([json.loads(path.read_text()) for path in sorted(STORE.glob(f"monitoring/flights/{DAG}/**/execution.json"))])
    return 0


def judge(airflow: LocalAirflow, say: Callable[[str], None]) -> None:
    """Learn the baseline, then judge each day, all by Airflow."""
    say("learning the baseline: statistics and constraints of January and February")
    airflow.unpause(f"{DAG}-baseline")
    run = airflow.trigger(f"{DAG}-baseline")
    if airflow.wait_for_run(f"{DAG}-baseline", run) != "success":
        raise LocalAirflowError(f"the baseline could not be made; see {DEMO / 'airflow/logs'}")
    airflow.unpause(DAG)
    airflow.backfill(DAG, FIRST_DAY.isoformat(), (FIRST_DAY + timedelta(days=DAYS - 1)).isoformat())
    states = airflow.wait_for_runs(DAG, DAYS)
    if set(states) != {"success"}:
        raise LocalAirflowError(f"runs ended as {dict(states)}; see {DEMO / 'airflow/logs'}")


def show(executions: list[dict[str, Any]]) -> None:
    """A line per window, and where to look next."""
    print(f"\n{'window (UTC)':<12} {'rows':>5} {'status':<24} {'violations':>10}  drifted most: distance from baseline")
    for execution in executions:
        drift = sorted(
            (f for f in execution["findings"] if f["check"] == "baseline_drift_check" and f["observed"] is not None),
            key=lambda f: f["observed"],
            reverse=True,
        )
        columns = ", ".join(f"{f['column']} {f['observed']:.3f}{'!' * (f['outcome'] == 'violated')}" for f in drift[:3])
        rows, status = execution["counts"]["judged"], execution["status"]
        print(
            f"{execution['window']['start'][:10]:<12} {rows:>5} {status:<24} {execution['violations']:>10}  {columns}"
        )
    bad = [e["window"]["start"][:10] for e in executions if e["violations"]]
    print(f"\n{len(executions)} windows, {len(bad)} with violations (!){f', the first on {bad[0]}' if bad else ''}.")
    print(STORY)


STORY = f"""
What happened: in winter the airlines plan more time than the flight needs. From 2 April they take it back, and
`schedule_buffer_percent`, a feature of the model, is no longer spread as it was when the model was trained.

Look next at
  make ui                                   Airflow with all these runs, on http://127.0.0.1:8080
  {STORE.relative_to(PROJECT)}/monitoring/flights/{DAG}/2013/04/03/00/
                                            the report of 2 April: constraint_violations.json, execution.json, ...
  include/endpoints/flights.yaml            all that was set to monitor this endpoint
"""


if __name__ == "__main__":
    sys.exit(main())
