"""The options of a bias monitor, with their checks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from model_monitor.monitors.bias.facets import Facet, Name
from model_monitor.monitors.bias.metrics import POST, PRE
from model_monitor.monitors.options import SharedOptions, probabilities, shares

MAX_SAMPLE_ROWS = 100_000


@dataclass(frozen=True)
class Options(SharedOptions):
    """Raises ValueError that names the option and its remedy.

    facets: the groups that are compared with everybody else, e.g. ``(Facet("sex", values=("F",)),)``.
    ground_truth_attribute: column of the label, e.g. ``"label"``, or its index, e.g. ``0``.
    inference_attribute: column, or index, of the predicted label, e.g. ``"prediction"``.
    probability_attribute: column, or index, of the score (0..1) of the positive label, e.g. ``"score"``; read only
        without ``inference_attribute``. Without both, there are only the metrics of labels.
    probability_threshold_attribute: a score above it (0..1) predicts the positive label.
    label_values_or_threshold: the positive labels, e.g. ``("yes",)``, or a number above which labels are positive,
        e.g. ``(0.5,)``: ``value_types`` tells from the data.
    group_variable: column, or index, within whose values CDDL and CDDPL compare, e.g. ``"department"``; None: both are
        undefined.
    features: numeric columns by which the flip test finds neighbours, e.g. ``("age", "income")``; () for every judged
        column but the label, the predictions and the facet's own.
    judge: keys of the judged metrics, e.g. ``("DPL", "DI")``; () for all 21.
    level: probability (0..1) of a metric's interval. The budget over all metrics may ask for a wider one.
    resamples, seed: how often (at least 100) counts are drawn again for standard errors (calibrated only).
    minimum_per_side: rows, at least 2, that each side needs to be judged (calibrated only).
    sample_rows: the most distinct rows that the flip test keeps, 0 (no flip test) to 100,000.
    """

    facets: tuple[Facet, ...]
    ground_truth_attribute: Name = "label"
    inference_attribute: Name | None = None
    probability_attribute: Name | None = None
    probability_threshold_attribute: float = 0.5
    label_values_or_threshold: tuple[str | int | float, ...] = ("1",)
    group_variable: Name | None = None
    features: tuple[str, ...] = ()
    judge: tuple[str, ...] = ()
    level: float = 0.95
    resamples: int = 1000
    seed: int = 0
    minimum_per_side: int = 50
    sample_rows: int = 2000

    @property
    def has_predictions(self) -> bool:
        """Whether there are predictions to measure; else the labels alone are measured."""
        return self.inference_attribute is not None or self.probability_attribute is not None

    @property
    def of_predictions(self) -> tuple[str, ...]:
        """The keys of the metrics of predictions, if there are any."""
        return POST if self.has_predictions else ()

    def problems(self) -> Iterator[str]:
        if not self.facets:
            yield "facets: name at least one column whose groups are compared, e.g. facets: [{name: sex, values: [F]}]"
        if not self.label_values_or_threshold:
            yield "label_values_or_threshold: say which labels are positive, e.g. [1]"
        yield from shares(probability_threshold_attribute=self.probability_threshold_attribute)
        if unknown := sorted(set(self.judge) - {*PRE, *POST}):
            yield f"'{unknown[0]}' is no metric; judge one or more of {', '.join([*PRE, *POST])}"
        elif unmeasured := sorted(set(self.judge) - {*PRE, *self.of_predictions}):
            yield (
                f"judge: '{unmeasured[0]}' needs predictions; give inference_attribute, the predicted label, or "
                f"probability_attribute, its score, or judge one or more of {', '.join(PRE)}"
            )
        yield from probabilities(level=self.level)
        yield from super().problems()
        if self.resamples < 100:
            yield f"resamples: at least 100 tell an error, not {self.resamples}"
        if self.seed < 0:
            yield f"seed is 0 or more, not {self.seed}"
        if self.minimum_per_side < 2:
            yield f"minimum_per_side: at least 2 rows tell an error, not {self.minimum_per_side}"
        if not 0 <= self.sample_rows <= MAX_SAMPLE_ROWS:
            yield f"sample_rows is 0 (no flip test) to {MAX_SAMPLE_ROWS}, not {self.sample_rows}"
