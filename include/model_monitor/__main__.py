"""The verbs from a shell: ``model-monitor validate | baseline | publish | run | schema``, without Airflow."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from model_monitor import __version__
from model_monitor.core.window import iso, moment
from model_monitor.errors import ConfigError, MonitorError, is_unicode, printable
from model_monitor.monitors.traits import BUILT_IN
from model_monitor.recorder.receiver import command as receive_command
from model_monitor.sagemaker.importing import command as import_sagemaker

OK, FAILED, WITH_VIOLATIONS, NOTHING_JUDGED = 0, 1, 3, 4
ENDPOINTS = "include/endpoints"


PROBLEMS = ("BinaryClassification", "MulticlassClassification", "Regression")
ATTRIBUTES = (
    ("problem-type", f"{{{','.join(PROBLEMS)}}}", "model-quality: which metrics there are"),
    ("inference-attribute", "NAME", "the predicted label or number: a name, index, JMESPath or JSONPath"),
    ("probability-attribute", "NAME", "the predicted probability, likewise"),
    ("probability-threshold-attribute", "NUMBER", "above it the positive label is predicted (0.5)"),
    ("ground-truth-attribute", "NAME", "the label (label): a column of a dataset, or where it is in label records"),
)
MODEL = (
    ("analysis-config", "FILE", "bias, attribution: SageMaker's analysis_config.json"),
    ("model", "ADDRESS", "attribution: a URL, sagemaker:NAME, python:DOTTED.PATH, or a file"),
    ("headers-from", "VARIABLE", "attribution: the environment variable with JSON headers"),
    ("background", "FILE", "attribution: rows that stand for an unknown feature"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command: 0 completed, 3 completed with violations, 4 nothing to judge, 1 failed, saying why on standard
    error."""
    try:
        args = understood(parser().parse_args(texts_of(sys.argv[1:] if arguments is None else arguments)))
        return int(args.command(args))
    except MonitorError as error:
        print(f"model-monitor: {printable(str(error))}", file=sys.stderr)
        return FAILED
    except ModuleNotFoundError as error:
        print(f"model-monitor: {error}; install the package with its extra 'analysis'", file=sys.stderr)
        return FAILED


def texts_of(arguments: Sequence[str]) -> Sequence[str]:
    """The arguments as they are. Raises ConfigError for bytes that are no text."""
    if odd := [text for text in arguments if not is_unicode(text)]:
        raise ConfigError(f"'{odd[0]}' is no text in UTF-8; rename the file, or correct the argument")
    return arguments


class Parser(argparse.ArgumentParser):
    """Tells what is wrong with the arguments as all else is told: in one line."""

    def error(self, message: str) -> NoReturn:
        raise ConfigError(f"{message} (see {self.prog} --help)")


def parser() -> Parser:
    top = Parser(prog="model-monitor", description="Do our models still work?")
    top.add_argument("--version", action="version", version=__version__)
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    validate = commands.add_parser("validate", help="check endpoint files")
    validate.add_argument("files", nargs="*", metavar="FILE", help=f"default: {ENDPOINTS}/*.yaml")
    validate.set_defaults(command=run_validate)

    schema = commands.add_parser("schema", help="print the JSON Schema of endpoint files, for editors")
    schema.set_defaults(command=run_schema)

    baseline = commands.add_parser("baseline", help="learn statistics.json and constraints.json from a dataset")
    add_common(baseline, ["csv", "jsonl", "parquet"])
    baseline.set_defaults(command=run_baseline)

    publish = commands.add_parser("publish", help="judge by a version of a schedule's baseline, edited or not")
    publish.add_argument("file", metavar="ENDPOINT_FILE")
    publish.add_argument("schedule", metavar="SCHEDULE")
    publish.add_argument("version", metavar="VERSION", help="the name of its folder")
    publish.set_defaults(command=run_publish)

    run = commands.add_parser("run", help="judge captured traffic or a dataset against a baseline")
    add_common(run, ["capture", "csv", "jsonl", "parquet"])
    suites = "a suite of Great Expectations that is judged too; may be repeated"
    run.add_argument("--expectations", action="append", default=[], metavar="FILE", help=suites)
    run.add_argument("--data-docs", action="store_true", help="also write its Data Docs page")
    run.add_argument("--start", metavar="ISO", help="first moment of the window, UTC unless it says otherwise")
    run.add_argument("--end", metavar="ISO", help="first moment after the window")
    run.add_argument("--statistics", metavar="FILE", help="the baseline's statistics.json")
    run.add_argument("--constraints", metavar="FILE", help="the baseline's constraints.json")
    run.add_argument("--ground-truth", metavar="DIR", help="labels of captured requests, as JSON lines")
    run.add_argument("--duplicates", choices=["all", "last"], default="all", help="of several labels for one request")
    run.add_argument("--minimum-coverage", type=share, default=0.0, metavar="SHARE", help="of requests with a label")
    run.set_defaults(command=run_run)
    export = commands.add_parser("export-suite", help="write learned constraints as a suite of Great Expectations")
    source = export.add_mutually_exclusive_group(required=True)
    source.add_argument("--constraints", metavar="FILE", help="the constraints.json of a data-quality baseline")
    source.add_argument("--schedule", metavar="NAME", help="a schedule whose baseline is in force")
    export.add_argument("--statistics", metavar="FILE", help="the statistics.json beside it, for chance and quantiles")
    export.add_argument("--file", metavar="ENDPOINT_FILE", help=f"of the schedule; default: found in {ENDPOINTS}")
    export.add_argument("--output", required=True, metavar="FILE", help="the suite")
    export.set_defaults(command=run_export_suite)
    import_sagemaker.add_to(commands)
    receive_command.add_to(commands)
    retention = commands.add_parser("retention", help="delete what is older than an endpoint's retention_days")
    retention.add_argument("file", metavar="ENDPOINT_FILE")
    words = "count from this moment, UTC unless it says else"
    retention.add_argument("--now", required=True, metavar="ISO", help=words)
    retention.add_argument("--dry-run", action="store_true", help="only say what would be deleted")
    retention.set_defaults(command=run_retention)
    return top


