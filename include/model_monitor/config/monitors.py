"""The monitor that an endpoint file, or the command line, names, with its options."""

from __future__ import annotations

import dataclasses
import difflib
import importlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_type_hints

from pydantic import PydanticUserError, TypeAdapter, ValidationError

from model_monitor.config.words import all_in_words
from model_monitor.core.monitor import Monitor, Traits
from model_monitor.errors import ConfigError
from model_monitor.monitors.traits import BUILT_IN


def monitor_of(name: str, options: dict[str, Any], segments: Sequence[str] = ()) -> Monitor[Any]:
    """A monitor with its options: of all rows and, for each column of ``segments``, of each of its values.

    Raises ConfigError.
    """
    whole = whole_monitor(name, options)
    if not segments:
        return whole
    if whole.traits.judges_requests:
        raise ConfigError(f"monitor '{name}' judges requests, which have no columns to tell segments apart")
    from model_monitor.core.segments import By, Segmented

    return Segmented(whole, tuple(By(column, whole.of_segment()) for column in segments))


def whole_monitor(name: str, options: dict[str, Any]) -> Monitor[Any]:
    """A monitor of all rows. Raises ConfigError."""
    kind = class_of(name)
    if unknown := list(unknown_options(kind, options)):
        raise ConfigError(
            f"monitor '{name}' has no option {', '.join(unknown)}; it has {', '.join(option_names(kind))}"
        )
    try:
        return TypeAdapter(kind).validate_python(options)
    except ValidationError as error:
        problems = all_in_words(error.errors())
        raise ConfigError(f"monitor '{name}' can't take options {options}: {problems}") from error
    except PydanticUserError as error:
        raise ConfigError(f"monitor '{name}' can't be made from options: {error}") from error


def class_of(name: str) -> type[Monitor[Any]]:
    """The class of a monitor, by this project's name for it or by its dotted path. Raises ConfigError."""
    short = name.replace("-", "_")
    path = name if "." in name else f"model_monitor.monitors.{short}.{short.title().replace('_', '')}"
    module, _, attribute = path.rpartition(".")
    try:
        kind = getattr(importlib.import_module(module), attribute)
    except Exception as error:  # whatever a user's module raises
        is_slip = "." not in name and short not in BUILT_IN
        alike = difflib.get_close_matches(short.lower(), BUILT_IN, 1) if is_slip else []
        why = f"; did you mean {alike[0]}? Give" if alike else "; give" if is_slip else f" ({error}); give"
        raise ConfigError(f"there is no monitor '{name}'{why} {', '.join(BUILT_IN)} or a dotted path") from error
    is_monitor = isinstance(kind, type) and Monitor in kind.__mro__ and dataclasses.is_dataclass(kind)
    if not is_monitor:
        raise ConfigError(f"'{path}' is no monitor: it must be a dataclass whose base is model_monitor.core.Monitor")
    monitor: type[Monitor[Any]] = kind
    if missing := sorted(monitor.__abstractmethods__):
        raise ConfigError(f"'{path}' is no monitor yet: it lacks {', '.join(missing)}")
    return monitor


def traits_of(name: str) -> Traits:
    """What a monitor needs; nothing if its class can't be imported, which ``validate`` and the task report.

    No class of this project is imported: that would bring NumPy and Arrow into each parse of a DAG.
    """
    if "." not in name:
        return BUILT_IN.get(name.replace("-", "_"), Traits())
    try:
        return class_of(name).traits
    except ConfigError:
        return Traits()


def attributes_of(options: Mapping[str, Any]) -> list[str | int]:
    """What options name in the model's output: columns, indices of columns, or paths into JSON."""
    others = ("ground_truth_attribute", "probability_threshold_attribute")
    named = (value for name, value in options.items() if name.endswith("_attribute") and name not in others)
    values = (one for value in named for one in (value if isinstance(value, list | tuple) else [value]))
    return [value for value in values if isinstance(value, str | int)]


def label_of(options: Mapping[str, Any]) -> str | int:
    """The label's name in a monitor's options."""
    label: str | int = options.get("ground_truth_attribute", "label")
    return label


def option_names(kind: type) -> list[str]:
    return [field.name for field in dataclasses.fields(kind)] if dataclasses.is_dataclass(kind) else []


def unknown_options(kind: type, options: Mapping[str, Any]) -> Iterator[str]:
    """The options that a monitor's dataclass, or one inside it, does not have."""
    kinds = get_type_hints(kind)
    for name, value in options.items():
        if name not in option_names(kind):
            yield f"'{name}'"
        elif isinstance(value, dict) and dataclasses.is_dataclass(kinds[name]):
            yield from unknown_options(kinds[name], value)
