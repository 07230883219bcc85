"""Which schedules are there? Those of every valid endpoint file; an invalid file does not stop the others."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from airflow.sdk import get_parsing_context, timezone

from model_monitor import config
from model_monitor.config.yaml_files import text_of
from model_monitor.errors import ConfigError
from model_monitor_airflow.dag_settings import BASELINE, DELIVERIES, LATE_LABELS, RETENTION, RETENTION_PREVIEW
from model_monitor_airflow.timetables import WindowTimetable

if TYPE_CHECKING:
    from model_monitor.jobs.drafts.saving import Place

RESERVED = dict.fromkeys((RETENTION, RETENTION_PREVIEW), Path("dags/retention.py"))
RESERVED[DELIVERIES] = Path("dags/deliveries.py")


class Scheduled(NamedTuple):
    """One entry of an endpoint file."""

    file: Path
    endpoint: config.Endpoint
    schedule: config.Schedule

    @property
    def timetable(self) -> WindowTimetable | None:
        """When the schedule judges which window; None if it only runs by hand."""
        s = self.schedule
        return timetable_of(s.timetable, s.length, s.delay, s.latest, s.lag) if s.timetable else None

    @property
    def start_date(self) -> datetime:
        """The first tick that may run."""
        return self.schedule.earliest + self.schedule.lag

    def problem(self) -> str | None:
        """Why its DAG can't be built; None if it can."""
        try:
            if timetable := self.timetable:
                timetable.infer_manual_data_interval(run_after=timezone.coerce_datetime(self.start_date))
        except (
            ArithmeticError,
            TypeError,
            ValueError,
        ) as error:  # one schedule's odd value must not take down the DAGs of all others
            return f"{self.file}: schedule '{self.schedule.name}' can't be scheduled: {error}"
        return None


@cache
def timetable_of(
    cron: str, window: timedelta | None, delay: timedelta, latest: datetime | None, lag: timedelta
) -> WindowTimetable:
    """One timetable for all schedules of the same times: to describe one in words costs more than all else of a DAG."""
    return WindowTimetable(cron, window, delay, latest, lag)


def folder() -> Path:
    """Where new endpoint files go: the first of the folders."""
    return folders()[0]


def folders() -> list[Path]:
    """Where endpoint files are: ``MODEL_MONITOR_ENDPOINTS``, one folder or more as in ``PATH``, or this project's
    ``include/endpoints``."""
    named = [Path(name) for name in os.environ.get("MODEL_MONITOR_ENDPOINTS", "").split(os.pathsep) if name]
    return named or [Path(__file__).parents[2] / "include" / "endpoints"]


def wanted(suffix: str = "") -> Iterator[Scheduled]:
    """The schedules that this process needs DAGs for: all of them, or in a worker the one whose task it runs.

    A DAG's name is the schedule's name and ``suffix``.
    """
    dag_id = get_parsing_context().dag_id
    if dag_id is None:
        yield from read(files())[0]
        return
    if dag_id.endswith(suffix):
        name = dag_id.removesuffix(suffix)
        likely = [path for path in files() if mentions(path, name)]
        matches = [entry for entry in read(likely)[0] if entry.schedule.name == name]
        yield from matches or [entry for entry in read(files())[0] if entry.schedule.name == name]


def mentions(path: Path, name: str) -> bool:
    """Whether a file has a name as it stands; a name that is written with escapes is found by reading all files."""
    try:
        return name in text_of(path)
    except ConfigError:
        return False


def awaiting_labels() -> list[Scheduled]:
    """The schedules with ground truth; none in a worker that runs a task of another DAG."""
    if get_parsing_context().dag_id not in (None, LATE_LABELS):
        return []
    return [entry for entry in read(files())[0] if entry.schedule.ground_truth]


def expiring() -> dict[Path, config.Endpoint]:
    """The endpoints with ``retention_days``, by file; none in a worker that runs a task of another DAG.

    An endpoint is left out while another file keeps the same captures for longer, or can't be read and so might.
    """
    if get_parsing_context().dag_id not in (None, RETENTION, RETENTION_PREVIEW):
        return {}
    endpoints, _ = loaded(files())
    held = config.held_back(files())
    return {path: e for path, e in endpoints.items() if e.retention_days is not None and path not in held}


def telling() -> dict[Path, config.Endpoint]:
    """The endpoints of whose windows somebody is told, or may be, by file; none in a worker that runs a task of another
    DAG."""
    if get_parsing_context().dag_id not in (None, DELIVERIES):
        return {}
    return {path: endpoint for path, endpoint in loaded(files())[0].items() if config.tells_anyone(endpoint)}


def problems() -> list[str]:
    """What is wrong with the endpoint files, one text each; empty if nothing is."""
    return read(files())[1]


def files() -> list[Path]:
    """The endpoint files."""
    return [path for one in folders() for path in config.files_in(one)]


def read(paths: list[Path]) -> tuple[list[Scheduled], list[str]]:
    """The schedules of the files that can be read, and what is wrong with the others."""
    endpoints, errors = loaded(paths)
    entries = [Scheduled(path, e, schedule) for path, e in endpoints.items() for schedule in e.schedules]
    problems = [entry.problem() for entry in entries]
    usable = [entry for entry, problem in zip(entries, problems, strict=True) if not problem]
    return usable, [*errors, *filter(None, problems)]


def loaded(paths: list[Path]) -> tuple[dict[Path, config.Endpoint], list[str]]:
    """The endpoints of the files, none of which may claim the name of one of our own DAGs."""
    return config.load_all(paths, RESERVED, suffixes=[BASELINE])


def place(files: Mapping[Path, config.Endpoint]) -> Place:
    """Where a new endpoint file goes, beside those that there are."""
    from model_monitor.jobs.drafts.saving import Place  # brings PyArrow

    return Place(folder(), files, RESERVED, [BASELINE])
