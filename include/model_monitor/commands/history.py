"""``model-monitor history | reindex``: look at what was judged, and rebuild the database from the store."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_monitor.commands import FAILED, OK
from model_monitor.commands.endpoint_files import ENDPOINTS
from model_monitor.commands.named import is_file
from model_monitor.core.window import moment
from model_monitor.errors import ConfigError, DataError, MonitorError, printable
from model_monitor.history.places import NOTHING, VARIABLE, why_none

if TYPE_CHECKING:
    from model_monitor.config import Endpoint
    from model_monitor.config.execution import Assignment
    from model_monitor.history.database import History


def add_to(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the commands to those of ``model-monitor``."""
    look = commands.add_parser("history", help="show which windows were judged, what came of them, and what drifted")
    again = commands.add_parser("reindex", help="rebuild the history from the store")
    everything = f"default: all of {ENDPOINTS}/*.yaml"
    look.add_argument("names", nargs="*", metavar="ENDPOINT", help=f"an endpoint's name, or its file; {everything}")
    again.add_argument("names", nargs="*", metavar="FILE", help=f"endpoint files; {everything}")
    look.add_argument("--schedule", metavar="NAME", help="only of this schedule")
    look.add_argument("--metric", nargs="+", default=[], metavar="NAME", help="a column for each of these metrics")
    look.add_argument("--column", metavar="NAME", help="the numbers of this column of the data, instead of windows")
    look.add_argument("--since", metavar="ISO", help="only windows that start from this moment on, UTC")
    look.add_argument("--limit", type=positive, default=50, metavar="NUMBER", help="the newest so many windows (50)")
    look.add_argument("--json", action="store_true", help="all of it as JSON, for machines")
    look.add_argument("--parquet", metavar="DIR", help="write the views as Parquet files instead")
    look.add_argument("--tensorboard", metavar="DIR", help="write the metrics as curves of TensorBoard instead")
    look.add_argument("--upgrade", action="store_true", help="bring the database's schema up to date")
    look.set_defaults(command=run_history)
    again.set_defaults(command=run_reindex)


@dataclass(frozen=True)
class Asked:
    """An endpoint, by name, and the history that it is looked for in; None: all that there are."""

    history: History
    endpoint: str | None


def run_history(args: argparse.Namespace) -> int:
    since_of(args.since)
    if args.upgrade or args.parquet or args.tensorboard:
        return run_on_databases(args)
    from model_monitor.history import shown

    since, found, lines = since_of(args.since), [], []
    unknown: list[ConfigError] = []
    for one in asked(args.names, args.limit):
        with one.history.reading() as session:
            try:
                shown.refuse_unknown(session, one.endpoint, args.schedule, args.column)
            except ConfigError as error:
                unknown.append(error)
                continue
            about = session, one.endpoint, args.schedule, since
            if args.column is not None:
                lines.append(shown.column(session, args.column, *about[1:], args.limit))
            else:
                found.append(what_came(*about, args.limit))
    if unknown and not (lines or found):
        raise unknown[0]
    add_learned(found, args.names)
    print("\n".join(filter(None, lines)) or text_of(found, args.metric, args.json) or "no such window")
    return OK


def what_came(session: Any, endpoint: str | None, schedule: str | None, since: Any, limit: int) -> dict[str, Any]:
    """The open alerts and the newest windows of an endpoint."""
    from model_monitor.history import recent, shown

    about = session, endpoint, schedule, since
    return {"alerts": shown.alerts(*about), "schedules": recent.schedules(*about, limit)}


def text_of(found: list[dict[str, Any]], metrics: list[str], as_json: bool) -> str:
    """What came of windows, for people or for machines."""
    from model_monitor.history import windows_table

    alerts = [line for one in found for line in one["alerts"]]
    schedules = [schedule for one in found for schedule in one["schedules"]]
    if as_json:
        return json.dumps({"alerts": alerts, "schedules": schedules}, indent=1, allow_nan=False)
    tables = ["\n".join(windows_table.lines(schedule, metrics)) for schedule in schedules]
    return "\n\n".join(filter(None, ["\n".join(alerts), *tables]))


def add_learned(found: list[dict[str, Any]], names: list[str]) -> None:
    """Add the baseline's numbers to schedules whose endpoint file is known."""
    wanted = {
        (one["endpoint"], one["schedule"]): one for entry in found for one in entry["schedules"] if one["windows"]
    }
    if not wanted:
        return
    from model_monitor.config.execution import Assignment

    for endpoint in known_endpoints(names):
        for schedule in endpoint.schedules:
            if one := wanted.get((endpoint.endpoint, schedule.name)):
                one["monitor"] = schedule.monitor
                try:
                    numbers = learned_numbers(Assignment(endpoint, schedule))
                except MonitorError as error:
                    complain(f"{schedule.name}: its baseline can't be read: {error}")
                    continue
                if numbers:
                    one["baseline"] = {"version": None, "rows": None} | (one["baseline"] or {}) | {"metrics": numbers}


