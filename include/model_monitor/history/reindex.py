"""Rebuild the history of an endpoint from the store: the same rows that writing each report at its time gave."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

import sqlalchemy as sa
from sqlalchemy.orm import Session

from model_monitor import store
from model_monitor.config.endpoint import Endpoint
from model_monitor.config.execution import Assignment
from model_monitor.errors import ConfigError, DataError
from model_monitor.history.baselines import write_baselines
from model_monitor.history.database import History
from model_monitor.history.record import write
from model_monitor.history.reports import Place, places_of
from model_monitor.history.tables import Execution, Schedule
from model_monitor.results.documents.protocol import EXECUTION

AT_ONCE = 20  # reports in one transaction, for which other writers wait


@dataclass
class Rebuilt:
    """How many executions, versions of baselines and incidents were written, how many rows went that no file backs, and
    a sentence for each file that can't be read."""

    executions: int = 0
    baselines: int = 0
    incidents: int = 0
    gone: int = 0
    problems: list[str] = field(default_factory=list)


def rebuild(history: History, endpoint: Endpoint) -> Rebuilt:
    """Write the rows of all reports and baselines of an endpoint, and delete those without a report. Raises StoreError.

    A damaged report keeps the row that it has.
    """
    history.upgrade()
    rebuilt = Rebuilt()
    known = set()
    for places in batches(places_of(endpoint)):
        known |= {place.report for place in places}
        with history.session() as session:
            for place in places:
                write_or_tell(session, place, rebuilt)
    write_all_baselines(history, endpoint, rebuilt)
    with history.session() as session:
        rebuilt.gone = delete_gone(session, endpoint, known)
    return rebuilt


def write_all_baselines(history: History, endpoint: Endpoint, rebuilt: Rebuilt) -> None:
    for schedule in endpoint.schedules:
        with history.session() as session:
            try:
                rebuilt.baselines += write_baselines(session, Assignment(endpoint, schedule))
            except (ConfigError, DataError) as error:
                rebuilt.problems.append(str(error))


def from_reports(endpoint: Endpoint, newest: int) -> tuple[History, Rebuilt]:
    """A history in memory of the newest so many windows of each schedule, as their reports say; it has no incidents.
    Raises StoreError."""
    history, rebuilt = History.in_memory(), Rebuilt()
    history.upgrade()
    by_schedule: dict[str, list[Place]] = {}
    for place in sorted(places_of(endpoint)):
        by_schedule.setdefault(place.schedule, []).append(place)
    for places in by_schedule.values():
        with history.session() as session:
            for place in places[-newest:]:
                write_or_tell(session, place, rebuilt)
    write_all_baselines(history, endpoint, rebuilt)
    return history, rebuilt


def batches(places: Iterable[Place]) -> Iterator[list[Place]]:
    rest = iter(places)
    while batch := list(islice(rest, AT_ONCE)):
        yield batch


def write_or_tell(session: Session, place: Place, rebuilt: Rebuilt) -> None:
    try:
        with session.begin_nested():
            rebuilt.executions += write(session, place) is not None
    except (ConfigError, DataError) as error:
        rebuilt.problems.append(str(error))
    except (KeyError, TypeError, ValueError, AttributeError) as error:  # a file that a person edited
        rebuilt.problems.append(f"{place.report} is no report as it was written: {error!r}")


def delete_gone(session: Session, endpoint: Endpoint, known: set[str]) -> int:
    """Delete the executions whose report is neither known nor there now; how many they were."""
    mine = sa.select(Execution.id, Execution.report).join(Schedule).where(Schedule.endpoint == endpoint.endpoint)
    rows = [(key, report) for key, report in session.execute(mine) if report not in known]
    gone = [key for key, report in rows if not store.exists(store.join(report, EXECUTION))]
    for key in gone:
        session.execute(sa.delete(Execution).where(Execution.id == key))
    return len(gone)
