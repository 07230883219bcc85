"""Who is told is set in three places, and a mistake in it takes no DAG down."""

from __future__ import annotations

import re
from datetime import date, time
from pathlib import Path

import pytest

from model_monitor import config
from model_monitor.config.alerts import Alerts, Destination, Mute, QuietHours, merged
from model_monitor.errors import ConfigError

ENDPOINT = """\
endpoint: churn
capture: {uri: captures}
output: out
"""
SCHEDULES = """\
schedules:
  - {name: first, monitor: data_quality}
  - {name: second, monitor: data_quality, alerts: {datapoints: 2, evaluation_windows: 3, no_data: {enabled: false}}}
"""


def endpoint_file(folder: Path, alerts: str = "", defaults: str | None = None) -> Path:
    if defaults is not None:
        (folder / "defaults.yaml").write_text(defaults)
    path = folder / "churn.yaml"
    path.write_text(ENDPOINT + alerts + SCHEDULES)
    return path


def test_a_schedule_overrides_its_endpoint_and_that_the_defaults_key_by_key(tmp_path: Path) -> None:
    path = endpoint_file(
        tmp_path,
        "alerts: {severity: critical, no_data: {severity: info}}\n",
        "alerts: {to: [{connection: slack_default}], severity: info, owner: Ann, no_data: {datapoints: 2, "
        "evaluation_windows: 4}}\n",
    )
    endpoint = config.load(path)
    first, second = (config.alerts_of(endpoint, schedule) for schedule in endpoint.schedules)
    assert (first.owner, first.severity, first.datapoints) == ("Ann", "critical", 1)
    assert (second.owner, second.severity, second.datapoints) == ("Ann", "critical", 2)
    assert first.to == second.to == (Destination(connection="slack_default"),)
    assert (first.no_data.severity, first.no_data.evaluation_windows) == ("info", 4)
    assert first.rule("no_data").to and not second.rule("no_data").to, "a kind of its own, with its own settings"
    assert first.rule("failed").severity == "critical", "what a kind does not say is as for violations"


def test_without_settings_nobody_is_told_and_one_violated_window_opens_an_alert(tmp_path: Path) -> None:
    endpoint = config.load(endpoint_file(tmp_path))
    alerts = config.alerts_of(endpoint, endpoint.schedules[0])
    assert not alerts.destinations
    assert (alerts.datapoints, alerts.evaluation_windows) == (1, 1)


def test_defaults_are_no_endpoint_file(tmp_path: Path) -> None:
    path = endpoint_file(tmp_path, defaults="alerts: {owner: Ann}\n")
    assert config.files_in(tmp_path) == [path]
    endpoints, problems = config.load_all(sorted(tmp_path.glob("*.yaml")))
    assert (list(endpoints), problems) == ([path], [])


@pytest.mark.parametrize(
    ("defaults", "says"),
    [
        ("alerts: {ownr: Ann}\n", "defaults.yaml:1: alerts.ownr: unknown key 'ownr'; did you mean 'owner'?"),
        (
            "alerts:\n  to:\n    - {webhook: 'https://hooks.example/T0/secret'}\n",
            "defaults.yaml:3: alerts.to.0.webhook",
        ),
        ("alerts: {owner: '${NOBODY_SETS_THIS}'}\n", "NOBODY_SETS_THIS"),
        ("alerts: [\n", "defaults.yaml:2: not YAML"),
        ("alerts: {datapoints: 4}\n", "schedule 'first': alerts.datapoints is 4, more than evaluation_windows, 1"),
    ],
)
def test_a_mistake_in_the_defaults_is_named_and_leaves_the_endpoints_usable(
    tmp_path: Path, defaults: str, says: str
) -> None:
    path = endpoint_file(tmp_path, defaults=defaults)
    endpoints, problems = config.load_all([path])
    assert list(endpoints) == [path]
    assert any(says in problem for problem in problems), problems
    with pytest.raises(ConfigError):
        config.alerts_of(endpoints[path], endpoints[path].schedules[0])


def test_an_address_is_refused_because_it_may_hold_a_secret() -> None:
    with pytest.raises(ValueError, match="make an Airflow connection of it"):
        Destination(webhook="https://hooks.example/services/T0/B0/secret")


@pytest.mark.parametrize(
    "wrong", [{}, {"connection": "a", "webhook": "b"}, {"connection": "a", "to": "x@y.z", "tag": "y"}]
)
def test_a_destination_is_one_place(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"write (either|one entry)"):
        Destination(**wrong)


