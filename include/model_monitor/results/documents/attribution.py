"""The documents of attribution: SageMaker Clarify's ``analysis.json`` and violations, and the calibrated mode's.

Formats: docs/sagemaker-formats.md, Feature attribution; what SageMaker leaves open: docs/compatibility.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from model_monitor.core.constraints import Constraint, Finding, Near, Unlearned
from model_monitor.core.importances import Importances, ndcg, ndcg_interval
from model_monitor.core.monitor import SET_ASIDE
from model_monitor.errors import ConfigError
from model_monitor.monitors.attribution import ATTRIBUTIONS, DRIFT, Attribution, moved
from model_monitor.monitors.attribution.state import LARGEST, Explained
from model_monitor.results.documents import analysis, set_aside
from model_monitor.results.documents.protocol import ANALYSIS, Document, Documents, number
from model_monitor.results.documents.set_aside import usable_in

METHOD = "kernel_shap"  # where SageMaker writes global values, and its readers look for them
VALUES, EXPECTED = "global_shap_values", "expected_value"
ERRORS, AGGREGATION = "standard_errors", "agg_method"  # members that SageMaker does not write
LIMITS = {VALUES: f" up to {LARGEST:g}", ERRORS: f" from 0 to {LARGEST:g}"}
MOST_MOVED = 5  # features named in a violation; the file has all


@dataclass(frozen=True)
class AttributionDocuments(Documents[Explained]):
    """SageMaker's files of an attribution monitor."""

    monitor: Attribution

    statistics_name = ANALYSIS
    constraints_name = ANALYSIS
    reports_labels = False

    def statistics(self, state: Explained, constraints: Sequence[Constraint] = ()) -> Document:
        """SageMaker's members; a label without an explained row has no values."""
        values, expected = self.monitor.global_values(state), self.monitor.expected(state)
        constraint_labels = [label_of(constraint) for constraint in constraints if constraint.measure == ATTRIBUTIONS]
        labels = {
            label: {VALUES: values.get(label, {}), EXPECTED: number(expected.get(label))}
            for label in dict.fromkeys([*state.labels.items, *constraint_labels])
        }
        return {"version": analysis.VERSION, analysis.EXPLANATIONS: {METHOD: labels}}

    def drifts(self, state: Explained, constraints: Sequence[Constraint]) -> dict[str, Document]:
        """The drift of each label that both the State and the constraints have; SageMaker writes none."""
        return {}

    def suggested(self, state: Explained) -> Document:
        """The same file: a baseline's values are its constraints."""
        return self.statistics(state)

    def constraints(self, statistics: Document | None, constraints: Document | None) -> list[Constraint]:
        """The constraints of an ``analysis.json``, given as either file; a label deleted from it is not judged."""
        document = constraints if constraints is not None else statistics
        sections = analysis.sections(statistics, constraints, [analysis.EXPLANATIONS], "attribution")
        explanations = sections[analysis.EXPLANATIONS]
        method = analysis.object_at(explanations.get(METHOD), f"'{analysis.EXPLANATIONS}': '{METHOD}'")
        made_with = (document or {}).get(AGGREGATION, self.monitor.agg_method)
        if made_with != self.monitor.agg_method:
            raise ConfigError(
                f"the baseline was made with {AGGREGATION} {made_with}, not {self.monitor.agg_method}: "
                "correct the schedule's option, or make the baseline again"
            )
        values = {label: numbers_in(entry, VALUES, label) for label, entry in method.items()}
        if not any(values.values()):
            raise ConfigError("nothing would be judged: no label has the value of a feature; make the baseline again")
        known_errors = {label: numbers_in(entry, ERRORS, label) for label, entry in method.items() if ERRORS in entry}
        errors = {label: numbers for label, numbers in known_errors.items() if values[label].keys() <= numbers.keys()}
        rows = analysis.count_at(document or {}, "item_count", "the file")
        known = {label: numbers for label, numbers in values.items() if numbers}
        unusable = analysis.unusable_in(document or {})
        usable = {} if unusable is None else usable_in(document or {}, rows, sum(unusable.values()))
        return list(self.monitor.constraints(known, errors or None, rows or None, usable))

    def violations(self, findings: Sequence[Finding], state: Explained) -> Document:
        """SageMaker's entries. Its words say the opposite of what they mean, so the calibrated mode has its own."""
        violated = [finding for finding in findings if finding.outcome == "violated"]
        drifts = self.drifts(state, [finding.constraint for finding in violated])
        written = [
            set_aside.violation(finding) if finding.constraint.check == SET_ASIDE else violation(finding, drifts)
            for finding in violated
        ]
        return {"version": analysis.VERSION, "violations": written}


