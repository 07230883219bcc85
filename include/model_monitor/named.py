"""Which monitor does a name in an endpoint file, or on the command line, mean?"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Iterator
from typing import Any, get_type_hints

from pydantic import PydanticUserError, TypeAdapter, ValidationError

from model_monitor.errors import ConfigError

VERBS = ("empty", "observe", "measure", "suggest")  # what makes a class a monitor


def monitor_of(name: str, options: dict[str, Any]) -> Any:
    """An instance of a monitor: ``data_quality`` is ``model_monitor.monitors.data_quality.DataQuality``, a dotted path
    is itself. Raises ConfigError."""
    short = name.replace("-", "_")
    path = name if "." in name else f"model_monitor.monitors.{short}.{short.title().replace('_', '')}"
    module, _, attribute = path.rpartition(".")
    try:
        kind = getattr(importlib.import_module(module), attribute)
    except (ModuleNotFoundError, AttributeError) as error:
        raise ConfigError(f"there is no monitor '{name}' ({error}); give data_quality or a dotted path") from error
    if not (dataclasses.is_dataclass(kind) and all(hasattr(kind, verb) for verb in VERBS)):
        raise ConfigError(f"'{path}' is no monitor: it must be a dataclass with {', '.join(VERBS)}")
    if unknown := list(unknown_options(kind, options)):
        raise ConfigError(
            f"monitor '{name}' has no option {', '.join(unknown)}; it has {', '.join(option_names(kind))}"
        )
    try:
        return TypeAdapter(kind).validate_python(options)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, p['loc']))}: {p['msg']}" for p in error.errors())
        raise ConfigError(f"monitor '{name}' can't take options {options}: {problems}") from error
    except PydanticUserError as error:
        raise ConfigError(f"monitor '{name}' can't be made from options: {error}") from error


def option_names(kind: Any) -> list[str]:
    return [field.name for field in dataclasses.fields(kind)] if dataclasses.is_dataclass(kind) else []


def unknown_options(kind: Any, options: dict[str, Any]) -> Iterator[str]:
    """The options that a monitor's dataclass, or one inside it, does not have."""
    kinds = get_type_hints(kind)
    for name, value in options.items():
        if name not in option_names(kind):
            yield f"'{name}'"
        elif isinstance(value, dict) and dataclasses.is_dataclass(kinds[name]):
            yield from unknown_options(kinds[name], value)
