"""``model-monitor baselines | publish``: which versions of a baseline there are, and by which one is judged."""

from __future__ import annotations

import argparse
import getpass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from model_monitor.commands import OK
from model_monitor.core.window import iso
from model_monitor.errors import MonitorError, printable

if TYPE_CHECKING:
    from model_monitor.config.execution import Assignment


def add_to(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the commands to those of ``model-monitor``."""
    look = commands.add_parser("baselines", help="list a schedule's baselines, or compare one with that in force")
    publish = commands.add_parser("publish", help="judge by a version of a schedule's baseline, edited or not")
    for command in (look, publish):
        command.add_argument("file", metavar="ENDPOINT_FILE")
    look.add_argument("schedule", metavar="SCHEDULE", nargs="?", help="all of the endpoint's without")
    publish.add_argument("schedule", metavar="SCHEDULE")
    words = "the name of its folder: what would change, and which of the last windows would flip"
    look.add_argument("version", metavar="VERSION", nargs="?", help=words)
    look.set_defaults(command=run_baselines)
    publish.add_argument("version", metavar="VERSION", help="the name of its folder")
    publish.add_argument("--why", default="", metavar="TEXT", help="the reason, which is kept beside the version")
    publish.set_defaults(command=run_publish)


def run_baselines(args: argparse.Namespace) -> int:
    """Looking changes nothing."""
    from model_monitor import jobs, store
    from model_monitor.config.execution import Assignment
    from model_monitor.config.files import load

    if args.version:
        assignment = Assignment.load(args.file, args.schedule)
        proposal = jobs.propose_baseline(assignment, store.join(assignment.baselines, args.version), compares=True)
        print(proposal.text)
    elif args.schedule:
        print(versions_of(Assignment.load(args.file, args.schedule)))
    else:
        endpoint = load(args.file)
        learning = [schedule for schedule in endpoint.schedules if not schedule.is_of_rules]
        parts = [f"{schedule.name}\n{versions_of(Assignment(endpoint, schedule))}" for schedule in learning]
        print("\n\n".join(parts) or f"no schedule of {endpoint.endpoint} learns a baseline")
    return OK


def versions_of(assignment: Assignment) -> str:
    """The versions of a schedule as a table, the oldest first."""
    from model_monitor.verdicts.proposal import Plain
    from model_monitor.verdicts.published import Published
    from model_monitor.verdicts.versions import names_of

    published = Published.find(assignment)
    rows = [row_of(assignment, name, published.name if published else None) for name in names_of(assignment)]
    rows.sort(key=lambda row: row[1])
    nothing = f"{assignment.schedule.name} has no versions yet"
    return Plain().table(("version", "learned", "rows", "decision"), rows) or nothing


def row_of(assignment: Assignment, name: str, in_force: str | None) -> list[str]:
    """A version in a row of the list; what is damaged does not hide the others."""
    from model_monitor.verdicts.versions import Version

    try:
        version = Version.read(assignment, name)
        decision = version.decision
    except MonitorError as error:
        return [name, "", "", printable(str(error))]
    told = str(decision.choice) if decision else "none yet"
    remarks = [*["in force"] * (name == in_force), *["edited since"] * version.is_edited]
    learned, rows = version.learned or "", str(version.description.get("rows", ""))
    return [name, learned, rows, printable(", ".join([told, *remarks]))]


def run_publish(args: argparse.Namespace) -> int:
    """Whoever runs it has decided, now."""
    from model_monitor import jobs
    from model_monitor.config.execution import Assignment
    from model_monitor.jobs.publish_baseline import in_force
    from model_monitor.results.decision import Choice
    from model_monitor.verdicts.published import Published
    from model_monitor.verdicts.versions import Version

    assignment = Assignment.load(args.file, args.schedule)
    version, current = Version.read(assignment, args.version), in_force(assignment)
    if current and current.digests == version.digests and not args.why:
        print(
            printable(f"{args.schedule} is judged by version {current.name} already; --why keeps a decision of yours")
        )
        return OK
    choice = Choice(by=user(), at=iso(datetime.now(UTC).replace(microsecond=0)), why=args.why)
    pointer = jobs.publish_baseline(assignment, version.folder, choice)
    published = Published.find(assignment)
    name = published.name if published else args.version
    of_its_own = "" if name == args.version else f", which is {args.version} as it was edited"
    print(printable(f"{pointer}: {args.schedule} is judged by version {name}{of_its_own}"))
    for sentence in jobs.learned_in(assignment, version.folder).sentences:
        print(f"  {sentence}")
    return OK


def user() -> str | None:
    """The name of the user who runs this process; None if the machine does not know it."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return None