def test_a_destination_is_the_same_after_it_was_a_text() -> None:
    destination = Destination(connection="smtp_default", to="team@example.com")
    assert Destination.of(destination.text) == destination
    assert str(destination) == "smtp_default team@example.com"


def test_a_time_of_day_without_quotes_is_what_it_looks_like(tmp_path: Path) -> None:
    endpoint = config.load(endpoint_file(tmp_path, "alerts: {quiet_hours: {start: 22:00, end: 07:00}}\n"))
    quiet = config.alerts_of(endpoint, endpoint.schedules[0]).quiet_hours
    assert quiet and (quiet.start, quiet.end) == (time(22), time(7))


@pytest.mark.parametrize(
    ("hours", "says"),
    [
        ("{start: 22, end: 07:00}", 'in quotes, e.g. "22:00"'),
        ("{start: 25:00, end: 07:00}", 'in quotes, e.g. "22:00"'),
        ("{start: '7', end: '22:00'}", 'from "00:00" to "23:59"'),
        ("{start: 22:00:00, end: '07:00'}", 'from "00:00" to "23:59"'),
        ("{start: '22:00+02:00', end: '07:00'}", 'from "00:00" to "23:59"'),
        ("{start: '22:00', end: 22:00}", 'both "22:00"; write two times'),
    ],
)
def test_quiet_hours_that_are_none_are_refused_with_what_to_write(tmp_path: Path, hours: str, says: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(says)):
        config.load(endpoint_file(tmp_path, f"alerts: {{quiet_hours: {hours}}}\n"))


@pytest.mark.parametrize(
    ("alerts", "says"),
    [
        ("alerts:\n", "alerts: it is empty; write keys below it, or leave it out; known keys are to, datapoints"),
        ("alerts: {no_data: false}\n", "alerts.no_data: write {enabled: false}"),
        ("alerts: {no_data: 3}\n", "alerts.no_data: write keys with their values below it; known keys are enabled"),
        ("alerts: {to: }\n", "alerts.to: it is empty; write a list, or leave it out"),
        ("alerts: {to: {connection: a}}\n", "alerts.to: write a list: a '-' before each entry"),
        ("alerts: {to: [{connection: a, topic: models}]}\n", "alerts.to.0.topic: write the topic's ARN"),
        ("alerts: {to: [{connection: a, to: 'a@b.c, not one'}]}\n", "alerts.to.0.to: 'not one' is no e-mail address"),
    ],
)
def test_what_can_be_known_to_be_wrong_is_told_with_what_to_write(tmp_path: Path, alerts: str, says: str) -> None:
    with pytest.raises(ConfigError) as error:
        config.load(endpoint_file(tmp_path, alerts))
    assert f"churn.yaml:4: {says}" in str(error.value)


def test_more_datapoints_than_windows_are_told_with_the_line_that_says_so(tmp_path: Path) -> None:
    path = endpoint_file(
        tmp_path, "alerts:\n  no_data:\n    datapoints: 3\n", "alerts:\n  owner: Ann\n  datapoints: 9\n"
    )
    _, problems = config.load_all([path])
    common, own = problems
    assert common.startswith(f"{tmp_path}/defaults.yaml:3: schedule 'first': alerts.datapoints is 9, more than")
    assert own.startswith(f"{path}:6: schedule 'first': alerts.no_data.datapoints is 3, more than")


def test_an_unknown_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone 'Vienna'"):
        QuietHours(start=time(22), end=time(7), timezone="Vienna")


def test_a_mute_covers_a_column_a_check_or_a_check_of_a_column_until_its_day() -> None:
    day = date(2026, 1, 5)
    mute = Mute(column="amount", check="baseline_drift_check", until=date(2026, 1, 6))
    assert mute.covers("amount", "baseline_drift_check", "drift", day)
    assert not mute.covers("country", "baseline_drift_check", "drift", day)
    assert not mute.covers("amount", "completeness_check", "share", day)
    assert not mute.covers("amount", "baseline_drift_check", "drift", date(2026, 1, 6))
    assert Mute(check="auc").covers(None, "LessThanThreshold", "auc", day)
    with pytest.raises(ValueError, match="name a column"):
        Mute()


def test_settings_that_are_merged_replace_lists() -> None:
    layers = Alerts(to=(Destination(connection="a"),)), Alerts(to=(Destination(connection="b"),)), Alerts(owner="Ann")
    assert [destination.connection for destination in merged(*layers).to] == ["b"]
