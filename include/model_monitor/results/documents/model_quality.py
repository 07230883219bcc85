"""The documents of model quality: SageMaker's files, and what the calibrated mode adds to them.

Formats: docs/sagemaker-formats.md, Model quality; what SageMaker leaves open: docs/compatibility.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from model_monitor.core.constraints import Constraint, Finding, Near, Unlearned
from model_monitor.core.measures import EVERYTHING, Measure
from model_monitor.core.monitor import SET_ASIDE
from model_monitor.core.ranking import Curves
from model_monitor.errors import ConfigError
from model_monitor.monitors.data_quality import BASELINE_DRIFT
from model_monitor.monitors.model_quality import GREATER_THAN, LESS_THAN, PREDICTION_DRIFT, ModelQuality, Quality
from model_monitor.monitors.model_quality.binary import AU_PRC
from model_monitor.monitors.model_quality.conventions import value_of
from model_monitor.monitors.options import NEWER
from model_monitor.results.documents import model_quality_baseline as baseline
from model_monitor.results.documents import set_aside
from model_monitor.results.documents.data_quality import feature
from model_monitor.results.documents.protocol import Document, Documents, number
from model_monitor.results.documents.words import describe, java_text

CURVE_POINTS = 1000  # at most, of each curve
NO_CURVES = Curves([], [], [], [])


@dataclass(frozen=True)
class ModelQualityDocuments(Documents[Quality]):
    """SageMaker's files of a model-quality monitor."""

    monitor: ModelQuality

    reports_labels = False

    def statistics(self, state: Quality, constraints: Sequence[Constraint] = ()) -> Document:
        """SageMaker's members in its order; ``item_count`` is the number of rows with a usable label and prediction.

        A metric that does not exist has the text "NaN" as ``value``, as SageMaker writes an unknown
        ``standard_deviation``; a confusion matrix or curves that do not exist are empty.
        """
        dataset: Document = {"item_count": self.monitor.judged(state).n}
        return {"version": 0.0, "dataset": dataset, baseline.member_of(self.monitor, "metrics"): self.metrics(state)}

    def metrics(self, state: Quality) -> Document:
        """The confusion matrix, the scalar metrics and the curves, each at SageMaker's place."""
        deviations = self.monitor.deviations(state)
        written: Document = {}
        if self.monitor.problem_type != "Regression":
            written["confusion_matrix"] = self.monitor.confusion_matrix(state) or {}
        for name, measure in self.monitor.metrics_of(state).items():
            if name == "auc":
                written |= curves_written(self.monitor.curves(state, CURVE_POINTS) or NO_CURVES)
            written[name] = scalar(measure, deviations.get(name), self.unknown) | self.reason(name, measure)
        return written

    @property
    def unknown(self) -> str | None:
        """How a deviation is written that there is none of."""
        return None if self.monitor.generation == NEWER else "NaN"

    def reason(self, name: str, measure: Measure) -> Document:
        """A member that explains why a metric is no threshold; SageMaker has none."""
        return {}

    def suggested(self, state: Quality) -> Document:
        """The exact values of the baseline as thresholds, no tolerance; metrics that do not exist are left out."""
        entries = {
            name: {"threshold": threshold, "comparison_operator": operator_of(self.monitor, name)}
            for name, threshold in self.monitor.thresholds(state).items()
        }
        return {"version": 0.0, baseline.member_of(self.monitor, "constraints"): entries}

    def constraints(self, statistics: Document | None, constraints: Document | None) -> list[Constraint]:
        """The constraints of ``constraints.json`` or, without it, those that ``statistics.json`` suggests.

        Where a threshold is still the baseline's own value, ``statistics.json`` gives its number of rows, so that their
        chance is weighed too.
        """
        baseline.refuse_swapped(statistics, constraints)
        if written := self.of_generation(statistics):
            return replace(self, monitor=written).constraints(statistics, constraints)
        known = baseline.section(statistics, self.monitor, "metrics") if statistics is not None else {}
        operators = self.operators()
        names = [name for name in operators if self.monitor.judges(name)]
        reasons = self.why_unlearned(statistics, known, names) if statistics is not None else {}
        if constraints is None:
            thresholds = baseline.values_in(known, [name for name in operators if name not in reasons])
        else:
            entries = baseline.section(constraints, self.monitor, "constraints")
            thresholds = self.thresholds(self.known_entries(entries, operators), operators)
        drawn = baseline.measures_in(known, statistics or {}, self.monitor)
        predictions = baseline.predictions_in(statistics or {})
        usable = baseline.usable_of(statistics or {}, constraints or {})
        result = list(self.monitor.constraints(thresholds, drawn, predictions, usable))
        if not result:
            raise ConfigError(
                "nothing would be judged: the baseline has no metric with a value; learn it from rows that have labels"
            )
        others = {name: why for name, why in reasons.items() if name not in thresholds}
        return result + [Constraint(operators[name], EVERYTHING, name, Unlearned(why)) for name, why in others.items()]

    def why_unlearned(self, statistics: Document, known: Document, names: Sequence[str]) -> dict[str, str]:
        """Why ``statistics.json`` holds no threshold for a metric that is reported as undefined for it, by metric."""
        return {}

    def known_entries(self, entries: Document, operators: Mapping[str, str]) -> Document:
        """The entries of ``constraints.json``. Raises ConfigError for one that only newer containers write."""
        if AU_PRC in entries and AU_PRC not in operators and self.monitor.is_binary:
            raise ConfigError(
                f"'{AU_PRC}' is of SageMaker's containers since {NEWER}: set option generation: {NEWER}, or give their "
                "statistics.json too"
            )
        return entries

    def thresholds(self, entries: Document, operators: Mapping[str, str]) -> dict[str, float]:
        """The thresholds of ``constraints.json``, by metric. Raises ConfigError."""
        return {name: baseline.threshold_in(name, entry, operators) for name, entry in entries.items()}

    def violations(self, findings: Sequence[Finding], state: Quality) -> Document:
        deviations = self.monitor.deviations(state)
        violated = [finding for finding in findings if finding.outcome == "violated"]
        return {"violations": [self.violation(finding, deviations) for finding in violated]}

    def violation(self, finding: Finding, deviations: dict[str, float | None]) -> Document:
        """An entry in SageMaker's words; drift of the predictions, which SageMaker lacks, in data quality's."""
        check, name, bound = finding.constraint.check, finding.constraint.measure, finding.constraint.bound
        observed = finding.observed or 0.0
        if isinstance(bound, Near):
            words = describe(BASELINE_DRIFT, name, bound, observed)
            return {"constraint_check_type": PREDICTION_DRIFT, "description": words, "metric_name": name}
        if check == SET_ASIDE:
            return set_aside.violation(finding)
        shown = name if name in self.monitor.metrics else camel(name)
        threshold = bound.low if check == LESS_THAN else bound.high  # type: ignore[union-attr]
        words = (
            f"Metric {shown} with {java_text(observed)} +/- {java_text(deviations.get(name))} "
            f"was {check} '{java_text(threshold)}'"
        )
        return {"constraint_check_type": check, "description": words, "metric_name": shown}

    def informed(self, statistics: Document | None) -> ModelQuality | None:
        """The monitor that writes files as the baseline's are, and has its labels as classes, where options name none:
        a window's own labels must not decide which is the positive one."""
        written = self.of_generation(statistics)
        return self.of_classes(written or self.monitor, statistics) or written

    def of_generation(self, statistics: Document | None) -> ModelQuality | None:
        """The monitor that writes files in the form of the baseline's, where its options don't say."""
        if statistics is None or self.monitor.generation is not None or self.monitor.compatibility != "sagemaker":
            return None
        known = baseline.section(statistics, self.monitor, "metrics")
        return replace(self.monitor, generation=NEWER) if baseline.is_newer(known) else None

    def of_classes(self, monitor: ModelQuality, statistics: Document | None) -> ModelQuality | None:
        if monitor.class_names or statistics is None:
            return None
        classes = baseline.labels_in(baseline.cells_in(baseline.section(statistics, monitor, "metrics")))
        if not classes or (monitor.is_binary and len(classes) != 2):
            return None
        if not monitor.is_binary:
            return replace(monitor, class_names=classes, positive_label=None)
        if monitor.positive is not None and monitor.positive not in classes:
            raise ConfigError(
                f"positive_label {monitor.positive_label!r} is none of the baseline's labels, {', '.join(classes)}: "
                "correct it, or make the baseline again"
            )
        return replace(monitor, class_names=classes)

    def operators(self) -> dict[str, str]:
        """The operator of each metric that can be constrained."""
        names = self.monitor.metrics_of(self.monitor.empty)
        return {name: operator_of(self.monitor, name) for name in names if self.monitor.better(name)}


