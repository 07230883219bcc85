"""Do the options of a model-quality monitor make sense?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from model_monitor.monitors.model_quality import ModelQuality

OTHERS = (  # what else has a name where metrics have theirs
    *("coverage", "predictions", "confusion_matrix", "residual_quantiles"),
    *("receiver_operating_characteristic_curve", "precision_recall_curve"),
)
PROBLEM_TYPES = ("Regression", "BinaryClassification", "MulticlassClassification")


def problems(monitor: ModelQuality) -> Iterator[str]:
    """What is wrong with the options, for the person who wrote them."""
    yield from of_attributes(monitor)
    yield from of_answers(monitor)
    yield from of_limits(monitor)
    if strange := [name for name in monitor.judge if monitor.better(name) is None]:
        known = ", ".join(name for name in (*monitor.names, *monitor.metrics) if monitor.better(name))
        yield f"'{strange[0]}' can't be judged; judge one or more of {known}"
    if taken := sorted({*monitor.names, *OTHERS} & set(monitor.metrics)):
        yield f"there is a metric {taken[0]} already; call yours something else"
    if not all(name.strip() for name in monitor.metrics):
        yield "a metric has no name; give it one"


def of_attributes(monitor: ModelQuality) -> Iterator[str]:
    """What is wrong with the names of columns."""
    for name in ("inference_attribute", "probability_attribute", "ground_truth_attribute"):
        attribute = str(getattr(monitor, name)).strip()
        if not attribute or re.fullmatch("-[0-9]+", attribute):
            yield f"{name} is the name of a column, or its index from 0 on, not '{attribute}'"
    answers = {str(monitor.inference_attribute), str(monitor.probability_attribute)}
    if str(monitor.ground_truth_attribute) in answers:
        yield (
            f"the label and the model's answer are both called '{monitor.ground_truth_attribute}'; an index counts the "
            "answer's columns, so give ground_truth_attribute another name (a label record's only value needs none)"
        )


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
    if len(set(monitor.classes)) < len(monitor.classes):
        yield f"two of class_names mean the same: {', '.join(monitor.class_names)}"
    if monitor.positive_label is not None and monitor.class_names and monitor.positive not in monitor.classes:
        yield f"positive_label {monitor.positive_label!r} is none of class_names: {', '.join(monitor.class_names)}"


def of_limits(monitor: ModelQuality) -> Iterator[str]:
    if not 0 <= monitor.probability_threshold_attribute <= 1:
        yield f"probability_threshold_attribute is 0 to 1, not {monitor.probability_threshold_attribute}"
    if not 0 <= monitor.drift_threshold <= 1:
        yield f"drift_threshold is a distance of 0 to 1, not {monitor.drift_threshold}"
