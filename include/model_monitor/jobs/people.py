"""What did people decide: who is told of what (in files of settings), and what they snoozed or muted since?

An act is a sealed file in the store, so that a history that is rebuilt knows it too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import date

import msgspec

from model_monitor import store
from model_monitor.alerts.machine import Closing
from model_monitor.config import alerts_of
from model_monitor.config.alerts import KINDS, SEVERITIES, Alerts, Mute, Rule
from model_monitor.config.endpoint import Endpoint
from model_monitor.core.window import Window, moment
from model_monitor.results.sealed import sealed, unsealed

FOLDER = "_alerts"
NOBODY = Rule(1, 1, 1, "info", ())


class Act(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a person did: ``snooze`` an incident until a moment, ``close`` it, ``mute`` findings of a column or check
    from the moment ``at`` on, or ``mark`` windows of some schedules as what it ``says``. ``incident`` is its name in
    messages.

    What was closed: a kind of trouble of some schedules, with the last window that was judged.
    """

    kind: str
    at: str
    by: str
    version: int = 1
    incident: str = ""
    until: str = ""
    column: str = ""
    check: str = ""
    why: str = ""
    trouble: str = ""
    schedules: tuple[str, ...] = ()
    window_start: str = ""
    window_end: str = ""
    says: str = ""


def folder_of(endpoint: Endpoint, kind: str) -> str:
    return store.join(endpoint.output, FOLDER, endpoint.endpoint, endpoint.variant, kind)


def keep(endpoint: Endpoint, act: Act) -> str:
    """Write an act down; its address. The same act twice is one file."""
    content = msgspec.json.format(msgspec.json.encode(act), indent=1) + b"\n"
    name = f"{act.at.replace(':', '-')}-{act.kind}-{hashlib.sha256(content).hexdigest()[:8]}.json"
    return store.write(store.join(folder_of(endpoint, "acts"), name), sealed(content))


def acts_of(endpoint: Endpoint) -> list[Act]:
    """What people did, in the order of time. Raises DataError if a file is damaged."""
    files = store.list_files(folder_of(endpoint, "acts"), (".json",))
    contents = ((file.address, store.read(file.address)) for file in files)
    acts = [
        msgspec.json.decode(unsealed(content, at, "remove it, and repeat the command"), type=Act)
        for at, content in contents
    ]
    return sorted(acts, key=lambda act: (act.at, act.kind))


def closings_of(endpoint: Endpoint) -> list[Closing]:
    """Which incidents people closed. Raises DataError if a file is damaged."""
    return [
        Closing(
            Window.of(act.window_start, act.window_end),
            act.trouble,
            frozenset(act.schedules),
            act.by,
            moment(act.at),
            act.why,
        )
        for act in acts_of(endpoint)
        if act.kind == "close"
    ]


def rules_of(endpoint: Endpoint) -> Callable[[str, str], Rule]:
    """When alerts of an endpoint's schedules open, and who is told; nobody of schedules that its file no longer has.

    Raises ConfigError.
    """
    alerts = {schedule.name: alerts_of(endpoint, schedule) for schedule in endpoint.schedules}
    return lambda schedule, kind: alerts[schedule].rule(kind) if schedule in alerts else NOBODY


def severities_of(alerts: Alerts) -> Mapping[str, int]:
    """The severity of each kind of trouble without its effect, as an index."""
    return {kind: SEVERITIES.index(alerts.rule(kind).severity) for kind in KINDS}


def mutes_of(endpoint: Endpoint, alerts: Alerts, window: Window) -> list[Mute]:
    """The mutes that count for a window: those in files of settings, and those that people made before its end."""
    acts = [act for act in acts_of(endpoint) if act.kind == "mute" and moment(act.at) <= window.end]
    return [*alerts.mute, *map(mute_in, acts)]


def mute_in(act: Act) -> Mute:
    until = date.fromisoformat(act.until) if act.until else None
    return Mute(column=act.column or None, check=act.check or None, until=until)


def is_muted(mutes: Sequence[Mute], column: str | None, check: str, measure: str, day: date) -> bool:
    """Whether nobody is told of a finding."""
    return any(mute.covers(column, check, measure, day) for mute in mutes)
