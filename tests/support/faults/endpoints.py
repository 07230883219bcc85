"""Worlds of endpoint files: each source of requests, labels and explanations, judged by the verbs."""

from __future__ import annotations

import atexit
import gzip
import json
import shutil
import zlib
from collections.abc import Callable
from datetime import timedelta
from functools import cache, partial
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from model_monitor import jobs
from model_monitor.config.execution import Assignment, Execution
from model_monitor.core.window import Window, iso
from support.captures import HOUR, at, capture, endpoint_file, record
from support.faults.mutations import mutated
from support.faults.outcomes import Outcome
from support.faults.worlds import World
from support.served_models import Served, csv_model, serving
from support.truths import collect, truth

N = 40  # requests of each of two files: one that is changed, and one beside it
WINDOW = Window(HOUR, HOUR + timedelta(hours=1))
NOW = HOUR + timedelta(days=9)
GIVEN = ("labels", "b.csv", "endpoint.yaml", "own")  # what no retention deletes
COLUMNS = {"outputs": ["p"], "inputs": ["n", "c"]}
CREATED = "2026-01-05T00:00:00Z"
TRUTH = {"problem_type": "BinaryClassification", "probability_attribute": "p", "ground_truth_attribute": "label"}
FACETS = {"facets": [{"name": "c", "values": ["a"]}], "label_values_or_threshold": [1]}
BIAS = {k: v for k, v in TRUTH.items() if k != "problem_type"} | FACETS | {"probability_threshold_attribute": 0.5}


def rows(n: int = N) -> list[tuple[float, int, str, int]]:
    chance = Random(n)
    return [(p := round(chance.random(), 3), i % 17, "abc"[i % 3], int(chance.random() < p)) for i in range(n)]


def write_baseline(root: Path) -> str:
    lines = [f"{p},{n},{c},{y}" for p, n, c, y in rows(200)]
    (root / "b.csv").write_text("\n".join(["p,n,c,label", *lines]) + "\n")
    return str(root / "b.csv")


def judge_endpoint(root: Path, outcome: Outcome, name: str, learn: bool = True) -> Execution | None:
    """All verbs of a schedule's window and of its baseline; the execution, if its report is a new one."""
    assignment = outcome.call(lambda: Assignment.load(root / "endpoint.yaml", "dq"))
    if not isinstance(assignment, Assignment):
        return None
    execution, schedule = assignment.on(WINDOW), assignment.schedule
    verbs: list[Callable[[Execution], object]] = [jobs.collect_window]
    verbs += [jobs.merge_ground_truth] if schedule.ground_truth else []
    verbs += [jobs.explain_window] if schedule.explain else []
    for verb in (*verbs, jobs.compute_metrics):
        outcome.call(partial(verb, execution))
    report = outcome.call(lambda: jobs.evaluate_constraints(execution))
    outcome.call(lambda: jobs.alert(execution))
    outcome.call(lambda: jobs.grown_windows(assignment, NOW))
    if learn:
        for state in root.glob("out/_baselines/*/*/observed/*/state.mms"):
            version = outcome.call(partial(jobs.suggest_constraints, assignment, str(state), CREATED))
            if isinstance(version, str):
                outcome.call(partial(jobs.publish_baseline, assignment, version))
        outcome.call(lambda: jobs.observe_baseline(assignment))
    return execution if report and not outcome.refused else None


def build_endpoint(root: Path, write: Callable[[Path], dict[str, Any]]) -> None:
    """The files of a source, a baseline in force, and a window that was judged twice."""
    settings = {"columns": COLUMNS, "baseline": {"dataset": write_baseline(root)}, "max_rejected": 1.0}
    file = endpoint_file(root, **settings | write(root))
    assignment = Assignment.load(file, "dq")
    state = jobs.observe_baseline(assignment)
    jobs.publish_baseline(assignment, jobs.suggest_constraints(assignment, state, CREATED))
    outcome = Outcome()
    judge_endpoint(root, outcome, "")
    assert not outcome.faults and not outcome.refused, outcome
    for later in (".yaml", ".csv"):  # a world's names don't depend on the order of folders
        assert list(root.rglob(f"*{later}"))


def build_with_files(root: Path, write: Callable[[Path], dict[str, Any]]) -> None:
    """The same with a baseline of a person's own files, such as SageMaker wrote."""
    build_endpoint(root, write)
    settings = json.loads((root / "endpoint.yaml").read_text())
    baseline: dict[str, str] = {}
    (root / "own").mkdir()
    for name, key in (("statistics", "statistics"), ("constraints", "constraints"), ("analysis", "constraints")):
        for path in root.glob(f"out/_baselines/*/*/*/{name}.json"):
            (root / f"own/{name}.json").write_bytes(path.read_bytes())
            baseline[key] = str(root / f"own/{name}.json")
    settings["schedules"][0]["baseline"] = baseline
    (root / "endpoint.yaml").write_text(json.dumps(settings))
    shutil.rmtree(root / "out")


