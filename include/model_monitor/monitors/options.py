"""The options that all monitors of this project share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Self

from model_monitor.monitors import checks
from model_monitor.monitors.checks import Compatibility


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
        yield from checks.compatibility(self.compatibility)
        yield from checks.probabilities(false_alarm_budget=self.false_alarm_budget)

    @property
    def calibrated(self) -> bool:
        return self.compatibility == "calibrated"

    def with_budget(self, share: float) -> Self:
        """The monitor with a share (0..1) of its false-alarm budget."""
        return replace(self, false_alarm_budget=share * self.false_alarm_budget)
