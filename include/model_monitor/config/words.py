"""What is wrong with a value that a person wrote, in words for that person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from model_monitor.errors import ConfigError

M = TypeVar("M", bound=BaseModel)


def valid(model: type[M], values: Mapping[str, Any]) -> M:
    """A section of settings of these values, given by other means than an endpoint file. Raises ConfigError."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise ConfigError(all_in_words(error.errors())) from error


def all_in_words(problems: Iterable[Mapping[str, Any]]) -> str:
    return "; ".join(map(problem_in_words, problems))


def problem_in_words(problem: Mapping[str, Any]) -> str:
    """One problem: the place of the value, and what to write."""
    place = ".".join(map(str, problem["loc"]))
    words = str(problem["msg"]).removeprefix("Value error, ")
    return f"{place}: {words}" if place else words
