"""The files of rules: what came of each, and violations in the rules' own words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from model_monitor.core.constraints import Constraint, Finding
from model_monitor.core.measures import Undefined
from model_monitor.core.monitor import Monitor
from model_monitor.monitors.expectations import Expectations, Joined, Rule
from model_monitor.monitors.expectations.joined import Both
from model_monitor.monitors.expectations.monitor import CHECK
from model_monitor.monitors.expectations.state import Checked, Tally
from model_monitor.monitors.expectations.suite import words_of
from model_monitor.monitors.expectations.whole import Outcome
from model_monitor.results.documents.protocol import Document, Documents, number

SHOWN = 5  # examples in a description


@dataclass(frozen=True)
class ExpectationsDocuments(Documents[Checked]):
    """``statistics.json`` counts, ``constraints.json`` is the suite as Great Expectations writes it."""

    monitor: Expectations

    def statistics(self, state: Checked, constraints: Sequence[Constraint] = ()) -> Document:
        pairs = zip(self.monitor.rules, self.monitor.outcomes(state), strict=True)
        entries = [written(rule) | counts(outcome) for rule, outcome in pairs]
        return {"version": 0.0, "dataset": {"item_count": state.rows}, "expectations": entries}

    def suggested(self, state: Checked) -> Document:
        return suite_document("model-monitor", self.monitor.rules)

    def constraints(self, statistics: Document | None, constraints: Document | None) -> list[Constraint]:
        """None: rules are in the endpoint's file."""
        return []

    def details(self, finding: Finding, state: Checked) -> Document:
        """With the rule in its own words if it is violated."""
        rule, outcome = self.of(finding, state)
        words = {"sentence": sentence(rule, outcome)} if finding.outcome == "violated" else {}
        return entry(rule, outcome) | words

    def violations(self, findings: Sequence[Finding], state: Checked) -> Document:
        return {"violations": [self.violation(f, state) for f in findings if f.outcome == "violated"]}

    def violation(self, finding: Finding, state: Checked) -> Document:
        rule, outcome = self.of(finding, state)
        name = str(finding.constraint.subject) or rule.type
        head = {"feature_name": name, "constraint_check_type": finding.constraint.check}
        return head | {"description": sentence(rule, outcome)} | entry(rule, outcome)

    def of(self, finding: Finding, state: Checked) -> tuple[Rule, Outcome]:
        """The rule that a finding is about, and what came of it."""
        place = self.monitor.keys.index((finding.constraint.subject, finding.constraint.measure))
        return self.monitor.rules[place], self.monitor.outcomes(state)[place]


@dataclass(frozen=True)
class JoinedDocuments(Documents[Both]):
    """The files of a monitor, with what came of the rules beside it."""

    monitor: Joined
    own: Documents[Any]
    rules: Documents[Any]

    @property
    def statistics_name(self) -> str:
        return self.own.statistics_name

    @property
    def constraints_name(self) -> str:
        return self.own.constraints_name

    def statistics(self, state: Both, constraints: Sequence[Constraint] = ()) -> Document:
        learned = [constraint for constraint in constraints if constraint.check != CHECK]
        rules = self.rules.statistics(state.rules)
        return self.own.statistics(state.own, learned) | {"expectations": rules["expectations"]}

    def suggested(self, state: Both) -> Document:
        return self.own.suggested(state.own)

    def constraints(self, statistics: Document | None, constraints: Document | None) -> list[Constraint]:
        return self.own.constraints(statistics, constraints)

    def details(self, finding: Finding, state: Both) -> Document:
        if finding.constraint.check == CHECK:
            return self.rules.details(finding, state.rules)
        return self.own.details(finding, state.own)

    def violations(self, findings: Sequence[Finding], state: Both) -> Document:
        learned = self.own.violations([f for f in findings if f.constraint.check != CHECK], state.own)
        rules = self.rules.violations([f for f in findings if f.constraint.check == CHECK], state.rules)
        return learned | {"violations": learned["violations"] + rules["violations"]}

    @property
    def reports_labels(self) -> bool:
        return self.own.reports_labels

    def informed(self, statistics: Document | None) -> Monitor[Any] | None:
        informed = self.own.informed(statistics)
        return informed and replace(self.monitor, own=informed)

    @property
    def matches_by_position(self) -> bool:
        return self.own.matches_by_position

    def column_names(self, statistics: Document | None, constraints: Document | None) -> list[str]:
        return self.own.column_names(statistics, constraints)


def entry(rule: Rule, outcome: Outcome) -> Document:
    return {"expectation": rule.type, "severity": rule.severity} | counts(outcome)


def written(rule: Rule) -> Document:
    """A rule as Great Expectations writes it."""
    members: Document = {"type": rule.type, "kwargs": plain(rule.kwargs), "severity": rule.severity}
    members["meta"] = plain(rule.meta)
    return members | {key: text for key in ("description", "notes") if (text := getattr(rule, key))}


def plain(value: Any) -> Any:
    """The same as JSON can hold it: YAML has dates and infinite numbers."""
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(part) for part in value]
    if isinstance(value, float):
        return number(value)
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def suite_document(name: str, rules: Sequence[Rule], meta: Document | None = None) -> Document:
    """A suite file of Great Expectations."""
    from model_monitor.monitors.expectations.library import installed_version

    about = {"great_expectations_version": installed_version()} | (meta or {})
    return {"name": name, "expectations": [written(rule) for rule in rules], "meta": about, "id": None, "notes": None}


def counts(outcome: Outcome) -> Document:
    """What was counted, and what Great Expectations observed."""
    shown: Document = {}
    if outcome.tally and not outcome.tally.problem.text:
        tally, evaluated = outcome.tally, outcome.tally.evaluated
        shown |= {"evaluated": evaluated, "missing": tally.missing, "unexpected_count": tally.unexpected}
        shown |= {"unexpected_share": tally.unexpected / evaluated if evaluated else None, "examples": examples(tally)}
    if outcome.observed is not None:
        shown["observed_value"] = outcome.observed
    if isinstance(outcome.measure, Undefined):
        shown["reason"] = outcome.measure.reason
    return shown


def examples(tally: Tally) -> list[str]:
    """Unexpected values, the most frequent first."""
    ranked = sorted(tally.examples.rows.items(), key=lambda item: (-item[1], item[0][1]))
    return list(dict.fromkeys(text for (_, text), _ in ranked))


def sentence(rule: Rule, outcome: Outcome) -> str:
    """The rule in words, and what was found instead."""
    found = ""
    if outcome.tally:
        tally = outcome.tally
        found = f"{tally.unexpected} of {tally.evaluated} rows break it ({tally.unexpected / tally.evaluated:.2%})"
        some = ", ".join(map(repr, examples(tally)[:SHOWN]))
        found += f", e.g. {some}" if some else ""
    elif outcome.observed is not None:
        found = f"observed: {outcome.observed}"
    elif number(outcome.measure if isinstance(outcome.measure, int | float) else None) is not None:
        found = f"observed: {outcome.measure!r}"
    of_severity = "" if rule.severity == "critical" else f" ({rule.severity})"
    return f"{words_of(rule)}{of_severity}{': ' if found else '.'}{found}{'.' if found else ''}"
