"""Do the options of a model-quality monitor make sense?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from model_monitor.monitors.model_quality import ModelQuality

PROBLEM_TYPES = ("Regression", "BinaryClassification", "MulticlassClassification")


def problems(monitor: ModelQuality) -> Iterator[str]:
    """What is wrong with the options, for the person who wrote them."""
    yield from of_answers(monitor)
    yield from of_limits(monitor)
    if taken := sorted({*monitor.names, "coverage", "predictions"} & set(monitor.metrics)):
        yield f"there is a metric {taken[0]} already; call yours something else"


def of_answers(monitor: ModelQuality) -> Iterator[str]:
    scored, answered = monitor.probability_attribute is not None, monitor.inference_attribute is not None
    if monitor.problem_type not in PROBLEM_TYPES:
        yield f"problem_type is one of {', '.join(PROBLEM_TYPES)}, not {monitor.problem_type!r}"
    if monitor.problem_type == "BinaryClassification" and not (scored or answered):
        yield "BinaryClassification needs inference_attribute or probability_attribute, the model's answer"
    if monitor.problem_type == "MulticlassClassification" and not (answered or (scored and monitor.class_names)):
        yield "MulticlassClassification needs inference_attribute, or probability_attribute with class_names"
    if monitor.problem_type == "Regression" and not answered:
        yield "Regression needs inference_attribute, the predicted number"
    if monitor.problem_type == "BinaryClassification" and len(monitor.class_names) not in (0, 2):
        yield f"BinaryClassification has two class_names, not {len(monitor.class_names)}"
    if monitor.positive_label is not None and monitor.class_names and monitor.positive not in monitor.classes:
        yield f"positive_label {monitor.positive_label!r} is none of class_names: {', '.join(monitor.class_names)}"


def of_limits(monitor: ModelQuality) -> Iterator[str]:
    if monitor.compatibility not in ("calibrated", "sagemaker"):
        yield f"compatibility is calibrated or sagemaker, not {monitor.compatibility!r}"
    if not 0 <= monitor.probability_threshold_attribute <= 1:
        yield f"probability_threshold_attribute is 0 to 1, not {monitor.probability_threshold_attribute}"
    if not 0 < monitor.false_alarm_budget < 1:
        yield f"false_alarm_budget is a probability between 0 and 1, not {monitor.false_alarm_budget}"
    if not 0 <= monitor.drift_threshold <= 1:
        yield f"drift_threshold is a distance of 0 to 1, not {monitor.drift_threshold}"
