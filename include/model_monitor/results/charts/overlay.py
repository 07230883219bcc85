"""A column's values in a window against its baseline: what changed, from what to what?"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from model_monitor.core.distributions import Categories, Numbers
from model_monitor.results.charts.drawing import dressed, unchecked
from model_monitor.results.charts.names import LONGEST_TITLE, labels_of, note_of, short
from model_monitor.results.charts.palette import BASELINE, QUIET, VIOLATED, WINDOW
from model_monitor.results.sentences import percent

if TYPE_CHECKING:
    import altair as alt

WIDTH, HEIGHT = 520, 130
BINS, MOST_CATEGORIES = 30, 10
TAIL = 0.001  # of the rows of both on each side are drawn in the outermost bin
OTHERS = "all others"
LARGEST = 1e300  # so that no width is infinite
SIDES = ("baseline", "this window")


class Bin(NamedTuple):
    """Numbers from ``low`` (inclusive) to ``high``, and which share (0..1) of either side's rows has them."""

    low: float
    high: float
    baseline: float
    window: float


class Category(NamedTuple):
    """A value, and which share (0..1) of either side's rows has it; ``is_new`` if the baseline has none."""

    name: str
    baseline: float
    window: float
    is_new: bool = False


def bins_of(baseline: Numbers, window: Numbers, bins: int = BINS) -> list[Bin]:
    """A histogram of both over the same bins; [] if either is empty.

    Few distinct numbers have a bin each. The outermost bins also hold the farthest ``TAIL`` of the rows on each side.
    """
    if not baseline.n or not window.n:
        return []
    baseline, window = (Numbers(np.clip(s.values, -LARGEST, LARGEST), s.weights) for s in (baseline, window))
    edges = edges_of(baseline, window, bins)
    shares = [np.diff(side_up_to(side, edges)) for side in (baseline, window)]
    return [
        Bin(float(edges[i]), float(edges[i + 1]), float(shares[0][i]), float(shares[1][i]))
        for i in range(len(edges) - 1)
    ]


def side_up_to(side: Numbers, edges: np.ndarray) -> np.ndarray:
    """The share of rows below each edge; the first and the last edge are as good as infinite."""
    below = side.share_up_to(np.nextafter(edges, -np.inf))
    below[0], below[-1] = 0.0, 1.0
    return below


def edges_of(baseline: Numbers, window: Numbers, bins: int) -> np.ndarray:
    """The edges of at most ``bins`` bins, float64, rising."""
    distinct = np.unique(np.concatenate([baseline.values, window.values]))
    if len(distinct) <= bins:
        half = np.diff(distinct) / 2
        around = half.min(initial=np.inf) if len(half) else max(0.5, abs(distinct[0]) / 1000)
        edges = np.concatenate([[distinct[0] - around], distinct[:-1] + half, [distinct[-1] + around]])
    else:
        tails = np.concatenate([quantiles_of(side, np.array([TAIL, 1 - TAIL])) for side in (baseline, window)])
        low, high = (tails.min(), tails.max()) if tails.min() < tails.max() else (distinct[0], distinct[-1])
        edges = np.linspace(low, high, bins + 1)
    return np.unique(edges)


def quantiles_of(side: Numbers, shares: np.ndarray) -> np.ndarray:
    """The least number with at least such a share of the rows at or below it, for each share."""
    cumulative = np.cumsum(side.weights)
    at = np.searchsorted(cumulative, shares * cumulative[-1], side="left")
    return np.asarray(side.values[np.minimum(at, len(side.values) - 1)])


