"""The command line: files, exit codes, one clear line when it can't."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.captures import at, capture, endpoint_file, record, side

from model_monitor import jobs
from model_monitor.__main__ import main
from model_monitor.config.execution import Execution
from model_monitor.core.window import Window

GOOD = "endpoint: a\ncapture: {uri: in}\noutput: out\nschedules: [{name: a-dq, monitor: data-quality}]\n"


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    path.write_text("age,city\n" + "".join(f"{20 + i % 40},{'paris' if i % 3 else 'lyon'}\n" for i in range(900)))
    return path


def run(*arguments: object) -> int:
    return main(list(map(str, arguments)))


def baseline(dataset: Path, output: Path, *more: object) -> int:
    return run("baseline", "data-quality", "--dataset", dataset, "--format", "csv", "--output", output, *more)


def test_a_baseline_judges_itself_as_completed_and_writes_all_files(dataset: Path, tmp_path: Path) -> None:
    assert baseline(dataset, tmp_path / "base") == 0
    files = ["--statistics", tmp_path / "base/statistics.json", "--constraints", tmp_path / "base/constraints.json"]
    command = ["run", "data-quality", "--dataset", dataset, "--format", "csv", *files, "--output", tmp_path / "out"]
    assert run(*command) == 0
    written = {p.name: json.loads(p.read_text()) for p in (tmp_path / "out").iterdir()}
    sagemakers = {"statistics.json", "constraints.json", "constraint_violations.json"}
    assert written.keys() == sagemakers | {"measures.json", "execution.json"}
    assert written["constraint_violations.json"] == {"violations": []}
    assert written["execution.json"]["status"] == "Completed"


def test_violations_exit_with_3(dataset: Path, tmp_path: Path) -> None:
    baseline(dataset, tmp_path / "base")
    live = tmp_path / "live.csv"
    live.write_text("age,city\n" + "x,rome\n" * 50)
    files = ["--statistics", tmp_path / "base/statistics.json", "--constraints", tmp_path / "base/constraints.json"]
    command = ["run", "data-quality", "--dataset", live, "--format", "csv", *files, "--output", tmp_path / "out"]
    assert run(*command) == 3


def test_without_a_header_columns_are_numbered_and_take_the_baselines_names(dataset: Path, tmp_path: Path) -> None:
    baseline(dataset, tmp_path / "base")
    live = tmp_path / "live.csv"
    live.write_text("".join(dataset.read_text().splitlines(keepends=True)[1:]))
    common = ["run", "data-quality", "--dataset", live, "--format", "csv", "--no-header", "--output", tmp_path / "out"]
    assert run(*common) == 0
    names = [f["name"] for f in json.loads((tmp_path / "out/statistics.json").read_text())["features"]]
    assert names == ["_c0", "_c1"]
    files = ["--statistics", tmp_path / "base/statistics.json", "--constraints", tmp_path / "base/constraints.json"]
    assert run(*common, *files) == 0
    names = [f["name"] for f in json.loads((tmp_path / "out/statistics.json").read_text())["features"]]
    assert names == ["age", "city"]


WRONG = [
    (["--dataset", "nowhere", "--format", "csv"], "there is no dataset at nowhere"),
    (["--dataset", "nowhere", "--format", "capture"], "there are no capture files at nowhere"),
    (["--dataset", "ROWS", "--format", "csv", "--statistics", "nowhere.json"], "there is no nowhere.json"),
    (["--dataset", "ROWS", "--format", "csv", "--constraints", "ROWS"], "not JSON"),
    (["--dataset", "ROWS", "--format", "capture", "--start", "2026-01-01"], "go together"),
    (["--dataset", "ROWS", "--format", "capture", "--start", "2026-01-02", "--end", "2026-01-01"], "must end after"),
    (["--dataset", "ROWS", "--format", "capture", "--start", "soon", "--end", "later"], "soon"),
    (["--dataset", "ROWS", "--format", "csv", "--option", "budget=1"], "has no option 'budget'"),
    (["--dataset", "ROWS", "--format", "csv", "--option", "budget"], "NAME=VALUE"),
    (["--dataset", "ROWS", "--format", "parquet"], "Parquet"),
    (["--dataset", "ROWS", "--format", "xml"], "--format is one of"),
    (["--dataset", "ROWS", "--separator", ";;"], "separator is one character"),
    (["--dataset", "ROWS", "--format", "csv", "--max-rejected", "7"], "--max-rejected"),
    (["--dataset", "ROWS", "--format", "csv", "--start", "2026-01-01", "--end", "2026-01-02"], "need captures"),
    (["--dataset", "ROWS", "--format", "csv", "--constraints", "STATISTICS"], "swapped"),
    (["--dataset", "FOLDER", "--format", "csv"], "is below --dataset"),
]


@pytest.mark.parametrize(("arguments", "told"), WRONG, ids=[" ".join(a) for a, _ in WRONG])
def test_a_failure_is_exit_1_and_one_clear_line(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    baseline(dataset, tmp_path.parent / f"{tmp_path.name}-base")
    places = {
        "ROWS": dataset,
        "FOLDER": tmp_path,
        "STATISTICS": tmp_path.parent / f"{tmp_path.name}-base/statistics.json",
    }
    given = [str(places.get(a, a)) for a in arguments]
    capsys.readouterr()
    assert run("run", "data-quality", *given, "--output", tmp_path / "out") == 1
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert told in lines[0]


CORRUPT = [
    ('"completeness": 1.0', '"completeness": "x"'),
    ('"num_constraints": {', '"string_constraints": null, "num_constraints": {'),
    ('"monitoring_config": {', '"monitoring_config": [], "was": {'),
    ('"name": "age"', '"name": 1'),
    ('"features": [', '"features": [], "were": ['),
]


@pytest.mark.parametrize(("good", "bad"), CORRUPT, ids=[bad for _, bad in CORRUPT])
def test_constraints_that_a_person_broke_are_refused_in_one_line(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], good: str, bad: str
) -> None:
    baseline(dataset, tmp_path / "base")
    constraints = tmp_path / "base/constraints.json"
    assert good in constraints.read_text()
    constraints.write_text(constraints.read_text().replace(good, bad, 1))
    capsys.readouterr()
    files = ["--statistics", tmp_path / "base/statistics.json", "--constraints", constraints]
    command = ["run", "data-quality", "--dataset", dataset, "--format", "csv", *files, "--output", tmp_path / "out"]
    assert run(*command) == 1
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert str(constraints) in lines[0]


def test_too_many_unreadable_records_leave_a_report_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.jsonl").write_text("{}\n" * 3)
    command = ["run", "data-quality", "--dataset", tmp_path / "in", "--format", "capture", "--output", tmp_path / "out"]
    assert run(*command) == 1
    document = json.loads((tmp_path / "out/execution.json").read_text())
    assert (document["status"], document["counts"]["rejected"]) == ("Failed", 3)
    assert document["rejected"]["examples"][0]["line"] == 1
    assert len((tmp_path / "out/rejected/records.jsonl").read_text().splitlines()) == 3


def test_no_data_is_an_exit_code_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("")
    assert (
        run(
            "run",
            "data-quality",
            "--dataset",
            tmp_path / "empty.jsonl",
            "--format",
            "capture",
            "--output",
            tmp_path / "out",
        )
        == 4
    )
    assert json.loads((tmp_path / "out/execution.json").read_text())["status"] == "NoData"


def test_validate_names_each_problem(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "good.yaml").write_text(GOOD)
    (tmp_path / "bad.yaml").write_text(GOOD.replace("monitor", "monitr").replace("a-dq", "b-dq"))
    assert run("validate", tmp_path / "good.yaml") == 0
    assert "endpoint a, schedules a-dq" in capsys.readouterr().out
    assert run("validate", tmp_path / "good.yaml", tmp_path / "bad.yaml") == 1
    assert "bad.yaml:4" in capsys.readouterr().err
    (tmp_path / "bad.yaml").write_text(GOOD.replace("endpoint: a", 'endpoint: b\nownr: me\ntag\u00e9s: ["x"]'))
    assert run("validate", tmp_path / "bad.yaml") == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2 and all("bad.yaml:" in line for line in lines)


def test_it_runs_as_a_module() -> None:
    seen = subprocess.run([sys.executable, "-m", "model_monitor", "--help"], capture_output=True, text=True, check=True)
    for command in ("validate", "baseline", "run"):
        assert command in seen.stdout


SPELLINGS = [
    '{"csv": {"header": true}}',
    '{"Csv": {"Header": "true"}}',
    '{"csv":{"header":true,"output_columns_position":"START"}}',
]


@pytest.mark.parametrize("spelt", SPELLINGS)
def test_a_format_may_be_described_as_sagemaker_does(dataset: Path, tmp_path: Path, spelt: str) -> None:
    assert run("baseline", "data-quality", "--dataset", dataset, "--format", spelt, "--output", tmp_path / "b") == 0
    assert json.loads((tmp_path / "b/execution.json").read_text())["counts"]["judged"] == 900


@pytest.mark.parametrize(
    "spelt", ['{"json": {"lines": true}}', '{"json": {"line": "true"}}', '{"Json": {"Line": true}}']
)
def test_json_lines_are_understood_in_every_spelling(tmp_path: Path, spelt: str) -> None:
    (tmp_path / "rows.jsonl").write_text('{"a": 1}\n{"a": 2}\n')
    rows = tmp_path / "rows.jsonl"
    assert run("baseline", "data-quality", "--dataset", rows, "--format", spelt, "--output", tmp_path / "b") == 0
    assert json.loads((tmp_path / "b/execution.json").read_text())["counts"]["judged"] == 2


NESTED, SURROGATE = "[" * 3000 + "]" * 3000, '"\\ud800"'
BROKEN_DOCUMENTS = {
    "nested too deeply": f'{{"version": {NESTED}, "features": []}}',
    "surrogates not allowed": f'{{"features": [{{"name": {SURROGATE}, "inferred_type": "String"}}]}}',
    "'domains' is a list of texts": '{"features": [{"name": "a", "inferred_type": "String", "string_constraints": '
    '{"domains": [{"a": 1}]}}]}',
}


@pytest.mark.parametrize("flag", ["--statistics", "--constraints"])
@pytest.mark.parametrize("reason", BROKEN_DOCUMENTS)
def test_a_document_that_can_not_be_read_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], reason: str, flag: str
) -> None:
    (tmp_path / "a.csv").write_text("a\nx\n")
    (tmp_path / "bad.json").write_text(BROKEN_DOCUMENTS[reason])
    arguments = ["--dataset", str(tmp_path / "a.csv"), "--format", "csv", flag, str(tmp_path / "bad.json")]
    code = main(["run", "data-quality", *arguments, "--output", str(tmp_path / "out")])
    if code == 1:
        [line] = capsys.readouterr().err.splitlines()
        assert "bad.json" in line and reason in line
    else:
        assert flag == "--statistics" and "domains" in reason  # statistics have none


@pytest.mark.parametrize("pipe", ["fifo", "/dev/zero", "/dev/null"])
@pytest.mark.parametrize("format", ["csv", "jsonl", "parquet", "capture"])
def test_a_pipe_or_a_device_is_refused_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], pipe: str, format: str
) -> None:
    os.mkfifo(tmp_path / "fifo")
    arguments = ["--dataset", str(tmp_path / pipe), "--format", format, "--output", str(tmp_path / "out")]
    assert main(["run", "data-quality", *arguments]) == 1
    assert "can't be read; write it to a file first" in capsys.readouterr().err


def test_a_link_that_leads_out_of_the_captures_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/x.jsonl").write_text("KEY=hunter2\n")
    capture(tmp_path / "capture", [record(f"e{i}", "1,2\n", "0.5", at(i)) for i in range(20)])
    (tmp_path / "capture/link.jsonl").symlink_to(tmp_path / "secrets/x.jsonl")
    (tmp_path / "capture/folder").symlink_to(tmp_path / "secrets")
    arguments = ["--dataset", str(tmp_path / "capture"), "--format", "capture", "--output", str(tmp_path / "out")]
    main(["run", "data-quality", *arguments])
    execution = json.loads((tmp_path / "out/execution.json").read_text())
    assert (execution["counts"]["judged"], execution["counts"]["rejected"]) == (20, 0)
    assert not (tmp_path / "out/rejected").exists()


PRE = "def preprocess_handler(r):\n    return {'a': r.endpoint_output.data, 'b': r.endpoint_input.data}\n"
POST = """
import os, pathlib
def postprocess_handler():
    pathlib.Path(os.environ["output_path"], "own.txt").write_text("called")
