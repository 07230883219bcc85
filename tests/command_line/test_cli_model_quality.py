"""The command line of model quality: a baseline from a dataset, captures merged with labels, judged."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from support.captures import HOUR, at, capture, record
from support.truths import collect, truth

from model_monitor.__main__ import main

BINARY = ["--problem-type", "BinaryClassification"]


def run(*arguments: object) -> int:
    return main(list(map(str, arguments)))


def answers(n: int, seed: int, skill: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Scores, and labels that they predict well (1) or not at all (0)."""
    chance = np.random.default_rng(seed)
    score = chance.random(n).round(6)
    return score, (chance.random(n) < skill * score + (1 - skill) / 2).astype(int)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A baseline that was learned, 300 captured requests, and labels for 250 of them."""
    score, label = answers(2000, seed=1)
    rows = [f"{s:.6f},{int(s > 0.5)},{y}" for s, y in zip(score, label, strict=True)]
    (tmp_path / "data.csv").write_text("probability,prediction,label\n" + "\n".join(rows) + "\n")
    asked = ["--inference-attribute", "prediction", "--probability-attribute", "probability"]
    common = ["--dataset", tmp_path / "data.csv", "--format", "csv", "--ground-truth-attribute", "label"]
    assert run("baseline", "model-quality", *common, *BINARY, *asked, "--output", tmp_path / "base") == 0
    return tmp_path


def traffic(folder: Path, skill: float = 1.0, nested: bool = False) -> tuple[np.ndarray, np.ndarray]:
    score, label = answers(300, seed=2, skill=skill)
    outputs: list[Any] = [f"{s:.6f}" for s in score]
    if nested:
        outputs = [{"predictions": [{"score": s, "meta": {"v": 1}}]} for s in score.tolist()]
    asked = [record(f"e{i}", f"{i},a\n", output, at(i / 10)) for i, output in enumerate(outputs)]
    capture(folder / "captures", asked)
    collect(folder / "labels", [truth(f"e{i}", str(label[i])) for i in range(250)], HOUR + timedelta(hours=1))
    return score[:250], label[:250]


def judge(folder: Path, *more: object, attribute: str = "0", baseline: str = "base") -> tuple[int, dict[str, Any]]:
    code = run(
        *["run", "model-quality", "--dataset", folder / "captures", "--format", "capture"],
        *["--ground-truth", folder / "labels", *BINARY, "--probability-attribute", attribute],
        *["--probability-threshold-attribute", "0.5", "--constraints", folder / baseline / "constraints.json"],
        *["--start", HOUR.isoformat(), "--end", at(60).isoformat(), "--output", folder / "out", *more],
    )
    return code, json.loads((folder / "out/execution.json").read_text())


def metrics(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "out/statistics.json").read_text())["binary_classification_metrics"]
    return found


def test_a_window_of_the_same_quality_holds_and_one_of_no_skill_is_violated(folder: Path, capsys: Any) -> None:
    score, label = traffic(folder)
    code, execution = judge(folder)
    assert (code, execution["status"], execution["labels"]["matched"]) == (0, "Completed", 250)
    assert metrics(folder)["auc"]["value"] == pytest.approx(roc_auc_score(label, score), abs=1e-12)
    assert "300 rows, 0 violations, labels final (250 of 300 requests)" in capsys.readouterr().out
    traffic(folder, skill=0.0)
    code, execution = judge(folder)
    assert (code, execution["status"]) == (3, "CompletedWithViolations")
    violated = json.loads((folder / "out/constraint_violations.json").read_text())["violations"]
    assert "auc" in {violation["metric_name"] for violation in violated}


def test_an_attribute_may_be_a_path_into_json(folder: Path) -> None:
    score, label = traffic(folder, nested=True)
    for path in ("predictions[0].score", "$.predictions[0].score"):
        assert judge(folder, attribute=path)[0] == 0
        assert metrics(folder)["auc"]["value"] == pytest.approx(roc_auc_score(label, score), abs=1e-12)


def test_merged_records_are_left_in_the_output(folder: Path) -> None:
    traffic(folder)
    judge(folder)
    [left] = (folder / "out/merge").iterdir()
    assert len(left.read_text().splitlines()) == 250


def test_segments_are_judged_apart(folder: Path) -> None:
    traffic(folder)
    judge(folder, "--segment", "_c2")
    segments = json.loads((folder / "out/statistics.json").read_text())["segments"]
    assert [one["segment"] for one in segments] == [{"_c2": "a"}]


def test_too_few_labels_are_nothing_judged(folder: Path) -> None:
    traffic(folder)
    code, execution = judge(folder, "--minimum-coverage", "0.9")
    assert (code, execution["status"]) == (4, "LabelsPending")
    assert execution["reason"].startswith("250 of 300 requests have a label, minimum_coverage is 90 %")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--ground-truth", "nowhere"], "there are no label files at"),
        (["--problem-type", "Guessing"], "problem_type"),
        (["--probability-attribute", "score"], "the rows have no column 'score'"),
        (["--ground-truth-attribute", "0"], "both called '0'"),
        (["--probability-threshold-attribute", "2"], "0 to 1"),
    ],
)
def test_what_makes_no_sense_is_told_in_one_line(folder: Path, arguments: list[str], told: str, capsys: Any) -> None:
    traffic(folder)
    flags = {"--problem-type": "BinaryClassification", "--probability-attribute": "0"}
    flags |= {"--ground-truth": str(folder / "labels"), "--dataset": str(folder / "captures"), "--format": "capture"}
    flags |= {"--constraints": str(folder / "base/constraints.json"), "--output": str(folder / "out")}
    flags |= dict([arguments])
    assert run("run", "model-quality", *[word for pair in flags.items() for word in pair]) == 1
    error = capsys.readouterr().err.strip()
    assert told in error
    assert "\n" not in error


def test_captures_without_labels_and_datasets_with_ground_truth_are_refused(folder: Path, capsys: Any) -> None:
    traffic(folder)
    common = [*BINARY, "--probability-attribute", "0", "--output", folder / "out"]
    assert run("run", "model-quality", "--dataset", folder / "captures", "--format", "capture", *common) == 1
    assert "give --ground-truth" in capsys.readouterr().err
    dataset = ["--dataset", folder / "data.csv", "--format", "csv", "--ground-truth", folder / "labels"]
    assert run("run", "model-quality", *dataset, *common) == 1
    assert "its labels as a column" in capsys.readouterr().err


def test_the_published_baseline_is_learned_by_the_command_line(churn_run: Path, tmp_path: Path) -> None:
    common = [
        "--dataset",
        churn_run / "validation_with_predictions.csv",
        "--format",
        "csv",
        "--compatibility",
        "sagemaker",
    ]
    asked = ["--inference-attribute", "prediction", "--probability-attribute", "probability"]
    assert run("baseline", "model-quality", *common, *BINARY, *asked, "--output", tmp_path) == 0
    written = json.loads((tmp_path / "constraints.json").read_text())["binary_classification_constraints"]
    published = json.loads((churn_run / "mq_churn_baseline.json").read_text())["constraints"]
    assert written.keys() == published.keys()
    assert {name: one["threshold"] for name, one in written.items()} == pytest.approx(published, abs=1e-14)
