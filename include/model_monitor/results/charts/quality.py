"""How well does a classifier rank, promise and decide? Beside it, what a constant answer would reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from model_monitor.results.charts.drawing import dressed, unchecked
from model_monitor.results.charts.names import LONGEST_TITLE, labels_of, note_of, short
from model_monitor.results.charts.palette import HEAT, INK, PAPER, QUIET, WINDOW
from model_monitor.results.sentences import number

if TYPE_CHECKING:
    import altair as alt

SIDE = 200
MOST_POINTS = 100  # of a curve; the eye sees no more
MOST_CLASSES = 12
OTHERS = "all others"
CONSTANT = "always the most frequent"


class Promise(NamedTuple):
    """Among ``rows`` rows whose mean probability is ``predicted``, the share ``observed`` was positive; ``low`` and
    ``high`` are its 95 % interval. All 0..1 but the rows."""

    predicted: float
    observed: float
    low: float
    high: float
    rows: int


@unchecked
def roc(false_positive: Sequence[float], true_positive: Sequence[float], title: str = "ROC") -> alt.LayerChart:
    """True against false positive rate (0..1) over thresholds; the diagonal ranks by chance."""
    return curve(false_positive, true_positive, title, ("false positive rate", "true positive rate"), (0.0, 1.0))


@unchecked
def precision_recall(
    recalls: Sequence[float], precisions: Sequence[float], prevalence: float, title: str = "Precision and recall"
) -> alt.LayerChart:
    """Precision against recall (0..1) over thresholds; the line at the share of positives ranks by chance."""
    return curve(recalls, precisions, title, ("recall", "precision"), (prevalence, prevalence))


def curve(
    across: Sequence[float], up: Sequence[float], title: str, axes: tuple[str, str], chance: tuple[float, float]
) -> alt.LayerChart:
    import altair as alt

    points = thinned([*zip(across, up, strict=True)])
    rows = [{"x": round(x, 4), "y": round(y, 4), "i": i} for i, (x, y) in enumerate(points)]
    by_chance = [{"x": 0, "y": chance[0]}, {"x": 1, "y": chance[1]}]
    x, y = unit_axes(*axes)
    layers = alt.layer(
        alt.Chart(alt.InlineData(values=by_chance)).mark_line(color=QUIET, strokeDash=[4, 3], aria=False).encode(x, y),
        alt.Chart(alt.InlineData(values=rows)).mark_line(color=WINDOW, aria=False).encode(x, y, order="i:Q"),
    ).properties(width=SIDE, height=SIDE)
    words = f"{title}: {axes[1]} over {axes[0]} from {len(across)} thresholds"
    finished: alt.LayerChart = dressed(layers, short(title, LONGEST_TITLE), note_of("dashes: by chance"), words)
    return finished


def thinned(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """At most about ``MOST_POINTS`` of some points, with the first and the last."""
    step = max(1, len(points) // MOST_POINTS)
    return [*points[::step], *points[-1:]]


def unit_axes(across: str, up: str) -> tuple[Any, Any]:
    import altair as alt

    ticks, scale = alt.Axis(tickCount=5, format=".1f"), alt.Scale(domain=[0, 1])
    return (
        alt.X("x:Q").title(across).scale(scale).axis(ticks),
        alt.Y("y:Q").title(up).scale(scale).axis(ticks),
    )


@unchecked
def calibration(promises: Sequence[Promise], title: str = "Calibration") -> alt.LayerChart:
    """What was observed against what was promised, with intervals; on the dashes promises are kept."""
    import altair as alt

    rows: list[dict[str, Any]] = [
        {
            "x": one.predicted,
            "y": one.observed,
            "low": one.low,
            "high": one.high,
            "words": f"promised {number(one.predicted)}, observed {number(one.observed)} of {one.rows:,} rows",
        }
        for one in promises
    ]
    x, y = unit_axes("predicted probability", "share of positives")
    base, kept = alt.Chart(alt.InlineData(values=rows)), [{"x": 0, "y": 0}, {"x": 1, "y": 1}]
    layers = alt.layer(
        alt.Chart(alt.InlineData(values=kept)).mark_line(color=QUIET, strokeDash=[4, 3], aria=False).encode(x, y),
        base.mark_rule(color=WINDOW, aria=False).encode(x, alt.Y("low:Q"), alt.Y2("high:Q")),
        base.mark_point(color=WINDOW, filled=True, opacity=1, size=40).encode(x, y, description="words:N"),
    ).properties(width=SIDE, height=SIDE)
    words = f"{title}: " + "; ".join(row["words"] for row in rows[:10])
    notes = note_of("dashes: promises kept", "bars: 95 % intervals")
    finished: alt.LayerChart = dressed(layers, short(title, LONGEST_TITLE), notes, words)
    return finished


@unchecked
def confusion(counts: Mapping[str, Mapping[str, int]], title: str = "Confusion matrix") -> alt.FacetChart:
    """Rows by true label (down) and prediction (across), beside those of a classifier that always answers the most
    frequent label. Rare labels of many are put together."""
    import altair as alt

    pooled = with_few_labels(counts)
    labels = labels_of(pooled)
    totals = {label: sum(row.values()) for label, row in pooled.items()}
    constant = max(sorted(counts), key=lambda label: sum(counts[label].values()), default="")
    rows = []
    for truth in pooled:
        for predicted in pooled:
            for who, n in (
                ("this model", pooled[truth].get(predicted, 0)),
                (CONSTANT, totals[truth] if predicted == constant else 0),
            ):
                share = n / totals[truth] if totals[truth] else 0.0
                step = min(int(share * 4), 3) if n else 0
                rows.append(
                    {"truth": labels[truth], "predicted": labels[predicted], "who": who, "n": f"{n:,}"}
                    | {"colour": [HEAT[0], HEAT[1], WINDOW, WINDOW][step], "ink": PAPER if step > 1 else INK}
                )
    order = list(labels.values())
    base = alt.Chart().encode(
        alt.X("predicted:N")
        .title("predicted")
        .sort(order)
        .axis(labelAngle=0, ticks=False, domain=False, labelOverlap=True),
        alt.Y("truth:N").title("true").sort(order).axis(ticks=False, domain=False),
    )
    cells = alt.layer(
        base.mark_rect(aria=False).encode(alt.Color("colour:N").scale(None)),
        base.mark_text(aria=False).encode(alt.Color("ink:N").scale(None), text="n:N"),
    ).properties(width=max(SIDE - 20, 34 * len(order)), height=max(90, 22 * len(order)))
    chart = cells.facet(alt.Facet("who:N").sort(["this model", CONSTANT]).title(None), data=alt.InlineData(values=rows))
    right, all_rows = sum(pooled[label].get(label, 0) for label in pooled), sum(totals.values())
    words = f"{title}: {right:,} of {all_rows:,} rows right; always {short(constant)}: {totals.get(constant, 0):,}"
    note = note_of("bluer: a larger share of the true label's rows")
    finished: alt.FacetChart = dressed(chart, short(title, LONGEST_TITLE), note, words)
    return finished


def with_few_labels(counts: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    """The counts, all but the most frequent labels of either side as one."""
    names = sorted({*counts, *(name for row in counts.values() for name in row)})
    frequent = sorted(names, key=lambda name: -sum(counts.get(name, {}).values()))
    kept = names if len(names) <= MOST_CLASSES else sorted(frequent[: MOST_CLASSES - 1])
    pooled: dict[str, dict[str, int]] = {name: {} for name in [*kept, *([OTHERS] if len(kept) < len(names) else [])]}
    for truth, row in counts.items():
        for predicted, n in row.items():
            at = pooled[truth if truth in pooled else OTHERS]
            place = predicted if predicted in pooled else OTHERS
            at[place] = at.get(place, 0) + n
    return pooled
