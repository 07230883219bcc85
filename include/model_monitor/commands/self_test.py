"""``model-monitor self-test``: would a schedule notice what usually goes wrong? Nothing is written."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from model_monitor.commands import OK
from model_monitor.commands.history import positive
from model_monitor.commands.named import named
from model_monitor.core.window import iso
from model_monitor.errors import MonitorError, printable

if TYPE_CHECKING:
    from model_monitor.jobs.self_test.trials import SelfTest, Trial

NAMED = 5  # columns in a cell of the table; the rest is counted


def add_to(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command to those of ``model-monitor``."""
    words = "put faults into copies of past windows: which does a schedule notice, and after how many windows?"
    command = commands.add_parser("self-test", help=words)
    command.add_argument("place", metavar="ENDPOINT[/SCHEDULE]", help="the endpoint by its name or its file")
    command.add_argument("--windows", type=positive, default=24, metavar="NUMBER", help="the last so many (24)")
    command.add_argument("--columns", type=positive, default=30, metavar="NUMBER", help="the first so many (30)")
    command.add_argument("--json", action="store_true", help="all of it as JSON, for machines")
    command.set_defaults(command=run_self_test)


def run_self_test(args: argparse.Namespace) -> int:
    """Whatever is found is a result; a schedule that can't be tried does not hide the others."""
    from model_monitor.config.execution import Assignment
    from model_monitor.jobs.self_test.trials import SelfTest, self_test

    file, schedules = named(args.place)
    found = []
    for name in schedules:
        assignment = Assignment.load(file, name)
        try:
            found.append(self_test(assignment, args.windows, args.columns))
        except MonitorError as error:
            found.append(SelfTest(name, assignment.schedule.monitor, reason=str(error)))
    print(json.dumps(list(map(document, found)), indent=1) if args.json else "\n\n".join(map(text_of, found)))
    return OK


def document(found: SelfTest) -> dict[str, Any]:
    windows = [{"start": iso(window.start), "end": iso(window.end)} for window in found.windows]
    return asdict(found) | {"windows": windows}


def text_of(found: SelfTest) -> str:
    """A line for each kind of fault."""
    from model_monitor.jobs.self_test.trials import by_kind
    from model_monitor.verdicts.proposal import Plain

    head = f"{found.schedule} ({found.monitor})"
    if found.reason:
        return printable(f"{head}: nothing was tried: {found.reason}")
    form, rows = Plain(NAMED), []
    for kind, trials in by_kind(found).items():
        after = sorted(trial.caught_after for trial in trials if trial.caught_after is not None)
        missed = form.codes([words_of(trial) for trial in trials if trial.caught_after is None])
        caught = f"{len(after)} of {len(trials)}" if trials else "does not apply"
        rows.append((kind, caught, in_windows(after), missed))
    span = f"{iso(found.windows[0].start)}/{iso(found.windows[-1].end)}"
    untried = f", {found.untried} columns left out (--columns)" if found.untried else ""
    table = Plain(None).table(("fault", "caught", "after windows", "not caught in"), rows)
    return f"{head}: {len(found.windows)} windows of {span}{untried}\n{table}"


def in_windows(after: list[int]) -> str:
    """After how many windows faults were caught: the same for all, or the first to the last."""
    return "" if not after else f"{after[0]}" if after[0] == after[-1] else f"{after[0]} to {after[-1]}"


def words_of(trial: Trial) -> str:
    """The columns of a fault that was not caught."""
    return " and ".join(trial.columns) + " (violated without it)" * trial.masked
