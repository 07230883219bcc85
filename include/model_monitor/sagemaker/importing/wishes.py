"""What the command line says beside the schedules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Wishes:
    """What SageMaker's documents don't say, or what shall differ from them; None or {} if nothing is wished.

    analysis: files of analysis configurations by a schedule's name; under "" the one for all others.
    model: the address of the model that is explained. calibrated: decide as we do by default, not as SageMaker.
    """

    endpoint: str | None = None
    capture_uri: str | None = None
    variant: str | None = None
    output: str | None = None
    ground_truth: str | None = None
    analysis: Mapping[str, str] = field(default_factory=dict)
    model: str | None = None
    calibrated: bool = False
