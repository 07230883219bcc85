"""An endpoint file is refused with its line and what to write instead."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from support.places import PROJECT

from model_monitor import config
from model_monitor.config.monitors import monitor_of
from model_monitor.errors import ConfigError
from model_monitor.monitors.data_quality import DataQuality, Rules

GOOD = """\
endpoint: churn
capture:
  uri: captures//
columns: {outputs: [score], inputs: [age, city]}
output: s3://bucket/out/
schedules:
  - name: churn-dq
    monitor: data-quality
    options: {compatibility: sagemaker, rules: {numeric_threshold: 2e-1}}
    cron: cron(0 * ? * * *)
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "churn.yaml"
    path.write_text(text)
    return path


def test_a_good_file_gives_an_endpoint_and_relative_addresses_start_at_the_file(tmp_path: Path) -> None:
    endpoint = config.load(written(tmp_path, GOOD))
    schedule = endpoint.schedule("churn-dq")
    assert endpoint.capture.uri == str(tmp_path / "captures")
    assert endpoint.output == "s3://bucket/out"
    assert endpoint.columns.names == ("score", "age", "city")
    assert schedule.timetable == "0 * * * *"
    assert schedule.build_monitor() == DataQuality(compatibility="sagemaker", rules=Rules(numeric_threshold=0.2))


BAD = [
    ("monitor: data-quality", "monitr: data-quality", 8, "did you mean 'monitor'?"),
    ("cron: cron(0 * ? * * *)", "cron: every hour", 10, "write five fields"),
    ("cron: cron(0 * ? * * *)", "cron: cron(5 * ? * * *)", 10, "is none of cron(0 * ? * * *)"),
    ("cron: cron(0 * ? * * *)", "sampling: 0", 10, "greater than 0"),
    ("cron: cron(0 * ? * * *)", "preprocess: {scrpt: x}", 10, "did you mean 'script'?"),
    ("endpoint: churn", "endpoint: churn_model", 1, "write e.g. churn-model"),
    ("  uri: captures//", "  url: captures", 3, "did you mean 'uri'?"),
    ("inputs: [age, city]", "inputs: [age, score]", 4, "named more than once"),
    ("name: churn-dq", "name: 7", 7, "put 7 in quotes"),
    ("cron: cron(0 * ? * * *)", "window: -PT1H", 10, "greater than"),
    ("cron: cron(0 * ? * * *)", "window: 24", 10, "PT24H for hours"),
    ("cron: cron(0 * ? * * *)", "end_date: 2019-01-01", 7, "is before start_date"),
    ("cron: cron(0 * ? * * *)", "name: twice", 10, "is there twice"),
    ("output: s3://bucket/out/", "output: s3://key:secret@bucket/out/", 5, "environment"),
    ("inputs: [age, city]", "inputs: ['@event_id']", 4, "kept for the request"),
]


@pytest.mark.parametrize(("good", "bad", "line", "advice"), BAD, ids=[bad for _, bad, _, _ in BAD])
def test_a_bad_file_is_refused_with_file_line_and_advice(
    tmp_path: Path, good: str, bad: str, line: int, advice: str
) -> None:
    path = written(tmp_path, GOOD.replace(good, bad))
    with pytest.raises(ConfigError) as error:
        config.load(path)
    told = str(error.value)
    assert f"{path}:{line}: " in told
    assert advice in told
    assert "Traceback" not in told


@pytest.mark.parametrize("text", ["", "- 1", "a: [", "\x00"])
def test_what_is_no_endpoint_file_at_all_is_refused_by_name(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"churn\.yaml"):
        config.load(written(tmp_path, text))


def test_environment_variables_fill_in_and_a_missing_one_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, GOOD.replace("captures//", "${CHURN_STORE}/in").replace("s3://bucket", "${CHURN_OUT:-/o}"))
    with pytest.raises(ConfigError, match="CHURN_STORE"):
        config.load(path)
    monkeypatch.setenv("CHURN_STORE", "s3://b")
    endpoint = config.load(path)
    assert (endpoint.capture.uri, endpoint.output) == ("s3://b/in", "/o/out")


