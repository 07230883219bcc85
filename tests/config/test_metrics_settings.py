"""What does ``metrics:`` of an endpoint file accept, and what does a schedule get of its endpoint's?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from model_monitor import config
from model_monitor.config.metrics import Metrics
from model_monitor.errors import ConfigError

TOPIC = "arn:aws:sns:eu-west-1:123456789012:models"
FILE = """\
endpoint: churn
capture: {{uri: captures}}
output: store
metrics: {endpoint}
schedules:
  - name: dq
    monitor: data_quality
    metrics: {schedule}
"""


def metrics_of(tmp_path: Path, endpoint: str = "{}", schedule: str = "{}") -> Metrics:
    (tmp_path / "churn.yaml").write_text(FILE.format(endpoint=endpoint, schedule=schedule))
    return config.load(tmp_path / "churn.yaml").schedule("dq").metrics


def test_nothing_is_sent_unless_it_is_switched_on(tmp_path: Path) -> None:
    assert not metrics_of(tmp_path).is_on
    assert metrics_of(tmp_path, "{otlp: true}").is_on


@pytest.mark.parametrize(
    ("endpoint", "schedule", "expected"),
    [
        ("{cloudwatch: true, otlp: true}", "{cloudwatch: false}", {"cloudwatch": False, "otlp": True}),
        ("{otlp: true}", "{cloudwatch: true}", {"cloudwatch": True, "otlp": True}),
        ("{cloudwatch: true}", "{cloudwatch_connection: aws}", {"cloudwatch": True, "cloudwatch_connection": "aws"}),
        (f"{{cloudwatch: true, alarm_topic: '{TOPIC}'}}", "{}", {"cloudwatch": True, "alarm_topic": TOPIC}),
    ],
)
def test_a_schedule_overrides_single_keys(
    tmp_path: Path, endpoint: str, schedule: str, expected: dict[str, Any]
) -> None:
    assert expected.items() <= metrics_of(tmp_path, endpoint, schedule).model_dump().items()


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        ("{cloudwach: true}", "did you mean 'cloudwatch'"),
        ("{cloudwatch: maybe}", "cloudwatch"),
        ("{cloudwatch: false, cloudwatch_connection: aws}", "of no use while cloudwatch is false"),
        ("{otlp: false, otlp_connection: grafana}", "of no use while otlp is false"),
        ("{cloudwatch: true, alarm_topic: models}", "alarm_topic"),
        ("{cloudwatch: true, cloudwatch_connection: ''}", "cloudwatch_connection"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, endpoint: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as raised:
        metrics_of(tmp_path, endpoint)
    assert "churn.yaml:4: metrics" in str(raised.value)
