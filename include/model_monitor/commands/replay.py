"""``model-monitor replay``: which past windows would have alarmed by other settings? Nothing is written."""

from __future__ import annotations

import argparse
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from model_monitor.commands import OK
from model_monitor.commands.named import one_named
from model_monitor.core.window import EVER, Window, iso, moment
from model_monitor.errors import ConfigError

if TYPE_CHECKING:
    from model_monitor.verdicts.replay import Rejudged, Replay


NAMED = 5  # what is violated of a window; the rest is counted


def add_to(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command to those of ``model-monitor``."""
    command = commands.add_parser("replay", help="judge past windows again by other settings, from their States")
    command.add_argument("place", metavar="ENDPOINT/SCHEDULE", help="the endpoint by its name or its file")
    command.add_argument("--since", metavar="ISO", help="the first day or time, UTC; without, the last 30 windows")
    command.add_argument("--until", metavar="ISO", help="the last day, or the end, UTC")
    words = "a setting of the schedule as in the endpoint file, e.g. options.false_alarm_budget=0.001; may be repeated"
    command.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help=words)
    command.add_argument("--baseline", metavar="VERSION", help="judge by this version of the baseline")
    command.add_argument("--json", action="store_true", help="all of it as JSON, for machines")
    command.set_defaults(command=run_replay)


def run_replay(args: argparse.Namespace) -> int:
    """Whatever is found is a result."""
    from model_monitor import jobs
    from model_monitor.config.execution import Assignment
    from model_monitor.config.trial import settings_in, tried

    file, schedule = one_named(args.place)
    settings, span = settings_in(args.set), span_of(args.since, args.until)
    now, then = Assignment.load(file, schedule), tried(file, schedule, settings)
    found = jobs.replay_windows(now, then, span, args.baseline)
    if args.json:
        about = {"endpoint": now.endpoint.endpoint, "schedule": schedule, "set": dict(pairs(args.set))}
        print(json.dumps(about | document(found, args.baseline), indent=1, allow_nan=False))
    else:
        print(text_of(found))
    return OK


def pairs(settings: list[str]) -> list[tuple[str, str]]:
    return [(name, value) for name, _, value in (text.partition("=") for text in settings)]


def span_of(since: str | None, until: str | None) -> Window | None:
    """The span between two days or times, of which a day as the end is included; None without either. Raises
    ConfigError."""
    if not (since or until):
        return None
    try:
        end = moment(until) if until else EVER.end - timedelta(days=3661)  # so that any lag may be added
        end += timedelta(days=1) if until and len(until) == len("2026-01-31") else timedelta()
        return Window(moment(since) if since else EVER.start, end)
    except (ValueError, OverflowError) as error:
        raise ConfigError(
            f"--since {since} --until {until}: {error}; write days or times, e.g. 2026-01-31 or 2026-01-31T06:00:00Z"
        ) from error


def document(found: Replay, version: str | None) -> dict[str, Any]:
    return {
        "baseline": version,
        "windows": found.windows,
        "unread": found.unread,
        "alarms": {"before": found.before, "after": found.after},
        "told": [
            {
                "start": iso(one.window.start),
                "end": iso(one.window.end),
                "before": {"status": one.before, "violated": list(one.was)},
                "after": {"status": one.after, "violated": list(one.is_now)},
            }
            for one in found.told
        ],
    }


def text_of(found: Replay) -> str:
    """A line for each window that alarms before or after, and a summary."""
    from model_monitor.verdicts.proposal import Plain

    rows = [(str(one.window), one.before, one.after, words_of(one, Plain(NAMED))) for one in found.told]
    unread = f" {found.unread} more have a State that can't be read, or is of other options." if found.unread else ""
    flips = len(found.flips)
    summary = (
        f"{found.windows} windows were judged again from their States: {found.before} alarm as the schedule is, "
        f"{found.after} would alarm; {flips} would flip.{unread}"
    )
    return "\n\n".join(filter(None, (Plain(None).table(("window", "now", "then", "violated"), rows), summary)))


def words_of(one: Rejudged, form: Any) -> str:
    """What is violated: with + what only then, with - what no more."""
    kept = [name for name in one.was if name in one.is_now]
    return str(form.codes([*kept, *(f"+{name}" for name in one.gained), *(f"-{name}" for name in one.lost)]))