class CalibratedModelQualityDocuments(ModelQualityDocuments):
    """The files of the calibrated mode: SageMaker's, and members that it does not have, beside its own. A reader of
    SageMaker's metrics, such as its SDK's of model cards, finds numbers only."""

    reports_labels = True

    def statistics(self, state: Quality, constraints: Sequence[Constraint] = ()) -> Document:
        """Adds ``unusable`` rows by reason, why metrics are ``undefined``, ``residual_quantiles`` of a regression, and
        ``predictions`` of all rows as data quality writes a column."""
        document = super().statistics(state, constraints)
        metrics, why = document[baseline.member_of(self.monitor, "metrics")], self.monitor.conventions.why_no_threshold
        measures = self.monitor.metrics_of(state)
        undefined = {name: why(measure) for name, measure in measures.items() if name not in metrics}
        document |= {baseline.UNDEFINED: undefined} if undefined else {}
        quantiles = self.monitor.residual_quantiles(state)
        document |= {"residual_quantiles": quantiles} if quantiles else {}
        if unusable := self.monitor.unusable(state):
            document["dataset"]["unusable"] = unusable
        missing = state.rows - state.predictions.present
        column = feature(self.monitor.predictions_attribute, state.predictions, missing, counted=True)
        return document | {baseline.PREDICTIONS: column}

    def metrics(self, state: Quality) -> Document:
        """Those that exist; no empty matrix or curve either."""
        return {name: entry for name, entry in super().metrics(state).items() if exists(entry)}

    def reason(self, name: str, measure: Measure) -> Document:
        """Why a judged metric has a value that can't be a threshold."""
        why = self.monitor.conventions.why_no_threshold(measure) if self.monitor.judges(name) else None
        return {} if why is None else {"reason": why}

    def why_unlearned(self, statistics: Document, known: Document, names: Sequence[str]) -> dict[str, str]:
        return baseline.why_unknown(statistics, known, names)

    def known_entries(self, entries: Document, operators: Mapping[str, str]) -> Document:
        """Without a metric of newer containers whose standard error is not known, so that it is not judged."""
        return {name: entry for name, entry in entries.items() if name != AU_PRC or name in operators}

    def thresholds(self, entries: Document, operators: Mapping[str, str]) -> dict[str, float]:
        """Refuses a value that the metric never has."""
        thresholds = super().thresholds(entries, operators)
        baseline.refuse_impossible(thresholds, self.monitor)
        return thresholds


