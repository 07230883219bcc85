"""Do the options of a bias monitor make sense?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from model_monitor.monitors.bias.metrics import POST, PRE

if TYPE_CHECKING:
    from model_monitor.monitors.bias import Bias


def problems(monitor: Bias) -> Iterator[str]:
    """What is wrong with the options, for the person who wrote them."""
    if not monitor.facets:
        yield "facets: name at least one column whose groups are compared, e.g. facets: [{name: sex, values: [F]}]"
    if monitor.inference_attribute is None and monitor.probability_attribute is None:
        yield "give inference_attribute, the predicted label, or probability_attribute, its score"
    if not monitor.label_values_or_threshold:
        yield "label_values_or_threshold: say which labels are positive, e.g. [1]"
    if monitor.compatibility not in ("calibrated", "sagemaker"):
        yield f"compatibility is calibrated or sagemaker, not {monitor.compatibility!r}"
    if not 0 <= monitor.probability_threshold_attribute <= 1:
        yield f"probability_threshold_attribute is 0 to 1, not {monitor.probability_threshold_attribute}"
    if strange := sorted(set(monitor.judge) - {*PRE, *POST}):
        yield f"'{strange[0]}' is no metric; judge one or more of {', '.join([*PRE, *POST])}"
    yield from of_chance(monitor)


def of_chance(monitor: Bias) -> Iterator[str]:
    if not 0 < monitor.level < 1:
        yield f"level is a probability between 0 and 1, not {monitor.level}"
    if not 0 < monitor.false_alarm_budget < 1:
        yield f"false_alarm_budget is a probability between 0 and 1, not {monitor.false_alarm_budget}"
    if monitor.resamples < 100:
        yield f"resamples: at least 100 tell an error, not {monitor.resamples}"
    if monitor.seed < 0:
        yield f"seed is 0 or more, not {monitor.seed}"
    if monitor.minimum_per_side < 2:
        yield f"minimum_per_side: at least 2 rows tell an error, not {monitor.minimum_per_side}"
    if not 0 <= monitor.sample_rows <= 100_000:
        yield f"sample_rows is 0 (no flip test) to 100000, not {monitor.sample_rows}"
