"""``model-monitor alerts list | snooze | mute | close | test``: what is open, and what people do about it."""

from __future__ import annotations

import argparse
import getpass
import time
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from model_monitor.commands import FAILED, OK
from model_monitor.core.window import iso, moment
from model_monitor.errors import ConfigError, printable

if TYPE_CHECKING:
    from model_monitor.config import Endpoint

LOOK_AGAIN = 0.5  # seconds


def add_to(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command to those of ``model-monitor``."""
    alerts = commands.add_parser("alerts", help="show open incidents; snooze, mute, close, or test messages")
    verbs = alerts.add_subparsers(required=True, metavar="VERB")
    lists = verbs.add_parser("list", help="open incidents, and messages that wait")
    lists.set_defaults(command=run_list)
    snooze = verbs.add_parser("snooze", help="tell nobody of open incidents until a moment")
    snooze.add_argument("--until", required=True, metavar="ISO", help="UTC unless it says else")
    snooze.add_argument("--incident", type=int, metavar="NUMBER", help="only this one; default: all that are open")
    snooze.set_defaults(command=run_snooze)
    mute = verbs.add_parser("mute", help="tell nobody of findings of a column or check from now on")
    mute.add_argument("--column", default="", metavar="NAME", help="a column, or the metric that a check is about")
    mute.add_argument("--check", default="", metavar="NAME", help="a check, or a measure")
    mute.add_argument("--until", default="", metavar="DAY", help="first day from which on people are told again")
    mute.set_defaults(command=run_mute)
    close = verbs.add_parser("close", help="say that an incident is over; later windows open another if they are bad")
    close.add_argument("--incident", type=int, required=True, metavar="NUMBER", help="as alerts list shows it")
    close.set_defaults(command=run_close)
    test = verbs.add_parser("test", help="have the DAG deliveries send a marked message to everyone who may be told")
    words = "wait so long for it, and fail if a message did not arrive (330: longer than from one run to the next)"
    test.add_argument("--wait", type=float, default=330.0, metavar="SECONDS", help=words)
    test.set_defaults(command=run_test)
    for verb in (lists, snooze, mute, close, test):
        verb.add_argument("file", metavar="ENDPOINT_FILE")
    for verb in (snooze, mute, close, test):
        verb.add_argument("--by", default="", metavar="NAME", help="who you are; default: your name on this machine")
    for verb in (snooze, mute, close):
        verb.add_argument("--why", default="", metavar="TEXT", help="kept with it")


def endpoint_of(args: argparse.Namespace) -> Endpoint:
    from model_monitor.config import load

    return load(args.file)


def person(args: argparse.Namespace) -> str:
    """Who does it: who they say they are, or their name on this machine."""
    try:
        return printable(args.by or getpass.getuser())
    except (KeyError, OSError) as error:
        raise ConfigError("say who you are with --by NAME") from error


def run_list(args: argparse.Namespace) -> int:
    from model_monitor.jobs.listing import listed

    lines = list(listed(endpoint_of(args)))
    print("\n".join(map(printable, lines)) or "no incident is open, and no message waits")
    return OK


def run_snooze(args: argparse.Namespace) -> int:
    from model_monitor.jobs.acts import act
    from model_monitor.jobs.people import Act

    try:
        until = moment(args.until)
    except ValueError as error:
        raise ConfigError(f"--until: {error}") from error
    if until <= (now := datetime.now(UTC)):
        raise ConfigError(f"--until {args.until} is over; write a moment to come, in UTC unless it says else")
    done = Act(kind="snooze", at=iso(now), by=person(args), until=iso(until), why=args.why)
    print("\n".join(map(printable, act(endpoint_of(args), done, args.incident))))
    return OK


def run_mute(args: argparse.Namespace) -> int:
    from model_monitor.config.mutes import problem_of
    from model_monitor.jobs.acts import act
    from model_monitor.jobs.people import Act

    if not (args.column or args.check):
        raise ConfigError("name a --column, a --check, or both")
    endpoint = endpoint_of(args)
    if args.check and (problem := problem_of(args.check, endpoint.schedules)):
        raise ConfigError(f"--check: {problem}")
    try:
        until = date.fromisoformat(args.until) if args.until else None
    except ValueError as error:
        raise ConfigError(f"--until {args.until}: {error}; write it as 2026-01-31") from error
    now = datetime.now(UTC)
    if until and until <= now.date():
        raise ConfigError(f"--until {args.until} has come; write a day to come, on which people are told again")
    settings = {"column": args.column, "check": args.check, "until": until.isoformat() if until else ""}
    done = Act(kind="mute", at=iso(now), by=person(args), why=args.why, **settings)
    print("\n".join(map(printable, act(endpoint, done))))
    return OK


def run_close(args: argparse.Namespace) -> int:
    from model_monitor.jobs.closing import close

    print(printable(close(endpoint_of(args), args.incident, person(args), iso(datetime.now(UTC)), args.why)))
    return OK


def run_test(args: argparse.Namespace) -> int:
    """Messages go the way of all messages: only Airflow has the connections."""
    from model_monitor.jobs.acts import ask_for_test, progress

    endpoint = endpoint_of(args)
    numbers = ask_for_test(endpoint, person(args))
    print(f"{len(numbers)} messages wait for the DAG deliveries, which runs every five minutes; trigger it to send now")
    ends = time.monotonic() + args.wait
    while True:
        found = progress(endpoint, numbers)
        if time.monotonic() >= ends or all(one.state == "sent" or one.error for one in found):
            break
        time.sleep(LOOK_AGAIN)
    for message in found:
        print(printable(f"{message.destination}: {message.error or message.state}"))
    return OK if not args.wait or all(message.state == "sent" for message in found) else FAILED
