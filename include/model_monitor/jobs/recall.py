"""Rebuild what alerts remember from the store: what reports say, who was told, and what people did."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import msgspec

from model_monitor import store
from model_monitor.alerts.following import remember, replayed, settle
from model_monitor.alerts.news import in_general
from model_monitor.alerts.outcomes import outcome_of
from model_monitor.config import alerts_of
from model_monitor.config.endpoint import Endpoint
from model_monitor.core.window import Window, moment
from model_monitor.errors import DataError
from model_monitor.history import incidents
from model_monitor.history.database import History
from model_monitor.history.incidents import SENT, Place, Session
from model_monitor.history.reports import places_of
from model_monitor.history.tables import Delivery, Incident, Transition
from model_monitor.jobs.acts import apply
from model_monitor.jobs.deliver import Told
from model_monitor.jobs.people import acts_of, closings_of, folder_of, is_muted, mutes_of, rules_of, severities_of
from model_monitor.results.documents.protocol import Document
from model_monitor.results.reading import Report
from model_monitor.results.sealed import unsealed


def rebuild_alerts(history: History, endpoint: Endpoint) -> int:
    """Bring an endpoint's incidents up to date with all of its reports; how many there are. It tells nobody, and what
    was told before is known again. Raises ConfigError, DataError, StoreError."""
    place, rules = Place(endpoint.endpoint, endpoint.variant), rules_of(endpoint)
    documents = list(reports(endpoint))
    with history.session() as session:
        incidents.lock(session, place)
        for document in documents:
            schedule = endpoint.schedule(document["schedule"])
            alerts, window = alerts_of(endpoint, schedule), Window.of(**document["window"])
            muted = partial(is_muted, mutes_of(endpoint, alerts, window))
            outcome = outcome_of(document, severities_of(alerts), muted)
            remember(session, place, schedule.name, window, outcome)
        session.flush()
        computed = replayed(session, place, rules, None, closings_of(endpoint))
        pairs = settle(session, place, computed, None, None, partial(in_general, place))
        rows = [row for row, _ in pairs]
        for told in messages(endpoint):
            recall(session, rows, told)
        for act in acts_of(endpoint):
            for row in rows:
                apply(session, row, act)
        return len(rows)


def reports(endpoint: Endpoint) -> Iterator[Document]:
    """``execution.json`` of each window of the endpoint's schedules, as far as it can be read."""
    names = {schedule.name for schedule in endpoint.schedules}
    for place in places_of(endpoint):
        try:
            report = Report.find(place.report)
        except DataError:  # it keeps the outcome that it had
            continue
        if report and report.execution["schedule"] in names and report.execution["variant"] == endpoint.variant:
            yield report.execution


def messages(endpoint: Endpoint) -> list[Told]:
    """The messages that were sent, in the order of time."""
    files = store.list_files(folder_of(endpoint, "told"), (".json",))
    return sorted((told_at(file.address) for file in files), key=lambda told: told.at)


def told_at(address: str) -> Told:
    return msgspec.json.decode(unsealed(store.read(address), address, "remove it"), type=Told)


def recall(session: Session, rows: list[Incident], told: Told) -> None:
    """Note on its incident that a message was sent, if that is not known."""
    window = Window.of(told.window_start, told.window_end)
    row = next((row for row in rows if is_about(row, told, window)), None)
    if row is None:
        return
    steps = incidents.transitions_of(session, row)
    transition = next(
        (s for s in reversed(steps) if s.kind == told.event and (s.told or s.window_end == window.end)), None
    )
    if transition is None:
        transition = Transition(incident_id=row.id, kind=told.event, window_start=window.start, window_end=window.end)
        transition.made_by, transition.sentence = "model-monitor", ""
        session.add(transition)
    transition.severity, transition.told, transition.at = told.severity, True, moment(told.at)
    session.flush()
    if all(delivery.destination != told.destination for delivery in incidents.deliveries_of(session, transition)):
        session.add(Delivery(transition_id=transition.id, destination=told.destination, state=SENT, attempts=1))
        session.flush()


def is_about(row: Incident, told: Told, window: Window) -> bool:
    """Whether a message was about an incident."""
    is_its_time = row.since <= window.start and (row.closed is None or window.end <= row.closed)
    return row.kind == told.kind and f'"{told.schedule}"' in row.schedules and is_its_time
