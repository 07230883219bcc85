"""Is the bias of the made-up applications found from the day it sets in, and not before, as the documentation shows?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.places import PROJECT

ONSET = "2026-03-30"
BEFORE = ["2026-03-02", "2026-03-09", "2026-03-16", "2026-03-23"]
AFTER = [ONSET, "2026-04-06", "2026-04-13"]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bias")


@pytest.fixture(scope="module")
def printed(store: Path) -> str:
    """What the command says."""
    ran = subprocess.run(
        [sys.executable, "examples/bias/onset.py", "--store", str(store)],
        cwd=PROJECT,
        env=os.environ | {"PYTHONPATH": str(PROJECT / "include")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not ran.returncode, ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def weeks(store: Path, printed: str) -> dict[str, dict[str, Any]]:
    """What was found of each week, by its first day."""
    found = (json.loads(path.read_text()) for path in store.glob("monitoring/applications/**/execution.json"))
    return {execution["window"]["start"][:10]: execution for execution in found}


def violations(execution: dict[str, Any]) -> set[tuple[str, str]]:
    return {(f["column"], f["measure"]) for f in execution["findings"] if f["outcome"] == "violated"}


def test_there_is_no_alarm_before_the_onset_and_one_in_each_week_from_it_on(weeks: dict[str, dict[str, Any]]) -> None:
    assert sorted(weeks) == BEFORE + AFTER
    assert {week for week, execution in weeks.items() if violations(execution)} == set(AFTER)
    assert all(weeks[week]["status"] == "Completed" for week in BEFORE)


def test_the_alarm_names_the_group_that_is_disfavoured_and_no_other(weeks: dict[str, dict[str, Any]]) -> None:
    for week in AFTER:
        assert {("sex = F", "DI"), ("sex = F", "FT"), ("sex = F", "RD")} <= violations(weeks[week])
        assert {group for group, _ in violations(weeks[week])} == {"sex = F"}


def test_nothing_is_undefined_and_every_label_has_come(weeks: dict[str, dict[str, Any]]) -> None:
    for execution in weeks.values():
        assert len(execution["findings"]) == 11  # eight metrics, usable rows, and those of two facets
        assert execution["undefined"] == 0
        assert execution["labels"]["coverage"] == 1
        assert execution["labels"]["late"] > 0


def test_an_alarm_tells_an_interval_that_does_not_reach_what_the_baseline_allows(
    weeks: dict[str, dict[str, Any]],
) -> None:
    for week in AFTER:
        for finding in (f for f in weeks[week]["findings"] if f["check"] == "bias_drift_check"):
            low, high = finding["threshold"]
            beyond = max(low - finding["observed"], finding["observed"] - high)
            assert (finding["outcome"] == "violated") == (beyond > finding["noise_floor"] > 0)


def test_the_report_tells_facet_value_metric_and_range(store: Path, weeks: dict[str, dict[str, Any]]) -> None:
    report = store / "monitoring/applications/applications-bias/2026/04/06/00/constraint_violations.json"
    found = {entry["metric_name"]: entry for entry in json.loads(report.read_text())["violations"]}
    assert (found["DI"]["facet"], found["DI"]["facet_value"]) == ("sex", "F")
    assert found["DI"]["constraint_check_type"] == "bias_drift_check"
    assert "(allowed: 0.98 to 1.02, and 0.16" in found["DI"]["description"]


def test_the_documentation_shows_what_is_printed(printed: str) -> None:
    assert f"```\n{printed}```" in (PROJECT / "docs" / "bias.md").read_text()


def test_a_second_run_writes_the_same_captures_labels_and_baseline(store: Path, printed: str, tmp_path: Path) -> None:
    again = "import onset, pathlib, sys; onset.write(pathlib.Path(sys.argv[1]), 2026)"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(PROJECT / "include"), "examples/bias"])}
    subprocess.run([sys.executable, "-c", again, str(tmp_path)], cwd=PROJECT, env=environment, check=True)
    written = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert len(written) > 700
    assert written == {path: (store / path).read_bytes() for path in written}
