"""How far from parity may a metric of bias be, given the baseline's?"""

from __future__ import annotations

import math

from model_monitor.core.chance import normal_quantile
from model_monitor.core.constraints import Between, Estimate, Measure, Undefined, Unlearned
from model_monitor.monitors.bias.metrics import PARITY

LARGEST_LOG = 700.0  # whose exponential is still a double


def number_in(measure: Measure) -> float | None:
    """A measure as a number, which may be infinite; None if it is none."""
    value = measure.value if isinstance(measure, Estimate) else measure
    return float(value) if isinstance(value, int | float) else None


def bound_of(name: str, measure: Measure, level: float | None) -> Between | Unlearned | None:
    """What a metric of the baseline asks; None if that is nothing, as nothing would be worse.

    ``level`` (0..1) is the probability with which chance alone may break it, over both sides; None asks as the original
    does.
    """
    value = number_in(measure)
    if level is None:
        return None if value is None else Between(low=-abs(value), high=abs(value))
    if value is None:
        reason = measure.reason if isinstance(measure, Undefined) else "it does not say"
        return Unlearned(f"the baseline has no {name}: {reason}")
    if math.isinf(value):
        return None
    error = measure.error if isinstance(measure, Estimate) else None
    reach = normal_quantile(1 - level) * (error or 0.0)
    if PARITY.get(name):
        # Of a ratio, as far on the scale of logarithms, where twice and half are equally far from 1.
        if value <= 0:
            return None
        far = math.exp(min(LARGEST_LOG, abs(math.log(value)) + reach / value))
        return Between(low=1 / far, high=far, level=level / 2)
    far = abs(value) + reach
    return Between(low=-far, high=far, level=level / 2)
