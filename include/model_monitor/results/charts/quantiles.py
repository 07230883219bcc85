"""By how much did a column's numbers move, in its own unit?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from model_monitor.core.distributions import Numbers
from model_monitor.results.charts.drawing import dressed, unchecked
from model_monitor.results.charts.names import LONGEST_TITLE, note_of, short
from model_monitor.results.charts.overlay import LARGEST, quantiles_of
from model_monitor.results.charts.palette import BASELINE, QUIET, WINDOW
from model_monitor.results.sentences import number

if TYPE_CHECKING:
    import altair as alt

WIDTH, ROW = 520, 18
SHARES = (0.1, 0.25, 0.5, 0.75, 0.9)


class Shift(NamedTuple):
    """A quantile (0..1) of either side, in the column's unit."""

    share: float
    baseline: float
    window: float


def shifts_of(baseline: Numbers, window: Numbers, shares: Sequence[float] = SHARES) -> list[Shift]:
    """Quantiles of both sides; [] if either is empty."""
    if not baseline.n or not window.n:
        return []
    sides = [np.clip(quantiles_of(side, np.array(shares)), -LARGEST, LARGEST) for side in (baseline, window)]
    return [Shift(share, float(old), float(new)) for share, old, new in zip(shares, *sides, strict=True)]


@unchecked
def quantile_shift(shifts: Sequence[Shift], title: str, *, unit: str = "", width: int = WIDTH) -> alt.LayerChart:
    """Each quantile of the baseline (grey) and of a window (blue), joined by how far it moved."""
    import altair as alt

    rows = [
        {
            **shift._asdict(),
            "name": "median" if shift.share == 0.5 else f"{100 * shift.share:g} %",
            "moved": f"{number(shift.baseline)} → {number(shift.window)}",
            "far": max(shift.baseline, shift.window),
        }
        for shift in shifts
    ]
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        alt.Y("name:N").title(None).sort([row["name"] for row in rows[::-1]]).axis(grid=True)
    )
    across = alt.X("baseline:Q").title(short(unit) or None).scale(zero=False).axis(grid=False, tickCount=8)
    layers = alt.layer(
        base.mark_rule(color=QUIET, strokeWidth=2, aria=False).encode(across, alt.X2("window:Q")),
        base.mark_point(color=BASELINE, filled=True, opacity=1, size=60, aria=False).encode(alt.X("baseline:Q")),
        base.mark_point(color=WINDOW, filled=True, opacity=1, size=60, aria=False).encode(alt.X("window:Q")),
        base.mark_text(align="left", dx=8, color=QUIET, aria=False).encode(alt.X("far:Q"), text="moved:N"),
    ).properties(width=width, height=alt.Step(ROW))
    name = short(title, LONGEST_TITLE)
    words = "; ".join(f"{row['name']} {row['moved']}" for row in rows)
    finished: alt.LayerChart = dressed(
        layers, name, note_of("grey: baseline", "blue: this window"), f"{name}: quantiles. {words}"
    )
    return finished
