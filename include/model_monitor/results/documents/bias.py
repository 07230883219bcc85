"""The documents of bias: SageMaker Clarify's ``analysis.json`` and violations, and what the calibrated mode adds.

Formats: docs/sagemaker-formats.md, Bias; what SageMaker leaves open: docs/compatibility.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from model_monitor.core.constraints import Between, Constraint, Finding, Unlearned
from model_monitor.core.measures import Estimate, Measure, Share, Undefined
from model_monitor.core.monitor import SET_ASIDE
from model_monitor.errors import ConfigError
from model_monitor.monitors.bias import BIAS_DRIFT, Bias, Entry
from model_monitor.monitors.bias.monitor import usable_of
from model_monitor.monitors.bias.tallies import NO_VALUE, Tallies
from model_monitor.monitors.set_aside import Usable
from model_monitor.results.documents import analysis, set_aside
from model_monitor.results.documents.protocol import ANALYSIS, Document, Documents
from model_monitor.results.documents.set_aside import usable_in

POST, PRE = analysis.BIAS
DESCRIPTIONS = {
    POST: {
        "AD": "Accuracy Difference (AD)",
        "CDDPL": "Conditional Demographic Disparity in Predicted Labels (CDDPL)",
        "DAR": "Difference in Acceptance Rates (DAR)",
        "DCA": "Difference in Conditional Acceptance (DCA)",
        "DCR": "Difference in Conditional Rejection (DCR)",
        "DI": "Disparate Impact (DI)",
        "DPPL": "Difference in Positive Proportions in Predicted Labels (DPPL)",
        "DRR": "Difference in Rejection Rates (DRR)",
        "FT": "Flip Test (FT)",
        "GE": "Generalized Entropy (GE)",
        "RD": "Recall Difference (RD)",
        "SD": "Specificity Difference (SD)",
        "TE": "Treatment Equality (TE)",
    },
    PRE: {
        "CDDL": "Conditional Demographic Disparity in Labels (CDDL)",
        "CI": "Class Imbalance (CI)",
        "DPL": "Difference in Positive Proportions in Labels (DPL)",
        "JS": "Jensen-Shannon Divergence (JS)",
        "KL": "Kullback-Liebler Divergence (KL)",  # as SageMaker spells it
        "KS": "Kolmogorov-Smirnov Distance (KS)",
        "LP": "L-p Norm (LP)",
        "TVD": "Total Variation Distance (TVD)",
    },
}

ERROR, COUNT = "standard_error", "rows"  # members of metrics and entries that SageMaker does not write


@dataclass(frozen=True)
class BiasDocuments(Documents[Tallies]):
    """SageMaker's files of a bias monitor."""

    monitor: Bias

    statistics_name = ANALYSIS
    constraints_name = ANALYSIS
    reports_labels = False

    def statistics(self, state: Tallies, constraints: Sequence[Constraint] = ()) -> Document:
        """SageMaker's sections; a metric that does not exist has null as ``value``, and an ``error`` that says why."""
        return self.written(self.monitor.entries(state), self.monitor.label_text(state))

    def written(self, entries: Sequence[Entry], label: str) -> Document:
        """The metrics of predictions, if there are any, then those of labels; ``label`` is the text of the positive
        labels."""
        stages = analysis.BIAS if self.monitor.has_predictions else [PRE]
        sections = {stage: self.section(stage, entries, label) for stage in stages}
        return {"version": analysis.VERSION} | sections

    def section(self, stage: str, entries: Iterable[Entry], label: str) -> Document:
        facets: dict[str, list[Document]] = {facet.title: [] for facet in self.monitor.facets}
        for entry in entries:
            facets.setdefault(entry.facet, []).append(self.entry(stage, entry))
        name = str(self.monitor.ground_truth_attribute)
        return {"label": name, "facets": facets, "label_value_or_threshold": label}

    def entry(self, stage: str, entry: Entry) -> Document:
        of_stage = entry.post if stage == POST else entry.pre
        metrics = [self.metric(stage, name, measure) for name, measure in sorted(of_stage.items())]
        return {"value_or_threshold": entry.value, "metrics": metrics}

    def metric(self, stage: str, name: str, measure: Measure) -> Document:
        written: Document = {"name": name, "description": DESCRIPTIONS[stage][name]}
        if isinstance(measure, Undefined) or measure is None:
            return written | {"value": None, "error": measure.reason if measure else f"there is no {name}"}
        value = measure.value if isinstance(measure, Estimate) else measure
        if not isinstance(value, int | float):
            raise TypeError(f"not a metric of bias: {measure!r}")
        return written | {"value": analysis.number_written(value)}

    def suggested(self, state: Tallies) -> Document:
        """The same file: a baseline's values are its constraints, which a person edits there."""
        return self.statistics(state)

    def constraints(self, statistics: Document | None, constraints: Document | None) -> list[Constraint]:
        """The constraints of an ``analysis.json``, given as either file; a metric deleted from it is not judged."""
        sections = analysis.sections(statistics, constraints, analysis.BIAS, "bias")
        result = self.constraints_of(sections, self.usable_in(constraints or statistics or {}))
        if all(isinstance(constraint.bound, Unlearned) for constraint in result):
            raise ConfigError(
                "nothing would be judged: no metric of a facet has a number; learn the baseline from rows of both "
                "sides of the facet, with labels and predictions"
            )
        return result

    def usable_in(self, document: Document) -> Usable:
        """How many of a baseline's rows were usable, and have a value of each facet; {} if the file does not say."""
        unusable = analysis.unusable_in(document)
        if unusable is None:
            return {}
        rows = analysis.count_at(document, "item_count", "the file")
        without = {facet.title: unusable.pop(f"{NO_VALUE}{facet.title}", 0) for facet in self.monitor.facets}
        of_facets = {usable_of(title): Share(rows - n, rows) for title, n in without.items()}
        return {**usable_in(document, rows, sum(unusable.values())), **of_facets}

    def constraints_of(self, sections: Document, usable: Usable) -> list[Constraint]:
        """SageMaker's bounds extend equally to both sides; each carries the baseline's value, for the description."""
        entries = entries_in(sections, value_in)
        known = {(entry.subject, name): value for entry in entries for name, value in entry.metrics.items()}
        return [with_value(c, known.get((c.subject, c.measure))) for c in self.monitor.constraints(entries)]

    def violations(self, findings: Sequence[Finding], state: Tallies) -> Document:
        """In the order of the file: metrics of predictions first."""
        violated = [finding for finding in findings if finding.outcome == "violated"]
        entries = {entry.subject: entry for entry in self.monitor.entries(state)} if violated else {}
        ordered = sorted(violated, key=lambda finding: finding.constraint.measure not in DESCRIPTIONS[POST])
        written = [
            set_aside.violation(finding)
            if finding.constraint.check == SET_ASIDE
            else self.violation(finding, entries[finding.constraint.subject])
            for finding in ordered
        ]
        return {"version": analysis.VERSION, "violations": written}

    def violation(self, finding: Finding, entry: Entry) -> Document:
        bound = finding.constraint.bound
        if not isinstance(bound, Between) or finding.observed is None:
            raise TypeError(f"not a finding of bias: {finding!r}")
        return {
            "facet": entry.facet,
            "facet_value": entry.value,
            "metric_name": finding.constraint.measure,
            "constraint_check_type": BIAS_DRIFT,
            "description": self.description(bound, finding.observed, finding.noise_floor),
        }

    def description(self, bound: Between, observed: float, noise: float | None) -> str:
        """SageMaker's words."""
        values = analysis.text_of(observed), analysis.text_of(required(bound, observed))
        return f"Metric value {values[0]} doesn't meet the baseline constraint requirement {values[1]}"