def operator_of(monitor: ModelQuality, name: str) -> str:
    """The side that violates: the one that is not better."""
    return LESS_THAN if monitor.better(name) == "higher" else GREATER_THAN


def camel(name: str) -> str:
    """A metric's name as violations have it: ``falsePositiveRate``; a digit stays apart, so ``weightedF0_5``. Every
    capital stands for an underscore, so that the name can be told from it again.

    >>> camel("false_positive_rate"), camel("f0_5"), camel("weighted_f0_5")
    ('falsePositiveRate', 'f0_5', 'weightedF0_5')
    """
    return re.sub("_([a-z])", lambda match: match[1].upper(), name)


def scalar(measure: Measure, deviation: float | None, unknown: str | None) -> Document:
    """One metric, "NaN" where there is none, and its standard deviation, ``unknown`` where there is none."""
    value, error = value_of(measure), number(deviation)
    return {"value": "NaN" if value is None else value, "standard_deviation": unknown if error is None else error}


def exists(entry: Document) -> bool:
    """Whether an entry of the metrics has a number, the counts of a matrix, or the points of a curve."""
    return bool(entry) and entry.get("value") != "NaN" and [] not in entry.values()


def curves_written(curves: Curves) -> Document:
    lists: dict[str, list[float]] = asdict(curves)
    roc, precision_recall = ("false_positive_rates", "true_positive_rates"), ("precisions", "recalls")
    return {
        "receiver_operating_characteristic_curve": {name: lists[name] for name in roc},
        "precision_recall_curve": {name: lists[name] for name in precision_recall},
    }