def learned_numbers(assignment: Assignment) -> list[dict[str, Any]]:
    """The numbers of a schedule's baseline that its constraints compare with, named as those of windows."""
    from model_monitor.core.constraints import Between
    from model_monitor.verdicts.baseline import Baseline

    return [
        {
            "metric": constraint.measure,
            "column": constraint.subject.column,
            "segment": dict(constraint.subject.segment),
            "value": constraint.bound.drawn.value,
        }
        for constraint in Baseline.of(assignment).constraints(assignment.monitor)
        if isinstance(constraint.bound, Between) and constraint.bound.drawn
    ]


def known_endpoints(names: list[str]) -> list[Endpoint]:
    """The endpoints of the files among names, else of all files in the folder that can be read."""
    from model_monitor import config

    files = [Path(name) for name in names if is_file(name)] or config.files_in(Path(ENDPOINTS))
    return list(config.load_all(files)[0].values())


def asked(names: list[str], limit: int) -> Iterator[Asked]:
    """What is named, each with its history: its database, else its newest reports, read into memory. Raises
    ConfigError, StoreError."""
    from model_monitor.history.database import History

    wanted = [name for name in names if not is_file(name)]
    files = [name for name in names if is_file(name)]
    if (url := os.environ.get(VARIABLE)) and not files and History.at(url).revision is not None:
        yield from (Asked(History.at(url), name) for name in wanted or (None,))
        return
    endpoints = list(endpoints_in(files))
    if missing := set(wanted) - {endpoint.endpoint for endpoint in endpoints}:
        known = ", ".join(sorted({endpoint.endpoint for endpoint in endpoints}))
        raise ConfigError(f"no such endpoint: {min(missing)}; {' '.join(files) or ENDPOINTS} has {known}")
    for endpoint in endpoints:
        if not wanted or endpoint.endpoint in wanted:
            yield Asked(history_of(endpoint, limit), endpoint.endpoint)


def history_of(endpoint: Endpoint, limit: int) -> History:
    """An endpoint's database, else its newest reports in memory; looking makes no file."""
    from model_monitor.history.database import History
    from model_monitor.history.reindex import from_reports

    if why_none(endpoint) is None and (own := History.of(endpoint)) and own.revision is not None:
        return own
    history, rebuilt = from_reports(endpoint, limit)
    complain(f"{endpoint.endpoint}: no history is kept yet; this is what its newest reports say", *rebuilt.problems)
    return history


def complain(*problems: str) -> None:
    for problem in problems:
        print(printable(f"model-monitor: {problem}"), file=sys.stderr)


def run_on_databases(args: argparse.Namespace) -> int:
    """Upgrade the databases, or write them as files."""
    databases = histories([name for name in args.names if is_file(name)])
    if len(databases) > 1 and (args.parquet or args.tensorboard):
        raise ConfigError(f"these endpoints have {len(databases)} histories; write each into a folder of its own")
    for history in databases:
        if args.upgrade and history.exists:
            history.upgrade()
            print(printable(f"{history.name}: the schema is up to date"))
        elif history.revision is None:
            print(printable(f"{history.name}: {NOTHING}"))
        else:
            print(exported(history, args))
    return OK


def exported(history: History, args: argparse.Namespace) -> str:
    """What was written, as a text. Raises StoreError."""
    from model_monitor.history import export

    with history.reading() as session:
        if args.parquet:
            return "\n".join(map(printable, export.to_parquet(session, args.parquet)))
        return f"{args.tensorboard}: {export.to_tensorboard(session, args.tensorboard)} points"


def positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is no number of windows; write 1 or more")
    return int(text)


def since_of(text: str | None) -> Any:
    try:
        return moment(text) if text else None
    except ValueError as error:
        raise ConfigError(f"--since: {error}") from error


def run_reindex(args: argparse.Namespace) -> int:
    """Problems with single files are told, and the rest is rebuilt."""
    from model_monitor.history.database import History
    from model_monitor.history.reindex import rebuild
    from model_monitor.jobs.recall import rebuild_alerts

    problems = []
    for endpoint in endpoints_in(args.names):
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


def histories(files: list[str]) -> list[History]:
    """The databases of endpoint files. Raises ConfigError for an endpoint that has none."""
    from model_monitor.history.database import History

    if (url := os.environ.get(VARIABLE)) and not files:
        return [History.at(url)]
    found: dict[str, History] = {}
    for endpoint in endpoints_in(files):
        if (history := History.of(endpoint)) is None:
            raise ConfigError(why_none(endpoint) or "")
        found[history.name] = history
    return list(found.values())


def endpoints_in(files: list[str]) -> Iterator[Endpoint]:
    from model_monitor import config

    paths = config.without_defaults(map(Path, files)) if files else config.files_in(Path(ENDPOINTS))
    if not paths:
        raise ConfigError(f"no endpoint file in {' '.join(files) or ENDPOINTS}; name the files")
    yield from map(config.load, paths)
