"""A person sees what would change, from States alone, before a version is in force; looking changes nothing."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from support.captures import HOUR, at, capture, record
from test_publish_baseline import ANN, BOB, Versions, loosened

from model_monitor import jobs
from model_monitor.__main__ import main
from model_monitor.config.execution import Execution
from model_monitor.core.window import Window
from model_monitor.jobs.past_windows import past_windows
from model_monitor.verdicts.proposal import Proposal


@pytest.fixture
def versions(tmp_path: Path) -> Versions:
    """States of five hours, the last two of them around 100; the version in force knows n around 0."""
    versions = Versions(tmp_path)
    versions.publish(versions.learn(0))
    for hour in range(5):
        start, around = HOUR + timedelta(hours=hour), 100 if hour > 2 else 0
        asked = [
            record(f"e{hour}-{i}", f"{around + i % 7},{'ab'[i % 2]}\n", str(i % 10 / 10), start + timedelta(minutes=i))
            for i in range(60)
        ]
        capture(tmp_path / "capture", asked, start)
        execution = Execution.of(versions.file, "dq", Window(start, start + timedelta(hours=1)))
        jobs.collect_window(execution)
        jobs.compute_metrics(execution)
    return versions


def propose(versions: Versions, version: Path, **arguments: bool) -> Proposal:
    return jobs.propose_baseline(versions.a, str(version), **arguments)


def test_the_windows_that_would_flip_are_told_from_their_states_alone(versions: Versions, tmp_path: Path) -> None:
    for folder in ("capture", "out/_rows"):
        shutil.rmtree(tmp_path / folder)
    proposal = propose(versions, versions.learn(100))
    found = proposal.replayed
    assert (found.windows, found.before, found.after) == (5, 2, 3)
    assert [flip.window.start.hour - HOUR.hour for flip in found.flips] == [4, 3, 2, 1, 0]
    assert [flip.after for flip in found.flips] == ["Completed"] * 2 + ["CompletedWithViolations"] * 3
    assert found.flips[0].lost == found.flips[-1].gained == ("baseline_drift_check of n",)
    assert "Of the last 5 windows 5 would flip" in proposal.text
    [change] = proposal.comparison.changes
    assert (change.check, str(change.subject)) == ("baseline_drift_check", "n")
    assert change.after.endswith("kolmogorov smirnov 1, which would be a violation")


def test_what_would_flip_does_flip(versions: Versions) -> None:
    second = versions.learn(100)
    expected = {str(flip.window): flip.after for flip in propose(versions, second).replayed.flips}
    versions.publish(second)
    for hour in range(5):
        window = Window(at(60 * hour), at(60 * hour + 60))
        report = jobs.evaluate_constraints(Execution.of(versions.file, "dq", window))
        assert json.loads((Path(report) / "execution.json").read_text())["status"] == expected[str(window)]


def test_a_person_is_asked_of_all_but_the_first_version_unless_a_setting_says_otherwise(tmp_path: Path) -> None:
    for approval, first, later in ((None, False, True), ("auto", False, False), ("manual", True, True)):
        root = tmp_path / str(approval)
        root.mkdir()
        versions = Versions(root, **({"approval": approval} if approval else {}))
        version = versions.learn(0)
        assert bool(propose(versions, version).settled) is not first, approval
        versions.publish(version, ANN)
        assert "is in force already" in propose(versions, version).settled
        assert bool(propose(versions, versions.learn(100)).settled) is not later, approval


def test_a_version_that_was_rejected_is_asked_about_again_and_that_is_said(versions: Versions) -> None:
    second = versions.learn(100)
    jobs.reject_baseline(versions.a, str(second), BOB)
    proposal = propose(versions, second)
    assert not proposal.settled
    assert "It was rejected by bob at 2026-02-02T10:00:00Z (too few rows)." in proposal.text


def test_nothing_is_compared_where_nobody_is_asked_unless_somebody_wants_to_see(versions: Versions) -> None:
    [first] = [versions.learn(0)]
    assert propose(versions, first).replayed.windows == 0
    assert propose(versions, first, compares=True).replayed.windows == 5


def test_an_edit_of_the_version_in_force_is_compared_with_what_was_published(versions: Versions) -> None:
    first = versions.learn(0)
    (first / "constraints.json").write_text(loosened(first))
    proposal = propose(versions, first)
    assert not proposal.settled and proposal.in_force
    assert {(c.check, c.before, c.after) for c in proposal.comparison.changes} == {
        ("completeness_check", "at least 1", "at least 0.5")
    }
    assert (proposal.replayed.windows, proposal.replayed.flips) == (5, ())
    shutil.rmtree(first.parent / "observed")
    assert "is in force and was edited, so nothing is compared" in propose(versions, first).text


def test_an_edit_is_previewed_before_it_is_written(versions: Versions) -> None:
    first = versions.learn(0)
    files = {path: path.read_bytes() for path in versions.root.rglob("*") if path.is_file()}
    wide = json.loads((first / "constraints.json").read_text())
    wide["monitoring_config"]["distribution_constraints"]["comparison_threshold"] = 1.0
    proposal = jobs.propose_baseline(versions.a, str(first), compares=True, constraints=wide)
    assert [flip.window.start.hour - HOUR.hour for flip in proposal.replayed.flips] == [4, 3]
    assert (proposal.replayed.before, proposal.replayed.after) == (2, 0)
    assert {path: path.read_bytes() for path in versions.root.rglob("*") if path.is_file()} == files
    versions.publish(first, ANN, constraints=wide)
    report = jobs.evaluate_constraints(Execution.of(versions.file, "dq", Window(at(240), at(300))))
    assert json.loads((Path(report) / "execution.json").read_text())["status"] == "Completed"


def test_the_last_windows_are_the_newest_and_damaged_states_are_passed_over(versions: Versions, tmp_path: Path) -> None:
    hours = [past[0].start.hour - HOUR.hour for past in past_windows(versions.a, 3)]
    assert hours == [4, 3, 2]
    by_hand = Execution.of(versions.file, "dq", Window(at(0), at(90)))
    jobs.collect_window(by_hand)
    jobs.compute_metrics(by_hand)  # of another length: no window of the schedule's
    [newest] = (tmp_path / "out/_states/churn/dq").glob("2026/01/05/08/state.mms")
    newest.write_bytes(b"cut")
    assert [past[0].start.hour - HOUR.hour for past in past_windows(versions.a, 30)] == [3, 2, 1, 0]


def test_looking_by_the_command_line_changes_nothing(versions: Versions, capsys: pytest.CaptureFixture[str]) -> None:
    second = versions.learn(100)
    before = {path: path.read_bytes() for path in versions.root.rglob("*") if path.is_file()}
    assert main(["baselines", versions.file, "dq"]) == 0
    listed = capsys.readouterr().out
    assert (
        f"{versions.in_force}  2026-01-05T00:00:00Z  60    approved automatically at 2026-01-05T00:00:00Z, in force"
        in listed
    )
    assert f"{second.name}  2026-01-05T00:00:00Z  60    none yet" in listed
    assert main(["baselines", versions.file, "dq", second.name]) == 0
    assert "5 would flip" in capsys.readouterr().out
    assert {path: path.read_bytes() for path in versions.root.rglob("*") if path.is_file()} == before
    assert main(["baselines", versions.file, "dq", "nothing"]) == 1
    assert f"the versions of 'dq' are {', '.join(sorted([versions.in_force, second.name]))}" in capsys.readouterr().err


def test_one_damaged_version_does_not_hide_the_others(versions: Versions, capsys: pytest.CaptureFixture[str]) -> None:
    second = versions.learn(100)
    (second / "baseline.json").write_text("{}")
    assert main(["baselines", versions.file, "dq"]) == 0
    listed = capsys.readouterr().out
    assert "baseline.json is damaged" in listed and "in force" in listed
