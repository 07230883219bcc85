"""``model-monitor import-sagemaker``: a monitoring schedule of SageMaker becomes an endpoint file."""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_monitor.errors import ConfigError, MonitorError

if TYPE_CHECKING:
    from model_monitor.sagemaker.importing.document import Remarks
    from model_monitor.sagemaker.importing.endpoint_file import Import
    from model_monitor.sagemaker.importing.shapes import Json, Source

OPTIONS = (
    ("region", "REGION", "AWS region; else the environment's"),
    ("profile", "NAME", "profile of AWS credentials; else the environment's"),
    ("capture-uri", "URI", "folder above {endpoint}/{variant}; else as the endpoint's description says"),
    ("variant", "NAME", "whose requests are judged; else AllTraffic, else the endpoint's first"),
    ("endpoint", "NAME", "of batch transforms: what to call them; else as the schedule"),
    ("output", "URI", "folder for rows, states and reports; else beside SageMaker's reports"),
    ("ground-truth", "URI", "folder above yyyy/mm/dd/hh of labels; else as the job definition says"),
    ("model", "ADDRESS", "explainability: a URL, sagemaker:NAME, python:DOTTED.PATH, or a file"),
    ("copy-baselines", "DIR", "copy baselines and scripts from S3 into this folder, and name the copies"),
    ("write", "FILE", "write the endpoint file there; else print it"),
)


def add_to(commands: Any) -> None:
    """Add the command to those of ``model-monitor`` (what ``add_subparsers`` of argparse gives)."""
    command = commands.add_parser(
        "import-sagemaker",
        help="make an endpoint file of SageMaker monitoring schedules",
        description="Makes an endpoint file of SageMaker monitoring schedules; AWS is only asked, never changed.",
    )
    which = command.add_mutually_exclusive_group(required=True)
    which.add_argument("--schedule", action="append", metavar="NAME", help="a schedule in AWS; repeatable")
    words = "what `aws sagemaker describe-...` printed; AWS is asked for copies only"
    which.add_argument("--from-json", nargs="+", metavar="FILE", help=words)
    for flag, metavar, words in OPTIONS:
        command.add_argument(f"--{flag}", metavar=metavar, help=words)
    words = "bias, explainability: a copy of the analysis_config.json; repeatable"
    command.add_argument("--analysis-config", action="append", default=[], metavar="[SCHEDULE=]FILE", help=words)
    command.add_argument("--calibrated", action="store_true", help="decide by our default rules, not as SageMaker")
    command.add_argument("--force", action="store_true", help="replace files that are there")
    command.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    """Print or write the endpoint file, and say on standard error where to look and what has no counterpart."""
    from model_monitor.sagemaker.importing.document import plain

    target = Path(arguments.write) if arguments.write else None
    try:
        if target and target.exists() and not arguments.force:
            raise ConfigError(f"{target} is there already; give --force to replace it")
        importing, names = import_of(arguments, target)
        settings = importing.settings(names)
        importing.files.write(arguments.force)
        text = checked_text(settings, importing.remarks, target)
    except MonitorError as error:
        raise type(error)(plain(str(error))) from error
    show(settings, importing.remarks)
    if target is None:
        sys.stdout.write(text)
    return 0


def import_of(arguments: argparse.Namespace, target: Path | None) -> tuple[Import, list[str]]:
    """What the arguments ask for, and the names of the schedules. Raises ConfigError."""
    from model_monitor.sagemaker.importing.endpoint_file import Import, Wishes
    from model_monitor.sagemaker.importing.files import Files
    from model_monitor.sagemaker.importing.sources import Account, JsonFiles

    copies = arguments.copy_baselines
    if copies and "://" in copies:
        raise ConfigError(f"--copy-baselines {copies} is no local folder")
    account = Account(arguments.region, arguments.profile)
    source: Source = account
    names = arguments.schedule
    if arguments.from_json:
        source = json_files = JsonFiles.of(arguments.from_json)
        names = json_files.schedules
        if not names:
            words = "aws sagemaker describe-monitoring-schedule --monitoring-schedule-name NAME"
            raise ConfigError(f"no schedule is in the files; add what this prints: {words}")
    files = Files(
        account.content if arguments.schedule or copies else None,
        Path(copies) if copies else None,
        target.parent if target else None,
    )
    same = ("endpoint", "capture_uri", "variant", "output", "ground_truth", "model", "calibrated")
    analysis = dict(map(named_file, arguments.analysis_config))
    wishes = Wishes(analysis=analysis, **{name: getattr(arguments, name) for name in same})
    return Import(source, files, wishes), names


def named_file(argument: str) -> tuple[str, str]:
    """The schedule that a file is for, or "" for all; and the file."""
    from model_monitor.store.addresses import NAME

    name, equals, file = argument.partition("=")
    return (name, file) if equals and re.fullmatch(NAME, name) else ("", argument)


def checked_text(settings: Json, remarks: Remarks, target: Path | None) -> str:
    """The file's text, read as an endpoint file before it is at the target, if there is one. Raises ConfigError."""
    from model_monitor import config, store
    from model_monitor.sagemaker.importing.document import text_of

    text = text_of(settings, remarks)
    with (
        tempfile.TemporaryDirectory(prefix="model-monitor-") as folder,
        store.writing(str(target or Path(folder) / "endpoint.yaml")) as path,
    ):
        path.write_text(text, encoding="utf-8")
        endpoints, problems = config.load_all([path])
        for endpoint in endpoints.values():
            problems += config.problems_in(path, endpoint)
        if problems:
            lines = (line.replace(f"{path}:", "line ", 1) for text in problems for line in text.split("\n"))
            raise ConfigError(f"the schedule can't be judged here as it is: {'; '.join(lines)}")
    return text


def show(settings: Json, remarks: Remarks) -> None:
    names = [schedule["name"] for schedule in settings["schedules"]]
    for place, sentences in remarks.looks.items():
        at = f"{names[int(place[1])]}: {place[2]}" if place[0] == "schedules" else place[0]
        for sentence in sentences:
            print(f"model-monitor: look at {at}: {sentence}", file=sys.stderr)
    for sentence in remarks.listed():
        print(f"model-monitor: no counterpart: {sentence}", file=sys.stderr)
