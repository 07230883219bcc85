"""Many processes write at once, some are killed, and the database goes away: nothing that was judged is lost."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import sqlalchemy as sa
from support.places import INCLUDE, PROJECT
from support.postgres import Postgres, server
from support.reports import FINDINGS, execution_of, write

from model_monitor.errors import StoreError
from model_monitor.history import database as database_module
from model_monitor.history import tables
from model_monitor.history.database import History
from model_monitor.history.record import record
from model_monitor.history.reindex import rebuild

WRITERS, WINDOWS = 8, 12

CODE = """
import sys
from pathlib import Path
from support.reports import execution_of, window
from model_monitor.history.record import record
first = execution_of(Path(sys.argv[1]))
print("ready", flush=True)
for hour in map(int, sys.argv[2:]):
    record(first.on(window(hour)))
    print(hour, flush=True)
"""


def writer(root: Path, hours: list[int]) -> subprocess.Popen[str]:
    """A process that records windows, and says so of each."""
    paths = {"PYTHONPATH": os.pathsep.join([str(INCLUDE), str(PROJECT / "tests")])}
    command = [sys.executable, "-c", CODE, str(root), *map(str, hours)]
    return subprocess.Popen(command, env=os.environ | paths, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def line_of(process: subprocess.Popen[str]) -> str:
    """The next line that a process prints; the first one is that it is ready."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def counts(history: History) -> dict[str, int]:
    with history.reading() as session:
        tables_of_all = (tables.Execution, tables.Metric, tables.Finding)
        return {t.__tablename__: session.scalar(sa.select(sa.func.count()).select_from(t)) or 0 for t in tables_of_all}


def expected(windows: int) -> dict[str, int]:
    return {"executions": windows, "metrics": 4 * windows, "findings": 3 * windows}


@pytest.fixture
def history(database: str, monkeypatch: pytest.MonkeyPatch) -> History:
    monkeypatch.setenv("MODEL_MONITOR_HISTORY", database)
    return History.at(database)


def test_eight_writers_lose_nothing_on_a_database_that_none_of_them_knew(history: History, tmp_path: Path) -> None:
    total = WRITERS * WINDOWS
    for hour in range(total):
        write(execution_of(tmp_path, hour))
    shuffled = random.Random(1).sample(range(total), total)
    started = [writer(tmp_path, [*shuffled[i::WRITERS], *shuffled[:5]]) for i in range(WRITERS)]  # five windows by all
    assert [process.communicate()[1] for process in started] == [""] * WRITERS
    assert counts(history) == expected(total)


def test_of_writers_that_are_killed_all_that_they_said_is_there_and_nothing_by_half(
    history: History, tmp_path: Path
) -> None:
    total = WRITERS * WINDOWS
    for hour in range(total):
        write(execution_of(tmp_path, hour))
    started = [writer(tmp_path, list(range(i, total, WRITERS))) for i in range(WRITERS)]
    said: set[int] = set()
    for process in started:
        assert line_of(process) == "ready"
        said.add(int(line_of(process)))  # it is in the middle of its windows
    for process in started:
        process.send_signal(signal.SIGKILL)
    for process in started:
        said |= set(map(int, process.communicate()[0].split()))
    assert 0 < len(said) < total
    with history.reading() as session:
        keys = set(session.scalars(sa.select(tables.Execution.id)))
        metrics = session.execute(sa.select(tables.Metric.execution_id, sa.func.count()).group_by("execution_id"))
        assert len(said) <= len(keys) < total and dict(map(tuple, metrics)) == dict.fromkeys(keys, 4)
    for hour in range(total):  # as Airflow's retries do
        record(execution_of(tmp_path, hour))
    assert counts(history) == expected(total)


def test_of_two_runs_of_one_window_the_last_report_counts_whichever_writes_first(
    history: History, tmp_path: Path
) -> None:
    execution = execution_of(tmp_path)
    write(execution)
    record(execution)
    with history.session() as session:  # one that holds the schedule's row, as the first run does
        session.execute(sa.update(tables.Schedule).values(variant="held"))
        waiting = writer(tmp_path, [0])
        assert line_of(waiting) == "ready"
        time.sleep(1)
        assert waiting.poll() is None
        write(execution, findings=FINDINGS[1:2])  # the second run's report, before the first one has written
    assert waiting.communicate()[1] == ""
    with history.reading() as session:
        assert session.scalars(sa.select(tables.Execution.status)).all() == ["Completed"]


@pytest.fixture
def own_server() -> Iterator[Postgres]:
    with TemporaryDirectory(prefix="postgres-") as folder:
        one = server(Path(folder))
        one.start()
        try:
            yield one
        finally:
            one.stop()


def test_a_server_that_is_down_for_a_while_is_an_error_to_retry_and_the_retry_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_server: Postgres
) -> None:
    monkeypatch.setenv("MODEL_MONITOR_HISTORY", url := own_server.new_database())
    for hour in range(2):
        write(execution_of(tmp_path, hour))
    record(execution_of(tmp_path, 0))
    own_server.stop()
    with pytest.raises(StoreError, match="does not answer"):
        record(execution_of(tmp_path, 1))
    own_server.start()
    record(execution_of(tmp_path, 1))
    assert counts(History.at(url)) == expected(2)


def test_a_file_that_stays_locked_is_an_error_to_retry_and_hides_nothing_from_readers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MODEL_MONITOR_HISTORY", raising=False)
    monkeypatch.setattr(database_module, "PATIENCE", 0.2)
    execution = execution_of(tmp_path)
    write(execution)
    record(execution)
    history = History.of(execution.endpoint)
    assert history is not None
    with history.session():
        with pytest.raises(StoreError, match="locked"):
            record(execution)
        assert counts(history) == expected(1)
    record(execution)


def test_a_writer_waits_for_one_that_is_slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MODEL_MONITOR_HISTORY", raising=False)
    execution = execution_of(tmp_path)
    write(execution)
    record(execution)
    history = History.of(execution.endpoint)
    assert history is not None
    with history.session():
        waiting = writer(tmp_path, [0])
        assert line_of(waiting) == "ready"
        time.sleep(1)
        assert waiting.poll() is None
    assert waiting.communicate()[1] == ""


def test_a_history_of_another_schema_writes_nothing_until_it_is_upgraded_and_then_all(
    history: History, tmp_path: Path
) -> None:
    write(execution_of(tmp_path))
    history.upgrade()
    with history.engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0000'"))
    with pytest.raises(StoreError, match="--upgrade"):
        record(execution_of(tmp_path))
    with history.engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0001'"))
    rebuild(history, execution_of(tmp_path).endpoint)
    assert counts(history) == expected(1)
