"""Which metrics would SageMaker publish of a report? Its namespaces, names and dimensions, and some that it lacks.

Facts: docs/sagemaker-formats.md, Metrics in CloudWatch; all names: docs/metrics.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from model_monitor.core.measures import Subject
from model_monitor.monitors.attribution import DRIFT as ATTRIBUTION_DRIFT
from model_monitor.monitors.data_quality import BASELINE_DRIFT
from model_monitor.monitors.model_quality import PREDICTION_DRIFT
from model_monitor.results.documents import analysis
from model_monitor.results.documents.attribution import EXPECTED, METHOD, VALUES
from model_monitor.results.documents.protocol import Document
from model_monitor.results.sinks.executed import Executed
from model_monitor.results.sinks.sink import Point, StatisticSet

KINDS = {
    "data_quality": "data",
    "model_quality": "model",
    "bias": "bias",
    "attribution": "explainability",
}
LARGEST = 2.0**360  # CloudWatch's largest number, 2.348543e108, which SageMaker sends for Infinity
SMALLEST = 2.0**-360  # CloudWatch refuses smaller ones that are not 0
COUNT = "Count"
ROWS, VIOLATIONS, COVERAGE, DRIFTED, NDCG = "rows", "violations", "label_coverage", "share_of_drifted_columns", "ndcg"
NON_NULL, COLUMN_DRIFT, DATA = "feature_non_null_", "feature_baseline_drift_", "feature_data_"
POST, PRE = analysis.BIAS
STAGES = {POST: "Post-Training", PRE: "Pre-training"}

Labels = dict[str, str]
Number = tuple[str, Labels, float | StatisticSet | None, str]  # name, dimensions, value, unit


def namespace(monitor: str, names_endpoint: bool) -> str:
    """The namespace of a monitor; one that SageMaker does not have gets its own name.

    >>> namespace("data_quality", True), namespace("my.monitors.Freshness", False)
    ('aws/sagemaker/Endpoints/data-metrics', 'aws/sagemaker/ModelMonitoring/freshness-metrics')
    """
    kind = KINDS.get(monitor, monitor.rpartition(".")[2].lower())
    return f"aws/sagemaker/{'Endpoints' if names_endpoint else 'ModelMonitoring'}/{kind}-metrics"


def dimensions(execution: Document, names_endpoint: bool) -> Labels:
    """The dimensions of every metric of a schedule."""
    endpoint = {"Endpoint": execution["endpoint"]} if names_endpoint else {}
    return endpoint | {"MonitoringSchedule": execution["schedule"]}


def points(executed: Executed) -> Iterator[Point]:
    """The metrics of an execution, at the window's end; what is undefined or NaN is left out."""
    common = dimensions(executed.execution, executed.names_endpoint)
    for name, labels, value, unit in numbers_of(executed):
        if value is not None and (finite := within_limits(value)) is not None:
            yield Point(name, tuple((common | labels).items()), executed.end, finite, unit)


def numbers_of(executed: Executed) -> Iterator[Number]:
    """Every metric, with the dimensions that are its own; the monitor's after those that all have."""
    yield from of_every_monitor(executed)
    yield from of_findings(executed.execution)
    for segment, part in executed.parts():
        for name, labels, value in (*of_data(part), *of_model(part), *of_bias(part), *of_explanations(part)):
            yield name, labels | segment_label(segment), value, ""
    if executed.monitor not in KINDS:
        for entry in executed.measures:
            column = {"Column": entry["column"]} if entry["column"] else {}
            yield entry["measure"], column | segment_label(entry["segment"]), entry["value"], ""


def of_every_monitor(executed: Executed) -> Iterator[Number]:
    """What SageMaker publishes of no monitor."""
    execution = executed.execution
    yield ROWS, {}, execution["counts"]["judged"], COUNT
    yield VIOLATIONS, {}, executed.violations, COUNT
    yield COVERAGE, {}, execution.get("labels", {}).get("coverage"), ""
    drifts = [f for f in execution["findings"] if f["check"] == BASELINE_DRIFT and not f["segment"]]
    judged = [f["outcome"] == "violated" for f in drifts if f["outcome"] != "undefined"]
    yield DRIFTED, {}, sum(judged) / len(judged) if judged else None, ""


