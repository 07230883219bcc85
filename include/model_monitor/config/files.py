"""Read endpoint files; say what is wrong with one, on which line, and what to write instead."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml
from pydantic import ValidationError

from model_monitor.config import defaults, mutes, neighbours, retention, yaml_files
from model_monitor.config.advice import advice_on
from model_monitor.config.endpoint import Endpoint, Schedule
from model_monitor.config.expectations import problems
from model_monitor.errors import ConfigError


def load(path: Path | str, change: Callable[[Any], Any] | None = None) -> Endpoint:
    """The endpoint of one YAML file, or as it would be after a ``change`` of its content. Raises ConfigError that names
    the file, the line and what to write instead."""
    path = Path(path)
    try:
        tree, content = yaml_files.load(path)
        return endpoint_in(path, tree, change(content) if change else content)
    except ConfigError:
        raise
    except Exception as error:  # whatever a value does to the code that reads it, the other files' DAGs stay
        raise ConfigError(f"{path}: can't be read: {type(error).__name__}: {error}") from error


def endpoint_in(path: Path, tree: yaml.Node | None, content: Any) -> Endpoint:
    """The endpoint that a file's content describes."""
    try:
        endpoint = Endpoint.model_validate(yaml_files.with_environment(content), context={"folder": path.parent})
    except ValidationError as error:
        raise ConfigError(advice_on(error, path, tree, Endpoint)) from error
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
    except KeyError as error:
        raise ConfigError(
            f"{path}: environment variable {error} is not set; set it or write ${{NAME:-default}}"
        ) from error
    if problem := retention.problem_of(endpoint):
        line = yaml_files.line_at(tree, ("retention_days",))
        raise ConfigError(f"{path}:{line}: retention_days: {problem}")
    return endpoint


def load_all(
    paths: Iterable[Path], reserved: Mapping[str, Path] = MappingProxyType({}), suffixes: Sequence[str] = ()
) -> tuple[dict[Path, Endpoint], list[str]]:
    """The endpoints of the files that can be read together, and a text for each problem with the others.

    No two files may name a schedule alike or collect the same rows. No schedule may have a name that is ``reserved``
    for another file, or that is the name of another schedule and one of the ``suffixes``.
    """
    paths = list(paths)
    folders = [path.parent for path in paths if path.name == defaults.NAME]
    paths = without_defaults(paths)
    endpoints: dict[Path, Endpoint] = {}
    readable: dict[Path, Endpoint] = {}
    problems: list[str] = []
    owners = dict(reserved)  # of names, and of rows
    for path in paths:
        try:
            endpoint = load(path)
        except ConfigError as error:
            problems.append(str(error))
            continue
        readable[path] = endpoint
        names = claims(endpoint, suffixes)
        if taken := [name for name in names if name in owners]:
            problems.append(f"{path}: '{taken[0]}' is also in {owners[taken[0]]}; rename one")
        elif twice := [name for name in names if names.count(name) > 1]:
            problems.append(f"{path}: '{twice[0]}' is there twice; rename one")
        else:
            owners |= dict.fromkeys(names, path)
            endpoints[path] = endpoint
    held = neighbours.held_back(readable, paths)
    problems += [why for path, why in held.items() if path in endpoints]
    return endpoints, [*problems, *defaults.problems(readable, folders)]


def claims(endpoint: Endpoint, suffixes: Sequence[str] = ()) -> list[str]:
    """What no other endpoint may have: the names of its schedules' DAGs, and the place of its rows."""
    names = [schedule.name + suffix for schedule in endpoint.schedules for suffix in ("", *suffixes)]
    return [*names, f"{endpoint.output}/{endpoint.endpoint}/{endpoint.variant}"]


def without_statistics(schedule: Schedule) -> str:
    """That a baseline does not tell how values are spread; "" of one that may."""
    if schedule.monitor.replace("-", "_") != "data_quality" or not schedule.baseline.has_constraints_only:
        return ""
    return f"the baseline of '{schedule.name}' has constraints and no statistics: drift is not judged"


def refuse_held_back(path: Path) -> None:
    """Raise ConfigError if retention of an endpoint file would delete what another file of its folder keeps, or may."""
    others = (other for other in files_in(path.parent) if other.resolve() != path.resolve())
    if why := held_back([path, *others]).get(path):
        raise ConfigError(why)


def held_back(paths: Sequence[Path]) -> dict[Path, str]:
    """The files that may delete nothing now, with the reason; all files that can be read count, alone or together."""
    readable = {}
    for path in paths:
        with contextlib.suppress(ConfigError):
            readable[path] = load(path)
    return neighbours.held_back(readable, paths)


def files_in(folder: Path) -> list[Path]:
    """The endpoint files of a folder; not what they have in common, nor the hidden ones, such as an editor's lock."""
    return without_defaults(sorted(path for path in folder.glob("*.yaml") if not path.name.startswith(".")))


def without_defaults(paths: Iterable[Path]) -> list[Path]:
    """The endpoint files among files, such as those of a shell's ``*.yaml``."""
    return [path for path in paths if path.name != defaults.NAME]


def problems_in(path: Path, endpoint: Endpoint) -> list[str]:
    """What is wrong with a file beyond its schema: unknown monitors or options, and scripts that do not exist."""
    tree, _ = yaml_files.load(path)
    found = []

    def add(place: Sequence[str | int], problem: object) -> None:
        line = yaml_files.line_at(tree, tuple(place))
        found.append(f"{path}:{line}: {'.'.join(map(str, place))}: {problem}")

    for i, schedule in enumerate(endpoint.schedules):
        wrong = list(problems(schedule.expectations)) if schedule.expectations else []
        for place, problem in wrong:
            add(("schedules", i, "expectations", *place), problem)
        try:
            (schedule.build_learner if wrong else schedule.build_monitor)()
        except ConfigError as error:
            add(("schedules", i, "options" if schedule.options else "monitor"), error)
        preprocess = schedule.preprocess and schedule.preprocess.script
        for key, script in (("preprocess", preprocess), ("postprocess", schedule.postprocess)):
            if script and "://" not in script and not Path(script).is_file():
                add(("schedules", i, key), f"there is no script at {script}")
        if schedule.monitor == "traffic" and schedule.baseline.has_constraints_only:
            why = "constraints alone do not tell how many requests are usual; add statistics: .../statistics.json"
            add(("schedules", i, "baseline"), why)
    for where, problem in mutes.unknown_checks(endpoint):
        add(where, problem)
    return found


def notices_in(endpoint: Endpoint, today: date) -> list[str]:
    """What a person should know of a file that is right: paths of SageMaker's container in local scripts, which are not
    there; baselines whose drift can't be judged; mutes that are over."""
    about = [*mutes.notices_of_mutes(endpoint, today), *map(without_statistics, endpoint.schedules)]
    notices = [notice for notice in about if notice]
    for schedule in endpoint.schedules:
        for script in (schedule.preprocess.script if schedule.preprocess else None, schedule.postprocess):
            if script and "://" not in script:
                from model_monitor.rows import scripts  # brings PyArrow

                notices += scripts.container_paths(script, Path(script).read_bytes())
    return list(dict.fromkeys(notices))
