"""What does the history cost a run, and how fast does it answer the questions of pages over a million executions?

Starts a PostgreSQL server of its own, with Debian's package, or uses the empty database of ``--url``.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa
from sqlalchemy.orm import Session

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from support.postgres import server
from support.reports import execution_of, window, write

from model_monitor.core.constraints import Between, Constraint, Finding, Near
from model_monitor.core.distributions import Categories
from model_monitor.core.measures import Estimate, Measures, Share, Subject
from model_monitor.history import queries
from model_monitor.history.database import History
from model_monitor.history.places import VARIABLE
from model_monitor.history.record import record
from model_monitor.history.rows import series_of

ENDPOINTS, SCHEDULES, COLUMNS = 100, 4, 20
START = datetime(2026, 1, 1, tzinfo=UTC)
METRICS = [
    ("completeness", "age"),
    ("baseline_drift_check", "age"),
    ("baseline_drift_check", "plan"),
    ("accuracy", None),
]

EXECUTIONS = """
INSERT INTO executions (schedule_id, window_start, window_end, status, reason, records, duplicates, rejected, judged,
    unusable, violations, undefined, baseline, report, digest)
SELECT s.id, t, t + interval '1 hour',
    CASE WHEN (s.id + w) % 23 = 0 THEN 'CompletedWithViolations' WHEN (s.id + w) % 57 = 0 THEN 'NoData'
        ELSE 'Completed' END,
    '', 1000, 0, 0, 1000, 0, CASE WHEN (s.id + w) % 23 = 0 THEN 1 ELSE 0 END, 0, '0c1d5a9b77e1',
    's3://lake/out/' || s.endpoint || '/' || s.name || '/' || w, md5(s.id::text || '-' || w)
FROM generate_series(0, :windows - 1) w, schedules s,
    LATERAL (SELECT CAST(:start AS timestamptz) + w * interval '1 hour' AS t) x ORDER BY w, s.id
"""
NUMBERS = """
INSERT INTO metrics (execution_id, position, schedule_id, window_start, window_end, series, name, column_name, value,
    low, high, row_count, threshold_high, noise_floor, outcome)
SELECT e.id, m.position, e.schedule_id, e.window_start, e.window_end, m.series, m.name, m.column_name, random(),
    0, 1, 1000, 0.9, 0.05, 'holds'
FROM executions e, (SELECT * FROM unnest(CAST(:positions AS int[]), CAST(:series AS bigint[]), CAST(:names AS text[]),
    CAST(:columns AS text[])) AS t(position, series, name, column_name)) m
"""
FOUND = """
INSERT INTO findings (execution_id, position, check_name, measure, column_name, outcome, observed, threshold_high,
    noise_floor, reason)
SELECT e.id, p, 'baseline_drift_check', 'distribution', 'column' || p,
    CASE WHEN p = 0 AND e.violations > 0 THEN 'violated' ELSE 'holds' END, random(), 0.9, 0.05, ''
FROM executions e, generate_series(0, 3) p
"""
INCIDENTS = """
INSERT INTO incidents (endpoint, variant, kind, cause, severity, schedule, schedules, subjects, since, opened, last,
    closed, muted)
SELECT s.endpoint, s.variant, 'violations', 'data', 'warning', s.name, '[]', '[]', t, t, t,
    CASE WHEN i = 0 AND s.id % 4 = 0 THEN NULL ELSE t + interval '1 day' END, false
FROM schedules s, generate_series(0, 49) i, LATERAL (SELECT CAST(:start AS timestamptz) + i * interval '2 days' AS t) x
"""
STEPS = """
INSERT INTO transitions (incident_id, kind, severity, window_start, window_end, at, made_by, sentence, told)
SELECT i.id, k, 'warning', i.opened, i.last, i.opened, 'model-monitor', 'age drifted: 0.4 is above 0.1', true
FROM incidents i, unnest(ARRAY['opened', 'closed']) k WHERE k = 'opened' OR i.closed IS NOT NULL ORDER BY i.id, k DESC
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--executions", type=int, default=1_000_000)
    parser.add_argument("--records", type=int, default=100, help="executions that are recorded, for their time")
    parser.add_argument("--url", help="an empty PostgreSQL database, instead of a server of its own")
    arguments = parser.parse_args()
    with TemporaryDirectory(prefix="history-") as folder, databases(Path(folder), arguments.url) as url:
        for name, place in (("SQLite", f"sqlite:///{folder}/history.sqlite"), ("PostgreSQL", url)):
            print(f"record, {name}: {recorded(Path(folder) / name, place, arguments.records)}", flush=True)
        history = History.at(url)
        windows = arguments.executions // (ENDPOINTS * SCHEDULES)
        print(f"fill: {filled(history, windows):.0f} s", flush=True)
        for name, times in asked(history, windows).items():
            print(f"{name}: {in_short(times)}", flush=True)


@contextmanager
def databases(folder: Path, url: str | None) -> Iterator[str]:
    if url:
        yield url
        return
    place = folder / "server"
    place.mkdir()
    folder.chmod(0o755)
    one = server(place, durable=True)
    one.start()
    try:
        yield one.new_database()
    finally:
        one.stop()


