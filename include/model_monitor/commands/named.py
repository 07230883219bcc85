"""The schedule, or the schedules, that ENDPOINT[/SCHEDULE] of a command names: an endpoint by its name or its file."""

from __future__ import annotations

import os
from pathlib import Path

from model_monitor.commands.endpoint_files import ENDPOINTS
from model_monitor.errors import ConfigError

YAML = (".yaml", ".yml")


def is_file(name: str) -> bool:
    """Whether a name is an endpoint file's, not an endpoint's."""
    return name.endswith(YAML) or os.sep in name or Path(name).is_file()


def named(text: str) -> tuple[Path, list[str]]:
    """The endpoint file, and the schedules that are meant: all of the endpoint without a name. Raises ConfigError."""
    from model_monitor import config

    head, slash, tail = text.rpartition("/")
    if text.endswith(YAML) or not slash:
        head, tail = text, ""
    file = Path(head) if is_file(head) else file_of(head)
    endpoint = config.load(file)
    return file, [endpoint.schedule(tail).name] if tail else [schedule.name for schedule in endpoint.schedules]


def one_named(text: str) -> tuple[Path, str]:
    """The endpoint file and the schedule that are meant. Raises ConfigError if several may be."""
    file, schedules = named(text)
    if len(schedules) > 1:
        raise ConfigError(f"{text} has several schedules: write {text}/SCHEDULE, one of {', '.join(schedules)}")
    return file, schedules[0]


def file_of(endpoint: str) -> Path:
    """The file of an endpoint among those of the default folder. Raises ConfigError."""
    from model_monitor import config

    found = config.load_all(config.files_in(Path(ENDPOINTS)))[0]
    for path, one in found.items():
        if one.endpoint == endpoint:
            return path
    known = ", ".join(sorted({one.endpoint for one in found.values()})) or "no endpoint"
    raise ConfigError(f"no such endpoint: {endpoint}; {ENDPOINTS} has {known}; its file will do as well")