def add_common(command: argparse.ArgumentParser, formats: list[str]) -> None:
    named = ", ".join(name.replace("_", "-") for name in BUILT_IN)
    command.add_argument("monitor", metavar="MONITOR", help=f"{named}, or the dotted path of a monitor's class")
    command.add_argument("--dataset", required=True, metavar="FILE_OR_DIR")
    command.add_argument("--format", required=True, metavar=f"{{{','.join(formats)}}}", help="or SageMaker's JSON")
    command.set_defaults(formats=formats)
    command.add_argument("--header", action=argparse.BooleanOptionalAction, default=True, help="of a CSV dataset")
    command.add_argument("--output", required=True, metavar="DIR")
    command.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", help="a setting of the monitor")
    command.add_argument("--compatibility", choices=["calibrated", "sagemaker"], help="whose decisions to make")
    for flag, metavar, words in (*ATTRIBUTES, *MODEL):
        command.add_argument(f"--{flag}", metavar=metavar, help=words)
    command.add_argument("--trust", action="store_true", help="attribution: load a model's pickle, which is code")
    command.add_argument("--segment", action="append", default=[], metavar="COLUMN", help="judge its values apart, too")
    command.add_argument("--max-rejected", type=share, default=0.01, metavar="SHARE", help="of unreadable records")


def understood(args: argparse.Namespace) -> argparse.Namespace:
    """The arguments with a dataset's format as one word, however it was described. Raises ConfigError."""
    if not hasattr(args, "formats"):
        return args
    if args.format.startswith("{"):
        from model_monitor.config.fields import described

        try:
            args.format, args.header = described(json.loads(args.format))
        except (ValueError, RecursionError) as error:
            raise ConfigError(f"--format {args.format} is not JSON: {error}") from error
    if args.format not in args.formats:
        raise ConfigError(f"--format is one of {', '.join(args.formats)}, not {args.format}")
    return args


def share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"a share is a number from 0 to 1, not {text}")
    return value


def options_of(args: argparse.Namespace) -> dict[str, object]:
    """The monitor's settings: values are JSON, or text if they are not. Raises ConfigError."""
    values = {flag.replace("-", "_"): getattr(args, flag.replace("-", "_")) for flag, _, _ in ATTRIBUTES}
    options: dict[str, object] = {name: value for name, value in values.items() if value is not None}
    options |= {"compatibility": args.compatibility} if args.compatibility else {}
    for pair in args.option:
        name, equals, value = pair.partition("=")
        if not equals:
            raise ConfigError(f"--option takes NAME=VALUE, not {pair!r}")
        try:
            options[name] = json.loads(value)
        except (ValueError, RecursionError):
            options[name] = value
    return options


def run_validate(args: argparse.Namespace) -> int:
    """Check endpoint files and everything they name that can be checked without data."""
    from model_monitor import config

    files = args.files or sorted(map(str, Path(ENDPOINTS).glob("*.yaml")))
    if not files:
        raise ConfigError(f"no endpoint file in {ENDPOINTS}; name the files to check")
    endpoints, problems = config.load_all(map(Path, files))
    for path, endpoint in endpoints.items():
        if faults := config.problems_in(path, endpoint):
            problems += faults
        else:
            print(f"{path}: endpoint {endpoint.endpoint}, schedules {', '.join(s.name for s in endpoint.schedules)}")
    if problems:
        lines = [line for problem in problems for line in problem.split("\n")]
        print("model-monitor: " + "\n".join(map(printable, lines)), file=sys.stderr)
    return FAILED if problems else OK


