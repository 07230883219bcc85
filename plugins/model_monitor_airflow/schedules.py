"""Which schedules are there? The endpoint files as DAG files want them: each good one, whatever the others say."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from airflow.sdk import get_parsing_context

from model_monitor import config
from model_monitor.config import retention as retained

AT_ONCE = 4  # runs of a schedule that are under way together
RERUNS = 200  # of its past windows that may be added when their labels come: more than a week's hours


class Scheduled(NamedTuple):
    """One entry of an endpoint file."""

    file: Path
    endpoint: config.Endpoint
    schedule: config.Schedule


def folder() -> Path:
    """Where the endpoint files are: ``MODEL_MONITOR_ENDPOINTS``, or ``include/endpoints`` of this project."""
    return Path(os.environ.get("MODEL_MONITOR_ENDPOINTS") or Path(__file__).parents[2] / "include" / "endpoints")


def wanted(suffix: str = "") -> Iterator[Scheduled]:
    """The schedules that this process needs DAGs for: all, or in a worker only the one whose task it runs.

    ``suffix`` is what the DAG's name has beyond the schedule's.
    """
    dag_id = get_parsing_context().dag_id
    if dag_id is None:
        yield from read(files())[0]
        return
    if dag_id.endswith(suffix):
        name = dag_id.removesuffix(suffix)
        likely = [path for path in files() if name in path.read_text("utf-8", "replace")]
        yield from (found for found in read(likely)[0] if found.schedule.name == name)


def awaiting_labels() -> list[Scheduled]:
    """The schedules whose labels come later than their captures; none in a worker that runs another DAG's task."""
    if get_parsing_context().dag_id not in (None, config.LATE_LABELS):
        return []
    return [found for found in read(files())[0] if found.schedule.ground_truth]


def expiring() -> dict[Path, config.Endpoint]:
    """The endpoints with ``retention_days``, by file; none in a worker that runs another DAG's task.

    Left out are those whose captures another file's endpoint keeps for longer, or may, as it can't be read.
    """
    if get_parsing_context().dag_id not in (None, config.RETENTION):
        return {}
    endpoints, _ = config.load_all(files())
    held = retained.held_back(endpoints, files())
    return {path: one for path, one in endpoints.items() if one.retention_days is not None and path not in held}


def problems() -> list[str]:
    """What is wrong with the endpoint files, one text each; empty if nothing is."""
    return read(files())[1]


def files() -> list[Path]:
    return sorted(folder().glob("*.yaml"))


def read(paths: list[Path]) -> tuple[list[Scheduled], list[str]]:
    """The schedules of the files that can be read, and what is wrong with the others."""
    endpoints, wrong = config.load_all(paths)
    return [Scheduled(path, e, schedule) for path, e in endpoints.items() for schedule in e.schedules], wrong
