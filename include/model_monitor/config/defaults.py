"""What do the endpoint files of a folder have in common? Its ``defaults.yaml``: who is told, and which engine reads.

It is read where somebody is to be told, and not with the endpoint files: a mistake in it must not take their DAGs down.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import ValidationError

from model_monitor.config import yaml_files
from model_monitor.config.advice import advice_on
from model_monitor.config.alerts import Alerts, merged
from model_monitor.config.endpoint import Endpoint, Schedule
from model_monitor.config.engine import Engine
from model_monitor.config.fields import Settings
from model_monitor.errors import ConfigError

NAME = "defaults.yaml"


class Defaults(Settings):
    """The content of ``defaults.yaml``."""

    alerts: Alerts = Alerts()
    engine: Engine | None = None


def defaults_in(folder: Path | None) -> Defaults:
    """The defaults of a folder's endpoint files; empty if it has none. Raises ConfigError that names the line."""
    path = (folder or Path()) / NAME
    if folder is None or not path.exists():
        return Defaults()
    tree, content = yaml_files.load(path)
    try:
        return Defaults.model_validate(yaml_files.with_environment(content or {}))
    except ValidationError as error:
        raise ConfigError(advice_on(error, path, tree, Defaults)) from error
    except KeyError as error:
        raise ConfigError(
            f"{path}: environment variable {error} is not set; set it or write ${{NAME:-default}}"
        ) from error


def engine_of(endpoint: Endpoint) -> Engine | None:
    """What reads and observes an endpoint's rows: its own setting, or that of ``defaults.yaml``; None if they do it in
    the process of a task. Raises ConfigError."""
    return endpoint.engine or defaults_in(endpoint.folder).engine


def alerts_of(endpoint: Endpoint, schedule: Schedule) -> Alerts:
    """Who is told of a schedule's windows, and when: its own settings, the endpoint's and those of ``defaults.yaml``.

    Raises ConfigError if they can't be read or contradict each other.
    """
    alerts = merged(defaults_in(endpoint.folder).alerts, endpoint.alerts, schedule.alerts)
    for _, problem in alerts.problems():
        raise ConfigError(f"schedule '{schedule.name}': alerts.{problem}")
    return alerts


def tells_anyone(endpoint: Endpoint) -> bool:
    """Whether anyone is told of an endpoint's windows; True if that can't be read."""
    try:
        return any(alerts_of(endpoint, schedule).destinations for schedule in endpoint.schedules)
    except ConfigError:
        return True


def problems(endpoints: Mapping[Path, Endpoint], folders: Iterable[Path]) -> list[str]:
    """What is wrong with who is told: a text for each ``defaults.yaml`` that can't be read, and for each endpoint file
    whose settings contradict each other. No endpoint is unusable for that."""
    found = []
    for folder in sorted({*folders, *(path.parent for path in endpoints)}):
        try:
            defaults_in(folder)
        except ConfigError as error:
            found.append(str(error))
            continue
        for path, endpoint in endpoints.items():
            if path.parent == folder:
                found += contradictions(path, endpoint)
    return found


def contradictions(path: Path, endpoint: Endpoint) -> list[str]:
    """What contradicts itself in an endpoint file with its defaults, once for each line that says so."""
    common, found = path.with_name(NAME), dict[str, str]()
    for i, schedule in enumerate(endpoint.schedules):
        layers = [
            (path, ("schedules", i, "alerts"), schedule.alerts),
            (path, ("alerts",), endpoint.alerts),
            (common, ("alerts",), defaults_in(path.parent).alerts),
        ]
        for name, problem in merged(*(alerts for _, _, alerts in reversed(layers))).problems():
            file, place = next(filter(None, (saying(name, *layer) for layer in layers)))
            where = f"{file}:{yaml_files.line_at(yaml_files.load(file)[0], place)}"
            found.setdefault(where, f"{where}: schedule '{schedule.name}': alerts.{problem}")
    return list(found.values())


def saying(
    name: str, file: Path, place: tuple[str | int, ...], alerts: Alerts
) -> tuple[Path, tuple[str | int, ...]] | None:
    """Where a file says how many windows open an alert, in a section of its settings; None if it does not."""
    keys = (key for key in ("datapoints", "evaluation_windows") if key in alerts.section(name).model_fields_set)
    return next(((file, (*place, *filter(None, [name]), key)) for key in keys), None)