def run_export_suite(args: argparse.Namespace) -> int:
    from model_monitor.jobs import export_suite

    for line in export_suite.run(args.constraints, args.statistics, args.schedule, args.file or ENDPOINTS, args.output):
        print(printable(line))
    return OK


def run_schema(args: argparse.Namespace) -> int:
    from model_monitor.config import Endpoint

    print(json.dumps(Endpoint.model_json_schema(), indent=2))
    return OK


def run_baseline(args: argparse.Namespace) -> int:
    from model_monitor.jobs import by_hand
    from model_monitor.results.execution import set_aside_in_short

    source = by_hand.Source(args.dataset, args.format, args.header)
    document = by_hand.baseline(question_of(args), source, args.output, args.max_rejected)
    print(printable(f"{args.output}: baseline of {document['counts']['judged']} rows{set_aside_in_short(document)}"))
    return OK


def run_publish(args: argparse.Namespace) -> int:
    from model_monitor import jobs, store
    from model_monitor.config.execution import Assignment

    assignment = Assignment.load(args.file, args.schedule)
    pointer = jobs.publish_baseline(assignment, store.join(assignment.baselines, args.version))
    print(printable(f"{pointer}: {args.schedule} is judged by version {args.version} as it is now"))
    return OK


def run_run(args: argparse.Namespace) -> int:
    from model_monitor.config.sections import GroundTruth
    from model_monitor.jobs import by_hand
    from model_monitor.results import execution

    truth = {"duplicates": args.duplicates, "minimum_coverage": args.minimum_coverage, "uri": args.ground_truth}
    source = by_hand.Source(
        args.dataset,
        args.format,
        args.header,
        by_hand.window_of(args.start, args.end),
        GroundTruth.model_validate(truth) if args.ground_truth else None,
    )
    baseline = args.statistics, args.constraints
    document = by_hand.run(question_of(args), source, baseline, args.output, args.max_rejected)
    rows = f"{document['counts']['judged']} rows{execution.captured_in_short(document.get('capture'))}"
    count = document["violations"]
    rest = execution.set_aside_in_short(document) + execution.undefined_in_short(document)
    rest += f". {document['reason']}" if document["reason"] else ""
    print(printable(f"{args.output}: {document['status']}, {rows}, {count} violations{rest}"))
    if count:
        return WITH_VIOLATIONS
    nothing = (execution.NO_DATA, execution.UNDEFINED, execution.LABELS_PENDING)
    return NOTHING_JUDGED if document["status"] in nothing else OK


def question_of(args: argparse.Namespace) -> Any:
    from model_monitor.config.monitors import traits_of
    from model_monitor.jobs.by_hand import Question, rules_at
    from model_monitor.sagemaker import analysis_config

    analysis, options = analysis_config.Analysis(), options_of(args)
    if args.analysis_config:
        analysis = analysis_config.at(args.analysis_config)
        for sentence in analysis.ignored:
            print(f"model-monitor: {args.analysis_config}: {sentence}", file=sys.stderr)
        options = analysis.options(args.monitor) | options
    explain = None
    if traits_of(args.monitor).needs_explanations:
        explain = analysis_config.explain_of(
            analysis.explain, args.model, args.background, args.headers_from, args.trust
        )
    inputs = analysis.columns.get("inputs", ())
    rules = rules_at(args.expectations, args.monitor) if hasattr(args, "expectations") else ()
    docs = hasattr(args, "data_docs") and args.data_docs
    if docs and not rules:
        raise ConfigError("--data-docs shows rules; give --expectations FILE too")
    return Question(args.monitor, options, tuple(args.segment), inputs, explain, analysis.headers, rules, docs)


def run_retention(args: argparse.Namespace) -> int:
    """A moment to come would delete what is younger than ``retention_days``: only a dry run may look ahead."""
    try:
        now = moment(args.now)
    except ValueError as error:
        raise ConfigError(f"--now {args.now}: {error}; write it as 2026-01-31T00:00:00Z") from error
    if now > datetime.now(UTC) and not args.dry_run:
        raise ConfigError(f"--now {iso(now)} is still to come; add --dry-run to see what would be deleted by then")
    from model_monitor import jobs

    print(jobs.delete_expired(args.file, now, args.dry_run)["message"])
    return OK


if __name__ == "__main__":
    sys.exit(main())
