"""Read endpoint files; say what is wrong with one, on which line, and what to write instead."""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from model_monitor.config import neighbours, retention, yaml_files
from model_monitor.config.endpoint import Endpoint
from model_monitor.config.expectations import problems
from model_monitor.errors import ConfigError, printable


def load(path: Path | str) -> Endpoint:
    """The endpoint of one YAML file. Raises ConfigError that names the file, the line and what to write instead."""
    path = Path(path)
    try:
        return endpoint_in(path, *yaml_files.load(path))
    except ConfigError:
        raise
    except Exception as error:  # whatever a value does to the code that reads it, the other files' DAGs stay
        raise ConfigError(f"{path}: can't be read: {type(error).__name__}: {error}") from error


def endpoint_in(path: Path, tree: yaml.Node | None, content: Any) -> Endpoint:
    """The endpoint that a file's content describes."""
    try:
        endpoint = Endpoint.model_validate(yaml_files.with_environment(content), context={"folder": path.parent})
    except ValidationError as error:
        raise ConfigError(advice_on(error, path, tree)) from error
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
        names = [schedule.name + suffix for schedule in endpoint.schedules for suffix in ("", *suffixes)]
        names.append(f"{endpoint.output}/{endpoint.endpoint}/{endpoint.variant}")
        if taken := [name for name in names if name in owners]:
            problems.append(f"{path}: '{taken[0]}' is also in {owners[taken[0]]}; rename one")
        elif twice := [name for name in names if names.count(name) > 1]:
            problems.append(f"{path}: '{twice[0]}' is there twice; rename one")
        else:
            owners |= dict.fromkeys(names, path)
            endpoints[path] = endpoint
    held = neighbours.held_back(readable, paths)
    return endpoints, [*problems, *(why for path, why in held.items() if path in endpoints)]


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
    """The endpoint files of a folder; not the hidden ones, such as an editor's lock."""
    return sorted(path for path in folder.glob("*.yaml") if not path.name.startswith("."))


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
    return found


def advice_on(error: ValidationError, path: Path, tree: yaml.Node | None) -> str:
    """A line per problem: file, line, place and advice. ``tree`` is the file's YAML with its marks."""
    return "\n".join(printable(explained(path, tree, problem)) for problem in deepest(error.errors()))


def deepest(problems: list[ErrorDetails]) -> list[ErrorDetails]:
    """The problems that do not follow from a deeper one; "too few schedules" follows if one of them is invalid."""
    return [p for p in problems if not any(p is not q and p["loc"] == q["loc"][: len(p["loc"])] for q in problems)]


def explained(path: Path, tree: yaml.Node | None, problem: ErrorDetails) -> str:
    """One validation problem: file, line, place and advice."""
    place = [str(part) for part in problem["loc"]]
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        message = f"unknown key '{place[-1]}'{instead_of(place, Endpoint.model_json_schema())}"
    elif problem["type"] == "missing":
        message = f"'{place[-1]}' is missing; add it"
    elif problem["type"] == "string_type" and isinstance(problem["input"], bool | int | float):
        message = f"a text is expected; put {problem['input']!r} in quotes"
    return f"{path}:{yaml_files.line_at(tree, problem['loc'])}: {'.'.join(place) or 'file'}: {message}"


def instead_of(place: list[str], schema: dict[str, Any]) -> str:
    """Advice for an unknown key: the most similar known key, or all keys."""
    known = known_keys(place[:-1], schema)
    near = difflib.get_close_matches(place[-1], known, n=1)
    return f"; did you mean '{near[0]}'?" if near else f"; known keys are {', '.join(known)}"


def known_keys(place: list[str], schema: dict[str, Any]) -> list[str]:
    """The keys that the schema allows at a place."""
    node = schema
    for part in place:
        node = node.get("items", node) if part.isdigit() else node.get("properties", {}).get(part, {})
        for option in [node, *node.get("anyOf", [])]:
            if "$ref" in option:
                node = schema["$defs"][option["$ref"].rpartition("/")[2]]
            elif "$ref" in option.get("items", {}):
                node = {"items": schema["$defs"][option["items"]["$ref"].rpartition("/")[2]]}
    return list(node.get("properties", {}))