class CalibratedAttributionDocuments(AttributionDocuments):
    """The files of the calibrated mode: SageMaker's, and members that it does not have."""

    reports_labels = True

    def statistics(self, state: Explained, constraints: Sequence[Constraint] = ()) -> Document:
        """Adds each label's ``standard_errors`` and its ``drift`` from the baseline; ``agg_method``; and how many rows
        were explained (``item_count``) or ``unusable``, by reason."""
        document = super().statistics(state, constraints)
        errors, drifts = self.monitor.standard_errors(state), self.drifts(state, constraints)
        for label, written in document[analysis.EXPLANATIONS][METHOD].items():
            written |= {ERRORS: errors[label]} if label in errors else {}
            written |= {"drift": drifts[label]} if label in drifts else {}
        counted = analysis.rows_counted(self.monitor.rows(state), self.monitor.unusable(state))
        return document | {AGGREGATION: self.monitor.agg_method} | counted

    def drifts(self, state: Explained, constraints: Sequence[Constraint]) -> dict[str, Document]:
        """``ndcg`` with its ``interval`` (null below two rows), and the features that ``moved``."""
        measures = self.monitor.measure(state)
        drifts = {}
        for constraint in constraints:
            live = measures.get((constraint.subject, constraint.measure))
            if isinstance(live, Importances) and not isinstance(constraint.bound, Unlearned):
                baseline = baseline_of(constraint)
                interval = ndcg_interval(live, baseline, (1 - self.monitor.level) / 2)
                changes = [asdict(change) for change in moved(values_of(baseline), values_of(live))]
                shown = list(interval) if interval else None
                drifts[label_of(constraint)] = {"ndcg": ndcg(live, baseline), "interval": shown, "moved": changes}
        return drifts


def label_of(constraint: Constraint) -> str:
    return constraint.subject.column or ""


def baseline_of(constraint: Constraint) -> Importances:
    """The importances that a label's live values are compared with."""
    if not isinstance(constraint.bound, Near) or not isinstance(constraint.bound.to, Importances):
        raise TypeError(f"not a constraint of attributions: {constraint!r}")
    return constraint.bound.to


def values_of(importances: Importances) -> dict[str, float]:
    return dict(zip(importances.names, importances.values.tolist(), strict=True))


def violation(finding: Finding, drifts: Mapping[str, Document]) -> Document:
    """An entry of ``constraint_violations.json``; in our words, with the moved features, if the drift is known."""
    label, bound = label_of(finding.constraint), finding.constraint.bound
    if not isinstance(bound, Near) or finding.observed is None:
        raise TypeError(f"not a violation of attributions: {finding!r}")
    score, threshold = analysis.text_of(finding.observed), analysis.text_of(bound.threshold)
    words = f"Feature attribution drift {score} exceeds threshold {threshold}"
    if drift := drifts.get(label):
        words = f"Feature attribution drift {score} is below threshold {threshold}"
        if drift["interval"]:
            words += " ({} to {} by chance)".format(*map(analysis.short, drift["interval"]))
        words += moves(drift["moved"])
    return {"label": label, "metric_name": "shap", "constraint_check_type": DRIFT, "description": words}


def moves(changes: Sequence[Document]) -> str:
    """``; moved: Age 1 -> 4, ...``: the features that moved furthest, with their ranks before and now."""
    shown = [f"{m['feature']} {m['rank_before'] or 'new'} -> {m['rank_now'] or 'gone'}" for m in changes[:MOST_MOVED]]
    more = f" and {len(changes) - MOST_MOVED} more" if len(changes) > MOST_MOVED else ""
    return f"; moved: {', '.join(shown)}{more}" if shown else ""


def numbers_in(entry: Any, name: str, label: str) -> dict[str, float]:
    """A label's numbers by feature; {} if it has none. Raises ConfigError."""
    place = f"label '{label}'"
    features = analysis.object_at(analysis.object_at(entry, place).get(name), f"{place}: '{name}'")
    numbers = {}
    for feature, written in features.items():
        value = None if isinstance(written, str) else analysis.number_read(written)
        if value is None or abs(value) > LARGEST or (name == ERRORS and value < 0):
            limit = "" if value is None else LIMITS[name]
            raise ConfigError(f"{place}: '{name}': '{feature}' needs a number{limit}, not {written!r:.40}")
        numbers[feature] = value
    return numbers
