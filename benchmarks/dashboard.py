"""How heavy is each page of the dashboard, and after what time does its first byte come, with many endpoints?

Fills a PostgreSQL server of its own (Debian's package) or, with ``--sqlite``, a file. Asks the web application that
Airflow serves, with all permissions, without Airflow's log-in and without a network.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
import sqlalchemy as sa
from fastapi import Request

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
sys.path.insert(0, str(Path(__file__).parent.parent / "plugins"))
from support.postgres import server
from support.reports import write

from model_monitor.config.execution import Assignment
from model_monitor.core.window import Window
from model_monitor.history.database import History
from model_monitor.history.places import VARIABLE
from model_monitor.history.rows import series_of
from model_monitor.history.tables import Incident, Moment, Schedule

START = datetime(2026, 1, 1, tzinfo=UTC)
MONITORS = ("data_quality", "model_quality", "bias", "traffic")
NUMBERS = [
    ("baseline_drift_check", "age"),
    ("completeness", "age"),
    ("baseline_drift_check", "plan"),
    ("accuracy", None),
]

EXECUTIONS = """
INSERT INTO executions (schedule_id, window_start, window_end, status, reason, records, duplicates, rejected, judged,
    unusable, violations, undefined, baseline, report, digest)
SELECT s.id, h.start, h.stop,
    CASE WHEN (s.id + h.n) % 23 = 0 THEN 'CompletedWithViolations' WHEN (s.id + h.n) % 57 = 0 THEN 'NoData'
        ELSE 'Completed' END,
    '', 1000 + (s.id * 7 + h.n) % 100, 0, 0, 1000, 0, CASE WHEN (s.id + h.n) % 23 = 0 THEN 1 ELSE 0 END, 0,
    '0c1d5a9b77e1', '/lake/out/' || s.name || '/' || h.n, ''
FROM hours h CROSS JOIN schedules s ORDER BY h.n, s.id
"""
METRICS = """
INSERT INTO metrics (execution_id, position, schedule_id, window_start, window_end, series, name, column_name, value,
    low, high, row_count, threshold_high, noise_floor, outcome)
SELECT e.id, m.position, e.schedule_id, e.window_start, e.window_end, m.series, m.name, m.column_name,
    (e.id * 7 + m.position) % 100 / 100.0, 0, 1, 1000, 0.9, 0.05,
    CASE WHEN m.position = 0 AND e.violations > 0 THEN 'violated' ELSE 'holds' END
FROM executions e CROSS JOIN numbers m
"""
FINDINGS = """
INSERT INTO findings (execution_id, position, check_name, measure, column_name, outcome, observed, threshold_high,
    noise_floor, reason)
SELECT execution_id, position, name, 'distribution', column_name, outcome, value, threshold_high, noise_floor, ''
FROM metrics
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--endpoints", type=int, default=500)
    parser.add_argument("--schedules", type=int, default=4, choices=range(1, len(MONITORS) + 1))
    parser.add_argument("--windows", type=int, default=720)
    parser.add_argument("--times", type=int, default=10, help="how often each page is asked for")
    parser.add_argument("--sqlite", action="store_true", help="a file instead of a PostgreSQL server")
    arguments = parser.parse_args()
    with TemporaryDirectory(prefix="dashboard-") as folder, database(Path(folder), arguments.sqlite) as (url, server):
        os.environ[VARIABLE] = url
        start = time.perf_counter()
        place = Path(folder) / "endpoints"
        described(place, arguments.endpoints, arguments.schedules)
        fill(History.at(url), arguments.endpoints, arguments.schedules, arguments.windows)
        reported(place, arguments.windows)
        print(f"filled in {time.perf_counter() - start:.0f} s", flush=True)
        with application(place) as client:
            for name, path in pages(arguments.windows).items():
                print(measured(client, server, name, path, arguments.times), flush=True)


@contextmanager
def database(folder: Path, is_file: bool) -> Iterator[tuple[str, psutil.Process | None]]:
    """The URL of an empty database, and its server if it has one."""
    if is_file:
        yield f"sqlite:///{folder}/history.sqlite", None
        return
    place = folder / "server"
    place.mkdir()
    folder.chmod(0o755)
    one = server(place)
    one.start()
    try:
        assert one.running
        yield one.new_database(), psutil.Process(one.running.pid)
    finally:
        one.stop()


def name_of(endpoint: int, schedule: int | None = None) -> str:
    return f"model-{endpoint:03}" + ("" if schedule is None else f"-{MONITORS[schedule].replace('_', '-')}")


def described(folder: Path, endpoints: int, schedules: int) -> None:
    """Write the endpoint files."""
    folder.mkdir()
    options: dict[str, dict[str, Any]] = {
        "model_quality": {"problem_type": "Regression", "ground_truth_attribute": "label"},
        "bias": {"facets": [{"name": "age"}], "label": "label", "label_values_or_threshold": [1]},
    }
    for i in range(endpoints):
        entries = [
            {"name": name_of(i, k), "monitor": monitor, "options": options.get(monitor, {}), "cron": "0 * * * *"}
            for k, monitor in enumerate(MONITORS[:schedules])
        ]
        document = {
            "endpoint": name_of(i),
            "capture": {"uri": str(folder.parent / "capture")},
            "ground_truth": {"uri": str(folder.parent / "labels")},
            "output": str(folder.parent / "out"),
            "schedules": entries,
        }
        (folder / f"{name_of(i)}.yaml").write_text(json.dumps(document))


