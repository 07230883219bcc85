"""``validate --check`` and the first task say whether what an endpoint file names is there, and what is instead."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from support.captures import HOUR, at, capture, endpoint_file, record
from support.truths import collect, truth

from model_monitor import jobs
from model_monitor.__main__ import main
from model_monitor.config.execution import Execution
from model_monitor.core.window import Window
from model_monitor.results.reading import Report

LATER = Window(at(600), at(660))
OPTIONS = {"problem_type": "Regression", "inference_attribute": 0}


def labelled(root: Path, **more: Any) -> str:
    labels = {"uri": str(root / "labels")} | more.pop("ground_truth", {})
    return endpoint_file(root, monitor="model_quality", options=OPTIONS, ground_truth=labels, **more)


def checked(file: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = main(["validate", "--check", file])
    seen = capsys.readouterr()
    return code, seen.out, seen.err


def test_what_is_there_is_named_and_nothing_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capture(tmp_path / "capture", [record("a")])
    collect(tmp_path / "labels", [truth("a", "1")], HOUR)
    (tmp_path / "data.csv").write_text("age,score\n1,0.5\n")
    columns = {"outputs": ["score"], "inputs": ["age"]}
    file = labelled(tmp_path, baseline={"dataset": "data.csv"}, columns=columns)
    before = sorted(tmp_path.rglob("*"))
    code, out, err = checked(file, capsys)
    assert (code, err) == (0, "")
    for words in (
        "capture: there are captures from 2026/01/05/03 to 2026/01/05/03",
        f"output: {tmp_path}/out can be written",
        f"baseline.dataset of 'dq': {tmp_path}/data.csv: csv with 2 columns (age, score)",
        "ground_truth: there are labels from 2026/01/05/03 to 2026/01/05/03",
    ):
        assert words in out
    assert sorted(tmp_path.rglob("*")) == before


def test_validate_alone_does_not_look(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", labelled(tmp_path)]) == 0
    assert "there are" not in capsys.readouterr().out


def other_endpoint(root: Path) -> str:
    capture(root / "capture", [record("a")], endpoint="other")
    return labelled(root)


def other_variant(root: Path) -> str:
    (root / "capture/churn/Blue").mkdir(parents=True)
    return labelled(root)


def without_manifests(root: Path) -> str:
    (root / "capture/transforms").mkdir(parents=True)
    return endpoint_file(root, capture={"uri": str(root / "capture"), "kind": "batch", "format": "csv"})


def table(root: Path, **more: Any) -> str:
    mapping = {"event_time": "at", "inputs": ["age"]}
    settings = {"uri": str(root / "capture"), "kind": "table", "format": "parquet", "mapping": mapping} | more
    return endpoint_file(root, capture=settings)


def other_format(root: Path) -> str:
    (root / "capture").mkdir()
    (root / "capture/log.csv").write_text("at,age\n")
    return table(root)


def dataset(root: Path, content: str | None, name: str = "data.csv") -> str:
    capture(root / "capture", [record("a")])
    if content is not None:
        (root / "data.csv").write_text(content)
    columns = {"inputs": ["age", "plan"]}
    return endpoint_file(root, baseline={"dataset": str(root / name)}, columns=columns)


def other_labels(root: Path) -> str:
    capture(root / "capture", [record("a")])
    (root / "labels").mkdir()
    (root / "labels/labels.jsonl").write_text(json.dumps(truth("a", "1")))
    return labelled(root)


def other_columns(root: Path) -> str:
    (root / "labels.csv").write_text("ride,fare\na,1\n")
    return labelled(root, ground_truth={"uri": str(root / "labels.csv"), "mapping": {"id": "ride", "label": "late"}})


ABSENT = {
    "endpoint": (other_endpoint, "capture: {root}/capture has no endpoint churn, but other"),
    "variant": (other_variant, "capture: {root}/capture/churn has no variant AllTraffic, but Blue"),
    "captures": (labelled, "capture: {root}/capture is empty, or not there"),
    "manifests": (without_manifests, "capture: {root}/capture has no folder output, but transforms"),
    "table": (other_format, "capture: {root}/capture has no file that ends in .parquet, but log.csv"),
    "dataset": (lambda root: dataset(root, None), "there is no dataset at {root}/data.csv"),
    "rows": (lambda root: dataset(root, "age,plan\n"), "baseline.dataset of 'dq': {root}/data.csv holds no rows"),
    "columns": (lambda root: dataset(root, "a;b\n1;2\n"), "it lacks age, plan, which columns declares"),
    "labels": (other_labels, "ground_truth: {root}/labels has no folder of an hour, but labels.jsonl"),
    "no labels": (labelled, "ground_truth: {root}/labels is empty, or not there"),
    "label columns": (
        other_columns,
        "labels.csv: it has no column late, which ground_truth.mapping names; it has ride, fare",
    ),
}


@pytest.mark.parametrize(("make", "words"), ABSENT.values(), ids=ABSENT)
def test_what_is_not_there_fails_the_check_with_what_is_instead(
    tmp_path: Path, make: Any, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = checked(make(tmp_path), capsys)
    assert code == 1
    assert words.format(root=tmp_path) in err
    assert "Traceback" not in err


def rows(root: Path, name: str, **columns: Any) -> None:
    path = root / "capture" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    frame = pd.DataFrame(columns)
    frame.to_parquet(path) if name.endswith("parquet") else frame.to_csv(path, index=False)


@pytest.mark.parametrize(
    ("name", "settings", "looked", "there"),
    [
        (
            "a.parquet",
            {},
            "looked for rows of this time in {}",
            "there are rows from 2026-01-05T03:00:00Z to 2026-01-0",
        ),
        (
            "a.csv",
            {"format": "csv"},
            "looked for rows of this time in {}",
            "the first row of {}/a.csv is of 2026-01-05T03",
        ),
        (
            "day=2026-01-05/a.csv",
            {"format": "csv", "path": "day=%Y-%m-%d"},
            "looked for rows in {}/day=2026-01-10 to day=2026-01-10",
            "{} has folders day=2026-01-05 to day=2026-01-05",
        ),
    ],
)
def test_a_window_of_a_table_without_rows_says_where_it_looked(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, settings: dict[str, Any], looked: str, there: str
) -> None:
    rows(tmp_path, name, at=[HOUR], age=[1])
    execution = Execution.of(table(tmp_path, **settings), "dq", Window(at(7200), at(7260)))
    jobs.collect_window(execution)
    jobs.compute_metrics(execution)
    report = json.loads((Path(jobs.evaluate_constraints(execution)) / "execution.json").read_text())
    folder = str(tmp_path / "capture")
    assert report["reason"].startswith(f"No records in this window: {looked.format(folder)}; {there.format(folder)}")
    assert report["reason"].partition(": ")[2] in caplog.text


def test_a_window_of_batch_transforms_without_manifests_says_where_it_looked(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "capture/output/2026/01/05/03"
    folder.mkdir(parents=True)
    (folder / "m.json").write_text('[{"prefix": "/x/"}]')
    file = endpoint_file(tmp_path, capture={"uri": str(tmp_path / "capture"), "kind": "batch", "format": "csv"})
    report = Report.at(jobs.judge_window(Execution.of(file, "dq", LATER))).execution
    looked = f"looked for manifests in {tmp_path}/capture/output/2026/01/05/12 to 2026/01/05/14"
    assert report["reason"].endswith(f"{looked}; there are manifests from 2026/01/05/03 to 2026/01/05/03")
    assert report["reason"].partition(": ")[2] in caplog.text


def test_the_first_task_says_that_labels_and_dataset_are_not_there(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    capture(tmp_path / "capture", [record("a")])
    file = labelled(tmp_path, baseline={"dataset": str(tmp_path / "none.csv")})
    jobs.collect_window(Execution.of(file, "dq", Window(HOUR, HOUR + timedelta(hours=1))))
    assert f"ground_truth: {tmp_path}/labels is empty, or not there" in caplog.text
    assert f"baseline.dataset of 'dq': there is no dataset at {tmp_path}/none.csv" in caplog.text


def test_an_output_that_cannot_be_written_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capture(tmp_path / "capture", [record("a")])
    (tmp_path / "file").write_text("")
    code, _, err = checked(endpoint_file(tmp_path, output=str(tmp_path / "file/out")), capsys)
    assert code == 1 and f"output: {tmp_path}/file/out can't be written" in err
