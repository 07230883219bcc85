"""Show the newest windows of a schedule as a table, with the baseline's numbers on top.

A number with ``!`` is a violation. A column that says nothing of any window is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from model_monitor.core.distances import is_closeness
from model_monitor.core.monitor import USABLE
from model_monitor.core.window import moment
from model_monitor.errors import printable, without_middle
from model_monitor.history.recent import Entry

COLUMNS = 12  # metrics that get a column
WIDEST = 24  # characters of the name of one that does
FURTHEST = 3  # of a window, so many violations without a column and distances are told in all ...
VIOLATIONS = 6  # ... and so many of these violations
LONGEST = 40  # characters of a name
BASELINE = "(baseline)"
STANDS_OUT = "what stands out: distances from the baseline; ! is violated"

Subject = tuple[str, str, str]  # metric, column, segment
Column = tuple[str, str, list[str]]  # what stands above the name, the name, a cell for the baseline and each window


def lines(schedule: Entry, wanted: Collection[str] = ()) -> Iterator[str]:
    """A title, then a line per window, the newest last; with ``wanted`` metrics, if any, else those that fit."""
    yield title(schedule)
    if not schedule["windows"]:
        return
    numbers = metrics_shown(schedule, wanted)
    columns = [column for column in all_columns(schedule, numbers) if any(column[2])]
    widths = [max(len(text) for text in (name, *cells)) for _, name, cells in columns]
    if any(above for above, _, _ in columns):
        yield line_above(columns, widths)
    rows = [[name for _, name, _ in columns], *zip(*(cells for _, _, cells in columns), strict=True)]
    for row in rows:
        if any(row):
            yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def title(schedule: Entry) -> str:
    """How many windows there are, and since when the violated ones."""
    windows, learned = schedule["windows"], schedule["baseline"]
    bad = [window for window in windows if window["violations"]]
    counted = f"{len(windows)} window{'s' * (len(windows) != 1)}" if windows else "no window was judged"
    counted += f", {len(bad)} with violations, the first from {minute(bad[0]['start'])}" if bad else ""
    monitor = f" ({schedule['monitor']})" if schedule["monitor"] else ""
    version = f"; baseline {learned['version']}" if learned else ""
    return printable(f"{schedule['schedule']}{monitor}: {counted}{version}")


def all_columns(schedule: Entry, numbers: list[Subject]) -> Iterator[Column]:
    windows, learned = schedule["windows"], schedule["baseline"] or {"rows": None, "metrics": []}

    def column(name: str, cell: Callable[[Entry], str], baseline: str = "", above: str = "") -> Column:
        return above, name, [printable(text) for text in (baseline, *map(cell, windows))]

    yield column("window (UTC)", when(windows), BASELINE if learned["rows"] or learned["metrics"] else "")
    yield column("rows", lambda window: count(window["rows"]), count(learned["rows"]))
    yield column("set aside", lambda window: str(window["set_aside"] or ""))
    yield column("labels", labels)
    expected = {subject_of(entry): entry for entry in learned["metrics"]}
    for subject in numbers:
        metric, above, segment = subject
        name = f"{metric} [{segment}]" if segment else metric
        yield column(name, of_metric(subject), number(expected.get(subject)), without_middle(above, LONGEST))
    yield column("status", lambda window: str(window["status"]))
    yield column("violations", lambda window: str(window["violations"] or ""))
    yield column("undefined", lambda window: str(window["undefined"] or ""))
    if len({window["baseline"] for window in windows}) > 1:
        yield column("judged by", lambda window: without_middle(window["baseline"] or "", LONGEST))
    yield column(STANDS_OUT, lambda window: stands_out(window, numbers))


def metrics_shown(schedule: Entry, wanted: Collection[str]) -> list[Subject]:
    """The metrics that get a column, by what they are of: those of all rows; those of a column only where no distance
    says how columns drift, as of groups. How many rows were usable, nearly always all, has none: it stands out."""
    found = list(dict.fromkeys(subject_of(entry) for window in schedule["windows"] for entry in window["metrics"]))
    if wanted:
        return [subject for subject in found if subject[0] in wanted]
    has_drift = any(window["drift"] for window in schedule["windows"])
    fitting = [subject for subject in found if len(subject[0]) <= WIDEST and not subject[2] and subject[0] != USABLE]
    return [subject for subject in fitting if not (subject[1] and has_drift)][:COLUMNS]


def stands_out(window: Entry, numbers: list[Subject]) -> str:
    """What is violated and has no column, then the distances that are furthest."""
    bad = [entry for entry in window["violated"] if subject_of(entry) not in numbers]
    bad.sort(key=lambda entry: window["drift"].index(entry) if entry in window["drift"] else -1)  # the furthest first
    told = bad[:VIOLATIONS]
    told += [entry for entry in window["drift"] if entry not in bad][: max(0, FURTHEST - len(told))]
    more = f", and {len(bad) - VIOLATIONS} more" if len(bad) > VIOLATIONS else ""
    return ", ".join(map(thing, told)) + more


def thing(found: Entry) -> str:
    """A finding: what it is about, which measure unless that is the drift, and its number."""
    kind = found["distance"]
    name = kind if kind and is_closeness(kind) else "" if kind else found["measure"]
    parts = (found["column"] or "", segment(found), name)
    return " ".join([*(without_middle(part, LONGEST) for part in parts if part), number(found)])


def of_metric(subject: Subject) -> Callable[[Entry], str]:
    """The cell of a metric in a window."""

    def cell(window: Entry) -> str:
        return next((number(entry) for entry in window["metrics"] if subject_of(entry) == subject), "")

    return cell


def subject_of(entry: Entry) -> Subject:
    """What a metric, or a finding on one, is about."""
    return entry.get("metric") or entry["measure"], entry["column"] or "", segment(entry)


def segment(entry: Entry) -> str:
    return ", ".join(f"{name}={value}" for name, value in entry["segment"].items())


def number(entry: Entry | None) -> str:
    """Three decimals, or four digits of a large number, and ``!`` where it violates; "" of no number."""
    value = None if entry is None else entry.get("value", entry.get("observed"))
    if entry is None or value is None:
        return ""
    return f"{value:.3f}{mark(entry)}" if abs(value) < 100 else f"{value:.4g}{mark(entry)}"


def mark(entry: Entry) -> str:
    return "!" * (entry.get("outcome") == "violated")


def labels(window: Entry) -> str:
    found = window["labels"]
    if not found:
        return ""
    return found["state"] if found["coverage"] is None else f"{100 * found['coverage']:.1f} % {found['state']}"


def count(rows: int | None) -> str:
    return "" if rows is None else str(rows)


def when(windows: list[Entry]) -> Callable[[Entry], str]:
    """The cell with a window's start: its day where all windows start at midnight and are as long."""
    starts, ends = ([moment(window[side]) for window in windows] for side in ("start", "end"))
    lengths = {end - start for start, end in zip(starts, ends, strict=True)}
    if len(lengths) > 1:
        return lambda window: f"{minute(window['start'])} to {minute(window['end'])}"
    if all(f"{start:%H:%M}" == "00:00" for start in starts):
        return lambda window: str(window["start"][:10])
    return lambda window: minute(window["start"])


def minute(text: str) -> str:
    """A moment of the history to the minute, without the time where that is midnight.

    >>> minute("2026-01-05T03:00:00Z"), minute("2026-01-05T00:00:00Z")
    ('2026-01-05 03:00', '2026-01-05')
    """
    return f"{moment(text):%Y-%m-%d %H:%M}".removesuffix(" 00:00")


def line_above(columns: list[Column], widths: list[int]) -> str:
    """The line above the names: what each metric is of, once where it begins."""
    text, last, place = "", "", 0
    for (above, _, _), width in zip(columns, widths, strict=True):
        if above and above != last:
            text = f"{text[: max(place - 1, 0)]:<{place}}{above}"
        last, place = above, place + width + 2
    return text
