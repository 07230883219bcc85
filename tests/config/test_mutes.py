"""Are mutes refused that silence nothing, and told of that are over?"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.captures import endpoint_file

from model_monitor import config
from model_monitor.__main__ import main
from model_monitor.config.mutes import names_by_monitor
from model_monitor.monitors.traits import BUILT_IN

TRUTH = {"ground_truth": {"uri": "labels"}}
QUALITY = {"options": {"problem_type": "Regression", "inference_attribute": 0}, **TRUTH}
SETTINGS: dict[str, dict[str, Any]] = {
    "data_quality": {},
    "model_quality": QUALITY,
    "bias": {"options": {"facets": [{"name": "sex", "values": ["m"]}], "inference_attribute": 0}, **TRUTH},
    "attribution": {"explain": {"model": {"callable": "a.b"}, "background": [[1]]}},
    "traffic": {},
}


def file(root: Path, monitor: str, *mutes: dict[str, str], place: str = "schedule", **more: Any) -> str:
    alerts = {"alerts": {"mute": list(mutes)}}
    path = Path(endpoint_file(root, monitor=monitor, **SETTINGS.get(monitor, {}), **more))
    content = json.loads(path.read_text())
    (content["schedules"][0] if place == "schedule" else content).update(alerts)
    path.write_text(json.dumps(content))
    return str(path)


def problems(path: str) -> list[str]:
    return config.problems_in(Path(path), config.load(path))


@pytest.mark.parametrize("place", ["schedule", "endpoint"])
@pytest.mark.parametrize("monitor", SETTINGS)
def test_a_mute_of_no_check_is_refused_with_what_there_is(monitor: str, place: str, tmp_path: Path) -> None:
    [problem] = problems(file(tmp_path, monitor, {"check": "no_such_check"}, place=place))
    where = "schedules.0.alerts.mute.0.check" if place == "schedule" else "alerts.mute.0.check"
    assert f"{where}: there is no check 'no_such_check'" in problem
    assert names_by_monitor()[monitor][0] in problem


@pytest.mark.parametrize("monitor", SETTINGS)
def test_a_mute_of_each_check_and_measure_is_accepted(monitor: str, tmp_path: Path) -> None:
    mutes = [{"check": name} for name in (*names_by_monitor()[monitor], "set_aside_check", "stale_baseline_check")]
    assert problems(file(tmp_path, monitor, *mutes)) == []


def test_every_monitor_has_its_checks_listed() -> None:
    assert names_by_monitor().keys() == BUILT_IN.keys() - {"expectations"} == SETTINGS.keys()  # rules have own names


@pytest.mark.parametrize(
    ("written", "meant"), [("drift", "baseline_drift_check"), ("completness_check", "completeness_check")]
)
def test_a_slip_is_answered_with_the_check_that_was_meant(written: str, meant: str, tmp_path: Path) -> None:
    [problem] = problems(file(tmp_path, "data_quality", {"check": written}))
    assert f"did you mean '{meant}'?" in problem


def test_checks_of_rules_and_of_other_peoples_monitors_are_not_known_and_accepted(tmp_path: Path) -> None:
    rules = [{"type": "expect_column_to_exist", "kwargs": {"column": "a"}}]
    assert problems(file(tmp_path, "data_quality", {"check": "expect_column_to_exist"}, expectations=rules)) == []
    own = file(tmp_path, "support.judged.Endpoint", {"check": "my_check"})
    assert not any("my_check" in problem for problem in problems(own))


@pytest.mark.parametrize(("days", "is_told"), [(-400, True), (0, True), (1, False), (400, False)])
def test_a_mute_that_is_over_is_told(
    days: int, is_told: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    until = (datetime.now(UTC) + timedelta(days=days)).date().isoformat()
    path = file(tmp_path, "data_quality", {"column": "a", "until": until})
    assert main(["validate", path]) == 0
    assert (f"schedules.0.alerts.mute.0 is over since {until}" in capsys.readouterr().out) is is_told


def test_a_mute_of_a_column_that_is_not_declared_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = file(tmp_path, "data_quality", {"column": "agee"}, {"column": "age"}, columns={"inputs": ["age"]})
    assert main(["validate", path]) == 0
    out = capsys.readouterr().out
    assert "mute.0 is of the column 'agee', which columns does not name" in out
    assert "'age'," not in out


def test_by_hand_no_check_is_muted_that_does_not_exist(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = file(tmp_path, "data_quality")
    assert main(["alerts", "mute", path, "--check", "drift_check"]) == 1
    assert "--check: there is no check 'drift_check'" in capsys.readouterr().err


@pytest.mark.parametrize("monitor", SETTINGS)
def test_a_baseline_of_constraints_alone_is_refused_or_told_where_it_does_not_do(
    monitor: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = file(tmp_path, monitor, baseline={"constraints": "constraints.json"})
    status, (out, err) = main(["validate", path]), capsys.readouterr()
    assert (status == 1) is (monitor == "traffic")
    assert ("schedules.0.baseline: constraints alone do not tell how many requests are usual" in err) is bool(status)
    assert ("the baseline of 'dq' has constraints and no statistics: drift" in out) is (monitor == "data_quality")
