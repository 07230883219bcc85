"""A number over windows: since when is it beyond its limits, and could it be chance?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from model_monitor.core.window import iso
from model_monitor.results.charts.drawing import dressed, unchecked
from model_monitor.results.charts.names import LONGEST_TITLE, note_of, short
from model_monitor.results.charts.palette import ALERT, BASELINE, CHANCE, NOTHING, PAPER, QUIET, VIOLATED, WINDOW
from model_monitor.results.sentences import number

if TYPE_CHECKING:
    import altair as alt

WIDTH, HEIGHT = 520, 180
CROSS = "M-1,-1L1,1M-1,1L1,-1"


class Point(NamedTuple):
    """What a constraint found on a window that starts at a time: a number and its bounds, None where there is none.

    ``chance`` is what chance alone reaches, from and to. ``provisional``: labels may still change it. ``interval``: the
    number's 95 % interval.
    """

    start: datetime
    observed: float | None
    low: float | None
    high: float | None
    outcome: str | None
    chance: tuple[float, float] | None = None
    provisional: bool = False
    interval: tuple[float, float] | None = None


class Span(NamedTuple):
    """While something lasted, e.g. an alert was open; ``end`` is None if it still is."""

    start: datetime
    end: datetime | None = None


def chance_of(
    floor: float | None, low: float | None, high: float | None, is_distance: bool
) -> tuple[float, float] | None:
    """What chance alone reaches: of a distance up to the noise floor, of another number that far beyond its limits.
    None without a floor or a limit.

    >>> chance_of(0.05, None, 0.1, is_distance=True), chance_of(0.25, 1.0, None, is_distance=False)
    ((0.0, 0.05), (0.75, 1.0))
    """
    if floor is None or (low is None and high is None):
        return None
    if low is None:
        return (0.0, floor) if is_distance else (high or 0.0, (high or 0.0) + floor)
    return (low - floor, low) if high is None else (low - floor, high + floor)


@unchecked
def course(
    points: Sequence[Point],
    title: str,
    *,
    baseline: float | None = None,
    alerts: Sequence[Span] = (),
    width: int = WIDTH,
    height: int = HEIGHT,
) -> alt.LayerChart:
    """A number over windows: its limits as dashes, what chance alone reaches as a band, the baseline's number as a grey
    line, open alerts as shading, intervals as bars, violated windows as filled diamonds, provisional ones hollow,
    undefined as crosses."""
    import altair as alt

    rows = [row_of(point) for point in points]
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        alt.X("start:T").scale(type="utc").title(None).axis(grid=False, tickCount=7)
    )
    value = base.encode(alt.Y("observed:Q").title(None).scale(zero=False))
    judged = [point for point in points if point.observed is not None]
    layers: list[Any] = [*shading(alerts, points)]
    if any(point.chance for point in points):
        layers.append(base.mark_area(color=CHANCE, aria=False).encode(alt.Y("chance_low:Q"), alt.Y2("chance_high:Q")))
    if baseline is not None:
        line = alt.Chart(alt.InlineData(values=[{"baseline": baseline}]))
        layers.append(line.mark_rule(color=BASELINE, strokeWidth=1.5, aria=False).encode(alt.Y("baseline:Q")))
    for side in ("low", "high"):
        if any(getattr(point, side) is not None for point in points):
            dashes = base.mark_line(color=QUIET, strokeDash=[4, 3], strokeWidth=1.5, aria=False, interpolate="step")
            layers.append(dashes.encode(y=f"{side}:Q"))
    if any(point.interval for point in points):
        bars = base.mark_rule(color=WINDOW, opacity=0.5, strokeWidth=1.5, aria=False)
        layers.append(bars.encode(alt.Y("interval_low:Q"), alt.Y2("interval_high:Q")))
    layers.append(value.mark_line(color=WINDOW, aria=False))
    layers.append(
        value.transform_filter("datum.observed != null").mark_point(opacity=1, strokeWidth=1.5).encode(**marks())
    )
    undefined = base.transform_filter("datum.observed == null").mark_point(
        shape=CROSS, color=NOTHING, size=40, opacity=1, strokeWidth=1.5
    )
    if len(judged) < len(points):
        layers.append(undefined.encode(y=alt.value(height - 5), description="words:N"))
    chart = alt.layer(*layers).properties(width=width, height=height)
    name = short(title, LONGEST_TITLE)
    finished: alt.LayerChart = dressed(chart, name, legend(points, baseline, alerts), in_words(name, points))
    return finished


def row_of(point: Point) -> dict[str, Any]:
    row = {**point._asdict(), "start": iso(point.start)}
    for name in ("chance", "interval"):
        row[f"{name}_low"], row[f"{name}_high"] = row.pop(name) or (None, None)
    value = "nothing to judge" if point.observed is None else number(point.observed)
    state = f"{point.outcome or ''}{', provisional' if point.provisional else ''}".lstrip(", ")
    row |= {"words": f"{iso(point.start)}: {value}" + (f", {state}" if state else "")}
    return row


def marks() -> dict[str, Any]:
    """How a window's point tells its outcome: by shape and by colour."""
    import altair as alt

    violated = "datum.outcome == 'violated'"
    return {
        "shape": alt.ShapeValue("circle", condition={"test": violated, "value": "diamond"}),
        "size": alt.SizeValue(14, condition={"test": f"{violated} || datum.provisional", "value": 60}),
        "stroke": alt.StrokeValue(WINDOW, condition={"test": violated, "value": VIOLATED}),
        "fill": alt.FillValue(
            WINDOW, condition=[{"test": "datum.provisional", "value": PAPER}, {"test": violated, "value": VIOLATED}]
        ),
        "description": alt.Description("words:N"),
    }


def shading(alerts: Sequence[Span], points: Sequence[Point]) -> list[Any]:
    import altair as alt

    if not alerts or not points:
        return []
    first, last = points[0].start, points[-1].start
    spans = [(max(span.start, first), min(span.end or last, last)) for span in alerts]
    rows = [{"from": iso(start), "to": iso(end)} for start, end in spans if start <= end]
    chart = alt.Chart(alt.InlineData(values=rows)).mark_rect(color=ALERT, aria=False)
    return [chart.encode(alt.X("from:T").scale(type="utc"), alt.X2("to:T"))]


def legend(points: Sequence[Point], baseline: float | None, alerts: Sequence[Span]) -> str:
    """What the marks that occur stand for."""
    occurs = {
        "dashes: limit": any(point.low is not None or point.high is not None for point in points),
        "band: chance alone": any(point.chance for point in points),
        "bars: 95 % intervals": any(point.interval for point in points),
        "grey line: baseline": baseline is not None,
        "◆ violated": any(point.outcome == "violated" for point in points),
        "hollow: provisional": any(point.provisional for point in points),
        "× nothing to judge": any(point.observed is None for point in points),
        "shaded: alert open": bool(alerts),
    }
    return note_of(*(words for words, does in occurs.items() if does))


def in_words(title: str, points: Sequence[Point]) -> str:
    """The course for who can't see it."""
    judged = [point for point in points if point.observed is not None]
    if not judged:
        return f"{title}: nothing to judge in {len(points)} windows"
    violated = [point for point in points if point.outcome == "violated"]
    last = judged[-1]
    since = f", first in that of {iso(violated[0].start)}" if violated else ""
    return (
        f"{title} over {len(points)} windows from {iso(points[0].start)} to {iso(points[-1].start)}: "
        f"{number(judged[0].observed or 0.0)} first, {number(last.observed or 0.0)} last; "
        f"{len(violated)} violated{since}"
    )