def of_findings(execution: Document) -> Iterator[Number]:
    """How far each distribution is from its baseline."""
    for finding in execution["findings"]:
        if named := drift_metric(finding["check"], Subject(finding["column"])):
            yield named[0], named[1] | segment_label(finding["segment"]), finding["observed"], ""


def drift_metric(check: str, subject: Subject) -> tuple[str, Labels] | None:
    """The metric of a check of distributions: its name and its own dimensions; None for another check."""
    column = subject.column or ""
    if check == BASELINE_DRIFT:
        return f"{COLUMN_DRIFT}{column}", {}
    if check == ATTRIBUTION_DRIFT:
        return NDCG, {"Label": column}
    return ("prediction_drift", {}) if check == PREDICTION_DRIFT else None


def segment_label(segment: Mapping[str, str]) -> Labels:
    """The dimension of a metric of some rows only, e.g. ``origin=JFK``; {} of all rows."""
    return {"Segment": ", ".join(f"{column}={value}" for column, value in segment.items())} if segment else {}


def of_data(part: Document) -> Iterator[tuple[str, Labels, float | StatisticSet | None]]:
    """Data quality: each column's completeness and, of a numeric one, its numbers."""
    for feature in part.get("features", []):
        name, numbers = feature["name"], feature.get("numerical_statistics")
        common = (numbers or feature["string_statistics"])["common"]
        present, rows = common["num_present"], common["num_present"] + common["num_missing"]
        yield f"{NON_NULL}{name}", {}, present / rows if rows else None
        if numbers and numbers.get("sum") is not None and None not in (numbers.get("min"), numbers.get("max")):
            yield f"{DATA}{name}", {}, StatisticSet(present, numbers["sum"], numbers["min"], numbers["max"])


def of_model(part: Document) -> Iterator[tuple[str, Labels, float | None]]:
    """Model quality: each scalar metric, without its deviation."""
    for member, metrics in part.items():
        if member.endswith("_metrics") and member not in STAGES:
            for name, entry in metrics.items():
                if isinstance(entry, dict) and isinstance(entry.get("value"), int | float):
                    yield name, {}, entry["value"]


def of_bias(part: Document) -> Iterator[tuple[str, Labels, float | None]]:
    """Bias: each metric of each facet's value."""
    for stage in STAGES:
        for labels, metrics in facets_in(part, stage):
            for metric in metrics:
                yield f"bias_metric_{metric['name']}", labels, analysis.number_read(metric["value"])


def facets_in(part: Document, stage: str) -> Iterator[tuple[Labels, list[dict[str, Any]]]]:
    """The dimensions of each facet's value in a section of ``analysis.json``, and its metrics."""
    section = part.get(stage, {})
    for facet, entries in section.get("facets", {}).items():
        for entry in entries:
            labels = {
                "BiasStage": STAGES[stage],
                "Label": section["label"],
                "LabelValue": section["label_value_or_threshold"],
                "Facet": facet,
                "FacetValue": entry["value_or_threshold"],
            }
            yield labels, entry["metrics"]


def of_explanations(part: Document) -> Iterator[tuple[str, Labels, float | None]]:
    """Feature attribution: each feature's global value, and the model's expected value."""
    for label, entry in part.get(analysis.EXPLANATIONS, {}).get(METHOD, {}).items():
        labels = {"ExplainabilityMethod": "KernelShap", "Label": label}
        for feature, value in entry.get(VALUES, {}).items():
            yield f"feature_{feature}", labels | {"ValueType": "GlobalShapValues"}, value
        yield "ExpectedValue", labels | {"ValueType": "ExpectedValue"}, entry.get(EXPECTED)


def within_limits(value: float | StatisticSet) -> float | StatisticSet | None:
    """The number as CloudWatch takes it: infinite ones as its largest, tiny ones as 0; None for NaN.

    >>> f"{within_limits(float('-inf')):.6e}", within_limits(1e-200), within_limits(float("nan"))
    ('-2.348543e+108', 0.0, None)
    """
    if isinstance(value, StatisticSet):
        limited = [within_limits(number) for number in value]
        return None if None in limited else StatisticSet(*limited)  # type: ignore[arg-type]
    if value != value:
        return None
    return 0.0 if abs(value) < SMALLEST else float(min(LARGEST, max(-LARGEST, value)))