def judge_files(root: Path, outcome: Outcome, name: str) -> None:
    judge_endpoint(root, outcome, name, learn=False)


def document_of(execution: Execution) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((Path(execution.report) / "execution.json").read_text())
    return document


def lines_below(folder: Path) -> int | None:
    """How many lines of files are not blank; None if a compressed one can't be read."""
    count = 0
    for path in folder.rglob("*.jsonl*"):
        try:
            content = gzip.decompress(path.read_bytes()) if path.name.endswith(".gz") else path.read_bytes()
        except (OSError, EOFError, zlib.error):
            return None
        count += sum(bool(line.strip(b"\r\n")) for line in content.split(b"\n"))
    return count


def judge_captures(root: Path, outcome: Outcome, name: str) -> None:
    """Every line is a row, a repetition, or set aside; the other file's requests and labels count as before."""
    execution, lines = judge_endpoint(root, outcome, name), lines_below(root / "capture")
    judge_retention(root, outcome)
    if execution is None:
        return
    document = document_of(execution)
    counts = document["counts"]
    told = counts["rows"] + counts["duplicates"] + counts["rejected"]
    outcome.expect("uncounted", counts["records"] == told, f"{counts['records']} records, {counts}")
    if lines is not None and name.startswith("capture"):
        outcome.expect("uncounted", lines == told, f"{lines} lines, {counts}")
    doubled = (document.get("labels") or {}).get("duplicates")  # each label of a request is judged
    outcome.expect("uncounted", doubled or counts["judged"] == counts["rows"], f"{counts}")
    if name.startswith(("capture", "labels")):
        outcome.expect("harm", counts["rows"] >= N, f"{counts['rows']} rows, {N} are in the other file")
        if labels := document.get("labels"):
            half = N // 2  # the others have an inference id, by which they are not labelled
            outcome.expect("harm", labels["matched"] >= half, f"{labels['matched']} labels, {half} are in the other")

    judge_retention(root, outcome)


def judge_retention(root: Path, outcome: Outcome) -> None:
    """Retention takes captures, and nothing else that was given."""
    given = [path for path in root.rglob("*") if path.is_file() and path.relative_to(root).parts[0] in GIVEN]
    outcome.call(lambda: jobs.delete_expired(str(root / "endpoint.yaml"), NOW + timedelta(days=60), False))
    gone = [str(path) for path in given if not path.exists()]
    outcome.expect("harm", not gone, f"retention deleted {gone}")


def captured(root: Path, json_payload: bool = False, ending: str = "jsonl") -> None:
    for number, letter in enumerate("ef"):
        requests = [
            record(
                f"{letter}{i}",
                {"instances": [{"n": n, "c": c}]} if json_payload else f"{n},{c}\n",
                {"predictions": [p]} if json_payload else str(p),
                at(i),
                f"inference-{letter}{i}" if i % 2 else None,
            )
            for i, (p, n, c, _) in enumerate(rows())
        ]
        capture(root / "capture", requests, name=f"0{number}-00.{ending}")


def plain(root: Path) -> dict[str, Any]:
    captured(root, ending="jsonl.gz")
    return {"segments": ["c"], "retention_days": 40}


def of_json(root: Path) -> dict[str, Any]:
    captured(root, json_payload=True)
    return {"columns": {"outputs": ["p"]}, "retention_days": 40}


def labelled(root: Path, monitor: str, options: dict[str, Any]) -> dict[str, Any]:
    captured(root)
    for letter in "ef":
        truths = [truth(f"{letter}{i}", str(y)) for i, (_, _, _, y) in enumerate(rows())]
        collect(root / "labels", truths, HOUR + timedelta(hours=1), f"{letter}.jsonl")
    truth_at = {"uri": str(root / "labels"), "minimum_coverage": 0.1, "final_after": "P30D"}
    return {"monitor": monitor, "options": options, "ground_truth": truth_at, "retention_days": 40}


MAPPING = {"event_time": "ts", "event_id": "id", "inputs": ["n", "c"], "outputs": ["p"]}


