"""``model-monitor publish``: which version of a baseline a schedule is judged by."""

from __future__ import annotations

import argparse
import getpass
from datetime import UTC, datetime
from typing import Any

from model_monitor.commands import OK
from model_monitor.core.window import iso
from model_monitor.errors import printable


def add_to(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the commands to those of ``model-monitor``."""
    publish = commands.add_parser("publish", help="judge by a version of a schedule's baseline, edited or not")
    publish.add_argument("file", metavar="ENDPOINT_FILE")
    publish.add_argument("schedule", metavar="SCHEDULE")
    publish.add_argument("version", metavar="VERSION", help="the name of its folder")
    publish.add_argument("--why", default="", metavar="TEXT", help="the reason, which is kept beside the version")
    publish.set_defaults(command=run_publish)


def run_publish(args: argparse.Namespace) -> int:
    """Whoever runs it has decided, now."""
    from model_monitor import jobs, store
    from model_monitor.config.execution import Assignment
    from model_monitor.results.decision import Choice
    from model_monitor.verdicts.published import Published

    assignment = Assignment.load(args.file, args.schedule)
    choice = Choice(by=user(), at=iso(datetime.now(UTC).replace(microsecond=0)), why=args.why)
    pointer = jobs.publish_baseline(assignment, store.join(assignment.baselines, args.version), choice)
    published = Published.find(assignment)
    name = published.name if published else args.version
    of_its_own = "" if name == args.version else f", which is {args.version} as it was edited"
    print(printable(f"{pointer}: {args.schedule} is judged by version {name}{of_its_own}"))
    return OK


def user() -> str | None:
    """The name of the user who runs this process; None if the machine does not know it."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return None