"""


def on_captures(tmp_path: Path, records: list[object], *more: object) -> tuple[int, dict[str, object]]:
    """The status of ``run data-quality`` on captures, and its statistics."""
    capture(tmp_path / "capture", records)
    where = ["--dataset", tmp_path / "capture", "--output", tmp_path / "out"]
    code = run("run", "data-quality", "--format", "capture", *where, *more)
    path = tmp_path / "out/statistics.json"
    return code, json.loads(path.read_text()) if path.exists() else {}


def columns_in(statistics: dict[str, Any]) -> list[str]:
    return [feature["name"] for feature in statistics["features"]]


def test_scripts_are_tried_by_hand(tmp_path: Path) -> None:
    pre, post = tmp_path / "pre.py", tmp_path / "post.py"
    pre.write_text(PRE)
    post.write_text(POST)
    records = [record(f"e{i}", "1", "2") for i in range(5)]
    code, statistics = on_captures(tmp_path, records, "--preprocess", pre, "--postprocess", post)
    assert (code, columns_in(statistics), statistics["dataset"]) == (0, ["a", "b"], {"item_count": 5})
    assert (tmp_path / "out/own.txt").read_text() == "called"


def test_a_script_that_fails_by_hand_shows_its_traceback_and_the_event(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pre = tmp_path / "pre.py"
    pre.write_text("def preprocess_handler(r):\n    return 1 / 0\n")
    assert on_captures(tmp_path, [record("e7")], "--preprocess", pre)[0] == 1
    told = capsys.readouterr().err
    assert "ZeroDivisionError: division by zero" in told
    assert "return 1 / 0" in told
    assert "event e7" in told


def test_values_of_captured_csv_are_named_by_hand(tmp_path: Path) -> None:
    names = ["--outputs", "score", "--inputs", 'age,"city, town"']
    code, statistics = on_captures(tmp_path, [record("e", "30,rome", "0.5")], *names)
    assert (code, columns_in(statistics)) == (0, ["score", "age", "city, town"])


@pytest.mark.parametrize(
    "more",
    [["--preprocess", "pre.py"], ["--inputs", "a"], ["--json-content-type", "text/html"]],
    ids=lambda more: more[0],
)
def test_what_is_about_captures_is_refused_of_a_dataset(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str]
) -> None:
    assert run("run", "data-quality", "--dataset", dataset, "--format", "csv", "--output", tmp_path / "out", *more) == 1
    assert "are about captures" in capsys.readouterr().err


def in_base64(text: str, kind: str) -> dict[str, object]:
    return side(base64.b64encode(text.encode()).decode(), "BASE64", kind)


@pytest.mark.parametrize("place", ["command line", "endpoint file", "paths"])
@pytest.mark.parametrize(("form", "text"), [("json", '{"area": 50, "rooms": 2}'), ("csv", "50,2")], ids=["json", "csv"])
def test_a_content_type_can_be_read_as_json_or_csv(tmp_path: Path, place: str, form: str, text: str) -> None:
    asked = in_base64(text, "Text/HTML; charset=utf-8")
    records = [record("e", asked, in_base64('{"score": 0.5}', "text/plain"))]
    types = {"json_content_types": ["text/plain"]}
    types[f"{form}_content_types"] = [*types.get(f"{form}_content_types", []), "text/html"]
    if place == "command line":
        flags = [
            part for key, kinds in types.items() for kind in kinds for part in (f"--{key[:-1].replace('_', '-')}", kind)
        ]
        code, statistics = on_captures(tmp_path, records, *flags)
        assert (code, len(columns_in(statistics))) == (0, 3)
        return
    capture(tmp_path / "capture", records, endpoint="churn")
    options = {"monitor": "model_quality", "options": {"problem_type": "Regression", "inference_attribute": "$.score"}}
    more = options | {"ground_truth": {"uri": "labels"}} if place == "paths" else {}
    file = endpoint_file(tmp_path, capture={"uri": str(tmp_path / "capture"), **types}, **more)
    collected = jobs.collect_window(Execution.of(file, "dq", Window(at(0), at(60))))
    assert json.loads(Path(collected).read_text())["rows"] == 1


def test_another_content_type_is_set_aside_with_the_setting_that_reads_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert on_captures(tmp_path, [record("e", in_base64("{}", "text/html"))])[0] == 1
    told = capsys.readouterr().err
    assert "BASE64 of 'text/html'" in told
    assert "json_content_types or csv_content_types" in told
    assert "--json-content-type" in told
