"""Worlds of the command line: datasets, SageMaker's own files, endpoint files beside a good one, and events."""

from __future__ import annotations

import csv
import io
import json
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from model_monitor import config
from model_monitor.__main__ import main
from model_monitor.errors import ConfigError
from model_monitor.recorder.receiver.events import events_of
from support import sagemaker_shapes as sm
from support.clarify_files import BIAS, HEADERS
from support.faults.endpoints import rows
from support.faults.outcomes import Outcome
from support.faults.worlds import World
from support.hostile_files import GOOD

N = 60
NAMES = ["p", "n", "c", "label"]


def write_dataset(path: Path, made: list[tuple[Any, ...]], names: list[str] = NAMES) -> None:
    records = [dict(zip(names, row, strict=True)) for row in made]
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(records), path)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
    elif path.suffix == ".json":
        path.write_text(json.dumps(records))
    else:
        path.write_text("".join(",".join(map(str, row)) + "\n" for row in [names, *made]))


def of_dataset(root: Path, *more: str, verb: str, monitor: str, ending: str, file: str) -> list[str]:
    kind = {"json": "jsonl"}.get(ending, ending)
    arguments = [verb, monitor, "--dataset", str(root / f"{file}.{ending}"), "--format", kind]
    return [*arguments, "--output", str(root / f"{verb}-out"), "--max-rejected", "1", *more]


def build_dataset(root: Path, monitor: str, ending: str, more: tuple[str, ...]) -> None:
    for file in ("baseline", "live"):
        write_dataset(root / f"{file}.{ending}", rows(N))
    options = of_dataset(root, *more, verb="baseline", monitor=monitor, ending=ending, file="baseline")
    assert main(options) == 0
    for name in ("statistics.json", "constraints.json"):
        (root / name).write_bytes((root / "baseline-out" / name).read_bytes())


def judge_dataset(root: Path, outcome: Outcome, name: str, monitor: str, ending: str, more: tuple[str, ...]) -> None:
    made = partial(of_dataset, root, *more, monitor=monitor, ending=ending)
    files = ["--statistics", str(root / "statistics.json"), "--constraints", str(root / "constraints.json")]
    for verb, file, rest in (("baseline", "baseline", []), ("run", "live", files)):
        code = outcome.command(main, [*made(verb=verb, file=file), *rest])
        if code is not None and code != 1:
            document = json.loads((root / f"{verb}-out/execution.json").read_text())
            counted(outcome, root / f"{file}.{ending}", document["counts"])


def counted(outcome: Outcome, path: Path, counts: dict[str, int]) -> None:
    """The rows of a file are those that were judged and those that were set aside."""
    told = counts["rows"] + counts["rejected"]
    outcome.expect("uncounted", counts["records"] == told and counts["judged"] == counts["rows"], f"{counts}")
    there = rows_in(path)
    if there:
        outcome.expect("uncounted", told in there, f"{path.name} holds {sorted(there)} rows, {counts}")


def rows_in(path: Path) -> set[int]:
    """How many rows another reader finds: by lines, or by Python's reader of CSV; nothing if it can't tell."""
    content = path.read_bytes()
    if path.suffix == ".parquet":
        return {pq.read_metadata(io.BytesIO(content)).num_rows}
    text = content.decode("utf-8-sig", "replace")
    if path.suffix in (".json", ".jsonl"):
        try:
            document = json.loads(text)
            return {len(document) if isinstance(document, list) else 1}
        except (ValueError, RecursionError):
            if path.suffix == ".json" or text.lstrip().startswith("["):
                return set()
    if path.suffix == ".jsonl":
        return {sum(bool(line.strip()) for line in content.split(b"\n"))}
    lines = sum(bool(line) for line in text.splitlines()) - 1
    by_reader = sum(bool(row) for row in csv.reader(io.StringIO(text, newline=""))) - 1
    return {lines, by_reader} if '"' not in text or lines - by_reader <= 2 else {lines}  # a value may have a newline


def of_monitor(monitor: str, ending: str, *more: str) -> World:
    settings: dict[str, Any] = {"monitor": monitor, "ending": ending, "more": more}
    name = f"{monitor.replace('_', ' ')} of {ending}"
    outputs = ("baseline-out/", "run-out/")
    return World(name, partial(build_dataset, **settings), partial(judge_dataset, **settings), outputs)


QUALITY = (
    "--problem-type",
    "BinaryClassification",
    "--probability-attribute",
    "p",
    "--option",
    "ground_truth_attribute=label",
)


def build_analysis(root: Path) -> None:
    (root / "analysis_config.json").write_text(json.dumps(BIAS))
    made = [(p, y, n, int(c == "a"), y, y) for p, n, c, y in rows(200)]
    (root / "live.csv").write_text("".join(",".join(map(str, row)) + "\n" for row in [(*HEADERS, "answer"), *made]))