def recorded(folder: Path, url: str, count: int) -> str:
    """The time that writing a window's rows takes: 20 columns with two numbers and a distance each."""
    os.environ[VARIABLE] = url
    folder.mkdir()
    subjects = [Subject(f"column{i}") for i in range(COLUMNS)]
    numbers: Measures = {(s, name): Share(990, 1000) for s in subjects for name in ("completeness", "type")}
    numbers = {**numbers, **{(s, "mean"): Estimate(1.0, 0.1, 1000) for s in subjects}}
    findings = [finding for s in subjects for finding in findings_on(s)]
    History.at(url).upgrade()
    times = []
    for hour in range(count):
        execution = execution_of(folder).on(window(hour))
        write(execution, findings, numbers)
        times.append(seconds(partial(record, execution)))
    return f"{in_short(times)}; {len(findings)} findings, {len(numbers) + COLUMNS} metrics"


def findings_on(subject: Subject) -> list[Finding]:
    drift = Near(Categories({"a": 1}), "l_infinity", 0.1)
    return [
        Finding(Constraint("completeness_check", subject, "completeness", Between(0.9)), "holds", 0.99),
        Finding(Constraint("data_type_check", subject, "type", Between(0.9)), "holds", 0.99),
        Finding(Constraint("baseline_drift_check", subject, "distribution", drift), "holds", 0.05, 0.02),
    ]


def seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def in_short(times: list[float]) -> str:
    ordered = sorted(times)
    p95 = ordered[round(0.95 * (len(ordered) - 1))]
    return (
        f"median {1000 * statistics.median(times):.1f} ms, p95 {1000 * p95:.1f} ms, worst {1000 * ordered[-1]:.1f} ms"
    )


def filled(history: History, windows: int) -> float:
    """Make the rows of so many windows of each of 400 schedules; seconds."""
    parameters = {
        "start": START,
        "windows": windows,
        "positions": list(range(len(METRICS))),
        "series": [series_of(name, column) for name, column in METRICS],
        "names": [name for name, _ in METRICS],
        "columns": [column for _, column in METRICS],
    }
    start = time.perf_counter()
    with history.engine.begin() as connection:
        connection.execute(sa.text("TRUNCATE schedules CASCADE"))
        rows = [
            {
                "endpoint": f"model-{i:03}",
                "variant": "AllTraffic",
                "name": f"model-{i:03}-{k}",
                "monitor": "data_quality",
            }
            for i in range(ENDPOINTS)
            for k in range(SCHEDULES)
        ]
        insert = (
            "INSERT INTO schedules (endpoint, variant, name, monitor) VALUES (:endpoint, :variant, :name, :monitor)"
        )
        connection.execute(sa.text(insert), rows)
        for statement in (EXECUTIONS, NUMBERS, FOUND, INCIDENTS, STEPS):
            named = {name: value for name, value in parameters.items() if f":{name}" in statement}
            connection.execute(sa.text(statement), named)
    with history.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("VACUUM ANALYZE"))
        size = connection.execute(sa.text("SELECT pg_size_pretty(pg_database_size(current_database()))")).scalar()
        counts = {
            t: connection.execute(sa.text(f"SELECT count(*) FROM {t}")).scalar() for t in ("executions", "metrics")
        }
    print(f"{counts}, {size}", flush=True)
    return time.perf_counter() - start


def asked(history: History, windows: int, times: int = 30) -> dict[str, list[float]]:
    """The seconds of each question, asked of other schedules and windows each time."""
    names = [(f"model-{i * 37 % ENDPOINTS:03}", f"model-{i * 37 % ENDPOINTS:03}-{i % SCHEDULES}") for i in range(times)]
    at = [START + timedelta(hours=i * 7919 % windows) for i in range(times)]
    hour = timedelta(hours=1)
    view = sa.text(
        "SELECT window_end, value FROM metric_values WHERE endpoint = :endpoint AND schedule = :schedule "
        "AND metric = 'accuracy' AND window_start >= :since ORDER BY window_end"
    )
    month = START + timedelta(hours=windows - 720)

    def drawn(session: Session, i: int) -> object:
        return session.execute(view, {"endpoint": names[i][0], "schedule": names[i][1], "since": month}).all()

    questions: dict[str, Callable[[Session, int], object]] = {
        "health of all models": lambda s, i: queries.health(s),
        "open alerts": lambda s, i: queries.open_alerts(s),
        "health of one model": lambda s, i: queries.health(s, names[i][0]),
        "strip of 168 windows of a schedule": lambda s, i: queries.windows(s, *names[i], until=at[i], limit=168),
        "newest 50 windows of all": lambda s, i: queries.windows(s, limit=50),
        "newest 500 windows of a model": lambda s, i: queries.windows(s, names[i][0]),
        "a metric over all windows": lambda s, i: queries.metric(s, *names[i], "baseline_drift_check", "age"),
        "a metric over 30 days": lambda s, i: queries.metric(s, *names[i], "accuracy", since=month),
        "the view metric_values over 30 days": drawn,
        "findings of a window": lambda s, i: queries.findings(s, *names[i], at[i], at[i] + hour),
    }
    taken: dict[str, list[float]] = {}
    for name, question in questions.items():
        for i in range(times):
            with history.reading() as session:
                taken.setdefault(name, []).append(seconds(partial(question, session, i)))
    return taken


if __name__ == "__main__":
    main()
