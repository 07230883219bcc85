"""``model-monitor alarms``: the alarms in CloudWatch that follow from an endpoint's constraints."""

from __future__ import annotations

import argparse
from typing import Any

from model_monitor.commands import OK
from model_monitor.errors import printable


def add_to(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command to those of ``model-monitor``."""
    words = "show which alarms in CloudWatch follow from the constraints in force, and make them"
    alarms = commands.add_parser("alarms", help=words)
    alarms.add_argument("file", metavar="ENDPOINT_FILE")
    alarms.add_argument("--apply", action="store_true", help="change what differs; without it, it is only shown")
    alarms.set_defaults(command=run_alarms)


def run_alarms(args: argparse.Namespace) -> int:
    """Print the plan; carry it out if that is asked for."""
    from model_monitor.config.files import load
    from model_monitor.jobs.alarms import planned
    from model_monitor.jobs.alarms.account import Account

    endpoint = load(args.file)
    account = Account(endpoint.output)
    plan = planned(endpoint, account)
    for line in plan.lines():
        print(printable(line))
    if args.apply:
        plan.apply(account)
        print("done")
    elif not plan.is_empty:
        print("nothing was changed; add --apply")
    return OK
