"""How does SageMaker Clarify write a State of bias, which is a baseline at once, and its violations?

Formats: sections 2.5 and 2.9 of the specification of bias; what it leaves open: docs/compatibility.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from model_monitor.core.constraints import Between, Constraint, Finding, Unlearned
from model_monitor.core.measures import Estimate, Measure, Undefined
from model_monitor.errors import ConfigError
from model_monitor.monitors.bias import BIAS_DRIFT, Bias, Entry
from model_monitor.monitors.bias.tallies import Tallies
from model_monitor.results.documents import analysis
from model_monitor.results.documents.protocol import ANALYSIS, Document, Documents

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
        "KL": "Kullback-Liebler Divergence (KL)",  # as the original spells it
        "KS": "Kolmogorov-Smirnov Distance (KS)",
        "LP": "L-p Norm (LP)",
        "TVD": "Total Variation Distance (TVD)",
    },
}

ERROR, COUNT = "standard_error", "rows"  # of a metric, and rows of an entry: members that the original does not have


@dataclass(frozen=True)
class BiasDocuments(Documents[Tallies]):
    """The files of a bias monitor."""

    monitor: Bias

    statistics_name = ANALYSIS
    constraints_name = ANALYSIS

    def statistics(self, state: Tallies, constraints: Sequence[Constraint] = ()) -> Document:
        """The original's sections: what was measured with predictions, then without.

        A metric that does not exist has null as ``value``, and an ``error`` that says why. Only in the calibrated mode,
        behind the original's members: each metric's ``standard_error`` (null if nobody knows it) and the number of
        ``rows`` that it is of, each entry's ``rows`` on either side, and how many rows of the ``dataset`` had all that
        it takes (``item_count``) or were ``unusable``, by reason.
        """
        document = self.written(self.monitor.entries(state), self.monitor.label_text(state))
        if not self.monitor.calibrated:
            return document
        unusable = self.unusable(state)
        return document | {"dataset": {"item_count": state.judged} | ({"unusable": unusable} if unusable else {})}

    def written(self, entries: Sequence[Entry], label: str) -> Document:
        """The sections with some entries; ``label`` tells which labels are positive."""
        sections = {stage: self.section(stage, entries, label) for stage in analysis.BIAS}
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
        written: Document = {"value_or_threshold": entry.value, "metrics": metrics}
        rows = {side: n for side, n in (("a", entry.rows_a), ("d", entry.rows_d)) if n is not None}
        return written | ({COUNT: rows} if self.monitor.calibrated and rows else {})

    def metric(self, stage: str, name: str, measure: Measure) -> Document:
        written: Document = {"name": name, "description": DESCRIPTIONS[stage][name]}
        if isinstance(measure, Undefined) or measure is None:
            return written | {"value": None, "error": measure.reason if measure else f"there is no {name}"}
        if isinstance(measure, Estimate):
            own = {ERROR: measure.error, COUNT: measure.n} if self.monitor.calibrated else {}
            return written | {"value": analysis.number_written(measure.value)} | own
        if isinstance(measure, int | float):
            return written | {"value": analysis.number_written(measure)}
        raise TypeError(f"not a metric of bias: {measure!r}")

    def suggested(self, state: Tallies) -> Document:
        """The same file: a baseline's values are its constraints, which a person edits there."""
        return self.statistics(state)

    def constraints(self, statistics: Document | None, constraints: Document | None) -> list[Constraint]:
        """What an ``analysis.json``, given as either, asks; a metric that was deleted from it is not judged.

        The original's bounds are as wide to either side, so the baseline's own value goes with them, to be told.
        """
        found = analysis.sections(statistics, constraints, analysis.BIAS, "bias")
        entries = entries_in(found, self.monitor.calibrated)
        read = list(self.monitor.constraints(entries))
        if not self.monitor.calibrated:
            known = {(entry.subject, name): value for entry in entries for name, value in entry.metrics.items()}
            read = [with_value(constraint, known.get((constraint.subject, constraint.measure))) for constraint in read]
        if all(isinstance(constraint.bound, Unlearned) for constraint in read):
            raise ConfigError(
                "nothing would be judged: no metric of a facet has a number; learn the baseline from rows of both "
                "sides of the facet, with labels and predictions"
            )
        return read

    def violations(self, findings: Sequence[Finding], state: Tallies) -> Document:
        """In the order of the file: metrics of predictions first."""
        violated = [finding for finding in findings if finding.outcome == "violated"]
        entries = {entry.subject: entry for entry in self.monitor.entries(state)} if violated else {}
        ordered = sorted(violated, key=lambda finding: finding.constraint.measure not in DESCRIPTIONS[POST])
        written = [self.violation(finding, entries[finding.constraint.subject]) for finding in ordered]
        return {"version": analysis.VERSION, "violations": written}

    def violation(self, finding: Finding, entry: Entry) -> Document:
        """An entry in the original's words, with the allowed range behind them in the calibrated mode."""
        bound = finding.constraint.bound
        if not isinstance(bound, Between) or finding.observed is None:
            raise TypeError(f"not a finding of bias: {finding!r}")
        words = (
            f"Metric value {analysis.text_of(finding.observed)} doesn't meet the baseline constraint requirement "
            f"{analysis.text_of(required(bound, finding.observed))}"
        )
        return {
            "facet": entry.facet,
            "facet_value": entry.value,
            "metric_name": finding.constraint.measure,
            "constraint_check_type": BIAS_DRIFT,
            "description": words + (allowed(bound, finding.noise_floor) if self.monitor.calibrated else ""),
        }

    def unusable(self, state: Tallies) -> dict[str, int]:
        return self.monitor.unusable(state)

    def ground_truth(self, labels: Mapping[str, Any]) -> Document:
        return super().ground_truth(labels) if self.monitor.calibrated else {}


