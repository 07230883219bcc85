"""Traffic with hours is no alarm once there are enough windows, and a change in it still is; through the store."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from support.captures import endpoint_file
from support.hours import ROWS, Shop, WithoutPage, at, violated

from model_monitor import jobs
from model_monitor.config.execution import Assignment, Execution
from model_monitor.config.trial import tried
from model_monitor.core.window import Window
from model_monitor.jobs.earlier_windows import all_odds
from model_monitor.results.html.report import facts_of
from model_monitor.verdicts.noise import FEWEST
from model_monitor.verdicts.published import Published

REPLAYING = sys.modules["model_monitor.jobs.replay_windows"]  # the package has a function of that name


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> tuple[Shop, list[dict[str, Any]]]:
    """Three days of windows."""
    shop = Shop(tmp_path_factory.mktemp("shop"))
    shop.learn()
    return shop, [shop.judge(hour) for hour in range(72)]


def test_hours_of_the_day_alarm_until_there_are_enough_windows(days: tuple[Shop, list[dict[str, Any]]]) -> None:
    _, documents = days
    assert any(map(violated, documents[:FEWEST]))
    assert not any(map(violated, documents[FEWEST:]))
    [drift] = [
        one for one in documents[30]["findings"] if one["check"] == "baseline_drift_check" and one["column"] == "a"
    ]
    assert drift["past_windows"] == 30 and drift["noise_floor"] >= drift["observed"]


def test_a_window_is_compared_with_the_same_hours_as_soon_as_it_is_known_how_these_vary(
    days: tuple[Shop, list[dict[str, Any]]],
) -> None:
    shop, documents = days
    assert "references" not in documents[30]
    assert documents[70]["references"] == [{"name": "same_hour", "windows": 2, "rows": 2 * ROWS}]
    changed = shop.judge(72, shift=0.4)
    assert "baseline_drift_check against same_hour" in violated(changed)
    [told] = [one["sentence"] for one in changed["findings"] if "reference" in one and one["outcome"] == "violated"]
    assert told.startswith("a: ") and told.endswith(", against the same time of 3 earlier days")
    entries = json.loads((Path(shop.a.on(Window(at(72), at(73))).report) / "constraint_violations.json").read_text())
    assert any(
        one["constraint_check_type"] == "baseline_drift_check against same_hour"
        and one["description"].startswith("Against the same time of 3 earlier days: ")
        for one in entries["violations"]
    )
    assert all_odds(shop.a)[-1].stand_out
    again = shop.judge(96, shift=0.4)  # what stood out a day ago is no reference
    assert again["references"] == [{"name": "same_hour", "windows": 3, "rows": 3 * ROWS}]


def test_the_report_says_in_a_sentence_which_past_windows_it_was_judged_beside(
    days: tuple[Shop, list[dict[str, Any]]],
) -> None:
    _, documents = days
    told = {number: dict(facts_of(documents[number]))["Past windows"] for number in (0, 1, FEWEST, 34, 70)}
    learning = "still learning: judged by the chance of rows alone until 20 past windows are there"
    assert told == {
        0: learning,
        1: learning,
        FEWEST: "compared with how 20 past windows varied",
        34: "compared with how 34 past windows varied",
        70: "compared with how 70 past windows varied, and with 2 past windows of the same hour",
    }


def test_a_run_by_hand_over_another_window_learns_nothing_and_teaches_nothing(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.learn()
    document = shop.judge(0, length=5)
    assert not all_odds(shop.a) and "Past windows" not in dict(facts_of(document))
    assert all("past_windows" not in one for one in document["findings"])


def test_spans_are_weighed_by_how_much_spans_varied(tmp_path: Path) -> None:
    shop = Shop(tmp_path, also=["PT2H"])
    shop.learn()
    documents = [shop.judge(hour) for hour in range(2 * FEWEST + 6)]

    def of_spans(document: dict[str, Any]) -> set[int]:
        entries = [one for one in document["findings"] if one.get("span") == "PT2H"]
        return {one["past_windows"] for one in entries if "past_windows" in one}

    assert of_spans(documents[FEWEST + 10]) == set()  # there are too few spans
    assert of_spans(documents[-1]) == {FEWEST + 2}  # none of which has an hour of another, or of the one that is judged
    assert weighed(documents[-1]) == {2 * FEWEST + 5}
    assert not any(map(violated, documents[FEWEST:]))
    then = tried(shop.file, "dq", {"options.false_alarm_budget": 1e-6})
    replay = jobs.replay_windows(shop.a, then, Window(at(0), at(2 * FEWEST + 6)))
    assert replay.before == sum(bool(violated(document)) for document in documents)


def weighed(document: dict[str, Any]) -> set[int]:
    """With how many past windows the findings of the window itself, by its baseline, were weighed."""
    return {
        one["past_windows"]
        for one in document["findings"]
        if "past_windows" in one and not {"span", "reference"} & {*one}
    }


def test_a_new_baseline_begins_to_learn_anew(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.learn()
    for hour in range(FEWEST + 1):
        shop.judge(hour)
    assert shop.judge(FEWEST + 1)["findings"][-1]["past_windows"] == FEWEST + 1
    shop.learn(moved=1.0)
    assert all("past_windows" not in one for one in shop.judge(FEWEST + 2)["findings"])


def test_with_noise_of_history_nothing_is_judged_by_chance_before_there_is_one(tmp_path: Path) -> None:
    shop = Shop(tmp_path, noise="history")
    shop.learn()
    document = shop.judge(0, shift=2.0)
    assert not violated(document)
    assert "nothing is judged by chance until 20" in dict(facts_of(document))["Past windows"]
    [reason] = {one["reason"] for one in document["findings"] if one["outcome"] == "undefined"}
    assert reason == f"its noise is learned from {FEWEST} healthy windows, and there are 0 yet"


@pytest.mark.parametrize(
    ("reference", "windows", "words"),
    [
        ("previous", 1, "against the window before"),
        ("trailing PT6H", 6, "against the 6 hours before"),
        ("same_hour", 1, "against the same time of 1 earlier days"),
    ],
)
def test_a_reference_that_is_asked_for_is_judged_from_the_first_window_on(
    tmp_path: Path, reference: str, windows: int, words: str
) -> None:
    shop = Shop(tmp_path, noise="sampling", reference=reference)
    shop.learn()
    for hour in range(24):
        shop.judge(hour)
    document = shop.judge(24, shift=1.0)
    assert document["references"] == [{"name": reference, "windows": windows, "rows": windows * ROWS}]
    [told] = [one["sentence"] for one in document["findings"] if "reference" in one and one["outcome"] == "violated"]
    assert told.endswith(words)
    assert dict(facts_of(document))["Past windows"].startswith("compared with ")


@pytest.mark.parametrize(
    ("edit", "is_told"),
    [({}, True), ({"comparison_threshold": 0.9}, False), ({"perform_comparison": "Disabled"}, False)],
)
def test_what_a_person_set_in_the_baseline_holds_against_a_reference_too(
    tmp_path: Path, edit: dict[str, Any], is_told: bool
) -> None:
    shop = Shop(tmp_path, noise="sampling", reference="previous")
    shop.learn()
    version = Path(Published.find(shop.a).name)  # type: ignore[union-attr]
    document = json.loads((Path(shop.a.baselines) / version / "constraints.json").read_text())
    document["monitoring_config"]["distribution_constraints"] |= edit
    (tmp_path / "constraints.json").write_text(json.dumps(document))
    files = {"statistics": str(Path(shop.a.baselines) / version / "statistics.json"), "constraints": "constraints.json"}
    edited = Shop.__new__(Shop)
    edited.root, edited.chance = tmp_path, shop.chance
    edited.file = endpoint_file(tmp_path, options={}, noise="sampling", reference="previous", baseline=files)
    edited.a = Assignment.load(edited.file, "dq")
    edited.judge(0)
    assert ("baseline_drift_check against previous" in violated(edited.judge(1, shift=1.0))) == is_told


@pytest.mark.parametrize("schedule", [{"noise": "sampling"}, {"options": {"compatibility": "sagemaker"}}])
def test_who_does_not_learn_from_windows_keeps_nothing_of_them(tmp_path: Path, schedule: dict[str, Any]) -> None:
    shop = Shop(tmp_path, **schedule)
    shop.learn()
    shop.judge(0)
    assert not all_odds(shop.a)


def test_the_same_window_again_is_the_same_report_whatever_came_after_it(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.learn()
    for hour in range(FEWEST + 8):
        shop.judge(hour)
    execution = WithoutPage(shop.a.endpoint, shop.a.schedule, Window(at(FEWEST + 4), at(FEWEST + 5)))
    folder = Path(execution.report)
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    jobs.evaluate_constraints(execution)
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


def test_a_replay_judges_beside_past_windows_as_the_schedule_does(days: tuple[Shop, list[dict[str, Any]]]) -> None:
    shop, documents = days
    span = Window(at(0), at(72))
    replay = jobs.replay_windows(shop.a, tried(shop.file, "dq", {"noise": "sampling"}), span)
    alarms = sum(bool(violated(document)) for document in documents)
    assert (replay.windows, replay.before) == (72, alarms)
    assert replay.after > 40 and not [
        one for one in replay.told if one.before == "CompletedWithViolations" != one.after
    ]


@pytest.mark.parametrize(
    "settings",
    [
        {"options.false_alarm_budget": 0.3},
        {"options.false_alarm_budget": 1e-6},
        {"noise": "sampling"},
        {"noise": "history", "options.false_alarm_budget": 0.3},
        {"reference": "baseline", "options.false_alarm_budget": 0.3},
    ],
)
def test_a_replay_by_odds_is_that_by_states(
    days: tuple[Shop, list[dict[str, Any]]], settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, _ = days
    then, span = tried(shop.file, "dq", settings), Window(at(0), at(72))
    with monkeypatch.context() as patch:
        patch.setattr(REPLAYING, "past_of", None)
        by_odds = jobs.replay_windows(shop.a, then, span)
    monkeypatch.setattr("model_monitor.verdicts.recalled.Side.knows", lambda side, odds: False)
    assert by_odds == jobs.replay_windows(shop.a, then, span)
    assert by_odds.windows == 72 and by_odds.flips


def test_what_is_compared_otherwise_is_judged_by_states(
    days: tuple[Shop, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, _ = days
    read = list[Execution]()
    monkeypatch.setattr(REPLAYING, "past_of", read.append)
    jobs.replay_windows(shop.a, tried(shop.file, "dq", {"options.texts": ["a"]}), Window(at(0), at(72)))
    assert len(read) == 72


def test_damaged_odds_are_those_of_no_window(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.learn()
    for hour in range(FEWEST):
        shop.judge(hour)
    path = Path(shop.a.on(Window(at(3), at(4))).odds)
    path.write_bytes(path.read_bytes()[:-20])
    assert len(all_odds(shop.a)) == FEWEST - 1
    assert all("past_windows" not in one for one in shop.judge(FEWEST)["findings"])
