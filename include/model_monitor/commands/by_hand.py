"""``model-monitor baseline | run``: learn from a dataset, and judge captures or a dataset, without an endpoint file, or
a window of a schedule of one."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from model_monitor.commands import NOTHING_JUDGED, OK, WITH_VIOLATIONS
from model_monitor.commands.named import YAML
from model_monitor.errors import ConfigError, printable
from model_monitor.monitors.traits import BUILT_IN

FORMATS = ["capture", "csv", "jsonl", "parquet"]
USAGE = """model-monitor run MONITOR --dataset FILE_OR_DIR --output DIR [option ...]
       model-monitor run ENDPOINT_FILE SCHEDULE --start ISO --end ISO --output DIR [--labels-until ISO]"""
OF_SCHEDULES = (
    "command",
    "monitor",
    "schedule",
    "start",
    "end",
    "output",
    "labels_until",
    "headers_from",
    "html",
    "spark",
)
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


def add_to(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the two commands to those of ``model-monitor``."""
    words = "learn statistics.json and constraints.json from a dataset or captured traffic"
    baseline = commands.add_parser("baseline", help=words)
    add_common(baseline, FORMATS)
    baseline.set_defaults(command=run_baseline)

    words = "judge captured traffic or a dataset against a baseline, or a window as a schedule does"
    run = commands.add_parser("run", help=words, usage=USAGE)
    add_common(run, FORMATS)
    run.add_argument("schedule", metavar="SCHEDULE", nargs="?", help="after an endpoint file: one of its schedules")
    until = "of a schedule: only labels collected before this moment count"
    run.add_argument("--labels-until", metavar="ISO", help=until)
    suites = "a suite of Great Expectations that is judged too; may be repeated"
    run.add_argument("--expectations", action="append", default=[], metavar="FILE", help=suites)
    run.add_argument("--data-docs", action="store_true", help="also write its Data Docs page")
    run.add_argument("--html", action="store_true", help="also write report.html, a page for people")
    run.add_argument("--start", metavar="ISO", help="first moment of the window, UTC unless it says otherwise")
    run.add_argument("--end", metavar="ISO", help="first moment after the window")
    run.add_argument("--statistics", metavar="FILE", help="the baseline's statistics.json")
    run.add_argument("--constraints", metavar="FILE", help="the baseline's constraints.json")
    add_of_labels(run)
    add_of_requests(run)
    run.set_defaults(command=run_run, default_of=run.get_default)


def add_of_labels(command: argparse.ArgumentParser) -> None:
    """Add where the labels of captured requests are: what an endpoint file says under ground_truth."""
    words = "labels of captured requests: label records, or a table with --label-id and --label-column"
    command.add_argument("--ground-truth", metavar="FILE_OR_DIR", help=words)
    command.add_argument("--label-id", metavar="COLUMN", help="of a table of labels: names the request")
    command.add_argument("--label-column", metavar="COLUMN", help="of a table of labels: the label")
    command.add_argument("--label-time", metavar="COLUMN", help="of a table of labels: when it became known")
    command.add_argument("--duplicates", choices=["all", "last"], default="all", help="of several labels of a request")
    command.add_argument(
        "--minimum-coverage", type=share, default=0.0, metavar="SHARE", help="of requests with a label"
    )


def truth_of(args: argparse.Namespace) -> Any:
    """Where labels are; None if nowhere. Raises ConfigError."""
    from model_monitor.config.sections import GroundTruth
    from model_monitor.config.words import valid

    columns = {"id": args.label_id, "label": args.label_column, "event_time": args.label_time}
    named = {name: column for name, column in columns.items() if column is not None}
    if named and not (args.ground_truth and args.label_id and args.label_column):
        raise ConfigError("a table of labels needs --ground-truth, --label-id and --label-column")
    if not args.ground_truth:
        return None
    truth = {"duplicates": args.duplicates, "minimum_coverage": args.minimum_coverage, "uri": args.ground_truth}
    return valid(GroundTruth, truth | ({"mapping": named} if named else {}))