class CalibratedBiasDocuments(BiasDocuments):
    """The files of the calibrated mode: SageMaker's, and members that it does not have."""

    reports_labels = True

    def statistics(self, state: Tallies, constraints: Sequence[Constraint] = ()) -> Document:
        """Adds how many rows were usable (``item_count``) and ``unusable``, by reason."""
        return super().statistics(state) | analysis.rows_counted(state.judged, self.monitor.unusable(state))

    def entry(self, stage: str, entry: Entry) -> Document:
        """Adds the ``rows`` of each side."""
        rows = {side: n for side, n in (("a", entry.rows_a), ("d", entry.rows_d)) if n is not None}
        return super().entry(stage, entry) | ({COUNT: rows} if rows else {})

    def metric(self, stage: str, name: str, measure: Measure) -> Document:
        """Adds the ``standard_error`` (null if unknown) and the number of ``rows``."""
        own = {ERROR: measure.error, COUNT: measure.n} if isinstance(measure, Estimate) else {}
        return super().metric(stage, name, measure) | own

    def constraints_of(self, sections: Document, usable: Usable) -> list[Constraint]:
        return list(self.monitor.constraints(entries_in(sections, estimate_in), usable))

    def description(self, bound: Between, observed: float, noise: float | None) -> str:
        """Adds the allowed range."""
        return super().description(bound, observed, noise) + allowed(bound, noise)


