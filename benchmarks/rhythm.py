"""How often does a schedule alarm on healthy traffic that has hours, weekdays, sessions, or days that differ?

And does it still see a change? One window after the other is judged, with what those before it say. It prints the share
of windows with any violation, with its 95 % interval (Clopper & Pearson 1934): of those judged by the chance of rows
alone, and of the same ones by what past windows did; then the share of as many windows, in one of whose columns the
mean has shifted, in which that column is found. Windows of one stream share their past, so that intervals are a little
too narrow.

    python benchmarks/rhythm.py                                  # all cases, 4 streams of each
    python benchmarks/rhythm.py --cases "hours;sessions" --streams 1 --windows 48
"""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

import numpy as np
import pyarrow as pa
from scipy.signal import lfilter
from scipy.stats import binomtest

from model_monitor.core.constraints import Finding
from model_monitor.core.observed import Counting, Observed
from model_monitor.core.window import DAY, HOUR, Window
from model_monitor.monitors.data_quality import DataQuality
from model_monitor.results.documents import documents_of
from model_monitor.results.documents.protocol import decode, encode
from model_monitor.results.execution import WITH_VIOLATIONS
from model_monitor.results.odds import Odds
from model_monitor.verdicts.baseline import Baseline
from model_monitor.verdicts.earlier import Learning, earlier_of
from model_monitor.verdicts.trailing import Days, Part, Trailing, trailing
from model_monitor.verdicts.verdict import Judge, odds_of_window

FIRST = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday
BASELINE_ROWS, COLUMNS, WITH_RHYTHM = 20_000, 20, 6
Chance = np.random.Generator


@dataclass(frozen=True)
class Case:
    """Numbers of a window (rows x columns) by its place in the stream. ``learning``: windows before those that count;
    ``windows``: those that do; ``rows``: of each; ``shift``: in standard deviations, of the change that is to be seen;
    ``baseline``: the windows whose rows the baseline is drawn from; ``also``: the spans that are judged."""

    drawn: Callable[[Chance, int, int], np.ndarray]
    rows: int = 1_000
    length: timedelta = HOUR
    learning: int = 168
    windows: int = 168
    shift: float = 0.3
    baseline: int = 672
    also: tuple[timedelta, ...] = ()


def hours(chance: Chance, rows: int, number: int) -> np.ndarray:
    """A pattern of 0.3 standard deviations over the day, in six columns."""
    values = chance.normal(size=(rows, COLUMNS))
    values[:, :WITH_RHYTHM] += 0.3 * math.sin(2 * math.pi * number / 24)
    return values


