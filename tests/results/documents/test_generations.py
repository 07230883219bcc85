"""SageMaker's files in the form of its older and of its newer containers: both are read, and either is written."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from model_monitor.__main__ import main
from model_monitor.core import ranking
from model_monitor.monitors import columns
from model_monitor.results.documents.data_quality import different_values

BINARY = ["--problem-type", "BinaryClassification", "--probability-attribute", "score"]
SAGEMAKER = ["--compatibility", "sagemaker"]
NEWER = ["--option", "generation=2024"]


def run(*arguments: object) -> int:
    return main(list(map(str, arguments)))


def dataset(folder: Path, rows: int = 100, more: str = "", name: str = "data.csv") -> Path:
    chance = np.random.default_rng(rows)
    score = chance.random(rows).round(3)
    label = (chance.random(rows) < score).astype(int)
    lines = [f"{s},{y}{',x' if more else ''}" for s, y in zip(score, label, strict=True)]
    path = folder / name
    path.write_text("\n".join([f"score,label{more}", *lines]) + "\n")
    return path


def learned(folder: Path, monitor: str, *more: str) -> Path:
    output = folder / "base"
    options = BINARY if monitor == "model-quality" else []
    assert run("baseline", monitor, "--dataset", dataset(folder), *options, *more, "--output", output) == 0
    return output


def judged(folder: Path, monitor: str, data: Path, *more: str, statistics: bool = True) -> Path:
    base, output = folder / "base", folder / "out"
    files = ["--constraints", base / "constraints.json"]
    files += ["--statistics", base / "statistics.json"] if statistics else []
    options = BINARY if monitor == "model-quality" else []
    assert run("run", monitor, "--dataset", data, *files, *options, *more, "--output", output) in (0, 3)
    return output


def read(folder: Path, name: str = "statistics.json") -> Any:
    return json.loads((folder / name).read_text())


def commons(folder: Path) -> list[Any]:
    bodies = (f.get("numerical_statistics") or f["string_statistics"] for f in read(folder)["features"])
    return [body["common"] for body in bodies]


def test_data_quality_writes_the_form_that_the_option_or_the_baseline_has(tmp_path: Path) -> None:
    assert all(set(c) == {"num_present", "num_missing"} for c in commons(learned(tmp_path, "data-quality", *SAGEMAKER)))
    assert all(len(c) == 2 for c in commons(judged(tmp_path, "data-quality", dataset(tmp_path), *SAGEMAKER)))
    newer = commons(learned(tmp_path, "data-quality", *SAGEMAKER, *NEWER))
    assert newer[1] == {
        "num_present": 100,
        "num_missing": 0,
        "completeness": 1.0,
        "approximate_num_distinct_values": 2,
    }
    assert commons(judged(tmp_path, "data-quality", dataset(tmp_path), *SAGEMAKER)) == newer
    older = commons(judged(tmp_path, "data-quality", dataset(tmp_path), *SAGEMAKER, "--option", "generation=2020"))
    assert all(len(c) == 2 for c in older)


def test_model_quality_writes_the_form_that_the_option_or_the_baseline_has(tmp_path: Path) -> None:
    def metrics(folder: Path) -> Any:
        return read(folder)["binary_classification_metrics"]

    older = metrics(learned(tmp_path, "model-quality", *SAGEMAKER))
    assert "au_prc" not in older and older["recall"]["standard_deviation"] == "NaN"
    newer = metrics(learned(tmp_path, "model-quality", *SAGEMAKER, *NEWER))
    assert list(newer)[list(newer).index("auc") + 1] == "au_prc"
    assert {entry["standard_deviation"] for entry in newer.values() if "value" in entry} == {None}
    assert {name: entry.get("value") for name, entry in newer.items() if name != "au_prc"} == {
        name: entry.get("value") for name, entry in older.items()
    }
    constraints = read(tmp_path / "base", "constraints.json")["binary_classification_constraints"]
    assert constraints["au_prc"] == {
        "threshold": newer["au_prc"]["value"],
        "comparison_operator": "LessThanThreshold",
    }
    window = metrics(judged(tmp_path, "model-quality", dataset(tmp_path, 300, name="window.csv"), *SAGEMAKER))
    assert window["au_prc"]["standard_deviation"] > 0


def test_a_worse_au_prc_violates_in_sagemakers_mode_only(tmp_path: Path) -> None:
    base = learned(tmp_path, "model-quality", *SAGEMAKER, *NEWER)
    constraints = read(base, "constraints.json")
    constraints["binary_classification_constraints"] = {
        "au_prc": {"threshold": 0.999, "comparison_operator": "LessThanThreshold"},
        "recall": {"threshold": 0.0, "comparison_operator": "LessThanThreshold"},
    }
    (base / "constraints.json").write_text(json.dumps(constraints))
    window = dataset(tmp_path, 150, name="window.csv")
    judged(tmp_path, "model-quality", window, *SAGEMAKER)
    [found] = read(tmp_path / "out", "constraint_violations.json")["violations"]
    assert found["metric_name"] == "auPrc"
    judged(tmp_path, "model-quality", window)
    assert read(tmp_path / "out", "constraint_violations.json")["violations"] == []


def test_constraints_alone_of_newer_containers_ask_for_the_option(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    learned(tmp_path, "model-quality", *SAGEMAKER, *NEWER)
    files = ["--constraints", tmp_path / "base/constraints.json", "--output", tmp_path / "out"]
    assert run("run", "model-quality", "--dataset", tmp_path / "data.csv", *BINARY, *SAGEMAKER, *files) == 1
    assert "set option generation: 2024" in capsys.readouterr().err
    judged(tmp_path, "model-quality", tmp_path / "data.csv", *SAGEMAKER, *NEWER, statistics=False)


@pytest.mark.parametrize("mode", [[], SAGEMAKER], ids=["calibrated", "sagemaker"])
@pytest.mark.parametrize("place", ["common", "feature"])
def test_a_column_whose_missing_values_only_completeness_tells_is_read(
    tmp_path: Path, mode: list[str], place: str
) -> None:
    base = learned(tmp_path, "data-quality", *SAGEMAKER, *NEWER)
    statistics = read(base)
    for feature in statistics["features"]:
        body = feature.get("numerical_statistics") or feature["string_statistics"]
        members = {"completeness": 1.0, "approximate_num_distinct_values": 2}
        if place == "common":
            del body["common"]["num_missing"]
        else:
            body["common"] = {"num_present": 100, "num_missing": 0}
            feature |= members
    (base / "statistics.json").write_text(json.dumps(statistics))
    judged(tmp_path, "data-quality", dataset(tmp_path), *mode)
    assert read(tmp_path / "out", "constraint_violations.json")["violations"] == []


@pytest.mark.parametrize(("header", "what", "live"), [(",more", "extra", 3), ("", "missing", 1)])
def test_column_checks_are_in_the_newer_words_in_sagemakers_mode(
    tmp_path: Path, header: str, what: str, live: int
) -> None:
    learned(tmp_path, "data-quality", *SAGEMAKER)
    window = tmp_path / "window.csv"
    rows = [f"0.{i:02d},0,x".split(",")[:live] for i in range(50)]
    names = ["score", "label. Number of columns", "more"][:live]
    window.write_text("\n".join(",".join(row) for row in [names, *rows]) + "\n")
    judged(tmp_path, "data-quality", window, *SAGEMAKER)
    found = read(tmp_path / "out", "constraint_violations.json")["violations"]
    assert [v for v in found if v["constraint_check_type"].endswith("column_check")] == [
        {
            "feature_name": f"{what.capitalize()} columns",
            "constraint_check_type": f"{what}_column_check",
            "description": f"There are {what} columns in current dataset. Number of columns in current dataset: "
            f"{live}, Number of columns in baseline constraints: 2",
        }
    ]
    judged(tmp_path, "data-quality", window)
    names_it = read(tmp_path / "out", "constraint_violations.json")["violations"][0]["feature_name"]
    assert names_it in ("more", "label", "label. Number of columns")


def test_the_area_under_precision_is_that_of_sparks_points_in_straight_lines() -> None:
    chance = np.random.default_rng(0)
    score, truth = chance.integers(0, 40, 500) / 40, chance.random(500) < 0.3
    points = [(0.0, 0.0)]
    for threshold in sorted(set(score.tolist()), reverse=True):
        above = score >= threshold
        points.append((float((truth & above).sum() / truth.sum()), float((truth & above).sum() / above.sum())))
    points[0] = (0.0, points[1][1])
    area = sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in pairwise(points))
    values = np.unique(score)
    counts = [np.array([(score[side] == value).sum() for value in values]) for side in (truth, ~truth)]
    assert ranking.area_under_precision(*counts) == pytest.approx(area, rel=1e-12)
    assert ranking.area_under_precision(np.array([0, 0]), np.array([1, 2])) is None
    assert ranking.area_under_precision(np.array([1, 2]), np.array([0, 0])) == 1.0


@pytest.mark.parametrize(("different", "rows"), [(7, 50_000), (900, 50_000), (3000, 50_000), (50_000, 50_000)])
def test_different_numbers_are_counted_or_estimated(different: int, rows: int) -> None:
    chance = np.random.default_rng(different)
    numbers = chance.permutation(np.arange(rows) % different) + 0.5
    assert different_values(columns.observe(pa.array(numbers))) == pytest.approx(different, rel=0.35)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--option", "generation=2022", *SAGEMAKER], "generation is 2020 or 2024, not 2022"),
        (NEWER, "set compatibility: sagemaker"),
    ],
)
@pytest.mark.parametrize("monitor", ["data-quality", "model-quality"])
def test_another_generation_or_one_of_the_default_mode_is_refused(
    tmp_path: Path, monitor: str, options: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = BINARY if monitor == "model-quality" else []
    data = dataset(tmp_path)
    assert run("baseline", monitor, "--dataset", data, *given, *options, "--output", tmp_path / "base") == 1
    assert words in capsys.readouterr().err