def table(root: Path, format: str) -> dict[str, Any]:
    for letter in "ef":
        made = [{"id": f"{letter}{i}", "ts": at(i), "n": n, "c": c, "p": p} for i, (p, n, c, _) in enumerate(rows())]
        texts = [row | {"ts": iso(row["ts"])} for row in made]
        path = root / f"capture/{letter}.{format}"
        path.parent.mkdir(parents=True, exist_ok=True)
        if format == "parquet":
            pq.write_table(pa.Table.from_pylist(made), path)
        elif format == "jsonl":
            path.write_text("".join(json.dumps(row) + "\n" for row in texts))
        else:
            path.write_text("".join(",".join(map(str, row)) + "\n" for row in [texts[0], *(r.values() for r in texts)]))
    source = {"kind": "table", "uri": str(root / "capture"), "format": format, "mapping": MAPPING}
    return {"capture": source}


def delta(root: Path) -> dict[str, Any]:
    import deltalake

    settings = table(root, "parquet")
    for letter in "ef":
        made = pq.read_table(root / f"capture/{letter}.parquet")
        deltalake.write_deltalake(str(root / "delta"), made, mode="append")
        (root / f"capture/{letter}.parquet").unlink()
    return settings | {"capture": settings["capture"] | {"uri": str(root / "delta")}}


def batch(root: Path) -> dict[str, Any]:
    for folder in ("transform", "in"):
        (root / folder).mkdir()
    for number, letter in enumerate("ef"):
        (root / f"transform/{letter}.csv.out").write_text("".join(f"{p},{n},{c}\n" for p, n, c, _ in rows()))
        folder = root / "capture/output" / HOUR.strftime("%Y/%m/%d/%H")
        folder.mkdir(parents=True, exist_ok=True)
        names = [{"prefix": f"{root}/transform/"}, f"{letter}.csv.out"]
        (folder / f"6b1f2a9e-0c1d-4a53-8a7d-3a5a2c0f000{number}.json").write_text(json.dumps(names))
    source = {"kind": "batch", "uri": str(root / "capture"), "format": "csv", "header": False}
    return {"capture": source, "columns": {"outputs": ["p", "n", "c"]}}


def linear(values: Any) -> Any:
    return values[:, 0] * 0.1 + values[:, 1] * 2


@cache
def model(answers: Path) -> Served:
    """A served model whose answers change as the file does that stands for them."""
    good = csv_model(linear)

    def answer(body: bytes) -> tuple[int, bytes]:
        try:
            status, content = good(body)
        except ValueError:
            return 400, body
        if (change := answers.read_bytes()) == b"good":
            return status, content
        chance = Random(zlib.crc32(change))
        return chance.choice([200, 200, 200, 500, 302]), mutated(content, chance.choice(["a.csv", "a"]), chance, [body])

    server = serving(answer)
    atexit.register(server.__exit__, None, None, None)
    return server.__enter__()


def explained(root: Path) -> dict[str, Any]:
    (root / "answers.txt").write_text("good")
    requests = [record(f"e{i}", f"{n},{n * 3 % 7}\n", "0.5", at(i)) for i, (_, n, _, _) in enumerate(rows())]
    capture(root / "capture", requests)
    (root / "b.csv").write_text("p,n,m\n" + "".join(f"{p},{n},{n * 5 % 7}\n" for p, n, _, _ in rows()))
    url = model(root / "answers.txt").url
    exchange = {"retries": 0, "timeout_seconds": 2}
    explain = {"model": {"url": url, "exchange": exchange}, "features": ["n", "m"], "rows": 5, "num_samples": 4}
    explain["background"] = str(root / "b.csv")
    return {"monitor": "attribution", "explain": explain, "columns": {"outputs": ["p"], "inputs": ["n", "m"]}}


def world(name: str, write: Callable[[Path], dict[str, Any]], judge: Any = judge_endpoint) -> World:
    return World(name, partial(build_endpoint, write=write), judge, ("endpoint.yaml", "out/churn/"))


def with_files(name: str, write: Callable[[Path], dict[str, Any]]) -> World:
    lasting = ("endpoint.yaml", "b.csv", "capture/", "labels/", "answers")
    return World(f"own baseline of {name}", partial(build_with_files, write=write), judge_files, lasting)


WORLDS = [
    world("captures", plain, judge_captures),
    world("captures of JSON", of_json, judge_captures),
    world("model quality", partial(labelled, monitor="model_quality", options=TRUTH), judge_captures),
    world("bias", partial(labelled, monitor="bias", options=BIAS), judge_captures),
    *(world(f"table of {kind}", partial(table, format=kind)) for kind in ("csv", "jsonl", "parquet")),
    world("Delta table", delta),
    world("batch transform", batch),
    world("explanations", explained),
    with_files("data quality", plain),
    with_files("model quality", partial(labelled, monitor="model_quality", options=TRUTH)),
    with_files("bias", partial(labelled, monitor="bias", options=BIAS)),
    with_files("attribution", explained),
]