def add_of_requests(command: argparse.ArgumentParser) -> None:
    """Add how captured requests become rows: what an endpoint file says under columns, capture, preprocess."""
    names = "names of the values of captured CSV, after those of the answer"
    command.add_argument("--outputs", type=listed, default=(), metavar="NAME,...", help="of the values of CSV answers")
    command.add_argument("--inputs", type=listed, default=(), metavar="NAME,...", help=names)
    for form in ("json", "csv"):
        words = f"of payloads in BASE64 that are {form.upper()} all the same; may be repeated"
        command.add_argument(f"--{form}-content-type", action="append", default=[], metavar="TYPE", help=words)
    command.add_argument("--preprocess", metavar="FILE", help="Python with preprocess_handler(inference_record)")
    command.add_argument("--sort-columns", action="store_true", help="of its rows by name, as SageMaker does")
    words = "whether a record on which it raises fails the run or is set aside"
    command.add_argument("--on-error", choices=["fail", "drop"], default="fail", help=words)
    command.add_argument("--postprocess", metavar="FILE", help="Python with postprocess_handler()")


def listed(text: str) -> tuple[str, ...]:
    """Names with commas between them; one that has a comma is in double quotes, as in CSV."""
    return tuple(next(csv.reader([text]), []))


def requests_of(args: argparse.Namespace) -> Any:
    """How captured requests become rows. Raises ConfigError."""
    from model_monitor.config.sections import Preprocess
    from model_monitor.jobs.by_hand import Requests

    if not hasattr(args, "preprocess"):
        return Requests()
    if args.preprocess is None and (args.sort_columns or args.on_error != "fail"):
        raise ConfigError("--sort-columns and --on-error are about --preprocess FILE; give it too")
    script = args.preprocess and Preprocess.model_construct(
        script=args.preprocess, on_error=args.on_error, sort_columns=args.sort_columns
    )
    json_types, csv_types = (tuple(map(str.lower, kinds)) for kinds in (args.json_content_type, args.csv_content_type))
    return Requests(args.outputs, args.inputs, json_types, csv_types, script or None, args.postprocess)


def add_common(command: argparse.ArgumentParser, formats: list[str]) -> None:
    named = ", ".join(name.replace("_", "-") for name in BUILT_IN)
    command.add_argument("monitor", metavar="MONITOR", help=f"{named}, or the dotted path of a monitor's class")
    command.add_argument("--dataset", metavar="FILE_OR_DIR")
    words = "recognised if absent; or SageMaker's JSON"
    command.add_argument("--format", metavar=f"{{{','.join(formats)}}}", help=words)
    command.set_defaults(formats=formats)
    command.add_argument("--header", action=argparse.BooleanOptionalAction, default=True, help="of a CSV dataset")
    command.add_argument("--separator", metavar="CHARACTER", help="of a CSV dataset, e.g. ';' or tab; recognised")
    command.add_argument("--exclude", action="append", default=[], metavar="COLUMN", help="not judged, nor read")
    command.add_argument("--output", required=True, metavar="DIR")
    command.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", help="a setting of the monitor")
    command.add_argument("--compatibility", choices=["calibrated", "sagemaker"], help="whose decisions to make")
    for flag, metavar, words in (*ATTRIBUTES, *MODEL):
        command.add_argument(f"--{flag}", metavar=metavar, help=words)
    command.add_argument("--trust", action="store_true", help="attribution: load a model's pickle, which is code")
    command.add_argument("--segment", action="append", default=[], metavar="COLUMN", help="judge its values apart, too")
    command.add_argument("--spark", metavar="URL", help="read and observe on this cluster: sc://..., local[2], ...")
    command.add_argument("--max-rejected", type=share, default=0.01, metavar="SHARE", help="of unreadable records")


def understood(args: argparse.Namespace) -> argparse.Namespace:
    """The arguments with a dataset's format as one word, however it was described. Raises ConfigError."""
    if not hasattr(args, "formats") or getattr(args, "schedule", None):
        return args
    if args.dataset is None and "schedule" in args and args.monitor.endswith(YAML):
        from model_monitor.config import load

        names = ", ".join(schedule.name for schedule in load(args.monitor).schedules)
        raise ConfigError(f"name the schedule of {args.monitor}, too: {names}")
    if args.dataset is None:
        raise ConfigError("give --dataset" + ", or an endpoint file and a schedule" * ("schedule" in args))
    if args.separator is not None or not args.format:
        from model_monitor.rows.sources import datasets, forms

        try:
            forms.separator_of(args.separator)
        except ValueError as error:
            raise ConfigError(f"--{error}") from error
        args.format = args.format or datasets.format_at(args.dataset)
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
    """The monitor's settings. Raises ConfigError."""
    from model_monitor.config.trial import value_of

    values = {flag.replace("-", "_"): getattr(args, flag.replace("-", "_")) for flag, _, _ in ATTRIBUTES}
    options: dict[str, object] = {name: value for name, value in values.items() if value is not None}
    options |= {"compatibility": args.compatibility} if args.compatibility else {}
    for pair in args.option:
        name, equals, value = pair.partition("=")
        if not equals:
            raise ConfigError(f"--option takes NAME=VALUE, not {pair!r}")
        options[name] = value_of(value)
    return options


