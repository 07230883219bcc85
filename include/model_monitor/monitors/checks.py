"""The checks of options that several monitors have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, get_args

Compatibility = Literal["calibrated", "sagemaker"]


def compatibility(value: str) -> Iterator[str]:
    """The problem with an option ``compatibility``, if there is one."""
    if value not in get_args(Compatibility):
        yield f"compatibility is calibrated or sagemaker, not {value!r}"


def probabilities(**options: float) -> Iterator[str]:
    """The options, by name, that are not between 0 and 1, both excluded."""
    for name, value in options.items():
        if not 0 < value < 1:
            yield f"{name} is a probability between 0 and 1, not {value}"


def shares(**options: float) -> Iterator[str]:
    """The options, by name, that are not from 0 to 1."""
    for name, value in options.items():
        if not 0 <= value <= 1:
            yield f"{name} is 0 to 1, not {value}"
