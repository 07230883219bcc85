"""The colours of charts, by what they mean: Okabe and Ito's (2008), so that readers with any colour vision tell them
apart, each for a light and for a dark page.

A chart is described in the light ones. ``drawing.svg`` writes ``var(--chart-NAME, #light)``; a page that has ``STYLE``
follows the reader's preference.
"""

from __future__ import annotations

from typing import NamedTuple


class Colour(NamedTuple):
    """One meaning on a light and on a dark page."""

    light: str
    dark: str


COLOURS = {
    "ink": Colour("#1b1f24", "#e6edf3"),  # text
    "quiet": Colour("#57606a", "#9da7b1"),  # axes, thresholds, notes
    "grid": Colour("#dfe4e9", "#2a3038"),
    "paper": Colour("#ffffff", "#0d1117"),
    "window": Colour("#0072b2", "#56b4e9"),  # what was observed
    "baseline": Colour("#8a8a8a", "#a0a0a0"),
    "violated": Colour("#d55e00", "#ff8a4c"),
    "healthy": Colour("#009e73", "#2fc79b"),
    "nothing": Colour("#8c959f", "#6e7681"),  # nothing to judge
    "chance": Colour("#cddcea", "#24384a"),  # what chance alone reaches
    "allowed": Colour("#d3ece2", "#15392e"),
    "alert": Colour("#fbe6bd", "#4b3a14"),  # while an alert is open
    "heat0": Colour("#e9eff5", "#1b2530"),  # far below the limit
    "heat1": Colour("#b4cde3", "#2c4f73"),  # near it
    "heat2": Colour("#e69c48", "#94621c"),  # beyond it
    "heat3": Colour("#c8600f", "#d9822b"),
    "heat4": Colour("#8f3200", "#ffc793"),  # far beyond
}
INK, QUIET, GRID, PAPER = (COLOURS[name].light for name in ("ink", "quiet", "grid", "paper"))
WINDOW, BASELINE, VIOLATED, HEALTHY, NOTHING = (
    COLOURS[name].light for name in ("window", "baseline", "violated", "healthy", "nothing")
)
CHANCE, ALLOWED, ALERT = (COLOURS[name].light for name in ("chance", "allowed", "alert"))
HEAT = [COLOURS[f"heat{step}"].light for step in range(5)]
HATCHED = {  # stands for a hatching in the colour of a state: what may still change
    "#009e74": "healthy",
    "#d55e01": "violated",
    "#8c95a0": "nothing",
}
HATCHING = {name: stand_in for stand_in, name in HATCHED.items()}


def rules(dark: bool) -> str:
    return " ".join(f"--chart-{name}: {colour[dark]};" for name, colour in COLOURS.items())


STYLE = f"""\
:root {{ {rules(False)} }}
@media (prefers-color-scheme: dark) {{ :root {{ {rules(True)} }} }}
@media print {{ :root {{ {rules(False)} }} }}
svg.chart {{ max-width: 100%; height: auto; }}
"""
VARIABLES = {colour.light: f"var(--chart-{name}, {colour.light})" for name, colour in COLOURS.items()}
