"""The options that all monitors of this project share, and checks of options."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, Self, get_args

Compatibility = Literal["calibrated", "sagemaker"]
OLDER, NEWER = 2020, 2024  # the years in which SageMaker's containers began to write the forms of files


@dataclass(frozen=True, kw_only=True)
class SharedOptions:
    """The base of each monitor's options. Raises ValueError that names the option and its remedy.

    compatibility: "calibrated" weighs chance; "sagemaker" reproduces SageMaker's numbers and decisions.
    false_alarm_budget: probability (0..1) of any violation in a window like the baseline (calibrated only).
    """

    compatibility: Compatibility = "calibrated"
    false_alarm_budget: float = 0.01

    def __post_init__(self) -> None:
        if problem := next(self.problems(), None):
            raise ValueError(problem)

    def problems(self) -> Iterator[str]:
        """What is wrong with the options, in words for their author."""
        if self.compatibility not in get_args(Compatibility):
            yield f"compatibility is calibrated or sagemaker, not {self.compatibility!r}"
        yield from probabilities(false_alarm_budget=self.false_alarm_budget)

    def with_budget(self, share: float) -> Self:
        """The monitor with a share (0..1) of its false-alarm budget."""
        return replace(self, false_alarm_budget=share * self.false_alarm_budget)


def problem_of_generation(generation: int | None, compatibility: str) -> Iterator[str]:
    """What is wrong with the generation of SageMaker's files that is written; None is that of the baseline's."""
    if generation not in (None, OLDER, NEWER):
        yield f"generation is {OLDER} or {NEWER}, not {generation!r}"
    elif generation is not None and compatibility != "sagemaker":
        yield "generation is about SageMaker's own files; set compatibility: sagemaker, or leave it out"


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
