"""Do the same features matter as before?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from model_monitor.results.charts.drawing import dressed, unchecked
from model_monitor.results.charts.names import LONGEST_TITLE, labels_of, note_of, short
from model_monitor.results.charts.palette import BASELINE, QUIET, VIOLATED

if TYPE_CHECKING:
    import altair as alt

WIDTH, ROW = 200, 18
MOST_FEATURES = 20
NEAR = 1  # ranks that two features of about equal importance trade by chance


@unchecked
def ranks(baseline: Mapping[str, float], window: Mapping[str, float], title: str) -> alt.LayerChart:
    """Features by rank of importance (absolute value), the baseline's at the left and a window's at the right; those
    that moved by more than one rank stand out. The ``MOST_FEATURES`` that mattered most in either."""
    import altair as alt

    old, new = ranked(baseline), ranked(window)
    worst = len(old.keys() | new.keys())
    names = sorted(old.keys() | new.keys(), key=lambda name: (min(old.get(name, worst), new.get(name, worst)), name))
    shown = [name for name in names if name in old and name in new][:MOST_FEATURES]
    labels = labels_of(shown)
    rows: list[dict[str, Any]] = [
        {
            "name": labels[name],
            "old": old[name],
            "new": new[name],
            "left": f"{labels[name]}  {old[name]}",
            "right": f"{new[name]}  {labels[name]}",
            "moved": abs(old[name] - new[name]) > NEAR,
        }
        for name in shown
    ]
    last = max((rank for row in rows for rank in (row["old"], row["new"])), default=1)
    base, scale = alt.Chart(alt.InlineData(values=rows)), alt.Scale(domain=[1, last], reverse=True, zero=False)
    up = alt.Y("old:Q").title(None).scale(scale).axis(None)
    colour = alt.ColorValue(BASELINE, condition={"test": "datum.moved", "value": VIOLATED})
    ends: dict[str, Any] = {"left": ("right", -6, "old", 0), "right": ("left", 6, "new", width := WIDTH)}
    layers = alt.layer(
        base.mark_rule(strokeWidth=2, aria=False).encode(
            up, alt.Y2("new:Q"), colour, x=alt.value(0), x2=alt.value(width)
        ),
        *(
            base.mark_text(align=align, dx=dx, aria=False, color=QUIET).encode(
                alt.Y(f"{rank}:Q").scale(scale).axis(None), text=f"{side}:N", x=alt.value(x)
            )
            for side, (align, dx, rank, x) in ends.items()
        ),
    ).properties(width=width, height=max(60, ROW * last))
    name = short(title, LONGEST_TITLE)
    moved = [row for row in rows if row["moved"]]
    words = "; ".join(f"{row['name']} rank {row['old']} to {row['new']}" for row in moved[:8]) or "no rank moved"
    note = note_of("left: baseline", "right: this window", "orange: moved by more than one rank" if moved else "")
    finished: alt.LayerChart = dressed(layers, name, note, f"{name}: {words}")
    return finished


def ranked(importances: Mapping[str, float]) -> dict[str, int]:
    """The rank of each feature, 1 for the most important.

    >>> ranked({"age": -0.5, "plan": 0.1})
    {'age': 1, 'plan': 2}
    """
    order = sorted(importances, key=lambda name: (-abs(importances[name]), name))
    return {name: rank for rank, name in enumerate(order, 1)}
