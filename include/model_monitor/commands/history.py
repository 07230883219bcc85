"""``model-monitor history | reindex``: look at what was judged, and rebuild the database from the store."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_monitor.commands import FAILED, OK
from model_monitor.commands.endpoint_files import ENDPOINTS
from model_monitor.core.window import moment
from model_monitor.errors import ConfigError, DataError, printable
from model_monitor.history.places import NOTHING, VARIABLE, why_none

if TYPE_CHECKING:
    from model_monitor.config import Endpoint
    from model_monitor.history.database import History


def add_to(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the commands to those of ``model-monitor``."""
    look = commands.add_parser("history", help="show which windows were judged, and what came of them")
    again = commands.add_parser("reindex", help="rebuild the history from the store")
    for command in (look, again):
        command.add_argument("files", nargs="*", metavar="FILE", help=f"endpoint files; default: {ENDPOINTS}/*.yaml")
    look.add_argument("--endpoint", metavar="NAME", help="only of this endpoint")
    look.add_argument("--schedule", metavar="NAME", help="only of this schedule")
    look.add_argument("--column", metavar="NAME", help="the numbers of this column, instead of windows")
    look.add_argument("--since", metavar="ISO", help="only windows that start from this moment on, UTC")
    look.add_argument("--limit", type=positive, default=50, metavar="NUMBER", help="the newest so many windows (50)")
    look.add_argument("--parquet", metavar="DIR", help="write the views as Parquet files instead")
    look.add_argument("--tensorboard", metavar="DIR", help="write the metrics as curves of TensorBoard instead")
    look.add_argument("--upgrade", action="store_true", help="bring the database's schema up to date")
    look.set_defaults(command=run_history)
    again.set_defaults(command=run_reindex)


def run_history(args: argparse.Namespace) -> int:
    since_of(args.since)
    found = histories(args.files)
    if len(found) > 1 and (args.parquet or args.tensorboard):
        raise ConfigError(f"these endpoints have {len(found)} histories; write each into a folder of its own")
    for history, names in found.items():
        if args.upgrade and history.exists:
            history.upgrade()
            print(printable(f"{history.name}: the schema is up to date"))
        elif history.revision is None:
            print(printable(f"{history.name}: {NOTHING}"))
        else:
            print(answer(history, args, [args.endpoint] if args.endpoint or not args.files else names))
    return OK


def answer(history: History, args: argparse.Namespace, endpoints: list[str | None]) -> str:
    """What was asked for of endpoints (None: of all), as a text. Raises ConfigError, StoreError."""
    from model_monitor.history import export, shown

    with history.reading() as session:
        if args.parquet:
            return "\n".join(map(printable, export.to_parquet(session, args.parquet)))
        if args.tensorboard:
            return f"{args.tensorboard}: {export.to_tensorboard(session, args.tensorboard)} points"
        shown.refuse_unknown(session, args.endpoint, args.schedule, args.column)
        filters = args.schedule, since_of(args.since), args.limit
        if args.column is not None:
            texts = [shown.column(session, args.column, name, *filters) for name in endpoints]
        else:
            texts = [shown.overview(session, name, *filters) for name in endpoints]
        return "\n".join(filter(None, texts)) or "no such window"


def positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is no number of windows; write 1 or more")
    return int(text)


def since_of(text: str | None) -> Any:
    try:
        return moment(text) if text else None
    except ValueError as error:
        raise ConfigError(f"--since {text}: {error}; write it as 2026-01-31T00:00:00Z") from error


def run_reindex(args: argparse.Namespace) -> int:
    """Problems with single files are told, and the rest is rebuilt."""
    from model_monitor.history.database import History
    from model_monitor.history.reindex import rebuild
    from model_monitor.jobs.recall import rebuild_alerts

    problems = []
    for endpoint in endpoints_in(args.files):
        if (history := History.of(endpoint)) is None:
            raise ConfigError(why_none(endpoint) or "")
        rebuilt = rebuild(history, endpoint)
        gone = f", {rebuilt.gone} without a report deleted" if rebuilt.gone else ""
        try:
            rebuilt.incidents = rebuild_alerts(history, endpoint)
        except (ConfigError, DataError) as error:
            rebuilt.problems.append(str(error))
        counts = f"{rebuilt.executions} executions, {rebuilt.baselines} versions of baselines, "
        counts += f"{rebuilt.incidents} incidents{gone}"
        print(printable(f"{endpoint.endpoint}: {counts} in {history.name}"))
        problems += rebuilt.problems
    for problem in problems:
        print(printable(f"model-monitor: {problem}"), file=sys.stderr)
    return FAILED if problems else OK


def histories(files: list[str]) -> dict[History, list[str | None]]:
    """The databases of endpoint files, each with the names of their endpoints. Raises ConfigError for an endpoint that
    has none."""
    from model_monitor.history.database import History

    if (url := os.environ.get(VARIABLE)) and not files:
        return {History.at(url): []}
    found: dict[str, tuple[History, list[str | None]]] = {}
    for endpoint in endpoints_in(files):
        if (history := History.of(endpoint)) is None:
            raise ConfigError(why_none(endpoint) or "")
        found.setdefault(history.name, (history, []))[1].append(endpoint.endpoint)
    return dict(found.values())


def endpoints_in(files: list[str]) -> Iterator[Endpoint]:
    from model_monitor import config

    paths = config.without_defaults(map(Path, files)) if files else config.files_in(Path(ENDPOINTS))
    if not paths:
        raise ConfigError(f"no endpoint file in {' '.join(files) or ENDPOINTS}; name the files")
    yield from map(config.load, paths)