def run_baseline(args: argparse.Namespace) -> int:
    from model_monitor.jobs import by_hand
    from model_monitor.results.execution import set_aside_in_short

    source = by_hand.Source(args.dataset, args.format, args.header, separator=args.separator)
    document, learned = by_hand.baseline(question_of(args), source, args.output, args.max_rejected)
    print(printable(f"{args.output}: baseline of {document['counts']['judged']} rows{set_aside_in_short(document)}"))
    for sentence in learned.sentences:
        print(f"  {sentence}")
    return OK


def run_run(args: argparse.Namespace) -> int:
    return run_schedule(args) if args.schedule else run_rows(args)


def run_schedule(args: argparse.Namespace) -> int:
    """Judge a window as the schedule of an endpoint file does; only the report is written, and nobody is told."""
    from model_monitor.config.engine import Cluster
    from model_monitor.config.execution import Assignment
    from model_monitor.core.window import moment
    from model_monitor.jobs import by_hand, rehearse
    from model_monitor.jobs.since import sentences_since
    from model_monitor.rows.explanations.endpoints import named_headers
    from model_monitor.rows.explanations.models import Exchange

    others = [name for name, value in vars(args).items() if name not in OF_SCHEDULES and value != args.default_of(name)]
    if others:
        raise ConfigError(f"--{others[0].replace('_', '-')} is not for a schedule, whose settings are in its file")
    assignment, window = Assignment.load(args.monitor, args.schedule), by_hand.window_of(args.start, args.end)
    assignment = assignment.observed_on(Cluster(args.spark)) if args.spark else assignment
    if window is None:
        raise ConfigError("a schedule's window needs --start and --end")
    try:
        until = moment(args.labels_until) if args.labels_until else None
    except ValueError as error:
        raise ConfigError(f"--labels-until: {error}") from error
    headers = named_headers(Exchange(headers_from=args.headers_from))
    execution = assignment.on(window)
    document = rehearse(execution, args.output, until, headers)
    return told(args.output, document, sentences_since(execution, document))


def run_rows(args: argparse.Namespace) -> int:
    from model_monitor.jobs import by_hand

    source = by_hand.Source(
        args.dataset,
        args.format,
        args.header,
        by_hand.window_of(args.start, args.end),
        truth_of(args),
        args.separator,
    )
    baseline = args.statistics, args.constraints
    return told(args.output, by_hand.run(question_of(args), source, baseline, args.output, args.max_rejected))


def told(output: str, document: dict[str, Any], sentences: Sequence[str] | None = None) -> int:
    """Print what came of a window, with ``sentences`` on its violations (None: its own); the exit code that says it."""
    from model_monitor.results import execution

    rows = f"{document['counts']['judged']} rows{execution.captured_in_short(document.get('capture'))}"
    count = document["violations"]
    rest = execution.set_aside_in_short(document) + execution.undefined_in_short(document)
    rest += f". {document['reason']}" if document["reason"] else ""
    print(printable(f"{output}: {document['status']}, {rows}, {execution.counted(count, 'violation')}{rest}"))
    for sentence in (execution.sentences(document) if sentences is None else sentences)[: execution.MAX_LINES]:
        print(printable(f"  {sentence}"))
    if count > execution.MAX_LINES:
        print(f"  and {count - execution.MAX_LINES} more")
    for note in document.get("notes", []):
        print(printable(f"  note: {note}"))
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
        if args.format != "capture":
            analysis_config.refuse_index_of_answer(options)
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
    html = hasattr(args, "html") and args.html
    segments, headers = tuple(args.segment), analysis.headers
    question = Question(args.monitor, options, segments, inputs, explain, headers, rules, docs, html)
    return replace(question, requests=requests_of(args), exclude=tuple(args.exclude), spark=args.spark)
