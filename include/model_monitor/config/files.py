"""Read endpoint files; say what is wrong with one, on which line, and what to write instead."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml
from pydantic import ValidationError

from model_monitor.config import advice, retention
from model_monitor.config.endpoint import Endpoint
from model_monitor.errors import ConfigError

REFERENCE = re.compile(r"\$\{(?P<name>\w+)(:-(?P<default>[^}]*))?\}")  # to a variable of the environment


def load(path: Path | str) -> Endpoint:
    """The endpoint of one YAML file. Raises ConfigError that names the file, the line and what to write instead."""
    path = Path(path)
    text = text_of(path)
    try:
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
        advice.refuse_repeated_keys(path, tree)
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not YAML: {error}") from error
    try:
        endpoint = Endpoint.model_validate(with_environment(content), context={"folder": path.parent})
    except ValidationError as error:
        raise ConfigError(advice.on(error, path, tree, Endpoint.model_json_schema())) from error
    except KeyError as error:
        raise ConfigError(
            f"{path}: environment variable {error} is not set; set it or write ${{NAME:-default}}"
        ) from error
    if problem := retention.problem_of(endpoint):
        line = advice.line_of(tree, ("retention_days",))
        raise ConfigError(f"{path}:{line}: retention_days: {problem}")
    return endpoint


def text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: can't be read: {error}") from error


def load_all(
    paths: Iterable[Path], reserved: Mapping[str, Path] = MappingProxyType({}), suffixes: Sequence[str] = ()
) -> tuple[dict[Path, Endpoint], list[str]]:
    """The endpoints of the files that can be read together, and a text for each problem with the others.

    No two files may name a schedule alike or collect the same rows. No schedule may have a name that is ``reserved``
    for another file, or that is the name of another schedule and one of the ``suffixes``.
    """
    paths = list(paths)
    endpoints: dict[Path, Endpoint] = {}
    problems: list[str] = []
    owners = dict(reserved)  # of names, and of rows
    for path in paths:
        try:
            endpoint = load(path)
        except ConfigError as error:
            problems.append(str(error))
            continue
        names = [schedule.name + suffix for schedule in endpoint.schedules for suffix in ("", *suffixes)]
        names.append(f"{endpoint.output}/{endpoint.endpoint}/{endpoint.variant}")
        if taken := [name for name in names if name in owners]:
            problems.append(f"{path}: '{taken[0]}' is also in {owners[taken[0]]}; rename one")
        elif twice := [name for name in names if names.count(name) > 1]:
            problems.append(f"{path}: '{twice[0]}' is there twice; rename one")
        else:
            owners |= dict.fromkeys(names, path)
            endpoints[path] = endpoint
    return endpoints, [*problems, *retention.held_back(endpoints, paths).values()]


def problems_in(path: Path, endpoint: Endpoint) -> list[str]:
    """What is wrong with a file beyond its schema: unknown monitors or options, and scripts that do not exist."""
    tree = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    problems = []

    def add(place: Sequence[str | int], problem: object) -> None:
        line = advice.line_of(tree, tuple(place))
        problems.append(f"{path}:{line}: {'.'.join(map(str, place))}: {problem}")

    for i, schedule in enumerate(endpoint.schedules):
        try:
            schedule.build_monitor()
        except ConfigError as error:
            add(("schedules", i, "options" if schedule.options else "monitor"), error)
        scripts = {
            "preprocess": schedule.preprocess and schedule.preprocess.script,
            "postprocess": schedule.postprocess,
        }
        for key, script in scripts.items():
            if script and "://" not in script and not Path(script).is_file():
                add(("schedules", i, key), f"there is no script at {script}")
    return problems


def with_environment(content: Any) -> Any:
    """The same with ``${NAME}`` and ``${NAME:-default}`` in texts replaced. Raises KeyError."""
    if isinstance(content, dict):
        return {key: with_environment(value) for key, value in content.items()}
    if isinstance(content, list):
        return [with_environment(value) for value in content]
    return REFERENCE.sub(environment_value, content) if isinstance(content, str) else content


def environment_value(reference: re.Match[str]) -> str:
    name, default = reference["name"], reference["default"]
    return os.environ[name] if default is None else os.environ.get(name) or default
