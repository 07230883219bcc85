"""A version of a baseline means the same files for ever, and who put it in force is written beside it."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support.captures import at, capture, endpoint_file, record

from model_monitor import jobs
from model_monitor.__main__ import main
from model_monitor.config.execution import Assignment, Execution
from model_monitor.core.window import Window, iso
from model_monitor.errors import ConfigError, DataError, StoreError
from model_monitor.history.baselines import record_baselines
from model_monitor.history.database import History
from model_monitor.history.tables import Baseline
from model_monitor.jobs.publish_baseline import Shown
from model_monitor.results.decision import APPROVED, REJECTED, Choice, Decision
from model_monitor.rows.sources.datasets import Dataset
from model_monitor.verdicts.published import Published
from model_monitor.verdicts.versions import Version, names_of

WINDOW = Window(at(0), at(60))
ANN = Choice(by="ann", at="2026-02-01T10:00:00Z", why="a new season")
BOB = Choice(decision=REJECTED, by="bob", at="2026-02-02T10:00:00Z", why="too few rows")


class Versions:
    """A schedule and versions of its baseline, learned from rows whose ``n`` is around some number."""

    def __init__(self, root: Path, **baseline: Any) -> None:
        self.root = root
        self.file = endpoint_file(root, baseline=baseline)
        self.a = Assignment.load(self.file, "dq")

    def learn(self, around: int, created: str = "2026-01-05T00:00:00Z") -> Path:
        rows = "".join(f"{i % 10 / 10},{around + i % 7},{'ab'[i % 2]}\n" for i in range(60))
        (self.root / "rows.csv").write_text("p,n,c\n" + rows)
        state = jobs.observe_baseline(self.a, Dataset.at(str(self.root / "rows.csv"), "csv"))
        return Path(jobs.suggest_constraints(self.a, state, created))

    def publish(self, version: Path, *arguments: Any, **others: Any) -> str:
        """The name of the version that is in force then."""
        jobs.publish_baseline(self.a, str(version), *arguments, **others)
        return self.in_force

    @property
    def in_force(self) -> str:
        found = Published.find(self.a)
        assert found
        return found.name

    def decision(self, version: Path) -> Decision:
        found = Version.read(self.a, version.name).decision
        assert found
        return found

    def shown(self, version: Path) -> Shown:
        found = Published.find(self.a)
        return Shown(Version.read(self.a, version.name).digests, found.name if found else None)

    def judge(self) -> dict[str, Any]:
        lines = [record(f"e{i}", f"{i % 7},{'ab'[i % 2]}\n", str(i % 10 / 10), at(i)) for i in range(60)]
        capture(self.root / "capture", lines)
        execution = Execution.of(self.file, "dq", WINDOW)
        jobs.collect_window(execution)
        jobs.compute_metrics(execution)
        report = jobs.evaluate_constraints(execution)
        document: dict[str, Any] = json.loads((Path(report) / "execution.json").read_text())
        return document | {"message": jobs.alert(execution)["message"]}


def loosened(version: Path) -> str:
    """The constraints of a version as a person edits them."""
    return (version / "constraints.json").read_text().replace('"completeness": 1.0', '"completeness": 0.5')


def test_without_a_person_the_decision_says_so_and_is_made_when_the_version_was_learned(tmp_path: Path) -> None:
    versions = Versions(tmp_path)
    version = versions.learn(0)
    assert versions.publish(version) == version.name
    written = json.loads((version / "decision.json").read_text())
    assert written.pop("sha256")
    assert written == {
        "version": 1,
        "decision": "approved",
        "by": None,
        "at": "2026-01-05T00:00:00Z",
        "why": "",
        "automatic": True,
        "earlier": [],
    }


def test_a_person_s_decision_is_kept_with_who_when_and_why_and_a_rerun_adds_nothing(tmp_path: Path) -> None:
    versions = Versions(tmp_path)
    version = versions.learn(0)
    versions.publish(version, ANN)
    content = (version / "decision.json").read_bytes()
    assert versions.decision(version).choice == ANN
    versions.publish(version, ANN)
    versions.publish(version)  # by no person: it is in force already
    assert (version / "decision.json").read_bytes() == content


def test_a_change_of_mind_is_put_on_top_and_no_decision_is_lost(tmp_path: Path) -> None:
    versions = Versions(tmp_path)
    first, second = versions.learn(0), versions.learn(100)
    versions.publish(first)
    jobs.reject_baseline(versions.a, str(second), BOB)
    assert versions.in_force == first.name
    assert versions.publish(second, ANN) == second.name
    decision = versions.decision(second)
    assert (decision.choice, decision.earlier) == (ANN, [BOB])
    versions.publish(first, ANN)  # back again
    assert [choice.automatic for choice in versions.decision(first).earlier] == [True]


def test_no_setting_puts_a_version_in_force_that_a_person_rejected(tmp_path: Path) -> None:
    versions = Versions(tmp_path)
    first, second = versions.learn(0), versions.learn(100)
    versions.publish(first)
    jobs.reject_baseline(versions.a, str(second), BOB)
    with pytest.raises(ConfigError, match=r"rejected by bob at 2026-02-02T10:00:00Z \(too few rows\).*publish"):
        versions.publish(second)
    assert versions.in_force == first.name
    with pytest.raises(ConfigError, match="in force; publish another one first"):
        jobs.reject_baseline(versions.a, str(first), BOB)


def test_what_a_person_edited_is_a_version_of_its_own_and_the_learned_one_is_put_back(tmp_path: Path) -> None:
    versions = Versions(tmp_path)
    learned = versions.learn(0)
    original, edited = (learned / "constraints.json").read_text(), loosened(learned)
    versions.publish(learned)
    (learned / "constraints.json").write_text(edited)
    name = versions.publish(learned, ANN)
    assert name != learned.name and names_of(versions.a) == sorted([name, learned.name])
    assert (learned.parent / name / "constraints.json").read_text() == edited
    assert (learned / "constraints.json").read_text() == original
    own = Version.read(versions.a, name)
    assert (own.description["edited_from"], own.learned, own.decision) == (
        learned.name,
        "2026-01-05T00:00:00Z",
        versions.decision(own_folder := learned.parent / name),
    )
    assert versions.decision(own_folder).choice == ANN
    assert versions.judge()["baseline"]["version"] == name


def test_an_edit_stays_in_force_when_the_same_rows_are_learned_again_unless_a_person_says_so(tmp_path: Path) -> None:
    versions = Versions(tmp_path)
    learned = versions.learn(0)
    constraints = json.loads(loosened(learned))
    edited = versions.publish(learned, ANN, constraints=constraints)
    again = versions.publish(learned, Choice(by="ann", at="2026-02-03T00:00:00Z"), constraints=constraints | {"a": 1})
    assert Version.read(versions.a, again).description["edited_from"] == learned.name
    assert edited != again and versions.publish(versions.learn(0)) == again
    assert versions.publish(learned, Choice(by="ann", at="2026-02-04T00:00:00Z")) == learned.name


def test_a_rejected_edit_is_kept_as_what_it_was_and_the_version_in_force_is_put_back(tmp_path: Path) -> None:
    versions = Versions(tmp_path)
    learned = versions.learn(0)
    versions.publish(learned)
    original = (learned / "constraints.json").read_text()
    (learned / "constraints.json").write_text(loosened(learned))
    address = jobs.reject_baseline(versions.a, str(learned), BOB)
    assert Path(address).parent.name not in ("", learned.name)
    assert versions.decision(Path(address).parent).choice == BOB
    assert versions.in_force == learned.name and (learned / "constraints.json").read_text() == original
    assert versions.judge()["status"] == "Completed"


def test_a_history_that_does_not_answer_leaves_the_rest_to_a_retry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = Versions(tmp_path)
    learned = versions.learn(0)
    versions.publish(learned)
    (learned / "constraints.json").write_text(loosened(learned))
    shown = versions.shown(learned)
    monkeypatch.setenv("MODEL_MONITOR_HISTORY", "sqlite:////dev/null/no/folder/history.sqlite")
    with pytest.raises(StoreError):
        versions.publish(learned, ANN, shown)
    monkeypatch.delenv("MODEL_MONITOR_HISTORY")
    name = versions.publish(learned, ANN, shown)
    own = versions.decision(learned.parent / name)
    assert (own.choice, own.earlier) == (ANN, []) and name != learned.name
    assert versions.learn(0) == learned and not Version.read(versions.a, learned.name).is_edited


def test_an_answer_is_carried_out_as_it_was_given(tmp_path: Path) -> None:
    versions = Versions(tmp_path)
    first, second = versions.learn(0), versions.learn(100)
    at = "2026-03-01T00:00:00Z"
    assert jobs.decide_baseline(versions.a, str(first), None, at) == versions.a.published_baseline
    assert versions.decision(first).choice == Choice(at=at, automatic=True)
    shown = {"digests": Version.read(versions.a, second.name).digests, "in_force": first.name}
    answer = {"decision": "rejected", "by": "bob", "at": at, "why": "no", "constraints": None, "shown": shown}
    assert jobs.decide_baseline(versions.a, str(second), answer, "") is None
    assert versions.in_force == first.name and versions.decision(second).choice.decision == REJECTED
    answer |= {"decision": "approved", "constraints": json.loads(loosened(second))}
    assert jobs.decide_baseline(versions.a, str(second), answer, "") == versions.a.published_baseline
    assert versions.in_force not in (first.name, second.name)
    answer |= {"shown": {"digests": Version.read(versions.a, first.name).digests, "in_force": "another"}}
    with pytest.raises(ConfigError, match="compared with another, and meanwhile"):
        jobs.decide_baseline(versions.a, str(first), answer, "")


def test_constraints_that_nobody_could_judge_by_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    versions = Versions(tmp_path)
    first, second = versions.learn(0), versions.learn(100)
    versions.publish(first)
    with pytest.raises(ConfigError, match="completeness is a number from 0 to 1"):
        versions.publish(second, ANN, constraints={"features": [{"name": "n", "completeness": 7}]})
    assert versions.in_force == first.name and names_of(versions.a) == sorted([first.name, second.name])
    assert not (second / "decision.json").exists()
    (second / "constraints.json").write_text(loosened(second).replace("0.5", "7"))
    with pytest.raises(ConfigError, match=f"{second.name}/constraints.json.*completeness is a number from 0 to 1"):
        versions.publish(second, ANN)  # the file that a person edited, not one that was never written


def test_a_damaged_decision_hides_no_version_from_the_history(tmp_path: Path) -> None:
    versions = Versions(tmp_path)
    first, second = versions.learn(0), versions.learn(100)
    versions.publish(first)
    (second / "decision.json").write_text("{")
    record_baselines(versions.a)
    history = History.of(versions.a.endpoint)
    assert history
    with history.session() as session:
        states = {row.version: row.state for row in session.query(Baseline)}
    assert states == {first.name: "approved", second.name: "unreadable"}


def test_the_version_in_force_is_not_decided_on_again_without_a_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    versions = Versions(tmp_path)
    version = versions.learn(0)
    versions.publish(version)
    decided = (version / "decision.json").read_bytes()
    assert main(["publish", versions.file, "dq", version.name]) == 0
    assert f"judged by version {version.name} already" in capsys.readouterr().out
    assert (version / "decision.json").read_bytes() == decided
    assert main(["publish", versions.file, "dq", version.name, "--why", "looked at it"]) == 0
    assert json.loads((version / "decision.json").read_text())["why"] == "looked at it"


def test_without_a_schedule_the_baselines_of_all_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    versions = Versions(tmp_path)
    version = versions.learn(0)
    assert main(["baselines", versions.file]) == 0
    listed = capsys.readouterr().out
    assert listed.startswith("dq\nversion") and version.name in listed


def test_a_version_that_changed_since_it_was_shown_is_not_what_was_approved(tmp_path: Path) -> None:
    versions = Versions(tmp_path)
    first, second = versions.learn(0), versions.learn(100)
    versions.publish(first)
    shown = versions.shown(second)
    (second / "constraints.json").write_text(loosened(second))
    with pytest.raises(ConfigError, match="changed since they were shown; clear the task approve"):
        versions.publish(second, ANN, shown)
    assert versions.in_force == first.name and not (second / "decision.json").exists()
    assert versions.publish(second, ANN, versions.shown(second)) not in (first.name, second.name)


def test_a_proposal_that_is_approved_after_another_one_was_has_to_be_compared_with_that(tmp_path: Path) -> None:
    versions = Versions(tmp_path)
    first, second, third = versions.learn(0), versions.learn(100), versions.learn(200)
    versions.publish(first)
    older, newer = versions.shown(second), versions.shown(third)
    versions.publish(third, ANN, newer)
    with pytest.raises(ConfigError, match=f"compared with {first.name}, and meanwhile {third.name} was put in force"):
        versions.publish(second, ANN, older)
    assert versions.publish(third, ANN, newer) == third.name  # Airflow runs the task again
    assert versions.publish(second, ANN, versions.shown(second)) == second.name


def test_a_damaged_pointer_is_mended_by_publishing(tmp_path: Path) -> None:
    versions = Versions(tmp_path)
    version = versions.learn(0)
    versions.publish(version)
    pointer = version.parent / "published.json"
    content = pointer.read_bytes()
    pointer.write_bytes(content.replace(b"learned", b"leaned_"))
    with pytest.raises(DataError, match="publish"):
        versions.judge()
    assert versions.publish(version) == version.name
    assert pointer.read_bytes() == content


@pytest.mark.parametrize("days, stale", [(10, False), (9, True), (None, None)])
def test_a_baseline_older_than_stale_after_is_a_finding_of_its_own_and_no_violation(
    tmp_path: Path, days: int | None, stale: bool | None
) -> None:
    versions = Versions(tmp_path, **({} if days is None else {"stale_after": f"P{days}D"}))
    versions.publish(versions.learn(0, iso(WINDOW.end - timedelta(days=10))))
    document = versions.judge()
    assert (document["status"], document["violations"]) == ("Completed", 0)
    assert document["baseline"].get("stale") is stale
    found = [finding for finding in document["findings"] if finding["check"] == "stale_baseline_check"]
    assert [(f["outcome"], f["observed"], f["threshold"]) for f in found] == {
        None: [],
        False: [("holds", 10.0, 10.0)],
        True: [("undefined", 10.0, 9.0)],
    }[stale]
    assert ("judged by a stale baseline" in document["message"]) is bool(stale)
    assert document["undefined"] == int(bool(stale))


def test_the_age_counts_from_when_a_version_was_learned_also_of_an_edit_and_not_from_a_clock(tmp_path: Path) -> None:
    versions = Versions(tmp_path, stale_after="P30D")
    learned = versions.learn(0, "2025-12-01T00:00:00Z")
    versions.publish(learned, ANN, constraints=json.loads(loosened(learned)))
    document = versions.judge()
    [found] = [finding for finding in document["findings"] if finding["check"] == "stale_baseline_check"]
    assert found["observed"] == pytest.approx(35 + 4 / 24)
    assert found["reason"] == ("the baseline is 35.1 days old, learned on 2025-12-01T00:00:00Z; stale_after is 30 days")


def test_of_a_version_without_a_time_nobody_can_say_that_it_is_young(tmp_path: Path) -> None:
    versions = Versions(tmp_path, stale_after="P30D")
    versions.publish(versions.learn(0, ""))
    document = versions.judge()
    assert document["baseline"]["stale"] is True
    assert document["findings"][-1]["reason"] == "nobody knows when the baseline was learned"


@pytest.mark.parametrize("setting", [{"approval": "manual"}, {"stale_after": "P30D"}])
def test_files_of_one_s_own_have_no_versions_to_approve_or_to_grow_old(tmp_path: Path, setting: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=f"{next(iter(setting))} is about learned versions"):
        Versions(tmp_path, statistics="s.json", **setting)


def test_a_reason_is_kept_without_secrets(tmp_path: Path) -> None:
    versions = Versions(tmp_path)
    version = versions.learn(0)
    versions.publish(version, Choice(by="ann", at=ANN.at, why="see https://x/?token=abcdef12 \x1b[31m"))
    assert versions.decision(version).why.startswith("see https://x/?token=…")
    assert versions.decision(version).decision == APPROVED