CLASHES = [
    (GOOD, "'churn-dq' is also in"),
    (GOOD.replace("churn-dq", "other-dq"), "'s3://bucket/out/churn/AllTraffic' is also in"),
    (
        GOOD.replace("endpoint: churn", "endpoint: b").replace("churn-dq", "churn-dq-baseline"),
        "'churn-dq-baseline' is also",
    ),
    (GOOD.replace("endpoint: churn", "endpoint: b") + "  - {name: churn, monitor: x}\n" * 2, "is there twice"),
]


@pytest.mark.parametrize(("other", "told"), CLASHES)
def test_files_that_clash_are_named_and_the_others_stay(tmp_path: Path, other: str, told: str) -> None:
    first = written(tmp_path, GOOD)
    second = tmp_path / "other.yaml"
    second.write_text(other.replace("name: churn-dq\n", "name: b-dq\n") if "twice" in told else other)
    found, wrong = config.load_all([first, second], suffixes=["-baseline"])
    assert list(found) == [first]
    assert len(wrong) == 1
    assert told in wrong[0]
    assert str(second) in wrong[0]


def test_no_schedule_has_a_name_that_is_reserved(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD.replace("churn-dq", "retention"))
    found, (wrong,) = config.load_all([path], {"retention": Path("dags/retention.py")})
    assert found == {} and "'retention' is also in dags/retention.py; rename one" in wrong


WRONG_MONITORS = [
    ("data_qualty", {}, "there is no monitor 'data_qualty'; did you mean data_quality"),
    ("Model Quality", {}, "there is no monitor 'Model Quality'; did you mean model_quality"),
    ("drift", {}, "there is no monitor 'drift'; give data_quality"),
    ("nowhere.Monitor", {}, "there is no monitor 'nowhere.Monitor' .No module named 'nowhere'.; give"),
    ("model_monitor.monitors.data_quality.Nothing", {}, "there is no monitor"),
    ("os.getcwd", {}, "must be a dataclass"),
    ("collections.OrderedDict", {}, "must be a dataclass"),
    ("model_monitor.core.segments.By", {"column": "a"}, "can't"),
    ("data_quality", {"budget": 1}, "budget"),
    ("data_quality", {"compatibility": "aws"}, "compatibility"),
    ("data_quality", {"false_alarm_budget": 2}, "probability"),
    ("data_quality", {"rules": {"numeric_threshold": "high"}}, "rules.numeric_threshold"),
]


@pytest.mark.parametrize(("name", "options", "told"), WRONG_MONITORS)
def test_an_unknown_monitor_or_option_is_named(name: str, options: dict, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        monitor_of(name, options)


def test_a_dotted_path_is_a_monitor_too() -> None:
    built = monitor_of("model_monitor.monitors.data_quality.DataQuality", {"check_non_negative": True})
    assert built == DataQuality(check_non_negative=True)


def test_a_baselines_format_may_be_sagemakers(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD + "    baseline: {dataset: rows, format: {Csv: {Header: false}}}\n")
    baseline = config.load(path).schedules[0].baseline
    assert (baseline.format, baseline.header) == ("csv", False)


def test_windows_and_delays_are_iso_8601(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD.replace("    cron:", "    window: PT24H\n    delay: PT90S\n    cron:"))
    schedule = config.load(path).schedules[0]
    assert (schedule.window, schedule.delay) == (timedelta(days=1), timedelta(seconds=90))


def test_the_exported_schema_is_the_one_in_force() -> None:
    exported = json.loads((PROJECT / "include/endpoints/endpoint.schema.json").read_text())
    assert exported == config.Endpoint.model_json_schema(), (
        "run: model-monitor schema > include/endpoints/endpoint.schema.json"
    )


@pytest.mark.parametrize(
    ("content", "told"),
    [(None, "there is no such file"), (b"endpoint: caf\xe9\n", "it is not in UTF-8; save it in UTF-8")],
)
def test_a_file_that_cannot_be_read_is_told_in_plain_words(tmp_path: Path, content: bytes | None, told: str) -> None:
    path = tmp_path / "churn.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=told) as refused:
        config.load(path)
    assert str(path) in str(refused.value)
    assert "Errno" not in str(refused.value)
