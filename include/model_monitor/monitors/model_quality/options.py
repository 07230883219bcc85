"""The options of a model-quality monitor, with their checks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from model_monitor.monitors.model_quality import binary, multiclass, regression
from model_monitor.monitors.model_quality.conventions import CONVENTIONS, Better, Conventions
from model_monitor.monitors.model_quality.custom_metrics import CustomMetric
from model_monitor.monitors.options import NEWER, SharedOptions, problem_of_generation, shares
from model_monitor.monitors.values import label_of

ProblemType = Literal["Regression", "BinaryClassification", "MulticlassClassification"]
BETTER = {
    "Regression": regression.BETTER,
    "BinaryClassification": binary.BETTER,
    "MulticlassClassification": multiclass.BETTER,
}
TAKEN = (  # names that reports use beside those of metrics
    *("coverage", "usable_rows", "predictions", "confusion_matrix", "residual_quantiles"),
    *("receiver_operating_characteristic_curve", "precision_recall_curve"),
)


@dataclass(frozen=True)
class Options(SharedOptions):
    """Raises ValueError that names the option and its remedy.

    problem_type: which metrics there are, e.g. ``"BinaryClassification"``.
    inference_attribute: column of the predicted label or number, e.g. ``"prediction"``, or its index, e.g. ``0``.
    probability_attribute: column, or index, of the score (0..1) of a binary classification, e.g. ``"score"``, or of
        vectors of the probabilities of ``class_names``; or a column for each of these, e.g. ``("p_cat", "p_dog")``.
        Without it, a predicted label counts as a score of 0 or 1.
    probability_threshold_attribute: a score above it (0..1) predicts the positive label, without
        ``inference_attribute``.
    ground_truth_attribute: column of the label, e.g. ``"label"``, or its index.
    positive_label: of a binary classification, e.g. ``"yes"``; None: "1" where that is a label, else the larger one.
    class_names: all the labels there are, in the order of a vector of probabilities, e.g. ``("cat", "dog")``; without
        them, a window's are those of its baseline.
    judge: the judged metrics, e.g. ``("recall", "auc")``; () for all that can be judged.
    false_alarm_budget: holds if rows are independent (several labels of one request are not) and the baseline has some
        hundred rows whose errors have no heavy tails.
    drift_threshold: a distance (0..1) of all predictions from the baseline's up to which even a change beyond chance is
        none (calibrated only).
    seed: of SageMaker's five resamples of 80 % of the rows (sagemaker only).
    generation: 2020 or 2024, the containers whose form of files is written (sagemaker only); None: the baseline's.
    metrics: custom metrics by name, e.g. ``{"cost": CustomMetric(of_rows="shop.cost_of", better="lower")}``.
    """

    problem_type: ProblemType
    inference_attribute: str | int | None = None
    probability_attribute: str | int | tuple[str | int, ...] | None = None
    probability_threshold_attribute: float = 0.5
    ground_truth_attribute: str | int = "label"
    positive_label: str | None = None
    class_names: tuple[str, ...] = ()
    judge: tuple[str, ...] = ()
    drift_threshold: float = 0.0
    seed: int = 0
    generation: int | None = None
    metrics: Mapping[str, CustomMetric] = field(default_factory=dict)

    @property
    def conventions(self) -> Conventions:
        """How this mode measures and judges."""
        return CONVENTIONS[self.compatibility]

    @property
    def is_binary(self) -> bool:
        return self.problem_type == "BinaryClassification"

    @property
    def names(self) -> list[str]:
        """The metrics there are, without custom ones."""
        if self.problem_type == "Regression":
            return [*self.conventions.regression_names]
        if not self.is_binary:
            return multiclass.names()
        names = self.conventions.binary_names(self.probability_attribute is not None)
        if self.generation == NEWER:
            names = [*names[: names.index("auc") + 1], binary.AU_PRC, *names[names.index("auc") + 1 :]]
        return names

    @property
    def positive(self) -> str | None:
        return None if self.positive_label is None else label_of(self.positive_label)

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(label_of(name) or name for name in self.class_names)

    @property
    def positive_class(self) -> int:
        """The index of the positive one among ``classes``."""
        return self.classes.index(binary.positive_of(self.classes, self.positive)) if self.classes else 0

    @property
    def predictions_attribute(self) -> str:
        """The column, or its index as a text, whose distribution is ``predictions``: the score if there is one."""
        score, attribute = self.probability_attribute, self.inference_attribute
        if isinstance(score, tuple):
            score = score[self.positive_class]
        return str(score if (self.is_binary and score is not None) or attribute is None else attribute)

    def better(self, name: str) -> Better | None:
        """Which side of a metric is good; None: it is never constrained, or there is no such metric."""
        if name in self.metrics:
            return self.metrics[name].better
        is_of_newer_files = name == binary.AU_PRC and self.generation != NEWER
        return None if is_of_newer_files else BETTER[self.problem_type].get(name)

    def judges(self, name: str) -> bool:
        """Whether a metric is judged."""
        return self.better(name) is not None and (not self.judge or name in self.judge)

    def problems(self) -> Iterator[str]:
        yield from self.problems_of_attributes()
        if self.problem_type not in get_args(ProblemType):
            yield f"problem_type is one of {', '.join(get_args(ProblemType))}, not {self.problem_type!r}"
        yield from self.problems_of_answers()
        yield from super().problems()
        yield from problem_of_generation(self.generation, self.compatibility)
        yield from shares(probability_threshold_attribute=self.probability_threshold_attribute)
        if not 0 <= self.drift_threshold <= 1:
            yield f"drift_threshold is a distance of 0 to 1, not {self.drift_threshold}"
        if unknown := [name for name in self.judge if self.better(name) is None]:
            known = ", ".join(name for name in (*self.names, *self.metrics) if self.better(name))
            yield f"'{unknown[0]}' can't be judged; judge one or more of {known}"
        if taken := sorted({*self.names, *TAKEN} & set(self.metrics)):
            yield f"there is a metric {taken[0]} already; call yours something else"
        if not all(name.strip() for name in self.metrics):
            yield "a metric has no name; give it one"

    def problems_of_attributes(self) -> Iterator[str]:
        """What is wrong with the names of columns."""
        scores = self.probability_attribute if isinstance(self.probability_attribute, tuple) else ()
        one = None if scores else self.probability_attribute
        if isinstance(self.probability_attribute, tuple) and len(scores) != len(self.class_names):
            yield (
                f"probability_attribute lists {len(scores)} columns and class_names {len(self.class_names)} classes; "
                "name the column of each class, in their order"
            )
        named = [("probability_attribute", score) for score in (one, *scores)]
        named += [(name, getattr(self, name)) for name in ("inference_attribute", "ground_truth_attribute")]
        for name, value in named:
            attribute = str(value).strip()
            if not attribute or re.fullmatch("-[0-9]+", attribute):
                yield f"{name} is the name of a column, or its index from 0 on, not '{attribute}'"
        truth = str(self.ground_truth_attribute)
        if truth in map(str, (self.inference_attribute, one, *scores)):
            yield (
                f"the label and the model's answer are both called '{truth}'; an index counts the answer's "
                "columns, so give ground_truth_attribute another name (a label record's only value needs none)"
            )

    def problems_of_answers(self) -> Iterator[str]:
        """What is wrong with the columns of answers and the labels that they hold."""
        scored, answered = self.probability_attribute is not None, self.inference_attribute is not None
        if self.is_binary and not (scored or answered):
            yield "BinaryClassification needs inference_attribute or probability_attribute, the model's answer"
        if self.problem_type == "MulticlassClassification" and not (answered or (scored and self.class_names)):
            yield "MulticlassClassification needs inference_attribute, or probability_attribute with class_names"
        if self.problem_type == "Regression" and not answered:
            yield "Regression needs inference_attribute, the predicted number"
        if self.is_binary and len(self.class_names) not in (0, 2):
            yield f"BinaryClassification has two class_names, not {len(self.class_names)}"
        if len(set(self.classes)) < len(self.classes):
            yield f"two of class_names mean the same: {', '.join(self.class_names)}"
        if self.positive_label is not None and self.class_names and self.positive not in self.classes:
            yield f"positive_label {self.positive_label!r} is none of class_names: {', '.join(self.class_names)}"
