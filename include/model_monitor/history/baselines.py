"""Write which versions of a baseline there are, what was decided about each, and which is in force."""

from __future__ import annotations

import contextlib
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from model_monitor import store
from model_monitor.config.execution import Assignment
from model_monitor.errors import DataError
from model_monitor.history.database import History
from model_monitor.history.record import locked, upsert
from model_monitor.history.rows import Row, when
from model_monitor.history.tables import Baseline
from model_monitor.results.documents.protocol import Document, decode
from model_monitor.results.reading import read_or_none
from model_monitor.results.sealed import unsealed
from model_monitor.store.addresses import parent_of

DESCRIPTION, DECISION = "baseline.json", "decision.json"
PROPOSED, UNREADABLE = "proposed", "unreadable"


def record_baselines(assignment: Assignment) -> None:
    """The versions of a schedule's baseline as they are in the store; nothing where no history is kept. Raises
    StoreError."""
    if history := History.of(assignment.endpoint):
        with history.session() as session:
            write_baselines(session, assignment)


def write_baselines(session: Session, assignment: Assignment) -> int:
    """The same in a transaction; the number of versions."""
    schedule = locked(session, assignment.endpoint.endpoint, assignment.schedule.name)
    published: Document = {}
    with contextlib.suppress(DataError):  # a damaged pointer: no version is in force until one is published
        published = sealed_at(assignment.published_baseline) or {}
    folders = [parent_of(f.address) for f in store.list_files(assignment.baselines, (f"/{DESCRIPTION}",))]
    for folder in folders:
        row = baseline_row(folder) | {"in_force": store.name_of(folder) == published.get("version")}
        upsert(session, Baseline, row | {"schedule_id": schedule}, ("schedule_id", "version"))
    versions = [store.name_of(folder) for folder in folders]
    session.execute(sa.delete(Baseline).where(Baseline.schedule_id == schedule, Baseline.version.not_in(versions)))
    return len(versions)


def baseline_row(folder: str) -> Row:
    """The values of a row of ``baselines`` by the files of a version's folder. A damaged one of them hides no other
    version: ``model-monitor baselines`` says what to do."""
    address, described = store.join(folder, DESCRIPTION), dict[str, Any]()
    with contextlib.suppress(DataError):
        described = decode(read_or_none(address) or b"{}", address)
    try:
        decision = sealed_at(store.join(folder, DECISION)) or {}
    except DataError:
        decision = {"decision": UNREADABLE}
    return {
        "version": store.name_of(folder),
        "created": when(described.get("created")),
        "judged": described.get("rows"),
        "state": decision.get("decision", PROPOSED),
        "automatic": decision.get("automatic"),
        "decided_by": decision.get("by"),
        "decided_at": when(decision.get("at")),
        "why": decision.get("why"),
    }


def sealed_at(address: str) -> Document | None:
    """A sealed JSON file; None if it is not there. Raises DataError if it is damaged."""
    content = read_or_none(address)
    return None if content is None else decode(unsealed(content, address), address)
