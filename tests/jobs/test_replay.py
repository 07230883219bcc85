"""Past windows are judged again by other settings from their States alone; nothing is written, and no row is read."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from support.proposed import Place

from model_monitor import jobs
from model_monitor.__main__ import main
from model_monitor.config.execution import Assignment, Execution
from model_monitor.config.files import load
from model_monitor.config.trial import settings_in, tried
from model_monitor.core.window import Window
from model_monitor.errors import ConfigError
from model_monitor.verdicts.versions import names_of

WIDE = "options.rules.numeric_threshold=1.0"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def replayed(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    assert main(["replay", *arguments, "--json"]) == 0
    document: dict[str, object] = json.loads(capsys.readouterr().out)
    return document


def write(place: Place, **schedule: object) -> None:
    content = yaml.safe_load(place.file.read_text())
    content["schedules"][0] |= schedule
    place.file.write_text(yaml.safe_dump(content))


def test_it_says_which_windows_alarm_before_and_after_and_writes_nothing(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(place.root / "capture")
    shutil.rmtree(place.root / "out/_rows")
    files = place.files
    found = replayed(capsys, f"{place.file}/dq", "--set", "options.check_non_negative=true")
    assert (found["windows"], found["alarms"]) == (5, {"before": 2, "after": 2})
    near = "options.false_alarm_budget=1e-250"  # so rare that no distance is beyond what chance may do
    found = replayed(capsys, str(place.file), "--set", near, "--since", "2026-01-05")
    assert found["alarms"] == {"before": 2, "after": 0}
    told = found["told"]
    assert isinstance(told, list)
    assert [one["before"]["violated"] for one in told] == [["baseline_drift_check of n"]] * 2
    assert [one["after"] for one in told] == [{"status": "Completed", "violated": []}] * 2
    assert place.files == files


def test_it_says_what_then_comes_true(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    found = replayed(capsys, f"{place.file}/dq", "--set", "false_alarm_budget=1e-250")
    told = found["told"]
    assert isinstance(told, list)
    write(place, options={"false_alarm_budget": 1e-250})
    for one in told:
        window = Window.of(one["start"], one["end"])
        report = jobs.evaluate_constraints(Execution.of(place.file, "dq", window))
        assert json.loads((Path(report) / "execution.json").read_text())["status"] == one["after"]["status"]


def test_a_span_and_a_version_are_chosen(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.learn(100)
    [other] = set(names_of(place.assignment)) - {place.in_force}
    about = f"{place.file}/dq", "--since", "2026-01-05T05:00:00Z", "--until", "2026-01-05"
    assert replayed(capsys, *about, "--baseline", other)["alarms"] == {"before": 2, "after": 1}
    assert replayed(capsys, *about[:2], "2026-01-06")["windows"] == 0
    assert main(["replay", *about, "--baseline", "../.."]) == 1
    assert "has no baseline of this version" in capsys.readouterr().err


def test_people_read_a_table_and_a_summary(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", str(place.file), "--set", "options.false_alarm_budget=1e-250"]) == 0
    shown = capsys.readouterr().out
    assert "-baseline_drift_check of n" in shown
    assert "5 windows were judged again from their States: 2 alarm as the schedule is, 0 would alarm; 2" in shown


def test_a_state_that_cannot_be_read_is_counted(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    state = next((place.root / "out/_states").rglob("state.mms"))
    state.write_bytes(b"no state")
    found = replayed(capsys, str(place.file))
    assert (found["windows"], found["unread"]) == (4, 1)


@pytest.mark.parametrize(
    "setting",
    [
        "sampling=7",
        "samplin=0.5",
        "options.false_alarm_budget=2",
        "options.budget=0.1",
        "options.rules.numeric=0.1",
        "baseline.stale_after=90",
        "baseline.stale_after=soon",
        "baseline=",
        "nonsense.x=1",
    ],
)
def test_a_setting_is_refused_with_the_message_of_the_file(
    place: Place, setting: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", f"{place.file}/dq", "--set", setting]) == 1
    told = capsys.readouterr().err.removeprefix("model-monitor: ").strip()
    [(name, value)] = settings_in([setting]).items()
    *above, last = name.split(".")
    for part in reversed(above):
        last, value = part, {last: value}
    write(place, **{last: value})
    try:
        load(place.file)
        main(["validate", str(place.file)])
        expected = capsys.readouterr().err
    except ConfigError as error:
        expected = str(error)
    assert without_lines(told) in without_lines(expected)


def without_lines(text: str) -> str:
    """The messages without the lines of the file, which a setting that is not in it has not."""
    return "\n".join(line.split(": ", 1)[1] for line in text.strip().splitlines())


@pytest.mark.parametrize(
    "setting", ["sampling=0.5", "segments=[c]", "window=PT2H", "options.compatibility=sagemaker", "cron='0 0 * * *'"]
)
def test_what_decides_the_rows_is_no_setting_of_a_replay(place: Place, setting: str) -> None:
    with pytest.raises(ConfigError, match="stored States can't tell"):
        tried(place.file, "dq", settings_in([setting]))


@pytest.mark.parametrize("text", ["sampling", "=1", "a..b=1", "options.x=[", "options.x=!!python/object:a {}"])
def test_what_is_no_setting_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--set"):
        settings_in([text])


def test_a_name_that_is_almost_an_option_names_the_option(place: Place) -> None:
    with pytest.raises(ConfigError, match=r"did you mean 'options\.false_alarm_budget'"):
        tried(place.file, "dq", {"false_alarms": 0.001})


def test_the_preview_of_a_version_and_the_replay_of_it_are_one(place: Place) -> None:
    version = place.learn(100)
    proposed = jobs.propose_baseline(place.assignment, version).replayed
    again = jobs.replay_windows(place.assignment, place.assignment, version=Path(version).name)
    assert proposed == again and replace(again, told=()).windows == 5


def test_several_schedules_need_a_name(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    content = yaml.safe_load(place.file.read_text())
    content["schedules"].append(content["schedules"][0] | {"name": "dq2"})
    place.file.write_text(yaml.safe_dump(content))
    assert main(["replay", str(place.file)]) == 1
    assert "one of dq, dq2" in capsys.readouterr().err
    assert Assignment.load(place.file, "dq2")
    assert main(["replay", f"{place.file}/dq3"]) == 1
    assert "has no schedule 'dq3'" in capsys.readouterr().err
