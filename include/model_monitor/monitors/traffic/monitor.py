"""Is the model asked as usual, and does it answer, in time and without errors?"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from model_monitor.core.batch import EVENT_TIME, FAILED, LATENCY, SAMPLED, STATUS, columns
from model_monitor.core.constraints import Between, Bound, Constraint, Unlearned
from model_monitor.core.measures import EVERYTHING, Measure, Measures, Share, Undefined
from model_monitor.core.monitor import Monitor
from model_monitor.core.states import Counts, Keyed
from model_monitor.core.window import Window, moment
from model_monitor.errors import DataError
from model_monitor.monitors.options import probabilities, shares
from model_monitor.monitors.traffic.state import (
    CELL,
    MINUTES,
    Hour,
    Requests,
    Series,
    above,
    by_hour,
    cell_at,
    cells_of,
    middle_of,
)
from model_monitor.monitors.traffic.usual import FEWEST_DAYS, QUANTILES, Usual, learn, longest
from model_monitor.monitors.traits import BUILT_IN
from model_monitor.monitors.values import numbers

NAMES = tuple(f"p{round(100 * q)}" for q in QUANTILES)
CHECKS = 4 + len(QUANTILES)  # among which the budget is shared
UNTIMED = "no request tells its latency"
UNKNOWN = Undefined("the baseline's statistics.json, which tells what is usual, is not there")
SERVER_ERROR = 500


@dataclass(frozen=True)
class Traffic(Monitor[Requests]):
    """How many requests there are, when there is none, how many fail, how long answers take, and what captures lost.

    Rows are requests. ``event_time``, ``latency_ms``, ``status_code`` and ``sampled_percent`` are the columns of a
    dataset that tell the same as those of captured requests; only the first is needed. The tolerances are the share of
    requests that there may be more or less, the share that latency may grow by, and the share of requests that may fail
    in addition: within them, nothing is a violation. Raises ValueError.
    """

    false_alarm_budget: float = 0.01
    requests_tolerance: float = 0.2
    latency_tolerance: float = 0.2
    error_tolerance: float = 0.01
    event_time: str = "event_time"
    latency_ms: str = "latency_ms"
    status_code: str = "status_code"
    sampled_percent: str = "sampled_percent"

    traits = BUILT_IN["traffic"]

    def __post_init__(self) -> None:
        tolerances = {name: getattr(self, name) for name in ("requests_tolerance", "error_tolerance")}
        problems = [*probabilities(false_alarm_budget=self.false_alarm_budget), *shares(**tolerances)]
        problems += [f"latency_tolerance is 0 or more, not {self.latency_tolerance}"] * (self.latency_tolerance < 0)
        if problems:
            raise ValueError(problems[0])

    @property
    def level(self) -> float:
        """The probability of each check's false alarm."""
        return self.false_alarm_budget / CHECKS

    @property
    def empty(self) -> Requests:
        return Requests()

    def with_budget(self, share: float) -> Self:
        return replace(self, false_alarm_budget=share * self.false_alarm_budget)

    def watch(self, window: Window | None, records: int, set_aside: int) -> Requests:
        return Requests.watching(window, records, set_aside)

    def unusable(self, state: Requests) -> dict[str, int]:
        return {"no time": state.timeless} if state.timeless else {}

    def observe(self, batch: pa.RecordBatch) -> Requests:
        """Raises DataError if no column tells the time of requests."""
        name = EVENT_TIME if EVENT_TIME in batch.schema.names else self.event_time
        if name not in batch.schema.names:
            there = ", ".join(columns(batch)) or "none"
            raise DataError(f"there is no column '{name}' with times; set event_time to one of the columns: {there}")
        minutes = minutes_of(batch.column(name))
        known = pc.is_valid(minutes)
        timeless = len(minutes) - int(pc.sum(known).as_py() or 0)
        if timeless:
            batch, minutes = batch.filter(known), minutes.drop_null()
        latencies = of(batch, LATENCY, self.latency_ms)
        percent = of(batch, SAMPLED, self.sampled_percent)
        weights = np.where(percent > 0, 100 / np.where(percent > 0, percent, 100.0), 1.0)
        told, failed = self.outcomes(batch)
        hours = {}
        number = minutes.to_numpy(zero_copy_only=False)
        order = np.argsort(number // MINUTES, kind="stable")
        ends = np.cumsum([0, *(len(inside) for _, inside in by_hour(number[order]))])
        for (hour, inside), start, end in zip(by_hour(number[order]), ends, ends[1:], strict=False):
            rows = order[start:end]
            took = latencies[rows]
            cells, counts = np.unique(cells_of(took[took >= 0]), return_counts=True)
            hours[hour] = Hour(
                np.bincount(inside, minlength=MINUTES),
                requests=float(weights[rows].sum()),
                squares=float(np.square(weights[rows]).sum()),
                told=int(told[rows].sum()),
                failed=int(failed[rows].sum()),
                latencies=Counts(dict(zip(map(str, cells.tolist()), counts.tolist(), strict=True))),
            )
        return Requests(Keyed(Hour(), hours), timeless=timeless)

    def outcomes(self, batch: pa.RecordBatch) -> tuple[np.ndarray, np.ndarray]:
        """Of which requests it is known whether they failed, and which did: captured ones say it, or have a status of
        5xx; those of a dataset have another one than 2xx."""
        status = of(batch, STATUS, self.status_code)
        known = np.isfinite(status)
        if FAILED not in batch.schema.names:
            return known, known & ~((status >= 200) & (status < 300))
        marked = pc.fill_null(batch.column(FAILED), False).to_numpy(zero_copy_only=False)
        failed = marked | (known & (status >= SERVER_ERROR))
        return known | failed, failed

    def measure(self, state: Requests) -> Measures:
        hours = state.hours.items.values()
        series = Series.of(state)
        requests = sum(hour.requests for hour in hours)
        latencies = state.latencies(state.hours.items)
        measures: dict[str, Measure] = {
            "requests": float(requests) if len(series.minutes) else None,
            "captured_share": sum(int(hour.captured.sum()) for hour in hours) / requests if requests else None,
            "longest_silence_seconds": 60.0 * longest_silence(series) if len(series.minutes) else None,
            "error_share": defined(errors(state), "no request tells whether it failed"),
            "lost_share": defined(Share(state.set_aside, state.records), "no record was read"),
        }
        for name, q in zip(NAMES, QUANTILES, strict=True):
            cell = cell_at(latencies, q)
            measures[f"latency_{name}_ms"] = None if cell is None else middle_of(cell)
        return {(EVERYTHING, name): measure for name, measure in (measures | self.compared(state, series)).items()}

    def compared(self, state: Requests, series: Series) -> dict[str, Measure]:
        """The measures that need to know what is usual."""
        names = ("requests_surprise", "silence_surprise", *(f"slower_than_{name}" for name in NAMES))
        return dict.fromkeys(names, UNKNOWN)

    def suggest(self, baseline: Requests) -> Iterator[Constraint]:
        usual = learn(baseline)
        few = f"the baseline has {usual.days:.1f} whole days; it takes {FEWEST_DAYS:.0f} to tell how days differ"
        by_chance: Bound = Between(low=self.level) if usual.days >= FEWEST_DAYS else Unlearned(few)
        yield Constraint("requests_check", EVERYTHING, "requests_surprise", by_chance)
        yield Constraint("silence_check", EVERYTHING, "silence_surprise", by_chance)
        untold = "no request of the baseline tells whether it failed"
        yield Constraint("error_check", EVERYTHING, "error_share", self.bound(errors(baseline), untold))
        for q, name in enumerate(NAMES):
            slower = slower_than(baseline, usual.latencies_ms[q], 0.0)
            bound = self.bound(slower, "no request of the baseline tells its latency", 0.0)
            yield Constraint("latency_check", EVERYTHING, f"slower_than_{name}", bound)
        share = Share(baseline.set_aside, baseline.records)
        lost = self.bound(share, "the baseline's records were not counted", 0.0)
        yield Constraint("loss_check", EVERYTHING, "lost_share", lost)

    def bound(self, drawn: Share, untold: str, tolerance: float | None = None) -> Bound:
        """At most the baseline's share and a tolerance, beyond what chance explains."""
        if drawn.value is None:
            return Unlearned(untold)
        more = self.error_tolerance if tolerance is None else tolerance
        return Between(high=min(1.0, drawn.value + more), level=self.level, drawn=drawn)


@dataclass(frozen=True, kw_only=True)
class Informed(Traffic):
    """The monitor that knows what is usual."""

    usual: Usual

    @classmethod
    def of(cls, monitor: Traffic, usual: Usual) -> Informed:
        return cls(**{field.name: getattr(monitor, field.name) for field in fields(Traffic)}, usual=usual)

    def compared(self, state: Requests, series: Series) -> dict[str, Measure]:
        usual = self.usual
        slower = [
            slower_than(state, usual.latencies_ms[q], usual.allowance(q, self.level, self.latency_tolerance))
            for q in range(len(QUANTILES))
        ]
        return {
            **self.counted(state, series),
            **{f"slower_than_{name}": defined(s, UNTIMED) for name, s in zip(NAMES, slower, strict=True)},
        }

    def counted(self, state: Requests, series: Series) -> dict[str, Measure]:
        """How many requests are usual, how surprising it is that so many came, and how surprising the silence."""
        came, usual, missed, weight = self.counts(state, series)
        if not usual:
            why = Undefined("no request is usual at these hours of the day")
            return {"usual_requests": None, "requests_surprise": why, "silence_surprise": why}
        return {
            "usual_requests": usual,
            "requests_surprise": self.usual.surprise(came, usual, weight, self.requests_tolerance),
            "silence_surprise": self.usual.silence_surprise(usual, missed, weight),
        }

    def counts(self, state: Requests, series: Series) -> tuple[float, float, float, float]:
        """How many requests came, how many are usual, how many are in the longest silence, at hours that the baseline
        knows; and how many a captured one stands for."""
        expected = self.usual.expected(series)
        known = np.isfinite(expected)
        weight = max(1.0, state.weight or self.usual.weight)
        return float(series.requests[known].sum()), float(expected[known].sum()), longest(series, expected), weight

    def usual_range(self, state: Requests, level: float) -> tuple[float, float]:
        """The fewest and the most requests of the window that are no violation."""
        _, usual, _, weight = self.counts(state, Series.of(state))
        return self.usual.usual_range(usual, weight, self.requests_tolerance, level)

    def usual_silence(self, state: Requests, level: float) -> float:
        """The longest silence in seconds that is no violation, at the rate of the longest silence's own hours, or at
        that of the window if there is none."""
        series = Series.of(state)
        _, usual, missed, weight = self.counts(state, series)
        allowed = self.usual.usual_silence(usual, weight, level)
        silent = longest_silence(series)
        per_second = missed / (60 * silent) if missed else usual / (60 * len(series.minutes))
        return allowed / per_second


def longest_silence(series: Series) -> int:
    """Minutes."""
    return max((run.stop - run.start for run in series.silences()), default=0)


def errors(state: Requests) -> Share:
    """The requests that failed, of those that tell."""
    hours = state.hours.items.values()
    return Share(sum(hour.failed for hour in hours), sum(hour.told for hour in hours))


def defined(share: Share, why_not: str) -> Measure:
    return share if share.n else Undefined(why_not)


def slower_than(state: Requests, thresholds_ms: tuple[float | None, ...], allowance: float) -> Share:
    """The requests that took longer than the threshold of their hour of the day, and an allowance (a logarithm)."""
    slower = n = 0
    for name, hour in state.hours.items.items():
        threshold = thresholds_ms[int(name[-2:])]
        if threshold is not None and hour.latencies.n:
            last = math.ceil((math.log(threshold) + allowance) / CELL - 0.5) - 1  # a threshold is the end of a cell
            slower += above(hour.latencies, last)
            n += hour.latencies.n
    return Share(slower, n)


def of(batch: pa.RecordBatch, captured: str, own: str) -> np.ndarray:
    """A column of captured requests, or of a dataset, as float64; NaN where there is no number."""
    name = captured if captured in batch.schema.names else own
    if name not in batch.schema.names:
        return np.full(batch.num_rows, math.nan)
    found: np.ndarray = numbers(batch.column(name)).to_numpy(zero_copy_only=False)
    return found.astype(float)


def minutes_of(times: pa.Array) -> pa.Array:
    """The minute of each time, counted from 1970 in UTC (int64); null where there is none."""
    if isinstance(times, pa.DictionaryArray):
        return minutes_of(times.dictionary).take(times.indices)
    if not pa.types.is_timestamp(times.type):
        times = parsed(times.cast(pa.string()))
    seconds = times.cast(pa.timestamp("s", times.type.tz), safe=False).cast(pa.int64())
    return pc.floor(pc.divide(seconds.cast(pa.float64()), 60.0)).cast(pa.int64())


def parsed(texts: pa.Array) -> pa.Array:
    """ISO 8601 texts as times, in UTC where they have no zone."""
    for kind in (pa.timestamp("us", "UTC"), pa.timestamp("us")):
        try:
            return texts.cast(kind)
        except pa.ArrowInvalid:
            continue
    return pa.array([time_of(text) for text in texts.to_pylist()], pa.timestamp("us", "UTC"))


def time_of(text: str | None) -> datetime | None:
    try:
        return moment(text or "")
    except (ValueError, OverflowError):
        return None
