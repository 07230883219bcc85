"""Incidents open, escalate and close as a plain reference says, in whatever order windows arrive."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_monitor.alerts.machine import Closing, Incident, Key, Opening, Outcome, replay, restart
from model_monitor.config.alerts import UNJUDGED
from model_monitor.core.window import Window

START = datetime(2026, 1, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)
DEFAULT = Opening(1, 1, 2)
TROUBLES = ("violations", "no_data", "labels_pending", "failed", "stale_baseline")
SILENT = {  # outcomes that say nothing of a kind of trouble
    "violations": {"no_data", "labels_pending", "failed", UNJUDGED},
    "no_data": {"failed"},
    "labels_pending": {"no_data", "failed", UNJUDGED},
    "failed": set[str](),
    "stale_baseline": {"violations", "no_data", "labels_pending", "failed", UNJUDGED},
}


def hour(number: int, length: int = 1) -> Window:
    return Window(START + number * HOUR, START + (number + length) * HOUR)


def outcome(number: int, trouble: str = "", schedule: str = "a", **more: object) -> Outcome:
    return replace(Outcome(schedule, hour(number), trouble), **more)  # type: ignore[arg-type]


def violated(number: int, *subjects: str, schedule: str = "a", severity: int = 1, cause: str = "data") -> Outcome:
    return Outcome(schedule, hour(number), "violations", cause, frozenset(subjects or {"amount"}), severity)


def incidents(*outcomes: Outcome, opening: Opening = DEFAULT) -> list[Incident]:
    return replay(outcomes, lambda schedule, kind: opening)


def changes(incident: Incident) -> list[tuple[str, int]]:
    return [(change.kind, (change.key.start - START) // HOUR) for change in incident.changes]


def test_an_alert_opens_when_m_of_the_last_n_windows_are_violated() -> None:
    (found,) = incidents(violated(0), outcome(1), violated(2), opening=Opening(2, 3, 2))
    assert changes(found) == [("opened", 2)]
    assert found.since == hour(0), "the first of the windows that opened it"
    assert not incidents(violated(0), outcome(1), outcome(2), violated(3), opening=Opening(2, 3, 2))


def test_it_stays_and_closes_only_after_enough_good_windows_in_a_row() -> None:
    (found,) = incidents(violated(0), outcome(1), violated(2), outcome(3), outcome(4), outcome(5))
    assert changes(found) == [("opened", 0), ("closed", 4)]
    assert found.last == hour(2)


def test_an_empty_window_neither_opens_nor_closes_an_alert_about_violations() -> None:
    first, second = incidents(violated(0), outcome(1, "no_data"), outcome(2, "no_data"), outcome(3))
    assert (first.kind, first.active) == ("violations", {"a"})
    assert second.kind == "no_data"


def test_rows_that_cannot_be_judged_yet_end_no_data_and_say_nothing_of_violations() -> None:
    first, second = incidents(violated(0), outcome(1, "no_data"), *(outcome(n, UNJUDGED) for n in (2, 3)))
    assert changes(first) == [("opened", 0)]
    assert changes(second) == [("opened", 1), ("closed", 3)]


def test_thirty_columns_after_one_change_of_the_schema_are_one_incident_with_thirty_subjects() -> None:
    columns = [f"column {i}" for i in range(30)]
    (found,) = incidents(violated(0, *columns, cause="schema"), violated(1, *columns, cause="schema"))
    assert len(found.subjects) == 30
    assert changes(found) == [("opened", 0)]


@pytest.mark.parametrize(
    ("second", "count"),
    [
        (violated(0, "amount", schedule="b"), 1),
        (violated(0, "country", schedule="b"), 2),  # another column is another reason
        (violated(0, "amount", schedule="b", cause="quality"), 2),
        (violated(5, "amount", schedule="b"), 2),  # another time
        (outcome(0, "no_data", schedule="b"), 2),
        (replace(violated(0, "amount", schedule="b"), window=hour(-3, 24)), 1),  # the day that has the hour
    ],
)
def test_two_schedules_are_one_incident_if_they_fail_at_the_same_time_for_the_same_reason(
    second: Outcome, count: int
) -> None:
    assert len(incidents(violated(0, "amount"), second)) == count


def test_an_incident_of_two_schedules_closes_with_the_last_of_them() -> None:
    both = [violated(0, schedule=name) for name in "ab"]
    rest = [outcome(1), outcome(2), violated(1, schedule="b"), outcome(2, schedule="b"), outcome(3, schedule="b")]
    (found,) = incidents(*both, *rest)
    assert changes(found) == [("opened", 0), ("joined", 0), ("closed", 3)]


def test_a_more_severe_window_escalates_once() -> None:
    (found,) = incidents(violated(0), violated(1, severity=2), violated(2, severity=1), violated(3, severity=2))
    assert changes(found) == [("opened", 0), ("escalated", 1)]


def test_a_window_that_is_judged_again_counts_as_it_is_now() -> None:
    assert not incidents(violated(0), outcome(0))
    assert len(incidents(outcome(0), violated(0))) == 1


outcomes = st.builds(
    lambda number, length, schedule, trouble, cause, subjects, severity: Outcome(
        schedule,
        hour(number * length, length),
        trouble,
        cause if trouble == "violations" else "",
        frozenset(subjects) if trouble == "violations" else frozenset(),
        severity,
    ),
    st.integers(0, 14),
    st.sampled_from([1, 1, 4]),
    st.sampled_from("abc"),
    st.sampled_from(["", "", "", "violations", "violations", "violations", *TROUBLES, UNJUDGED]),
    st.sampled_from(["schema", "data"]),
    st.sets(st.sampled_from(["amount", "country"]), min_size=1),
    st.integers(0, 2),
)
openings = st.tuples(st.integers(1, 4), st.integers(0, 3), st.integers(1, 3)).map(
    lambda three: Opening(three[0], three[0] + three[1], three[2])
)


@given(st.lists(outcomes, max_size=30), st.dictionaries(st.sampled_from("abc"), openings))
def test_incidents_are_those_of_the_reference(arrived: list[Outcome], rules: dict[str, Opening]) -> None:
    found = replay(arrived, lambda schedule, kind: rules.get(schedule, Opening()))
    assert [described(incident) for incident in found] == reference(arrived, rules)


closings = st.builds(
    lambda number, kind, schedules: Closing(hour(number), kind, frozenset(schedules), "Ann", START),
    st.integers(0, 12),
    st.sampled_from(TROUBLES),
    st.sets(st.sampled_from("abc"), min_size=1),
)


@given(
    st.lists(outcomes, max_size=30),
    st.dictionaries(st.sampled_from("abc"), openings),
    st.randoms(),
    st.lists(closings, max_size=3),
)
def test_windows_that_arrive_out_of_order_and_twice_give_the_same_incidents(
    arrived: list[Outcome], rules: dict[str, Opening], rng: random.Random, closed: list[Closing]
) -> None:
    """Each arrival replays only what it can change, from known incidents and few earlier windows on."""
    latest = {(o.schedule, o.window): o for o in arrived}
    arrivals = [*arrived, *latest.values()]  # first older judgements of windows, then those that count
    arrivals[: len(arrived)] = rng.sample(arrived, len(arrived))
    known: dict[tuple[str, Window], Outcome] = {}
    incidents: list[Incident] = []
    for arrival in arrivals:
        known[arrival.schedule, arrival.window] = arrival
        spans = [(i.opened.end, i.closed.end if i.closed else None) for i in incidents]
        start = restart(spans, arrival.window.end)
        before = [o for o in known.values() if o.window.end < start]
        needed = [o for o in known.values() if o.window.end >= start] + few(before, rules)
        again = replay(needed, lambda schedule, kind: rules.get(schedule, Opening()), start, closed)
        incidents = [incident for incident in incidents if incident.opened.end < start] + again
    assert incidents == replay(arrived, lambda schedule, kind: rules.get(schedule, Opening()), closings=closed)


def few(before: list[Outcome], rules: dict[str, Opening]) -> list[Outcome]:
    """Of each schedule and kind of trouble as many earlier outcomes as M of N needs."""
    found: dict[Key, Outcome] = {}
    for schedule in "abc":
        opening = rules.get(schedule, Opening())
        for kind in TROUBLES:
            own = [o for o in before if o.schedule == schedule and o.trouble not in SILENT[kind]]
            own.sort(key=lambda o: o.key)
            found |= {o.key: o for o in own[-max(opening.evaluation_windows, opening.closing_windows) :]}
    return list(found.values())


def described(incident: Incident) -> dict[str, object]:
    return {
        "kind": incident.kind,
        "cause": incident.cause,
        "changes": [tuple(change)[:3] for change in incident.changes],
        "subjects": set(incident.subjects),
        "schedules": set(incident.schedules),
        "is open": bool(incident.active),
        "since": incident.since.start,
    }


def reference(arrived: list[Outcome], rules: dict[str, Opening]) -> list[dict[str, object]]:
    """The same, said as plainly as possible: look at each alert's past anew at each window."""
    ordered = sorted({(o.schedule, o.window): o for o in arrived}.values(), key=lambda o: o.key)
    found: list[dict[str, object]] = []
    spans: list[list[datetime]] = []  # of incidents: from where, until where they were violated
    severities: list[int] = []
    open_alerts: dict[tuple[str, str], int] = {}  # schedule and kind -> place of the incident
    for i, o in enumerate(ordered):
        for kind in TROUBLES:
            if o.trouble in SILENT[kind]:
                continue
            rule = rules.get(o.schedule, Opening())
            past = [p for p in ordered[: i + 1] if p.schedule == o.schedule and p.trouble not in SILENT[kind]]
            bad = [p for p in past[-rule.evaluation_windows :] if p.trouble == kind]
            good = past[-rule.closing_windows :]
            alert = (o.schedule, kind)
            if alert in open_alerts:
                place = open_alerts[alert]
                if o.trouble == kind:
                    worsen(found[place], spans[place], severities, place, o)
                elif (
                    len(bad) < rule.datapoints
                    and len(good) == rule.closing_windows
                    and all(p.trouble != kind for p in good)
                ):
                    del open_alerts[alert]
                    if place not in open_alerts.values():
                        found[place]["is open"] = False
                        found[place]["changes"].append(("closed", o.key, severities[place]))  # type: ignore[attr-defined]
            elif o.trouble == kind and len(bad) >= rule.datapoints:
                since = min(bad, key=lambda p: (p.window.end, p.window.start)).window
                place = place_for(found, spans, o)
                if place == len(found):
                    first = [("opened", o.key, o.severity)]
                    found.append({"kind": kind, "cause": o.cause, "changes": first, "subjects": set(o.subjects)})
                    found[place] |= {"schedules": {o.schedule}, "is open": True}
                    found[place]["since"] = since.start
                    spans.append([since.start, o.window.end])
                    severities.append(o.severity)
                else:
                    joined = ("joined", o.key, max(severities[place], o.severity))
                    found[place]["changes"].append(joined)  # type: ignore[attr-defined]
                    found[place]["schedules"].add(o.schedule)  # type: ignore[attr-defined]
                    found[place]["since"] = spans[place][0] = min(spans[place][0], since.start)
                    worsen(found[place], spans[place], severities, place, o)
                open_alerts[alert] = place
    return found


def worsen(incident: dict[str, object], span: list[datetime], severities: list[int], place: int, o: Outcome) -> None:
    if o.severity > severities[place]:
        severities[place] = o.severity
        incident["changes"].append(("escalated", o.key, o.severity))  # type: ignore[attr-defined]
    incident["subjects"] |= o.subjects  # type: ignore[operator]
    span[1] = max(span[1], o.window.end)


def place_for(found: list[dict[str, object]], spans: list[list[datetime]], o: Outcome) -> int:
    for place, incident in enumerate(found):
        is_alike = (incident["kind"], incident["cause"]) == (o.trouble, o.cause)
        overlaps = o.window.start < spans[place][1] and spans[place][0] < o.window.end
        shares = o.cause == "schema" or not o.subjects or incident["subjects"] & o.subjects  # type: ignore[operator]
        if incident["is open"] and is_alike and overlaps and shares:
            return place
    return len(found)