def weekdays(chance: Chance, rows: int, number: int, per_day: int = 24) -> np.ndarray:
    """Six columns are 0.4 standard deviations larger on Saturdays and Sundays."""
    values = chance.normal(size=(rows, COLUMNS))
    values[:, :WITH_RHYTHM] += 0.4 * (number // per_day % 7 >= 5)
    return values


def correlated(chance: Chance, rows: int, number: int) -> np.ndarray:
    """Each row depends on the one before it: autoregressive with 0.9."""
    values = chance.normal(size=(rows + 200, COLUMNS)) * math.sqrt(1 - 0.81)
    return np.asarray(lfilter([1.0], [1.0, -0.9], values, axis=0)[200:])


def sessions(chance: Chance, rows: int, number: int) -> np.ndarray:
    """Twenty rows each of one session, nine tenths of whose variance they share."""
    shared = np.repeat(chance.normal(size=(rows // 20 + 1, COLUMNS)), 20, axis=0)[:rows]
    return math.sqrt(0.9) * shared + math.sqrt(0.1) * chance.normal(size=(rows, COLUMNS))


def days(chance: Chance, rows: int, number: int) -> np.ndarray:
    """The mean of each window and column has a standard deviation of 0.05 itself."""
    return chance.normal(size=(rows, COLUMNS)) + 0.05 * chance.normal(size=COLUMNS)


def whole_days(chance: Chance, rows: int, number: int) -> np.ndarray:
    """The mean of each day and column has a standard deviation of 0.05 itself: the same for all of its hours."""
    of_day = np.random.default_rng([7, number // 24]).normal(size=COLUMNS)
    return chance.normal(size=(rows, COLUMNS)) + 0.05 * of_day


def plain(chance: Chance, rows: int, number: int) -> np.ndarray:
    """Independent rows of one source."""
    return chance.normal(size=(rows, COLUMNS))


CASES = {
    "plain": Case(plain),
    "hours": Case(hours),
    "weekdays": Case(weekdays, learning=336),
    "weekdays, daily": Case(partial(weekdays, per_day=1), length=DAY, learning=60, windows=90),
    "correlated": Case(correlated, learning=50, shift=0.5),
    "sessions": Case(sessions, learning=50, shift=0.5),
    "days, 10,000 rows": Case(days, rows=10_000, learning=50),
    "days, also P1D": Case(whole_days, rows=500, learning=22 * 24, windows=240, also=(DAY,)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--streams", type=int, default=4)
    parser.add_argument("--cases", default=";".join(CASES), help="; between them")
    parser.add_argument("--windows", type=int, help="that count, of each stream")
    parser.add_argument("--budget", type=float, default=0.01)
    asked = parser.parse_args()
    print(f"{'case':<18} {'rows alone':>24} {'by past windows':>24} {'shift found':>24}")
    with ProcessPoolExecutor(max_workers=os.cpu_count()) as pool:
        for name in asked.cases.split(";"):
            found = list(pool.map(partial(stream, name, asked.budget, asked.windows), range(asked.streams)))
            told = (figures(sum(part[i] for part in found), sum(part[-1] for part in found)) for i in range(3))
            print(f"{name:<18} {' '.join(f'{text:>24}' for text in told)}", flush=True)


def figures(count: int, of: int) -> str:
    interval = binomtest(count, of).proportion_ci(0.95)
    return f"{count / of:.1%} ({interval.low:.1%} to {interval.high:.1%})"


def stream(name: str, budget: float, windows: int | None, seed: int) -> tuple[int, int, int, int]:
    """How many windows alarm by the chance of rows, by past windows, and, shifted, by past windows; of how many."""
    case, chance = CASES[name], np.random.default_rng([seed, len(name)])
    count, monitor = windows or case.windows, DataQuality(false_alarm_budget=budget)
    learned = np.concatenate([case.drawn(chance, BASELINE_ROWS // case.baseline + 1, i) for i in range(case.baseline)])
    state = monitor.observe(batch(learned[chance.permutation(len(learned))[:BASELINE_ROWS]]))
    documents = documents_of(monitor)
    files = [decode(encode(part(state)), "baseline") for part in (documents.statistics, documents.suggested)]
    baseline = Baseline(files[0], files[1])
    judges = {twice: Judge.of(monitor, baseline, case.also, twice) for twice in (False, True)}
    held, alarms = Held(Learning(also=case.also)), [0, 0, 0]
    for number in range(case.learning + 2 * count):
        values = case.drawn(chance, case.rows, number)
        is_shifted = number >= case.learning + count
        values[:, 0] += case.shift * is_shifted
        observed = Counting(monitor).observe(batch(values))
        start = FIRST + number * case.length
        window = Window(start, start + case.length)
        is_end_of_day = number % 24 == 23  # what spans are learned from
        spans = held.spans(window, observed) if is_end_of_day or number >= case.learning else []
        findings = held.judge(judges, window, observed, spans)
        found = {one.constraint.subject.column for one in findings if one.outcome == "violated"}
        if is_shifted:
            alarms[2] += "c0" in found
        elif number >= case.learning:
            alarms[0] += judges[False].verdict(observed, spans=spans).status == WITH_VIOLATIONS
            alarms[1] += bool(found)
    return alarms[0], alarms[1], alarms[2], count


def batch(values: np.ndarray) -> pa.RecordBatch:
    return pa.record_batch({f"c{i}": values[:, i] for i in range(values.shape[1])})


@dataclass
class Held:
    """The windows of a stream, as ``verdicts.earlier`` asks for them."""

    learning: Learning = field(default_factory=Learning)
    odds: list[Odds] = field(default_factory=list)
    parts: dict[Window, Observed] = field(default_factory=dict)
    days: Days = field(default_factory=dict)

    def spans(self, window: Window, observed: Observed) -> list[Trailing]:
        """The spans that end with a window."""
        earlier = list(self.parts.items())[::-1]
        return [trailing(length, window, observed, earlier, self.days) for length in self.learning.also]

    def judge(
        self, judges: Mapping[bool, Judge], window: Window, observed: Observed, spans: Sequence[Trailing] = ()
    ) -> list[Finding]:
        """What is found of a window, which is one of the past ones from now on."""
        earlier = earlier_of(window, self.learning, self)
        verdict = judges[earlier.judges_twice].verdict(observed, None, spans, earlier)
        self.odds.append(odds_of_window(window, "", verdict))
        self.parts[window] = observed
        return [*verdict.findings, *(one for beside in verdict.beside if beside.counts for one in beside.findings)]

    def first(self) -> Iterable[Odds]:
        return iter(self.odds)

    def last(self) -> Iterable[Odds]:
        return reversed(self.odds)

    def found(self, windows: Sequence[Window]) -> Iterable[Odds | None]:
        known = {odds.of_window: odds for odds in self.odds}
        return map(known.get, windows)

    def at(self, windows: Sequence[Window]) -> Iterable[Part]:
        return [(window, self.parts[window]) for window in windows if window in self.parts]

    def within(self, span: Window) -> Iterable[Part]:
        return [part for part in self.parts.items() if span.start <= part[0].start and part[0].end <= span.end]

    def stood_out(self, window: Window) -> bool:
        return any(odds.stand_out for odds in self.odds if odds.of_window == window)


if __name__ == "__main__":
    main()
