"""SageMaker's published run, reproduced from its files through the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.captures import churn_capture

from model_monitor.__main__ import main

POISONED = (
    "Data type match requirement is not met. Expected data type: Integral, Expected match: 100.0%. "
    "Observed: Only 99.64592817400101% of data is Integral."
)


@pytest.fixture(scope="module")
def baseline(churn_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("baseline")
    dataset = str(churn_run / "training-dataset-with-header.csv")
    command = ["baseline", "data-quality", "--dataset", dataset, "--format", "csv", "--compatibility", "sagemaker"]
    assert main([*command, "--output", str(folder)]) == 0
    return folder


def test_the_statistics_of_the_29_published_columns_are_sagemakers(churn_run: Path, baseline: Path) -> None:
    ours = json.loads((baseline / "statistics.json").read_text())
    theirs = json.loads((churn_run / "dq_churn_statistics_29of70.json").read_text())
    assert ours["dataset"]["item_count"] == theirs["item_count"] == 2333
    assert len(theirs["features"]) == 29
    for mine, published in zip(ours["features"], theirs["features"], strict=False):
        a, b = mine["numerical_statistics"], published["numerical_statistics"]
        assert (mine["name"], mine["inferred_type"]) == (published["name"], published["inferred_type"])
        assert (a["common"], a["min"], a["max"]) == (b["common"], b["min"], b["max"])
        for key in ("mean", "sum", "std_dev"):
            assert a[key] == pytest.approx(b[key], rel=1e-12)
        assert a["distribution"] == b["distribution"], "buckets and sketch, bit for bit"


def test_the_constraints_of_all_70_columns_are_sagemakers(churn_run: Path, baseline: Path) -> None:
    ours = json.loads((baseline / "constraints.json").read_text())
    theirs = json.loads((churn_run / "dq_churn_constraints.json").read_text())
    assert len(theirs["features"]) == 70
    assert ours["features"] == theirs["features"]
    config, published = ours["monitoring_config"], theirs["monitoring_config"]
    assert config.pop("distribution_constraints").items() >= published.pop("distribution_constraints").items()
    assert config == published


@pytest.mark.parametrize("theirs", [False, True], ids=["our-constraints", "their-constraints"])
def test_the_run_has_exactly_the_60_published_violations(
    churn_run: Path, baseline: Path, tmp_path: Path, theirs: bool
) -> None:
    constraints = churn_run / "dq_churn_constraints.json" if theirs else baseline / "constraints.json"
    files = ["--statistics", str(baseline / "statistics.json"), "--constraints", str(constraints)]
    command = [
        "run",
        "data-quality",
        "--dataset",
        str(churn_capture(churn_run, tmp_path / "in")),
        "--format",
        "capture",
    ]
    assert main([*command, *files, "--compatibility", "sagemaker", "--output", str(tmp_path / "out")]) == 3
    found = json.loads((tmp_path / "out/constraint_violations.json").read_text())["violations"]
    assert len(found) == 60
    assert {v["constraint_check_type"] for v in found} == {"data_type_check"}
    assert [v["description"] for v in found if v["feature_name"] != "Churn"] == [POISONED] * 59
    [churn] = [v["description"] for v in found if v["feature_name"] == "Churn"]
    assert churn.endswith("Observed: Only 0.0% of data is Integral.")


def test_the_default_mode_sees_what_sagemaker_does_not(churn_run: Path, baseline: Path, tmp_path: Path) -> None:
    """A live probability against a 0/1 label: 0.861 apart by a true Kolmogorov-Smirnov distance. The files ask for
    SageMaker's threshold of 0.1, below which other columns moved."""
    files = ["--statistics", str(baseline / "statistics.json"), "--constraints", str(baseline / "constraints.json")]
    command = [
        "run",
        "data-quality",
        "--dataset",
        str(churn_capture(churn_run, tmp_path / "in")),
        "--format",
        "capture",
    ]
    assert main([*command, *files, "--output", str(tmp_path / "out")]) == 3
    found = json.loads((tmp_path / "out/constraint_violations.json").read_text())["violations"]
    drift = [v for v in found if v["constraint_check_type"] == "baseline_drift_check"]
    assert [v["feature_name"] for v in drift] == ["Churn"]
    assert "distance: 0.8606" in drift[0]["description"]
