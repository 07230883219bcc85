"""Which metric in CloudWatch shows the number that a constraint is about?"""

from __future__ import annotations

from collections.abc import Iterator

from model_monitor.core.constraints import Between, Constraint, Near
from model_monitor.core.distances import is_closeness
from model_monitor.core.measures import EVERYTHING, Subject
from model_monitor.monitors.bias import BIAS_DRIFT, Entry
from model_monitor.monitors.data_quality import COMPLETENESS
from model_monitor.monitors.model_quality import GREATER_THAN, LESS_THAN
from model_monitor.results.documents.protocol import Document
from model_monitor.results.sinks.sagemaker_metrics import NON_NULL, STAGES, Labels, drift_metric, facets_in

Places = dict[tuple[Subject, str], Labels]  # the own dimensions of each metric of bias
Side = tuple[str, float]  # how a number violates, by CloudWatch's name for it, and from where on


def metric_of(constraint: Constraint, bias: Places) -> tuple[str, Labels] | None:
    """Its name and its own dimensions; None if no single number is published: of segments, types and domains."""
    check, subject, measure = constraint.check, constraint.subject, constraint.measure
    if subject.segment:
        return None
    if check == COMPLETENESS:
        return f"{NON_NULL}{subject.column}", {}
    if check in (LESS_THAN, GREATER_THAN) and subject == EVERYTHING:
        return measure, {}
    if check == BIAS_DRIFT:
        labels = bias.get((subject, measure))
        return None if labels is None else (f"bias_metric_{measure}", labels)
    return drift_metric(check, subject)


def places_in(analysis: Document | None) -> Places:
    """The dimensions of each metric in an ``analysis.json`` of bias. Facets' ranges, as ``(40, 90]``, have none: they
    end at the largest number of each window."""
    return {
        (Entry(labels["Facet"], labels["FacetValue"], {}, {}).subject, metric["name"]): labels
        for stage in STAGES
        for labels, metrics in facets_in(analysis or {}, stage)
        if not labels["FacetValue"].startswith("(")
        for metric in metrics
    }


def sides_of(constraint: Constraint) -> Iterator[Side]:
    """The sides on which a number violates its bound."""
    bound = constraint.bound
    if isinstance(bound, Between):
        if bound.low is not None:
            yield LESS_THAN, bound.low
        if bound.high is not None:
            yield GREATER_THAN, bound.high
    if isinstance(bound, Near):
        yield (LESS_THAN if is_closeness(bound.distance) else GREATER_THAN), bound.threshold
