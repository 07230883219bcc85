"""``model-monitor mark``: say of past windows that they are bad, or healthy, so that later ones are measured by it."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import Any

from model_monitor.commands import OK
from model_monitor.commands.alerts import person
from model_monitor.commands.named import named
from model_monitor.core.window import Window, iso
from model_monitor.errors import ConfigError, printable


def add_to(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command to those of ``model-monitor``."""
    words = "say that windows were bad, or healthy, whatever chance says: later ones are measured by it"
    command = commands.add_parser("mark", help=words)
    command.add_argument("place", metavar="ENDPOINT[/SCHEDULE]", help="the endpoint by its name or its file")
    command.add_argument("--start", metavar="ISO", help="from when on, UTC unless it says else")
    command.add_argument("--end", metavar="ISO", help="until when; all windows that have a part in it are meant")
    command.add_argument("--as", dest="says", choices=("bad", "healthy", "neither"), help="without it: list the marks")
    command.add_argument("--why", default="", metavar="TEXT", help="kept with it")
    command.add_argument("--by", default="", metavar="NAME", help="who you are; default: your name on this machine")
    command.set_defaults(command=run_mark)


def run_mark(args: argparse.Namespace) -> int:
    from model_monitor.config.execution import Assignment
    from model_monitor.jobs.marks import mark_windows, marks_of
    from model_monitor.results.marks import Mark

    file, schedules = named(args.place)
    assignments = [Assignment.load(file, name) for name in schedules]
    if args.says:
        done = Mark(span_of(args.start, args.end), args.says, person(args), printable(args.why))
        mark_windows(assignments[0].endpoint, schedules, done, iso(datetime.now(UTC)))
    elif args.start or args.end:
        raise ConfigError("say what the windows are: --as bad, healthy or neither")
    lines = [
        f"{one.schedule.name}: {made.span} is {made.says}, by {made.by}" + (f": {made.why}" if made.why else "")
        for one in assignments
        for made in marks_of(one).marks
    ]
    print("\n".join(map(printable, lines)) or "no window is marked")
    return OK


def span_of(start: str | None, end: str | None) -> Window:
    """Raises ConfigError for what is no span."""
    if not (start and end):
        raise ConfigError("say which windows: --start and --end")
    try:
        return Window.of(start, end)
    except ValueError as error:
        raise ConfigError(f"--start {start} --end {end}: {error}") from error
