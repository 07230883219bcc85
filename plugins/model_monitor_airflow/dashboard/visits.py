"""Who asks for a page, and which endpoint files are there now?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, Request

from model_monitor import config
from model_monitor.config import defaults
from model_monitor.dashboard.links import Links
from model_monitor.dashboard.visit import Viewer, Visit
from model_monitor_airflow import schedules
from model_monitor_airflow.dashboard.guards import logged_in
from model_monitor_airflow.dashboard.viewer import AirflowViewer
from model_monitor_airflow.pages import PREFIX

Stamp = tuple[Path, int, int]  # a file, when it was changed last, in ns, and its size in bytes


def visit_of(request: Request, user: Annotated[Any, Depends(logged_in)]) -> Visit:
    """The visit of a request. FastAPI refuses who has not logged in."""
    return visit_by(request, AirflowViewer(user))


def visit_by(request: Request, viewer: Viewer) -> Visit:
    files, root = endpoint_files(), request.scope.get("root_path", "")
    links = Links(root, airflow=root.removesuffix(PREFIX))
    return Visit(viewer, files, datetime.now(UTC), links, place=schedules.place(files))


def endpoint_files() -> Mapping[Path, config.Endpoint]:
    """The endpoint files that can be read; read again when one of them, or their defaults, changed."""
    paths = schedules.files()
    common = [path for folder in schedules.folders() if (path := folder / defaults.NAME).is_file()]
    return contents(tuple(stamp for path in [*paths, *common] if (stamp := stamp_of(path))))


def stamp_of(path: Path) -> Stamp | None:
    try:
        about = path.stat()
    except OSError:  # deleted in this moment
        return None
    return path, about.st_mtime_ns, about.st_size


@lru_cache(maxsize=1)
def contents(stamps: tuple[Stamp, ...]) -> Mapping[Path, config.Endpoint]:
    return schedules.loaded(config.without_defaults(path for path, _, _ in stamps))[0]
