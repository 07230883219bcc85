"""Which pictures answer a report's questions? Where something is violated, large ones; each column in small.

They are made of the window's measures, the baseline's distributions and the report's own documents, so that the same
window gives the same pictures. Altair takes a second in a fresh process, so healthy windows, which are most, have no
large pictures.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from model_monitor.core.constraints import Constraint, Finding, Near
from model_monitor.core.distributions import Categories, Distribution, Numbers
from model_monitor.core.importances import Importances
from model_monitor.core.measures import Measure, Measures, Share
from model_monitor.core.monitor import Monitor
from model_monitor.core.segments import Segmented
from model_monitor.results import charts
from model_monitor.results.anonymous import Anonymity
from model_monitor.results.documents.protocol import Document
from model_monitor.results.measured import interval_of

MOST_DRAWN = 8  # columns, metrics of bias or outputs of the model in large; the worst
MOST_SMALL = 200  # columns in a table
LEAST_NAMED = 10  # rows with which a value is named
WIDTH = 430  # two side by side on a page
NARROW = 330  # of what has long names at its side
BINARY, MULTICLASS = "binary_classification_metrics", "multiclass_classification_metrics"


class Column(NamedTuple):
    """A column in small: the shares (0..1) of its bins or values, of the baseline and of the window."""

    name: str
    outcome: str
    observed: float | None
    threshold: float | None
    baseline: Sequence[float]
    window: Sequence[float]


@dataclass(frozen=True)
class Pictures:
    """SVG elements by the question that they answer, and columns in small."""

    changed: Sequence[str] = ()
    quality: Sequence[str] = ()
    columns: Sequence[Column] = field(default=())
    more_columns: int = 0

    @property
    def style(self) -> str:
        return charts.STYLE


def pictures_of(
    monitor: Monitor[Any],
    state: Any,
    findings: Sequence[Finding],
    measures: Measures,
    entries: Sequence[Document],
    statistics: Document,
    anonymity: Anonymity,
) -> Pictures:
    """The pictures of a window: of its findings, ``entries`` of ``measures.json``, and ``statistics.json``."""
    near = [(f, f.constraint.bound) for f in findings if isinstance(f.constraint.bound, Near)]
    shown = [(f, bound) for f, bound in near if f.constraint.subject.column not in anonymity.private]
    judged = [(f, bound) for f, bound in violated_first(shown) if f.outcome != "undefined"]
    small = [column_of(f, bound.to, measure_of(f, measures)) for f, bound in judged[:MOST_SMALL]]
    columns, more = [column for column in small if column], max(0, len(judged) - MOST_SMALL)
    if not any(finding.outcome == "violated" for finding in findings) or not charts.can_draw():
        return Pictures(columns=columns, more_columns=more)
    worst = [(f, bound) for f, bound in judged if f.outcome == "violated"][:MOST_DRAWN]
    overlays = [svg for finding, bound in worst for svg in compared(finding, bound, measures)]
    moved_ranks = [svg for finding, bound in judged[:MOST_DRAWN] for svg in moved(finding, bound, measures)]
    changed = [*overlays, *moved_ranks, *bias_of(findings, entries)]
    return Pictures(changed, quality_of(monitor, state, statistics), columns, more)


def pictures_of_baseline(
    monitor: Monitor[Any], state: Any, constraints: Sequence[Constraint], statistics: Document, anonymity: Anonymity
) -> Pictures:
    """The pictures of what was learned: each column in small, and how good the model was."""
    near = [(Finding(c, "holds"), c.bound) for c in constraints if isinstance(c.bound, Near)]
    shown = [(f, bound) for f, bound in near if f.constraint.subject.column not in anonymity.private]
    small = [column_of(finding, bound.to, None) for finding, bound in shown[:MOST_SMALL]]
    columns, more = [column for column in small if column], max(0, len(shown) - MOST_SMALL)
    return Pictures((), quality_of(monitor, state, statistics) if charts.can_draw() else (), columns, more)


def violated_first(near: Sequence[tuple[Finding, Near]]) -> list[tuple[Finding, Near]]:
    return sorted(near, key=lambda one: (one[0].outcome != "violated", -beyond(one[0], one[1])))


def beyond(finding: Finding, bound: Near) -> float:
    effect = charts.effect_of(finding.observed, None, bound.threshold, finding.noise_floor)
    return effect or 0.0


def measure_of(finding: Finding, measures: Measures) -> Measure:
    return measures.get((finding.constraint.subject, finding.constraint.measure))


def compared(finding: Finding, bound: Near, measures: Measures) -> Iterator[str]:
    """A violated column against its baseline, and by how much it moved in its own unit."""
    now, title = measure_of(finding, measures), str(finding.constraint.subject)
    if isinstance(bound.to, Numbers) and isinstance(now, Numbers) and bound.to.n and now.n:
        yield charts.svg(charts.overlay(charts.bins_of(bound.to, now), title, width=WIDTH))
        yield charts.svg(charts.quantile_shift(charts.shifts_of(bound.to, now), f"{title}: by how much", width=WIDTH))
    if isinstance(bound.to, Categories) and isinstance(now, Categories) and bound.to.n and now.n:
        values = charts.categories_of(bound.to, now, nameable=nameable(bound.to, now))
        yield charts.svg(charts.overlay(values, title, width=WIDTH))


def nameable(*sides: Categories) -> set[str]:
    """Values that enough rows of a side have."""
    return {name for side in sides for name, rows in side.counts.items() if rows >= LEAST_NAMED}


def moved(finding: Finding, bound: Near, measures: Measures) -> Iterator[str]:
    """The features by rank, where importances are compared."""
    now = measure_of(finding, measures)
    if isinstance(bound.to, Importances) and isinstance(now, Importances):
        old, new = (dict(zip(side.names, side.values.tolist(), strict=True)) for side in (bound.to, now))
        yield charts.svg(charts.ranks(old, new, f"{finding.constraint.subject}: what matters most"))


def column_of(finding: Finding, to: Distribution, now: Measure) -> Column | None:
    """A column in small; of a baseline alone ``now`` is None. None if it has no numbers and no values."""
    subject, bound = finding.constraint.subject, finding.constraint.bound
    threshold = bound.threshold if isinstance(bound, Near) else None
    name = str(subject)
    if isinstance(to, Numbers):
        window = now if isinstance(now, Numbers) else to
        shares = [(one.baseline, one.window) for one in charts.bins_of(to, window)]
    elif isinstance(to, Categories):
        values = now if isinstance(now, Categories) else to
        shares = [(one.baseline, one.window) for one in charts.categories_of(to, values)]
    else:
        return None
    baseline, of_window = [old for old, _ in shares], [] if now is None else [new for _, new in shares]
    return Column(name, finding.outcome, finding.observed, threshold, baseline, of_window) if shares else None


def bias_of(findings: Sequence[Finding], entries: Sequence[Document]) -> list[str]:
    """A picture of each judged metric of bias, by group."""
    by_metric: dict[str, dict[str, Finding]] = {}
    for finding in findings:
        subject = finding.constraint.subject
        if finding.constraint.check == "bias_drift_check" and subject.column is not None and not subject.segment:
            by_metric.setdefault(finding.constraint.measure, {})[subject.column] = finding
    numbers = {(e["measure"], e["column"]): e for e in entries if not e["segment"]}
    ranked = sorted(by_metric, key=lambda name: all(f.outcome != "violated" for f in by_metric[name].values()))
    return [
        charts.svg(
            charts.bias(
                [facet_of(f, numbers.get((metric, group), {})) for group, f in groups.items()], metric, width=NARROW
            )
        )
        for metric in ranked[:MOST_DRAWN]
        for groups in [by_metric[metric]]
    ]


def facet_of(finding: Finding, entry: Mapping[str, Any]) -> charts.Facet:
    low, high, at_least, at_most = (entry.get(name) for name in ("low", "high", "at_least", "at_most"))
    name = str(finding.constraint.subject.column)
    return charts.Facet(name, finding.observed, low, high, at_least, at_most, finding.outcome)


def quality_of(monitor: Monitor[Any], state: Any, statistics: Document) -> list[str]:
    """How well a classifier decides, ranks and promises; [] for other monitors, and where there is nothing to show."""
    metrics = statistics.get(BINARY) or statistics.get(MULTICLASS) or {}
    drawn: list[Any] = [charts.confusion(metrics["confusion_matrix"])] if metrics.get("confusion_matrix") else []
    if curve := metrics.get("receiver_operating_characteristic_curve"):
        drawn.append(charts.roc(curve["false_positive_rates"], curve["true_positive_rates"]))
    if curve := metrics.get("precision_recall_curve"):
        drawn.append(charts.precision_recall(curve["recalls"], curve["precisions"], curve["precisions"][-1]))
    monitor, state = (monitor.whole, state.whole) if isinstance(monitor, Segmented) else (monitor, state)
    if drawn and (promises := getattr(monitor, "kept_promises", None)):
        kept = [promise_of(predicted, share) for predicted, share in promises(state)]
        drawn += [charts.calibration(kept)] if kept else []
    return [charts.svg(chart) for chart in drawn]


def promise_of(predicted: float, share: Share) -> charts.Promise:
    interval = interval_of(share)
    return charts.Promise(predicted, share.value or 0.0, interval["low"], interval["high"], share.n)
