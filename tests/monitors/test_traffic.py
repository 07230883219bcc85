"""Is a model that is silent, slow or failing found within one window, and is nothing else?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from model_monitor.core import Constraint, Finding, Share, Undefined, Window, evaluate, laws
from model_monitor.core.measures import EVERYTHING
from model_monitor.core.monitor import fold
from model_monitor.core.states import dump, load
from model_monitor.errors import DataError
from model_monitor.monitors.traffic import Informed, Traffic
from model_monitor.monitors.traffic.state import Requests, Series, cell_at, cells_of, end_of
from model_monitor.monitors.traffic.usual import deviance, learn

START = datetime(2026, 1, 5, tzinfo=UTC)
NOON = 14  # an hour of much traffic
MONITOR = Traffic()


def rhythm(hour: int) -> float:
    """1 on average over a day."""
    return float(1.1 + np.sin((hour - 8) / 24 * 2 * np.pi)) / 1.1


def requests(
    chance: np.random.Generator,
    hour: int,
    rate: float = 600.0,
    slow: float = 1.0,
    errors: float = 0.005,
    percent: float = 100.0,
) -> pa.RecordBatch:
    """The captured requests of an hour, counted from START: their number, and their latency, follow the time of day."""
    n = chance.poisson(rate * rhythm(hour % 24) * percent / 100)
    seconds = int(START.timestamp()) + 3600 * hour + np.sort(chance.integers(0, 3600, n))
    status = np.where(chance.random(n) < errors, 503.0, 200.0)
    return pa.record_batch(
        {
            "@event_time": pa.array(seconds * 1_000_000, pa.timestamp("us", "UTC")),
            "@latency_ms": chance.lognormal(np.log(30 + 20 * rhythm(hour % 24)), 0.5, n) * slow,
            "@status_code": status,
            "@failed": status >= 500,
            "@sampled_percent": np.full(n, percent),
        }
    )


def of_days(chance: np.random.Generator, days: int, spread: float = 0.1, **more: Any) -> Requests:
    """The State of some days, each with more or fewer requests than the others."""
    batches = []
    for day in range(days):
        rate = 600 * chance.lognormal(0, spread)
        batches += [requests(chance, 24 * day + hour, rate, **more) for hour in range(24)]
    return fold(MONITOR, batches) + MONITOR.watch(None, sum(batch.num_rows for batch in batches), 0)


def window(first: int, hours: int = 1) -> Window:
    return Window(START + timedelta(hours=first), START + timedelta(hours=first + hours))


def judged(baseline: Requests, live: Requests, monitor: Traffic = MONITOR) -> dict[str, Finding]:
    """The finding on each measure."""
    constraints = list(monitor.suggest(baseline))
    measures = Informed.of(monitor, learn(baseline)).measure(live)
    return {finding.constraint.measure: finding for finding in evaluate(constraints, measures)}


def violated(baseline: Requests, live: Requests, monitor: Traffic = MONITOR) -> set[str]:
    return {name for name, finding in judged(baseline, live, monitor).items() if finding.outcome == "violated"}


@pytest.fixture(scope="module")
def baseline() -> Requests:
    return of_days(np.random.default_rng(1), 14)


def hour_of(seed: int, hour: int = 24 * 20 + NOON, **more: Any) -> Requests:
    batch = requests(np.random.default_rng(seed), hour, **more)
    return MONITOR.observe(batch) + MONITOR.watch(window(hour), batch.num_rows, 0)


@pytest.mark.parametrize("informed", [False, True])
def test_it_keeps_the_laws(informed: bool) -> None:
    chance = np.random.default_rng(2)
    rows = pa.Table.from_batches([requests(chance, hour, 60, percent=50) for hour in range(80)]).combine_chunks()
    monitor = Informed.of(MONITOR, learn(MONITOR.observe(rows.to_batches()[0]))) if informed else MONITOR
    laws.check(monitor, rows.to_batches()[0])


def test_a_window_like_the_baseline_holds_to_it(baseline: Requests) -> None:
    findings = judged(baseline, hour_of(3))
    assert {finding.outcome for finding in findings.values()} == {"holds"}
    assert len(findings) == 7


def test_silence_is_found_in_one_window(baseline: Requests) -> None:
    silent = MONITOR.empty + MONITOR.watch(window(24 * 20 + NOON), 0, 0)
    assert violated(baseline, silent) == {"requests_surprise", "silence_surprise"}
    assert MONITOR.measure(silent)[EVERYTHING, "requests"] == 0.0
    assert MONITOR.measure(silent)[EVERYTHING, "longest_silence_seconds"] == 3600.0


def test_twenty_silent_minutes_are_found_though_there_are_enough_requests(baseline: Requests) -> None:
    hour = 24 * 20 + NOON
    rows = requests(np.random.default_rng(4), hour, 900)
    late = rows.filter(pa.array(rows["@event_time"].cast(pa.int64()).to_numpy() // 60_000_000 % 60 >= 20))
    live = MONITOR.observe(late) + MONITOR.watch(window(hour), late.num_rows, 0)
    assert violated(baseline, live) == {"silence_surprise"}


def test_a_slow_model_is_found_in_one_window(baseline: Requests) -> None:
    assert {"slower_than_p50", "slower_than_p95"} <= violated(baseline, hour_of(5, slow=1.5))
    assert violated(baseline, hour_of(5, slow=1.5), Traffic(latency_tolerance=0.7)) == set()


def test_a_failing_model_is_found_in_one_window(baseline: Requests) -> None:
    assert violated(baseline, hour_of(6, errors=0.05)) == {"error_share"}
    assert violated(baseline, hour_of(6, errors=0.05), Traffic(error_tolerance=0.1)) == set()


def test_records_that_are_lost_are_found(baseline: Requests) -> None:
    lost = hour_of(7) + MONITOR.watch(None, 50, 50)
    assert violated(baseline, lost) == {"lost_share"}


def test_more_requests_than_usual_are_found_as_fewer_are(baseline: Requests) -> None:
    assert violated(baseline, hour_of(8, rate=1500)) == {"requests_surprise"}
    assert "requests_surprise" in violated(baseline, hour_of(8, rate=200))
    assert violated(baseline, hour_of(8, rate=690), Traffic(requests_tolerance=0.3)) == set()


@given(st.floats(0.5, 3000), st.floats(0.0, 0.3), st.sampled_from([1.0, 5.0]), st.floats(1e-4, 0.05))
@settings(max_examples=25)
def test_the_bounds_that_people_see_are_those_that_are_judged(
    usual: float, dispersion: float, weight: float, level: float
) -> None:
    own = replace(learn(Requests()), days=14.0, dispersion=dispersion)

    def holds(captured: float) -> bool:
        return own.surprise(captured * weight, usual, weight, 0.2) >= level

    few, many = (bound / weight for bound in own.usual_range(usual, weight, 0.2, level))
    assert holds(few) and holds(many)
    assert not holds(many + 1) and not (few and holds(few - 1))
    missed = own.usual_silence(usual, weight, level)
    assert own.silence_surprise(usual, missed, weight) >= level
    assert missed == usual or own.silence_surprise(usual, missed + usual / 900, weight) < level


def test_what_is_usual_at_noon_is_a_violation_at_night(baseline: Requests) -> None:
    night = hour_of(9, 24 * 20 + 2, rate=600 * rhythm(NOON) / rhythm(2))
    assert "requests_surprise" in violated(baseline, night)


def test_sampling_biases_no_count(baseline: Requests) -> None:
    """A percentage that changed is neither more nor fewer requests; it only makes them less certain."""
    sampled = hour_of(10, percent=20)
    [few, usual] = [MONITOR.measure(state)[EVERYTHING, "requests"] for state in (sampled, hour_of(10))]
    assert few == pytest.approx(usual, rel=0.15)
    assert MONITOR.measure(sampled)[EVERYTHING, "captured_share"] == pytest.approx(0.2)
    assert violated(baseline, sampled) == set()
    assert "requests_surprise" in violated(baseline, hour_of(10, percent=20, rate=1800))


def test_days_that_differ_more_allow_more() -> None:
    steady, unsteady = (of_days(np.random.default_rng(11), 14, spread) for spread in (0.02, 0.5))
    live = hour_of(12, rate=1100)
    assert "requests_surprise" in violated(steady, live)
    assert violated(unsteady, live) == set()


def test_of_too_few_days_nothing_is_told_of_counts() -> None:
    findings = judged(of_days(np.random.default_rng(13), 2), hour_of(13))
    assert {name for name, one in findings.items() if one.outcome == "undefined"} == {
        "requests_surprise",
        "silence_surprise",
    }
    assert "2.0 whole days; it takes 3" in findings["requests_surprise"].reason


def test_a_baseline_that_tells_no_latency_or_status_has_no_bound_for_it() -> None:
    times = {"@event_time": requests(np.random.default_rng(14), 5).column("@event_time")}
    state = MONITOR.observe(pa.record_batch(times))
    reasons = {name: one.reason for name, one in judged(state, state).items() if one.outcome == "undefined"}
    assert reasons["error_share"] == "no request tells whether it failed"
    assert reasons["slower_than_p95"] == "no request tells its latency"
    assert reasons["lost_share"] == "no record was read"
    findings = judged(state, hour_of(14))
    assert findings["error_share"].reason == "no request of the baseline tells whether it failed"
    assert findings["lost_share"].reason == "the baseline's records were not counted"
    assert findings["slower_than_p95"].outcome == "undefined"


def test_without_the_baselines_statistics_what_is_usual_is_undefined(baseline: Requests) -> None:
    measure = MONITOR.measure(baseline)[EVERYTHING, "requests_surprise"]
    assert isinstance(measure, Undefined) and "statistics.json" in measure.reason


@given(st.lists(st.floats(1e-3, 1e8), min_size=1, max_size=200), st.floats(0.01, 1.0))
def test_a_quantile_of_latencies_is_right_to_two_percent(values: list[float], share: float) -> None:
    from model_monitor.core import Counts

    counts = Counts.of(map(str, cells_of(np.array(values)).tolist()))
    exact = np.quantile(values, share, method="inverted_cdf")
    found = end_of(cell_at(counts, share) or 0)
    assert exact <= found * (1 + 1e-9) and found <= exact * 1.02 * (1 + 1e-9)


@given(st.integers(0, 500), st.floats(0.5, 500), st.floats(0.001, 2.0))
def test_the_deviance_is_that_of_scipys_distributions(y: int, mean: float, dispersion: float) -> None:
    poisson = 2 * (stats.poisson.logpmf(y, max(y, 1e-300)) - stats.poisson.logpmf(y, mean))
    assert deviance(y, mean, 0.0) == pytest.approx(poisson, rel=1e-6, abs=1e-6)
    size = 1 / dispersion
    own = stats.nbinom.logpmf(y, size, size / (size + y)) if y else 0.0
    binomial = 2 * (own - stats.nbinom.logpmf(y, size, size / (size + mean)))
    assert deviance(y, mean, dispersion) == pytest.approx(binomial, rel=1e-6, abs=1e-6)


def test_the_dispersion_of_days_is_learned_beside_that_of_counting() -> None:
    states = [of_days(np.random.default_rng(seed), 30, 0.2, percent=10) for seed in range(5)]
    assert np.mean([learn(state).dispersion for state in states]) == pytest.approx(0.04, rel=0.35)
    assert learn(of_days(np.random.default_rng(5), 30, 0.0, percent=10)).dispersion < 0.005


def test_a_dataset_says_the_same_by_names_of_its_own() -> None:
    rows = requests(np.random.default_rng(15), 3, percent=50)
    times = [moment.isoformat() for moment in rows.column("@event_time").to_pylist()]
    own = pa.record_batch(
        {
            "when": pa.array(times).dictionary_encode(),
            "ms": pa.array(map(str, rows.column("@latency_ms").to_pylist())),
            "code": pa.array([str(int(code)) for code in rows.column("@status_code").to_pylist()]),
            "percent": rows.column("@sampled_percent"),
        }
    )
    monitor = Traffic(event_time="when", latency_ms="ms", status_code="code", sampled_percent="percent")
    assert monitor.measure(monitor.observe(own)) == MONITOR.measure(MONITOR.observe(rows))
    with pytest.raises(DataError, match=r"no column 'event_time' with times; .* columns: when, ms, code, percent"):
        MONITOR.observe(own)


@pytest.mark.parametrize("kind", [pa.timestamp("ns"), pa.timestamp("s", "Europe/Paris"), pa.date32()])
def test_times_of_other_types_are_understood(kind: pa.DataType) -> None:
    state = MONITOR.observe(pa.record_batch({"event_time": pa.array([START, None], kind)}))
    assert list(state.hours.items) == ["2026-01-05T00"]
    assert MONITOR.unusable(state) == {"no time": 1}


def test_rows_that_tell_no_time_or_no_latency_are_counted_as_what_they_are() -> None:
    texts = ["2026-01-05T03:00:00Z", "2026-01-05 03:30:00", "tomorrow", ""]
    batch = pa.record_batch(
        {"event_time": texts, "latency_ms": ["12", "-5", "7", "8"], "status_code": ["404", "x", "200", "200"]}
    )
    state = MONITOR.observe(batch)
    measures = {name: measure for (_, name), measure in MONITOR.measure(state).items()}
    assert (measures["requests"], MONITOR.unusable(state)) == (2.0, {"no time": 2})
    assert measures["error_share"] == Share(1, 1)
    assert measures["latency_p50_ms"] == pytest.approx(12, rel=0.01)


def test_a_time_that_is_wrong_does_not_fill_the_memory() -> None:
    batch = pa.record_batch({"event_time": ["1970-01-01T00:00:00Z", "2026-01-05T03:00:00Z"]})
    with pytest.raises(DataError, match=r"span more than 20,000 hours; perhaps a time is wrong"):
        MONITOR.measure(MONITOR.observe(batch))


def test_windows_add_and_what_was_not_watched_is_no_silence() -> None:
    half = Window(START, START + timedelta(minutes=30))
    later = Window(START + timedelta(hours=5), START + timedelta(hours=5, minutes=10))
    both = MONITOR.watch(half, 0, 0) + MONITOR.watch(later, 0, 0)
    again = load(dump(both), MONITOR.empty)
    for state in (both, again):
        series = Series.of(state)
        assert [run.stop - run.start for run in series.silences()] == [30, 10]
        assert len(series.minutes) == 40


WRONG = ({"requests_tolerance": 2}, {"error_tolerance": -1}, {"latency_tolerance": -0.1}, {"false_alarm_budget": 0})


@pytest.mark.parametrize("wrong", WRONG)
def test_options_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        replace(MONITOR, **wrong)


def test_a_share_of_the_budget_is_a_share_of_each_checks_level(baseline: Requests) -> None:
    half: list[Constraint] = list(MONITOR.with_budget(0.5).suggest(baseline))
    whole = list(MONITOR.suggest(baseline))
    for one, other in zip(half, whole, strict=True):
        low = [getattr(bound, "level", None) or getattr(bound, "low", None) for bound in (one.bound, other.bound)]
        assert low[0] == pytest.approx(low[1] / 2)


@pytest.mark.parametrize(("days", "spread", "length"), [(7, 0.05, 1), (14, 0.1, 1), (14, 0.3, 24), (28, 0.1, 1)])
def test_windows_of_unchanged_traffic_alarm_within_the_budget(days: int, spread: float, length: int) -> None:
    """Of many windows at any hour, no more are violated than chance would make of the budget: Clopper & Pearson's lower
    end (95 %) of the rate is below it. Those that are silent, slow or failing are found."""
    chance = np.random.default_rng(days)
    alarms = trials = 0
    for _ in range(3):
        usual = of_days(chance, days, spread)
        constraints, monitor = list(MONITOR.suggest(usual)), Informed.of(MONITOR, learn(usual))
        for _ in range(80):
            first = 24 * 40 + int(chance.integers(0, 25 - length))
            rate = 600 * chance.lognormal(0, spread)
            live = fold(MONITOR, (requests(chance, first + i, rate) for i in range(length)))
            measures = monitor.measure(live + MONITOR.watch(window(first, length), 1000, 0))
            alarms += any(finding.outcome == "violated" for finding in evaluate(constraints, measures))
            trials += 1
    low = stats.beta.ppf(0.05, alarms, trials - alarms + 1) if alarms else 0.0
    assert low <= MONITOR.false_alarm_budget, f"{alarms} of {trials}"
