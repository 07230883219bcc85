"""Is each group treated within the allowed range, and could it be chance?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from model_monitor.results.charts.drawing import dressed, unchecked
from model_monitor.results.charts.names import LONGEST_TITLE, labels_of, note_of, short
from model_monitor.results.charts.palette import ALLOWED, NOTHING, QUIET, VIOLATED, WINDOW
from model_monitor.results.sentences import number

if TYPE_CHECKING:
    import altair as alt

WIDTH, ROW = 420, 20
MOST_FACETS = 30


class Facet(NamedTuple):
    """A metric of a group: its value and 95 % interval, and the range that is allowed; None where there is none."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    at_least: float | None
    at_most: float | None
    outcome: str


@unchecked
def bias(facets: Sequence[Facet], title: str, *, width: int = WIDTH) -> alt.LayerChart:
    """A metric by group: the allowed range as a band, intervals as bars, violated groups as orange diamonds; those
    first, at most ``MOST_FACETS``."""
    import altair as alt

    ranked = sorted(facets, key=lambda facet: (facet.outcome != "violated", facet.value is None))
    shown = ranked[:MOST_FACETS]
    labels = labels_of(facet.name for facet in shown)
    ends = [number for facet in shown for number in facet[1:6] if number is not None]
    least, most = min(ends, default=0.0), max(ends, default=1.0)
    rows = [
        {
            **facet._asdict(),
            "name": labels[facet.name],
            "from": least if facet.at_least is None else facet.at_least,
            "to": most if facet.at_most is None else facet.at_most,
            "limited": facet.at_least is not None or facet.at_most is not None,
            "words": f"{labels[facet.name]}: {in_words(facet)}",
        }
        for facet in shown
    ]
    violated = "datum.outcome == 'violated'"
    base = alt.Chart(alt.InlineData(values=rows)).encode(alt.Y("name:N").title(None).sort([*labels.values()]))
    colour = alt.ColorValue(
        WINDOW,
        condition=[{"test": violated, "value": VIOLATED}, {"test": "datum.outcome == 'undefined'", "value": NOTHING}],
    )
    across = alt.X("from:Q").title(None).scale(zero=False).axis(tickCount=7)
    points = base.transform_filter("datum.value != null").mark_point(filled=True, opacity=1)
    layers = alt.layer(
        base.transform_filter("datum.limited").mark_bar(color=ALLOWED, aria=False).encode(across, alt.X2("to:Q")),
        base.transform_filter("datum.low != null")
        .mark_rule(strokeWidth=2, aria=False)
        .encode(alt.X("low:Q"), alt.X2("high:Q"), colour),
        points.encode(
            alt.X("value:Q"),
            colour,
            alt.ShapeValue("circle", condition={"test": violated, "value": "diamond"}),
            alt.SizeValue(50, condition={"test": violated, "value": 90}),
            alt.Description("words:N"),
        ),
        base.transform_filter("datum.value == null")
        .mark_text(text="nothing to judge", color=QUIET, align="left", aria=False)
        .encode(x=alt.value(4)),
    ).properties(width=width, height=alt.Step(ROW))
    name = short(title, LONGEST_TITLE)
    more = f"{len(facets) - len(shown)} more" if len(facets) > len(shown) else ""
    note = note_of("green band: allowed", "bars: 95 % intervals", "◆ violated", more)
    words = "; ".join(row["words"] for row in rows[:8])
    finished: alt.LayerChart = dressed(layers, name, note, f"{name} by group: {words}")
    return finished


def in_words(facet: Facet) -> str:
    return f"{'nothing to judge' if facet.value is None else number(facet.value)}, {facet.outcome}"