def with_value(constraint: Constraint, value: Measure) -> Constraint:
    """The constraint with the number that it was learned from, which a bound without a level does not judge by."""
    if not isinstance(constraint.bound, Between) or not isinstance(value, int | float):
        return constraint
    return replace(constraint, bound=replace(constraint.bound, drawn=Estimate(value)))


def required(bound: Between, observed: float) -> float:
    """The baseline's own value; if the bound lacks it, the side that was exceeded."""
    if isinstance(bound.drawn, Estimate):
        return bound.drawn.value
    side = bound.high if bound.high is not None and observed > bound.high else bound.low
    return 0.0 if side is None else side


def allowed(bound: Between, noise: float | None) -> str:
    """The allowed range, as an aside: `` (allowed: -0.31 to 0.31, and 0.04 beyond by chance)``."""
    sides = ["" if side is None else analysis.short(side) for side in (bound.low, bound.high)]
    span = f"{sides[0]} to {sides[1]}" if all(sides) else f"at least {sides[0]}" if sides[0] else f"at most {sides[1]}"
    return f" (allowed: {span}" + (f", and {analysis.short(noise)} beyond by chance)" if noise else ")")


def entries_in(sections: Document, measure_in: Callable[[Mapping[str, Any], str], Measure]) -> list[Entry]:
    """The entries of an ``analysis.json``, each of both sections, in the file's order. Raises ConfigError."""
    parts: dict[tuple[str, str], dict[str, Any]] = {}
    for stage, section in sections.items():
        for facet, listed in analysis.object_at(section.get("facets"), f"'{stage}': 'facets'").items():
            values: set[str] = set()
            for entry in analysis.objects_at(listed, f"'{stage}': facet '{facet}'"):
                value = value_of(entry, f"'{stage}': facet '{facet}'", values)
                place = f"'{stage}': facet '{facet}', value '{value}'"
                known = parts.setdefault((facet, value), {POST: {}, PRE: {}} | sides(entry, place))
                known[stage] = dict(measures_in(entry, stage, place, measure_in))
    return [
        Entry(facet, value, known[PRE], known[POST], known["a"], known["d"]) for (facet, value), known in parts.items()
    ]


def value_of(entry: Mapping[str, Any], place: str, values: set[str]) -> str:
    """The ``value_or_threshold`` of an entry, which is added to ``values``, those of the entries before it."""
    value = entry.get("value_or_threshold")
    if not isinstance(value, str):
        raise ConfigError(f"{place}: 'value_or_threshold' must be a text, not {value!r:.40}")
    if value in values:
        raise ConfigError(f"{place}: value '{value}' is listed twice; delete one")
    values.add(value)
    return value


def sides(entry: Mapping[str, Any], place: str) -> Document:
    """The number of rows of each side; None if the file does not say."""
    place = f"{place}: '{COUNT}'"
    rows = analysis.object_at(entry.get(COUNT, {}), place)
    return {side: analysis.count_at(rows, side, place) if side in rows else None for side in ("a", "d")}


def measures_in(
    entry: Mapping[str, Any], stage: str, place: str, measure_in: Callable[[Mapping[str, Any], str], Measure]
) -> Iterator[tuple[str, Measure]]:
    """The metrics of an entry: numbers, and Undefined for those that do not exist. Raises ConfigError."""
    names: set[str] = set()
    for metric in analysis.objects_at(entry.get("metrics"), f"{place}: 'metrics'"):
        name = metric.get("name")
        if name not in DESCRIPTIONS[stage]:
            known = ", ".join(DESCRIPTIONS[stage])
            raise ConfigError(f"{place}: {name!r} is no metric of this section, so delete it; there are {known}")
        if name in names:
            raise ConfigError(f"{place}: '{name}' is listed twice; delete one")
        names.add(name)
        yield name, measure_in(metric, f"{place}: '{name}'")


def value_in(metric: Mapping[str, Any], place: str) -> float | Undefined:
    """A metric's number; Undefined if it does not exist. Raises ConfigError."""
    if "value" in metric and metric["value"] is None:
        return Undefined(str(metric.get("error") or "the baseline has no number"))
    value = analysis.number_read(metric.get("value"))
    if value is None:
        raise ConfigError(
            f'{place} needs a number, "Infinity", "-Infinity" or null as \'value\', not {metric.get("value")!r:.40}; '
            "or delete it if it shall not be judged"
        )
    return value


def estimate_in(metric: Mapping[str, Any], place: str) -> Estimate | Undefined:
    """The same with its standard error and number of rows."""
    value = value_in(metric, place)
    if isinstance(value, Undefined):
        return value
    return Estimate(value, analysis.error_at(metric, ERROR, place), analysis.count_at(metric, COUNT, place))
