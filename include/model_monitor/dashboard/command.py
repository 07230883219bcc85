"""``model-monitor dashboard``: the pages of the dashboard as files, to be put on a web server or sent by mail."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_monitor.errors import ConfigError, DataError, printable
from model_monitor.history.places import why_none

if TYPE_CHECKING:
    from model_monitor.config import Endpoint
    from model_monitor.history.database import History

ENDPOINTS = "include/endpoints"
TIME_LINE = 60  # windows that pages show over time


def add_to(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command to those of ``model-monitor``."""
    site = commands.add_parser("dashboard", help="write the pages of the dashboard as a static site, for reading only")
    site.add_argument("files", nargs="*", metavar="FILE", help=f"endpoint files; default: all of {ENDPOINTS}/*.yaml")
    site.add_argument("--output", required=True, metavar="DIR", help="a new folder, or an earlier output")
    words = "pages of the newest so many windows of each schedule (10)"
    site.add_argument("--executions", type=positive, default=10, metavar="NUMBER", help=words)
    site.add_argument("--pages", type=positive, default=5000, metavar="NUMBER", help="at most so many pages (5000)")
    site.set_defaults(command=run_dashboard)


def run_dashboard(args: argparse.Namespace) -> int:
    """What can't be shown is said on its page, or on standard error."""
    from model_monitor import config
    from model_monitor.dashboard.links import Links
    from model_monitor.dashboard.site import copy_pages
    from model_monitor.dashboard.site_folder import replaced
    from model_monitor.dashboard.visit import Everybody, Visit

    paths = config.without_defaults(map(Path, args.files)) if args.files else config.files_in(Path(ENDPOINTS))
    if not paths:
        raise ConfigError(f"no endpoint file in {' '.join(args.files) or ENDPOINTS}; name the files")
    files = {path: config.load(path) for path in paths}
    histories = {named(one): history_of(one, max(TIME_LINE, args.executions)) for one in files.values()}
    visit = Visit(Everybody(), files, datetime.now(UTC), Links(), lambda endpoint: histories[named(endpoint)])
    folder = Path(args.output)
    with replaced(folder) as new:
        copied = copy_pages(visit, new, args.executions, args.pages)
    print(printable(f"{copied.pages} pages; open {folder / 'index.html'}"))
    if copied.left_out:
        complain(
            f"{copied.left_out} pages are left out, their links are plain text; --executions and --pages give more"
        )
    return 0


def named(endpoint: Endpoint) -> tuple[str, str]:
    return endpoint.endpoint, endpoint.variant


def history_of(endpoint: Endpoint, newest: int) -> History:
    """An endpoint's database, else what its newest reports say, with its alerts, in memory. Raises StoreError."""
    from model_monitor.history.database import History
    from model_monitor.history.reindex import from_reports
    from model_monitor.jobs.recall import rebuild_alerts

    if why_none(endpoint) is None and (own := History.of(endpoint)) and own.revision is not None:
        return own
    history, rebuilt = from_reports(endpoint, newest)
    try:
        rebuild_alerts(history, endpoint)
    except (ConfigError, DataError) as error:
        rebuilt.problems.append(str(error))
    complain(f"{endpoint.endpoint}: no history is kept; the pages show what its newest reports say", *rebuilt.problems)
    return history


def complain(*problems: str) -> None:
    for problem in problems:
        print(printable(f"model-monitor: {problem}"), file=sys.stderr)


def positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is no number; write 1 or more")
    return int(text)