def with_value(constraint: Constraint, value: Measure) -> Constraint:
    """The same constraint, which tells the number that it was learned from; a bound without a level is judged alike."""
    if not isinstance(constraint.bound, Between) or not isinstance(value, int | float):
        return constraint
    return replace(constraint, bound=replace(constraint.bound, drawn=Estimate(value)))


def required(bound: Between, observed: float) -> float:
    """The baseline's own value; where the bound does not tell it, the side that was exceeded."""
    if isinstance(bound.drawn, Estimate):
        return bound.drawn.value
    side = bound.high if bound.high is not None and observed > bound.high else bound.low
    return 0.0 if side is None else side


def allowed(bound: Between, noise: float | None) -> str:
    """What the baseline allows, as an aside: `` (allowed: -0.31 to 0.31, and 0.04 beyond by chance)``."""
    sides = ["" if side is None else analysis.short(side) for side in (bound.low, bound.high)]
    span = f"{sides[0]} to {sides[1]}" if all(sides) else f"at least {sides[0]}" if sides[0] else f"at most {sides[1]}"
    return f" (allowed: {span}" + (f", and {analysis.short(noise)} beyond by chance)" if noise else ")")


def entries_in(sections: Document, calibrated: bool) -> list[Entry]:
    """The entries of an ``analysis.json``, each of both sections, in the file's order. Raises ConfigError."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for stage, section in sections.items():
        for facet, listed in analysis.object_at(section.get("facets"), f"'{stage}': 'facets'").items():
            seen: set[str] = set()
            for entry in analysis.objects_at(listed, f"'{stage}': facet '{facet}'"):
                value = value_of(entry, f"'{stage}': facet '{facet}'", seen)
                place = f"'{stage}': facet '{facet}', value '{value}'"
                known = found.setdefault((facet, value), {POST: {}, PRE: {}} | dict(sides(entry, place)))
                known[stage] = dict(measures_in(entry, stage, place, calibrated))
    return [
        Entry(facet, value, known[PRE], known[POST], known["a"], known["d"]) for (facet, value), known in found.items()
    ]


def value_of(entry: Mapping[str, Any], place: str, seen: set[str]) -> str:
    """Which rows an entry is of; ``seen`` are those of the entries before it, and of this one then."""
    value = entry.get("value_or_threshold")
    if not isinstance(value, str):
        raise ConfigError(f"{place}: 'value_or_threshold' must be a text, not {value!r:.40}")
    if value in seen:
        raise ConfigError(f"{place}: value '{value}' is listed twice; delete one")
    seen.add(value)
    return value


def sides(entry: Mapping[str, Any], place: str) -> Iterator[tuple[str, int | None]]:
    """How many rows are on each side; None if the file does not say."""
    rows = analysis.object_at(entry.get(COUNT, {}), f"{place}: '{COUNT}'")
    for side in ("a", "d"):
        yield side, analysis.count_at(rows, side, f"{place}: '{COUNT}'") if side in rows else None


def measures_in(entry: Mapping[str, Any], stage: str, place: str, calibrated: bool) -> Iterator[tuple[str, Measure]]:
    """The metrics of an entry: numbers, and Undefined for those that do not exist. Raises ConfigError."""
    seen: set[str] = set()
    for metric in analysis.objects_at(entry.get("metrics"), f"{place}: 'metrics'"):
        name = metric.get("name")
        if name not in DESCRIPTIONS[stage]:
            known = ", ".join(DESCRIPTIONS[stage])
            raise ConfigError(f"{place}: {name!r} is no metric of this section, so delete it; there are {known}")
        if name in seen:
            raise ConfigError(f"{place}: '{name}' is listed twice; delete one")
        seen.add(name)
        yield name, measure_of(metric, f"{place}: '{name}'", calibrated)


def measure_of(metric: Mapping[str, Any], place: str, calibrated: bool) -> Measure:
    if "value" in metric and metric["value"] is None:
        return Undefined(str(metric.get("error") or "the baseline has no number"))
    value = analysis.number_read(metric.get("value"))
    if value is None:
        raise ConfigError(
            f'{place} needs a number, "Infinity", "-Infinity" or null as \'value\', not {metric.get("value")!r:.40}; '
            "or delete it if it shall not be judged"
        )
    if not calibrated:
        return value
    return Estimate(value, analysis.error_at(metric, ERROR, place), analysis.count_at(metric, COUNT, place))