def judge_analysis(root: Path, outcome: Outcome, name: str) -> None:
    common = ["--dataset", str(root / "live.csv"), "--format", "csv", "--inference-attribute", "answer"]
    asked = ["--analysis-config", str(root / "analysis_config.json"), "--output", str(root / "out")]
    outcome.command(main, ["baseline", "bias", *common, *asked])


def build_import(root: Path) -> None:
    for kind in sm.KINDS:
        folder = root / kind
        folder.mkdir()
        documents = {
            "schedule": sm.described_schedule(sm.schedule(kind)),
            "definition": sm.described_definition(kind, sm.definition(kind)),
            "endpoint": sm.described_endpoint(),
            "analysis_config": sm.SHAP if kind == "ModelExplainability" else sm.BIAS,
        }
        for name, document in documents.items():
            (folder / f"{name}.json").write_text(json.dumps(document))


def judge_import(root: Path, outcome: Outcome, name: str) -> None:
    folder = root / (Path(name).parts[0] if name else sm.KINDS[0])
    described = [str(folder / f"{part}.json") for part in ("schedule", "definition", "endpoint")]
    more = ["--analysis-config", str(folder / "analysis_config.json")] if "Bias" in folder.name else []
    more += ["--model", "http://127.0.0.1:1"] if "Explain" in folder.name else []
    outcome.command(main, ["import-sagemaker", "--from-json", *described, *more])


def build_files(root: Path) -> None:
    for name in ("good", "bad", "other"):
        own = GOOD.replace("churn", name).replace("dq", f"{name}-dq").replace("uri: capture", f"uri: {name}/capture")
        (root / f"{name}.yaml").write_text(own.replace("output: out", f"output: {name}/out"))


def judge_files(root: Path, outcome: Outcome, name: str) -> None:
    """Whatever is in one endpoint file, the others stay, and what is wrong names the file."""
    files = sorted(root.glob("*.yaml"))
    found = outcome.call(lambda: config.load_all(files))
    if not isinstance(found, tuple):
        return
    endpoints, problems = found
    for path, endpoint in endpoints.items():
        problems += outcome.call(partial(config.problems_in, path, endpoint)) or []
    outcome.expect("told", all("bad.yaml" in text for text in problems), f"{problems}"[:300])
    others = {path.name for path in endpoints} - {"bad.yaml"}
    problems = [text for text in problems if "Nothing is deleted until it can be read" not in text]
    outcome.expect(
        "harm", others == {"good.yaml", "other.yaml"} and "good.yaml:" not in f"{problems}", f"{problems}"[:300]
    )
    outcome.call(lambda: config.held_back(files))
    outcome.refused += problems
    outcome.command(main, ["validate", *map(str, files)])


def build_events(root: Path) -> None:
    headers = {"ce-id": "1", "ce-type": "org.kubeflow.serving.inference.request", "content-type": "application/json"}
    structured = {"specversion": "1.0", "id": "1", "type": headers["ce-type"], "data": {"instances": [[1, 2]]}}
    (root / "binary.json").write_text(json.dumps({"headers": headers, "body": '{"instances": [[1]]}'}))
    (root / "structured.json").write_text(json.dumps(structured))
    (root / "batched.json").write_text(json.dumps([structured, structured | {"id": "2"}]))


def judge_events(root: Path, outcome: Outcome, name: str) -> None:
    def take() -> None:
        content = (root / name).read_bytes()
        try:
            headers = {"content-type": f"application/cloudevents{'-batch' if 'batched' in name else ''}+json"}
            if "binary" in name:
                document = json.loads(content)
                headers = {str(key).lower(): str(value) for key, value in document["headers"].items()}
                content = str(document["body"]).encode("utf-8", "replace")
        except (ValueError, KeyError, AttributeError, RecursionError, TypeError):
            return  # no longer what can be sent
        try:
            events_of(headers, content)
        except ValueError as error:  # what the receiver answers with a status of 400
            raise ConfigError(str(error)) from error

    if name:
        outcome.call(take)


WORLDS = [
    *(of_monitor("data-quality", ending, "--segment", "c") for ending in ("csv", "jsonl", "json", "parquet")),
    *(of_monitor("model-quality", ending, *QUALITY) for ending in ("csv", "jsonl", "parquet")),
    World("analysis_config", build_analysis, judge_analysis, ("live.csv",)),
    World("import-sagemaker", build_import, judge_import),
    World("endpoint files", build_files, judge_files, ("good.yaml", "other.yaml"), swapped=False),
    World("events", build_events, judge_events),
]