def categories_of(
    baseline: Categories, window: Categories, most: int = MOST_CATEGORIES, nameable: Collection[str] | None = None
) -> list[Category]:
    """The most frequent values of either side, and all others together; [] if either is empty.

    Of ``most`` places half go to the values whose share changed most. Only ``nameable`` values have a name; None: all.
    """
    if not baseline.n or not window.n:
        return []
    names = baseline.counts.keys() | window.counts.keys()
    names = names if nameable is None else names & set(nameable)
    shares = {
        name: (baseline.counts.get(name, 0) / baseline.n, window.counts.get(name, 0) / window.n) for name in names
    }
    moved = sorted(names, key=lambda name: (-abs(shares[name][1] - shares[name][0]), name))[: most // 2]
    frequent = [name for name in sorted(names, key=lambda name: (-max(shares[name]), name)) if name not in moved]
    chosen = sorted([*moved, *frequent[: most - len(moved)]], key=lambda name: (-max(shares[name]), name))
    categories = [
        Category(name, *shares[name], is_new=name not in baseline.counts and not baseline.rest) for name in chosen
    ]
    before, now = 1 - sum(one.baseline for one in categories), 1 - sum(one.window for one in categories)
    others = [Category(OTHERS, max(before, 0.0), max(now, 0.0))] if max(before, now) > 1e-9 else []
    return categories + others


@unchecked
def overlay(
    values: Sequence[Bin] | Sequence[Category],
    title: str,
    *,
    width: int = WIDTH,
    height: int = HEIGHT,
    unit: str = "",
    sides: tuple[str, str] = SIDES,
) -> alt.LayerChart:
    """A baseline's values in grey and a window's in blue, as shares of rows: a histogram of numbers, or bars of
    categories. ``height`` is of a histogram; bars take what they need. ``sides``: what the legend calls them."""
    name = short(title, LONGEST_TITLE)
    if values and isinstance(values[0], Category):
        return bars([value for value in values if isinstance(value, Category)], name, width, sides)
    return histogram([value for value in values if isinstance(value, Bin)], name, width, height, unit, sides)


def histogram(
    bins: Sequence[Bin], title: str, width: int, height: int, unit: str, sides: tuple[str, str]
) -> alt.LayerChart:
    import altair as alt

    rows = [{"x": float(one.low), "baseline": one.baseline, "window": one.window} for one in bins]
    if bins:  # the last step has an end
        rows.append({"x": float(bins[-1].high), "baseline": bins[-1].baseline, "window": bins[-1].window})
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        alt.X("x:Q").title(unit or None).scale(zero=False, nice=False).axis(tickCount=8, grid=False)
    )
    share = alt.Axis(format="%", tickCount=4)
    layers = alt.layer(
        base.mark_area(color=BASELINE, opacity=0.55, interpolate="step-after", aria=False).encode(
            alt.Y("baseline:Q").title(None).axis(share)
        ),
        base.mark_line(color=WINDOW, strokeWidth=2, interpolate="step-after", aria=False).encode(alt.Y("window:Q")),
    )
    words = f"{title}: shares of rows in {len(bins)} bins, {' and '.join(sides)}"
    for place, side in enumerate(sides, start=2) if bins else ():
        words += f"; most of {side} near {middle(max(bins, key=lambda one: one[place])):.4g}"
    note = note_of(f"grey: {sides[0]}", f"blue line: {sides[1]}")
    finished: alt.LayerChart = dressed(layers.properties(width=width, height=height), title, note, words)
    return finished


def the(side: str) -> str:
    """
    >>> the("baseline"), the("2026-03-01 to 2026-03-02")
    ('the baseline', '2026-03-01 to 2026-03-02')
    """
    return f"the {side}" if side == SIDES[0] else side


def middle(one: Bin) -> float:
    return one.low + (one.high - one.low) / 2


def bars(categories: Sequence[Category], title: str, width: int, sides: tuple[str, str]) -> alt.LayerChart:
    import altair as alt

    labels = labels_of(category.name for category in categories)
    rows: list[dict[str, Any]] = []
    for category in categories:
        label = labels[category.name] + (" (new)" if category.is_new else "")
        for side in ("baseline", "window"):
            share = getattr(category, side)
            colour = BASELINE if side == "baseline" else VIOLATED if category.is_new else WINDOW
            rows.append({"name": label, "side": side, "share": share, "colour": colour, "text": percent(share)})
    order = [row["name"] for row in rows[::2]]
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        alt.X("share:Q").title(None).axis(alt.Axis(format="%", tickCount=5)),
        alt.Y("name:N").title(None).sort(order).scale(paddingInner=0.25),
        alt.YOffset("side:N").sort(["baseline", "window"]),
    )
    layers = alt.layer(
        base.mark_bar(aria=False).encode(alt.Color("colour:N").scale(None)),
        base.transform_filter("datum.side == 'window'")
        .mark_text(align="left", dx=4, fontSize=10, color=QUIET, aria=False)
        .encode(text="text:N"),
    ).properties(width=width, height=alt.Step(11))
    moves = "; ".join(f"{short(c.name)} {percent(c.baseline)} to {percent(c.window)}" for c in categories[:5])
    has_new = any(category.is_new for category in categories)
    note = note_of(f"grey: {sides[0]}", f"blue: {sides[1]}", f"orange: not in {the(sides[0])}" if has_new else "")
    finished: alt.LayerChart = dressed(layers, title, note, f"{title}: shares of rows. {moves}")
    return finished
