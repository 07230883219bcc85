"""A schedule with some settings tried out, checked as if they stood in its endpoint file. Nothing is written."""

from __future__ import annotations

import copy
import difflib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from model_monitor.config.endpoint import Schedule
from model_monitor.config.execution import Assignment
from model_monitor.config.files import load, problems_in
from model_monitor.config.monitors import class_of, option_names
from model_monitor.errors import ConfigError

JUDGING = (
    "options",
    "baseline",
    "also",
    "noise",
    "reference",
)  # the settings of a schedule that States can be judged again by


def settings_in(texts: Sequence[str]) -> dict[str, Any]:
    """Settings that are written as NAME=VALUE, by name; a value is YAML, as in an endpoint file. Raises ConfigError."""
    settings = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (equals and name and all(name.split("."))):
            raise ConfigError(f"--set takes NAME=VALUE, e.g. options.false_alarm_budget=0.001, not {text!r}")
        try:
            settings[name] = yaml.safe_load(value)
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            raise ConfigError(f"--set {name}: {value!r} is no value as in an endpoint file: {error}") from error
    return settings


def value_of(text: str) -> Any:
    """An option's value on a command line: JSON, a list or a mapping of YAML, else the text itself, as ``no`` is one.

    >>> value_of("0.5"), value_of("[age, plan]"), value_of('["age"]'), value_of("no"), value_of("[*].score")
    (0.5, ['age', 'plan'], ['age'], 'no', '[*].score')
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        return yaml.safe_load(text) if text.startswith(("[", "{")) else text
    except (yaml.YAMLError, ValueError, RecursionError):
        return text


def tried(path: Path | str, schedule: str, settings: Mapping[str, Any]) -> Assignment:
    """A schedule of an endpoint file with other settings: each by its name in the file, with a dot before each level,
    or by the name of an option alone. Raises ConfigError with the messages of the file, and for a setting that stored
    States can't be judged again by."""
    now = Assignment.load(path, schedule)
    place = [one.name for one in now.endpoint.schedules].index(schedule)
    options = option_names(class_of(now.schedule.monitor))
    keys = [key_of(name, options) for name in settings]
    values = list(settings.values())

    def change(content: Any) -> Any:
        changed = copy.deepcopy(content)
        for key, value in zip(keys, values, strict=True):
            put(changed["schedules"][place], key, value)
        return changed

    then = load(path, change)
    known = set(problems_in(Path(path), now.endpoint))
    if new := [problem for problem in problems_in(Path(path), then) if problem not in known]:
        raise ConfigError("\n".join(new))
    after = Assignment(then, then.schedules[place])
    refuse_what_needs_rows(now, after)
    return after


def key_of(name: str, options: Sequence[str]) -> tuple[str, ...]:
    """The path of a setting in its schedule. Raises ConfigError for a name that is almost an option's."""
    first, *rest = name.split(".")
    if first in Schedule.model_fields:
        return first, *rest
    if first in options:
        return "options", first, *rest
    near = difflib.get_close_matches(first, [*Schedule.model_fields, *options], n=1)
    if near and near[0] in options:
        raise ConfigError(f"--set {name}: unknown setting '{first}'; did you mean 'options.{near[0]}'?")
    return first, *rest


def put(settings: dict[str, Any], key: Sequence[str], value: Any) -> None:
    """Set what is below some levels, which are made where they are not there."""
    *above, last = key
    for part in above:
        if not isinstance(settings.get(part), dict):
            settings[part] = {}
        settings = settings[part]
    settings[last] = value


def refuse_what_needs_rows(now: Assignment, then: Assignment) -> None:
    """Raise ConfigError if two settings of a schedule can't judge the same States."""
    before, after = dict(now.schedule), dict(then.schedule)
    judging = now.schedule.build_monitor(now.private).traits.judging
    changed = [name for name in before if before[name] != after[name] and name not in JUDGING]
    old, new = now.schedule.options, then.schedule.options
    changed += [f"options.{name}" for name in {**old, **new} if old.get(name) != new.get(name) and name not in judging]
    if changed:
        listed = ", ".join([*(f"options.{name}" for name in sorted(judging)), *JUDGING[1:]])
        raise ConfigError(
            f"{changed[0]} decides which rows are observed, or what is kept of them, so that stored States can't tell "
            f"what it would change: edit the endpoint file and run a backfill. Stored States can be judged by {listed}"
        )
