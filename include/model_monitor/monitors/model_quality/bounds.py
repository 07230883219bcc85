"""On which side of a threshold may a metric be?"""

from __future__ import annotations

import math
from typing import Literal

from model_monitor.core.constraints import Between
from model_monitor.core.measures import Estimate, Measure, Share
from model_monitor.monitors.model_quality.quality import value_of


def bound_of(
    better: Literal["higher", "lower"] | None, threshold: float, level: float | None, baseline: Measure
) -> Between:
    """``level`` (0..1) is the probability with which chance alone may break it; None asks as the original does.

    A threshold equal to the baseline's measure (up to 1e-12) is ``drawn`` from it.
    """
    value = value_of(baseline)
    own = value is not None and math.isclose(threshold, value, rel_tol=1e-12, abs_tol=1e-12)
    drawn = baseline if own and isinstance(baseline, Share | Estimate) else None
    if better == "higher":
        return Between(low=threshold, level=level, drawn=drawn)
    return Between(high=threshold, level=level, drawn=drawn)
