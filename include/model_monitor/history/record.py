"""Write what reports say into the history: now, or again from the store. Both call the same function.

A report's files are read while its schedule's row is locked, so of two runs of one window, whichever writes last has
read the files as they were left.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from model_monitor import store
from model_monitor.config.execution import Execution
from model_monitor.history.database import History
from model_monitor.history.reports import Place, versions_in
from model_monitor.history.rows import Row, execution_row, finding_rows, metric_rows, verdict_row
from model_monitor.history.tables import Execution as Executed
from model_monitor.history.tables import Finding, Metric, Schedule, Table, Verdict
from model_monitor.results.reading import Report


def record(execution: Execution) -> None:
    """The report on a window, as rows that replace those it had; nothing where no history is kept.

    Raises StoreError if the database does not answer or has another schema: the files stand, and a retry writes.
    """
    if history := History.of(execution.endpoint):
        with history.session() as session:
            write(session, Place.of(execution))


def write(session: Session, place: Place) -> int | None:
    """Replace a window's rows by what its report says; the key of its execution, None if there is no report."""
    schedule = locked(session, place.endpoint, place.schedule)
    if (report := Report.find(place.report)) is None:
        return None
    about = {name: report.execution[name] for name in ("variant", "monitor")}
    session.execute(sa.update(Schedule).where(Schedule.id == schedule).values(about))
    row = execution_row(report, place.report) | {"schedule_id": schedule}
    key = upsert(session, Executed, row, ("schedule_id", "window_start", "window_end"))
    found = finding_rows(report)
    own = {"execution_id": key, **{name: row[name] for name in ("schedule_id", "window_start", "window_end")}}
    replace(session, Finding, key, [one | {"execution_id": key} for one in found])
    replace(session, Metric, key, [one | own for one in metric_rows(report, found)])
    write_verdicts(session, place.earlier, key)
    return key


def write_verdicts(session: Session, earlier: str, execution: int) -> None:
    """What was found on a window by how far its labels had come. A version's name holds a digest of its files, so those
    that are there stay."""
    known = set(session.scalars(sa.select(Verdict.version).where(Verdict.execution_id == execution)))
    folders = {store.name_of(folder): folder for folder in versions_in(earlier)}
    for name in sorted(folders.keys() - known):
        if report := Report.find(folders[name]):
            session.add(Verdict(execution_id=execution, version=name, **verdict_row(report.execution)))
    if gone := known - folders.keys():
        session.execute(sa.delete(Verdict).where(Verdict.execution_id == execution, Verdict.version.in_(gone)))


def locked(session: Session, endpoint: str, schedule: str) -> int:
    """The key of a schedule, whose row is locked until the transaction ends."""
    row = {"endpoint": endpoint, "name": schedule, "variant": "", "monitor": ""}
    return upsert(session, Schedule, row, ("endpoint", "name"), changed=("name",))


def replace(session: Session, table: type[Finding | Metric], execution: int, rows: list[Row]) -> None:
    session.execute(sa.delete(table).where(table.execution_id == execution))
    if rows:
        plain = Table.metadata.tables[table.__tablename__]  # inserts into the class: a statement per pattern of NULLs
        session.execute(sa.insert(plain), rows)


def upsert(
    session: Session, table: type[Table], row: Row, unique: Sequence[str], changed: Sequence[str] | None = None
) -> int:
    """Insert a row, or change the one with the same ``unique`` values, all of it by default; its key."""
    kind: Any = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    insert = kind.insert(table).values(row)
    values = {name: insert.excluded[name] for name in (row if changed is None else changed)}
    statement = insert.on_conflict_do_update(index_elements=unique, set_=values)
    return int(session.execute(statement.returning(sa.literal_column("id"))).scalar_one())
