"""Endpoints with a history, and people who look at them: for tests of the dashboard."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from model_monitor import config
from model_monitor.config.execution import Assignment
from model_monitor.core.constraints import Finding
from model_monitor.dashboard.links import Links
from model_monitor.dashboard.page import Page, Shown
from model_monitor.dashboard.pages import PAGES, html
from model_monitor.dashboard.visit import Everybody, Viewer, Visit
from model_monitor.history.record import record
from model_monitor.jobs.drafts.saving import Place
from model_monitor.results.handover import Labels
from support.captures import endpoint_file
from support.reports import FINDINGS, window, write

NOW = datetime(2026, 3, 1, tzinfo=UTC)
VIOLATED, HOLDS = FINDINGS, FINDINGS[1:2]


@dataclass(frozen=True)
class Only:
    """A viewer who may read some DAGs, and edit some of them."""

    read: Collection[str]
    edit: Collection[str] = ()
    name: str = "ada"
    may_add: bool = False
    run: Collection[str] | None = None  # those that may be edited, if absent

    def may_read(self, dag_id: str) -> bool:
        return dag_id in self.read

    def may_edit(self, dag_id: str) -> bool:
        return dag_id in self.read and dag_id in self.edit

    def may_run(self, dag_id: str) -> bool:
        return dag_id in self.read and dag_id in (self.edit if self.run is None else self.run)


def endpoint(folder: Path, name: str, schedules: Sequence[dict[str, Any]], **settings: Any) -> Path:
    """Write an endpoint file with a store of its own."""
    (folder / name).mkdir(parents=True, exist_ok=True)
    path = Path(
        endpoint_file(folder / name, "endpoint.yaml", endpoint=name, schedules=[*schedules], output=str(folder / "out"))
    )
    if settings:
        path.write_text(path.read_text().removesuffix("}") + "".join(f", {line(*s)}" for s in settings.items()) + "}")
    return path


def line(key: str, value: Any) -> str:
    return f'"{key}": {json.dumps(value)}'


def judged(
    file: Path, schedule: str, hours: int, findings: Sequence[Finding] = HOLDS, labels: Labels | None = None
) -> None:
    """The report of a window, written and recorded."""
    execution = Assignment.load(file, schedule).on(window(hours))
    write(execution, findings=findings, labels=labels)
    record(execution)


def visit(*files: Path, viewer: Viewer | None = None, now: datetime = NOW, new_in: Path | None = None) -> Visit:
    """``new_in``: the folder for new endpoint files, as inside Airflow; None as in a static site."""
    known = {path: config.load(path) for path in files}
    links = Links("/model-monitor", airflow="" if new_in else None)
    return Visit(viewer or Everybody(), known, now, links, place=Place(new_in, known) if new_in else None)


def page(name: str) -> Page:
    return next(page for page in PAGES if page.name == name)


def seen(visit: Visit, name: str, /, **query: Any) -> tuple[Shown, str]:
    """What a page shows, and its HTML."""
    shown = page(name).view(visit, **query)
    return shown, html(page(name), shown, visit)
