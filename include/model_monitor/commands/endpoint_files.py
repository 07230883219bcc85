"""``model-monitor validate | schema | export-suite | retention``: what is done with endpoint files."""

from __future__ import annotations

import argparse
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from model_monitor.commands import FAILED, OK
from model_monitor.core.window import iso, moment
from model_monitor.errors import ConfigError, printable
from model_monitor.history.places import VARIABLE, why_none

ENDPOINTS = "include/endpoints"


def add_to(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the commands to those of ``model-monitor``."""
    validate = commands.add_parser("validate", help="check endpoint files")
    validate.add_argument("files", nargs="*", metavar="FILE", help=f"default: {ENDPOINTS}/*.yaml")
    words = "also look whether captures, datasets, labels and scripts are there, and what there is instead"
    validate.add_argument("--check", action="store_true", help=words)
    validate.set_defaults(command=run_validate)

    schema = commands.add_parser("schema", help="print the JSON Schema of endpoint files, for editors")
    schema.set_defaults(command=run_schema)

    export = commands.add_parser("export-suite", help="write learned constraints as a suite of Great Expectations")
    source = export.add_mutually_exclusive_group(required=True)
    source.add_argument("--constraints", metavar="FILE", help="the constraints.json of a data-quality baseline")
    source.add_argument("--schedule", metavar="NAME", help="a schedule whose baseline is in force")
    export.add_argument("--statistics", metavar="FILE", help="the statistics.json beside it, for chance and quantiles")
    export.add_argument("--file", metavar="ENDPOINT_FILE", help=f"of the schedule; default: found in {ENDPOINTS}")
    export.add_argument("--output", required=True, metavar="FILE", help="the suite")
    export.set_defaults(command=run_export_suite)

    retention = commands.add_parser("retention", help="delete what is older than an endpoint's retention_days")
    retention.add_argument("file", metavar="ENDPOINT_FILE")
    words = "count from this moment, UTC unless it says else"
    retention.add_argument("--now", required=True, metavar="ISO", help=words)
    retention.add_argument("--dry-run", action="store_true", help="only say what would be deleted")
    retention.set_defaults(command=run_retention)


def run_validate(args: argparse.Namespace) -> int:
    """Check endpoint files and everything they name that can be checked without data; with ``--check`` the data too."""
    from model_monitor import config

    files = args.files or config.files_in(Path(ENDPOINTS))
    if not files:
        raise ConfigError(f"no endpoint file in {ENDPOINTS}; name the files to check")
    endpoints, problems = config.load_all(map(Path, files))
    if wrong := fault():
        problems.append(wrong)
    for path, endpoint in endpoints.items():
        if faults := config.problems_in(path, endpoint):
            problems += faults
        else:
            print(f"{path}: endpoint {endpoint.endpoint}, schedules {', '.join(s.name for s in endpoint.schedules)}")
            for notice in config.notices_in(endpoint, datetime.now(UTC).date()):
                print(printable(f"{path}: {notice}"))
            if why := why_none(endpoint):
                print(f"{path}: {why}")
            problems += looked_at(path, endpoint) if args.check else []
    if problems:
        lines = [line for problem in problems for line in problem.split("\n")]
        print("model-monitor: " + "\n".join(map(printable, lines)), file=sys.stderr)
    return FAILED if problems else OK


def looked_at(path: Path, endpoint: Any) -> list[str]:
    """Print what there is of all that a file names; what is not there."""
    from model_monitor.jobs.look import look

    found = look(endpoint)
    for one in found:
        if one.is_fine:
            print(printable(f"{path}: {one.place}: {one.words}"))
    return [f"{path}: {one.place}: {one.words}" for one in found if not one.is_fine]


def fault() -> str | None:
    """What is wrong with the URL of the history; None if nothing is, as far as one sees without asking it."""
    url = os.environ.get(VARIABLE)
    if not url:
        return None
    from model_monitor.history.database import History

    try:
        History.at(url)
    except ConfigError as error:
        return str(error)
    return None


def run_export_suite(args: argparse.Namespace) -> int:
    from model_monitor.jobs import export_suite

    for line in export_suite.run(args.constraints, args.statistics, args.schedule, args.file or ENDPOINTS, args.output):
        print(printable(line))
    return OK


def run_schema(args: argparse.Namespace) -> int:
    from model_monitor.config import Endpoint

    print(json.dumps(Endpoint.model_json_schema(), indent=2))
    return OK


def run_retention(args: argparse.Namespace) -> int:
    """A moment to come would delete what is younger than ``retention_days``: only a dry run may look ahead."""
    try:
        now = moment(args.now)
    except ValueError as error:
        raise ConfigError(f"--now: {error}") from error
    if now > datetime.now(UTC) and not args.dry_run:
        raise ConfigError(f"--now {iso(now)} is still to come; add --dry-run to see what would be deleted by then")
    from model_monitor import jobs

    print(jobs.delete_expired(args.file, now, args.dry_run)["message"])
    return OK
