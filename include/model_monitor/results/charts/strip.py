"""How were the last windows, at a glance?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal, NamedTuple

from model_monitor.core.window import iso
from model_monitor.results.charts.drawing import dressed, unchecked
from model_monitor.results.charts.names import LONGEST_TITLE, note_of, short
from model_monitor.results.charts.palette import COLOURS, HATCHING, PAPER

if TYPE_CHECKING:
    import altair as alt

WIDTH, HEIGHT = 520, 18
MOST_WINDOWS = 120
State = Literal["healthy", "violated", "nothing"]
WORDS = {"healthy": "healthy", "violated": "violated", "nothing": "nothing to judge"}


class Told(NamedTuple):
    """What was said of a window that starts at a time; ``provisional``: labels may still change it."""

    start: datetime
    state: State
    provisional: bool = False


@unchecked
def strip(windows: Sequence[Told], title: str, *, width: int = WIDTH) -> alt.Chart:
    """The last ``MOST_WINDOWS`` windows side by side: green, orange-red, grey where nothing was to judge, hatched while
    provisional. Violated ones are taller, so that nobody needs the colour."""
    import altair as alt

    shown = windows[-MOST_WINDOWS:]
    rows = [
        {
            "start": i,
            "top": 1.0 if told.state == "violated" else 0.7,
            "colour": HATCHING[told.state] if told.provisional else COLOURS[told.state].light,
            "words": f"{iso(told.start)}: {WORDS[told.state]}{', provisional' if told.provisional else ''}",
        }
        for i, told in enumerate(shown)
    ]
    chart = (
        alt.Chart(alt.InlineData(values=rows))
        .mark_bar(stroke=PAPER, strokeWidth=1)
        .encode(
            alt.X("start:O").axis(None).scale(paddingInner=0),
            alt.Y("top:Q").axis(None).scale(domain=[0, 1]),
            alt.Color("colour:N").scale(None),
            alt.Description("words:N"),
        )
        .properties(width=width, height=HEIGHT)
    )
    name, count = short(title, LONGEST_TITLE), {state: sum(t.state == state for t in shown) for state in WORDS}
    words = ", ".join(f"{n} {WORDS[state]}" for state, n in count.items() if n)
    span = f" from {iso(shown[0].start)} to {iso(shown[-1].start)}" if shown else ""
    hatched = "hatched: provisional" if any(told.provisional for told in shown) else ""
    note = note_of("green: healthy", "tall orange: violated", "grey: nothing to judge", hatched)
    finished: alt.Chart = dressed(chart, name, note, f"{name}, {len(shown)} windows{span}: {words}")
    return finished
