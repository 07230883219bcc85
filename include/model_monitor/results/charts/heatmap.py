"""Windows × columns: which column changed, how much, since when?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from model_monitor.core.window import iso
from model_monitor.results.charts.drawing import dressed, link_to, unchecked
from model_monitor.results.charts.names import LONGEST_TITLE, labels_of, note_of, short
from model_monitor.results.charts.palette import HEAT, NOTHING
from model_monitor.results.sentences import number

if TYPE_CHECKING:
    import altair as alt

WIDTH, ROW = 720, 16
MOST_COLUMNS, MOST_WINDOWS = 30, 60
STEPS = (0.5, 1.0, 2.0, 4.0)  # of the effect: where the next colour begins
BEYOND = 1.0


class Cell(NamedTuple):
    """What came of a column in a window that starts at a time.

    ``effect`` (>= 0) is how far it moved for each unit that was allowed: 1 is at the limit; None if unknown. ``href``
    is where a click leads, an address on the same site.
    """

    start: datetime
    column: str
    effect: float | None
    outcome: str
    href: str | None = None


def effect_of(observed: float | None, low: float | None, high: float | None, chance: float | None) -> float | None:
    """How far a number moved for each unit that is allowed, >= 0; beyond 1 it violates. None if that can't be told.

    The limit of a distance is the larger of its threshold and what chance alone reaches. A number that must not be
    below ``low`` counts by its inverse.

    >>> effect_of(0.2, None, 0.1, None), effect_of(0.2, None, 0.1, 0.4), effect_of(0.5, 1.0, None, None)
    (2.0, 0.5, 2.0)
    """
    if observed is None:
        return None
    if high is not None and low is None:
        limit = max(high, chance or 0.0)
        return max(observed, 0.0) / limit if limit > 0 else None
    if low is not None and high is None and low > 0 and observed > 0:
        return low / observed
    return None


@unchecked
def heatmap(
    cells: Sequence[Cell],
    title: str,
    *,
    most: int = MOST_COLUMNS,
    windows: int = MOST_WINDOWS,
    width: int = WIDTH,
) -> alt.Chart:
    """Columns by windows, coloured by effect: the columns that moved most come first, at most ``most``; of the windows
    the last ones. Grey is nothing to judge."""
    import altair as alt

    starts = sorted({cell.start for cell in cells})[-windows:]
    kept = [cell for cell in cells if starts and cell.start >= starts[0]]
    columns = ranked(kept)
    labels = labels_of(columns[:most])
    rows = [row_of(cell, labels) for cell in kept if cell.column in labels]
    name, words = short(title, LONGEST_TITLE), in_words(short(title, LONGEST_TITLE), kept, columns)
    has_links = any("href" in row for row in rows)
    chart = (
        alt.Chart(alt.InlineData(values=rows))
        .mark_rect(cursor="pointer" if has_links else "default")
        .encode(
            alt.X("start:O").title(None).sort([iso(start) for start in starts]).axis(time_axis(starts, width)),
            alt.Y("column:N").title(None).sort([labels[column] for column in columns[:most]]),
            alt.Color("colour:N").scale(None),
            alt.Description("words:N"),
            *([alt.Href("href:N")] if has_links else []),
        )
        .properties(width=width, height=alt.Step(ROW))
    )
    more = f"{len(columns) - most:,} more columns moved less" if len(columns) > most else ""
    note = note_of("blue: within the limit", "orange to brown: beyond it", "grey: not judged", more)
    finished: alt.Chart = dressed(chart, name, note, words)
    return finished


def ranked(cells: Sequence[Cell]) -> list[str]:
    """The columns, those first that violated most often and moved most."""
    worst: dict[str, tuple[int, float]] = {}
    for cell in cells:
        violations, effect = worst.get(cell.column, (0, 0.0))
        worst[cell.column] = (violations + (cell.outcome == "violated"), max(effect, cell.effect or 0.0))
    return sorted(worst, key=lambda column: (-worst[column][0], -worst[column][1], column))


def row_of(cell: Cell, labels: Mapping[str, str]) -> dict[str, Any]:
    times = "" if cell.effect is None else f", {number(cell.effect)} × the limit"
    return {
        "start": iso(cell.start),
        "column": labels[cell.column],
        "colour": colour_of(cell),
        "words": f"{labels[cell.column]}, {iso(cell.start)}: {cell.outcome}{times}",
        **({"href": link} if (link := link_to(cell.href or "")) and cell.href else {}),
    }


def colour_of(cell: Cell) -> str:
    """Beyond the limit if and only if it violated."""
    if cell.outcome == "undefined":
        return NOTHING
    violated = cell.outcome == "violated"
    least, most = (2, len(HEAT) - 1) if violated else (0, 1)
    effect = cell.effect if cell.effect is not None else (BEYOND if violated else 0.0)
    return HEAT[min(max(sum(effect >= step for step in STEPS), least), most)]


def time_axis(starts: Sequence[datetime], width: int) -> Any:
    """Few enough labels to be read; days alone if no window starts within one."""
    import altair as alt

    shown = starts[:: max(1, len(starts) * 80 // max(width, 1))]
    has_hours = any(start.hour or start.minute for start in starts)
    label = "slice(datum.label, 5, 16)" if has_hours else "slice(datum.label, 0, 10)"
    return alt.Axis(
        labelExpr=f"replace({label}, 'T', ' ')",
        values=[iso(start) for start in shown],
        labelAngle=0,
        ticks=False,
        domain=False,
        labelOverlap=True,
    )


def in_words(title: str, cells: Sequence[Cell], columns: Sequence[str]) -> str:
    violated = [cell for cell in cells if cell.outcome == "violated"]
    if not violated:
        return f"{title}: {len(columns)} columns, none violated"
    first: dict[str, datetime] = {}
    for cell in sorted(violated, key=lambda cell: cell.start):
        first.setdefault(cell.column, cell.start)
    named = "; ".join(f"{short(column)} since {iso(first[column])}" for column in columns[:5] if column in first)
    return f"{title}: {len(first)} of {len(columns)} columns violated: {named}"
