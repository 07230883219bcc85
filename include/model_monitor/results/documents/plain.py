"""The files of a monitor that SageMaker does not have: its measures and constraints as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from model_monitor.core.constraints import Between, Bound, Constraint, Finding, Near, Unlearned, Within
from model_monitor.core.distributions import Categories, Distribution, Numbers
from model_monitor.core.importances import Importances
from model_monitor.core.measures import Estimate, Measure, Share, Subject, Undefined
from model_monitor.core.monitor import Monitor
from model_monitor.errors import ConfigError
from model_monitor.results.documents.protocol import Document, Documents, number
from model_monitor.results.documents.words import violation

LISTED_CATEGORIES = 100


@dataclass(frozen=True)
class PlainDocuments(Documents[Any]):
    """The files of any monitor."""

    monitor: Monitor[Any]

    def statistics(self, state: Any, constraints: Sequence[Constraint] = ()) -> Document:
        measures = self.monitor.measure(state)
        return {
            "version": 0.0,
            "measures": [about(subject) | {"measure": name} | shown(m) for (subject, name), m in measures.items()],
        }

    def suggested(self, state: Any) -> Document:
        return {"version": 0.0, "constraints": [written(c) for c in self.monitor.suggest(state)]}

    def constraints(self, statistics: Document | None, constraints: Document | None) -> list[Constraint]:
        try:
            return [constraint_of(c) for c in (constraints or {}).get("constraints", [])]
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigError(f"constraints.json: a constraint can't be read: {error!r}") from error

    def violations(self, findings: Sequence[Finding], state: Any) -> Document:
        return {"violations": [violation(finding, []) for finding in findings if finding.outcome == "violated"]}


def about(subject: Subject) -> Document:
    return {"column": subject.column, "segment": dict(subject.segment)}


def shown(measure: Measure) -> Document:
    """A measure in short, for people; evaluation reads the State."""
    match measure:
        case Share():
            return {"value": number(measure.value), "inside": measure.inside, "of": measure.n}
        case Estimate():
            return {"value": number(measure.value), "error": number(measure.error), "n": measure.n}
        case Undefined():
            return {"value": None, "reason": measure.reason}
        case Numbers():
            shares = np.linspace(0, 1, 11)
            reached = np.searchsorted(np.cumsum(measure.weights), shares * measure.n, side="left")
            return {"n": measure.n, "deciles": measure.values[np.minimum(reached, len(measure.values) - 1)].tolist()}
        case Categories():
            top = sorted(measure.counts.items(), key=lambda item: (-item[1], item[0]))[:LISTED_CATEGORIES]
            return {"n": measure.n, "missing": measure.missing, "counts": dict(top)}
        case Importances():
            return {"n": measure.n, "importances": dict(zip(measure.names, measure.values.tolist(), strict=True))}
    return {"value": number(measure)}


def written(constraint: Constraint) -> Document:
    """A constraint as plain data; ``constraint_of`` reads it back."""
    head = {"check": constraint.check, **about(constraint.subject), "measure": constraint.measure}
    match constraint.bound:
        case Between(low, high, level, drawn):
            own = {} if drawn is None else {"drawn": asdict(drawn)}
            return head | {"between": {"low": low, "high": high, "level": level, **own}}
        case Within(categories, at_least, missing_is_inside, counted, level, drawn):
            bound = {"categories": sorted(categories), "at_least": at_least, "counted": counted}
            by_chance = {} if drawn is None else {"level": level, "drawn": distribution_written(drawn)}
            return head | {"within": bound | {"missing_is_inside": missing_is_inside} | by_chance}
        case Near(to, distance, threshold, level):
            bound = {"distance": distance, "threshold": threshold, "level": level, "to": distribution_written(to)}
            return head | {"near": bound}
        case Unlearned(reason):
            return head | {"unlearned": {"reason": reason}}
    raise TypeError(f"not a bound: {constraint.bound!r}")


def constraint_of(c: Document) -> Constraint:
    subject = Subject(c.get("column"), tuple(c.get("segment", {}).items()))
    return Constraint(c["check"], subject, c["measure"], bound_of(c))


def bound_of(c: Document) -> Bound:
    match c:
        case {"between": {"drawn": {} as drawn} as bound}:
            return Between(**(bound | {"drawn": (Share if "inside" in drawn else Estimate)(**drawn)}))
        case {"between": bound}:
            return Between(**bound)
        case {"within": bound}:
            own = {"drawn": distribution_of(bound["drawn"])} if "drawn" in bound else {}
            return Within(**(bound | {"categories": frozenset(bound["categories"])} | own))
        case {"unlearned": bound}:
            return Unlearned(**bound)
    return Near(**(c["near"] | {"to": distribution_of(c["near"]["to"])}))


def distribution_written(distribution: Distribution) -> Document:
    if isinstance(distribution, Numbers):
        rows = {"is_counted": distribution.is_counted, "least": distribution.least, "most": distribution.most}
        return {"values": distribution.values.tolist(), "weights": distribution.weights.tolist()} | rows
    if isinstance(distribution, Importances):
        known = distribution.covariance
        return {
            "names": list(distribution.names),
            "n": distribution.n,
            "values": distribution.values.tolist(),
            "covariance": None if known is None else known.tolist(),
            "resamples": distribution.resamples,
            "seed": distribution.seed,
        }
    return {"counts": dict(distribution.counts), "rest": distribution.rest, "missing": distribution.missing}


def distribution_of(d: Document) -> Distribution:
    if "names" in d:
        covariance = None if d["covariance"] is None else np.asarray(d["covariance"], float)
        members = {"names": tuple(d["names"]), "values": np.asarray(d["values"], float), "covariance": covariance}
        return Importances(**(d | members))
    if "values" in d:
        known = {name: d[name] for name in ("is_counted", "least", "most") if name in d}
        return Numbers(np.asarray(d["values"], float), np.asarray(d["weights"], np.int64), **known)
    return Categories(d["counts"], d.get("rest", 0), d.get("missing", 0))
