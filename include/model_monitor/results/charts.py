"""Charts of what was measured, as PNG for messages. Altair describes them, vl-convert draws them without a browser."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from model_monitor.core.window import iso

if TYPE_CHECKING:
    import altair as alt

WIDTH, HEIGHT = 480, 180
SHARP = 1.5  # pixels of the picture for each of these
LINE, THRESHOLD, VIOLATED = "#4c6b8a", "#9a9a9a", "#c0392b"


class Point(NamedTuple):
    """What a constraint found on a window that starts at a time: a number and its bounds, None where there is none."""

    start: datetime
    observed: float | None
    low: float | None
    high: float | None
    outcome: str


def course(points: Sequence[Point], title: str) -> alt.LayerChart:
    """A number over windows, its bounds as dashes, and violations as red dots."""
    import altair as alt  # takes half a second

    rows = [{**point._asdict(), "start": iso(point.start)} for point in points]
    base = alt.Chart(alt.InlineData(values=rows)).encode(alt.X("start:T").scale(type="utc").title(None))
    number = base.encode(alt.Y("observed:Q").title(None).scale(zero=False))
    chart: alt.LayerChart = (
        alt.layer(
            number.mark_line(color=LINE),
            *(base.mark_line(color=THRESHOLD, strokeDash=[4, 3]).encode(y=f"{side}:Q") for side in ("low", "high")),
            number.transform_filter("datum.outcome == 'violated'").mark_point(color=VIOLATED, filled=True, size=45),
        )
        .properties(width=WIDTH, height=HEIGHT, title=title)
        .configure_view(stroke=None)
    )
    return chart


def png(chart: alt.LayerChart) -> bytes:
    """A chart as a picture."""
    import vl_convert

    specification: dict[str, Any] = chart.to_dict()
    return bytes(vl_convert.vegalite_to_png(specification, scale=SHARP))