def fill(history: History, endpoints: int, schedules: int, windows: int) -> None:
    """Write the rows of so many windows of each schedule, four numbers and findings each, and some incidents."""
    history.upgrade()
    hours = sa.Table("hours", sa.MetaData(), *columns(n=sa.Integer, start=Moment, stop=Moment), prefixes=["TEMPORARY"])
    kinds = {"position": sa.Integer, "series": sa.BigInteger, "name": sa.String, "column_name": sa.String}
    numbers = sa.Table("numbers", sa.MetaData(), *columns(**kinds), prefixes=["TEMPORARY"])
    hour = timedelta(hours=1)
    with history.session() as session:
        session.add_all(
            Schedule(endpoint=name_of(i), variant="AllTraffic", name=name_of(i, k), monitor=MONITORS[k])
            for i in range(endpoints)
            for k in range(schedules)
        )
        session.add_all(incident(i, k, windows) for i in range(endpoints) for k in range(4))
        session.flush()
        connection = session.connection()
        for table in (hours, numbers):
            table.create(connection)
        connection.execute(
            hours.insert(),
            [{"n": n, "start": START + n * hour, "stop": START + (n + 1) * hour} for n in range(windows)],
        )
        connection.execute(
            numbers.insert(),
            [
                {"position": i, "series": series_of(name, column), "name": name, "column_name": column}
                for i, (name, column) in enumerate(NUMBERS)
            ],
        )
        for statement in (EXECUTIONS, METRICS, FINDINGS):
            session.execute(sa.text(statement))
    with history.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")


def columns(**kinds: Any) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind) for name, kind in kinds.items()]


def incident(endpoint: int, number: int, windows: int) -> Incident:
    """One that is open for every fifth endpoint, else one that is over."""
    is_open = number == 0 and endpoint % 5 == 0
    since = START + timedelta(hours=windows - 24 * (number + 1))
    names = {"endpoint": name_of(endpoint), "variant": "AllTraffic", "kind": "violations", "cause": "data"}
    ends = {"since": since, "opened": since, "last": since, "closed": None if is_open else since + timedelta(hours=9)}
    schedule = name_of(endpoint, 0)
    return Incident(
        **names,
        **ends,
        severity="warning",
        schedule=schedule,
        schedules=f'["{schedule}"]',
        subjects='["age"]',
        muted=False,
    )


def reported(folder: Path, windows: int) -> None:
    """Write the report of the newest window of one schedule."""
    assignment = Assignment.load(folder / f"{name_of(0)}.yaml", name_of(0, 0))
    start = START + timedelta(hours=windows - 1)
    write(assignment.on(Window(start, start + timedelta(hours=1))))


@contextmanager
def application(folder: Path) -> Iterator[Any]:
    """A client of the web application, as somebody who may read everything."""
    os.environ["MODEL_MONITOR_ENDPOINTS"] = str(folder)
    from airflow.api_fastapi.core_api.security import get_user
    from fastapi.testclient import TestClient

    from model_monitor.dashboard.visit import Everybody, Visit
    from model_monitor_airflow.dashboard.app import application
    from model_monitor_airflow.dashboard.visits import visit_by, visit_of

    def visit(request: Request) -> Visit:
        return visit_by(request, Everybody())

    app = application()
    app.dependency_overrides |= {get_user: lambda: "a user", visit_of: visit}
    with TestClient(app) as client:
        yield client


def pages(windows: int) -> dict[str, str]:
    """The address of each page, of the endpoint with the most to show."""
    endpoint, schedule = name_of(0), name_of(0, 0)
    last = [(START + timedelta(hours=windows - 1 + i)).strftime("%Y-%m-%dT%H:%M:%SZ") for i in range(2)]
    return {
        "Models": "/",
        "Models as JSON": "/api/",
        "Models, five for Airflow's home": "/api/?limit=5",
        "an endpoint": f"/endpoints/{endpoint}",
        "a column": f"/endpoints/{endpoint}/column?column=age&schedule={schedule}",
        "a metric": f"/endpoints/{endpoint}/metric?schedule={schedule}&metric=accuracy",
        "an execution": f"/endpoints/{endpoint}/executions/{schedule}/{last[0]}/{last[1]}",
        "Executions": "/executions",
        "Executions that are violated": "/executions?status=violated",
        "Executions of an endpoint": f"/executions?endpoint={endpoint}",
        "Alerts": "/alerts",
        "Alerts that are over": "/alerts?state=closed",
        "Baselines": f"/endpoints/{endpoint}/baselines/{schedule}",
        "Charts": f"/charts?endpoint={endpoint}",
    }


def measured(client: Any, server: psutil.Process | None, name: str, path: str, times: int) -> str:
    """What a page weighs and takes; the processor's time, too, as other work on a machine changes it less: of this
    process, and of the database's ``server``, whose clock ticks a hundred times a second."""
    size, first, _ = asked(client, path)
    before = of_server(server)
    _, taken, worked = zip(*(asked(client, path) for _ in range(times)), strict=True)
    at_server = f", of the server {1000 * (of_server(server) - before) / times:.0f} ms" if server else ""
    return (
        f"{name}: {size / 1024:.0f} KiB, median {statistics.median(taken):.0f} ms (processor "
        f"{statistics.median(worked):.0f} ms{at_server}), worst {max(first, *taken):.0f} ms, first {first:.0f} ms"
    )


def asked(client: Any, path: str) -> tuple[int, float, float]:
    """The bytes of a page, and the milliseconds that it took and worked."""
    start, before = time.perf_counter(), time.process_time()
    answer = client.get(path)
    taken, worked = (1000 * (time.perf_counter() - start), 1000 * (time.process_time() - before))
    assert answer.status_code == 200, (path, answer.status_code, answer.text[-500:])
    return len(answer.content), taken, worked


def of_server(server: psutil.Process | None) -> float:
    """Seconds of processor that a server and its processes took so far."""
    if server is None:
        return 0.0
    return sum(sum(one.cpu_times()[:2]) for one in (server, *server.children(recursive=True)))


if __name__ == "__main__":
    main()
