"""Do the numbers arrive that a script writes by SageMaker's protocol?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from support import amazon
from support.captures import at
from support.judged import WINDOW
from support.published import SCHEDULES, Published
from support.seaweed import running

from model_monitor.errors import ConfigError
from model_monitor.jobs.evaluate_constraints import postprocess
from model_monitor.results.sinks import Executed
from model_monitor.results.sinks.script_metrics import ScriptMetrics

END = WINDOW.end
BOTH = ["Endpoint", "MonitoringSchedule"]


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Published:
    endpoint = Published(tmp_path_factory.mktemp("published"), cloudwatch=True, otlp=True)
    endpoint.judge(*SCHEDULES)
    return endpoint


@pytest.fixture
def endpoint(judged: Published, tmp_path: Path) -> Published:
    return judged.copied(tmp_path)


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    with amazon.serving_moto() as url:
        yield url


@pytest.fixture
def cloudwatch(moto: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    amazon.use(moto, monkeypatch)
    amazon.forget(moto)
    return boto3.client("cloudwatch")


def test_what_a_script_writes_by_sagemakers_protocol_is_sent_too(endpoint: Published, cloudwatch: Any) -> None:
    script = endpoint.out.parent / "post.py"
    lines = [
        {
            "MetricName": "late",
            "Timestamp": "2026-01-05T03:30:00Z",
            "Dimensions": [{"Name": "Endpoint", "Value": "x"}],
            "Value": 0.07,
            "Unit": "Count",
        },
        {
            "MetricName": "ages",
            "Timestamp": "2026-01-05T03:30:00Z",
            "StatisticValues": {"SampleCount": 320.0, "Sum": 1120.0, "Minimum": 1.0, "Maximum": 6.0},
        },
    ]
    script.write_text(
        "import json, os\n"
        "from pathlib import Path\n"
        "def postprocess_handler():\n"
        "    assert os.environ['publish_cloudwatch_metrics'] == 'Enabled'\n"
        "    folder = Path(os.environ['output_path'], 'metrics/cloudwatch')\n"
        "    folder.mkdir(parents=True, exist_ok=True)\n"
        f"    (folder / 'mine.jsonl').write_text('\\n'.join(map(json.dumps, {lines!r})))\n"
    )
    endpoint.turn_on(cloudwatch=True)
    endpoint.edit(lambda document: document["schedules"][0].update(postprocess=str(script)))
    for _ in range(2):
        endpoint.evaluate("dq")
    assert endpoint.publish("dq")["sent"]["cloudwatch_script"] == 2
    namespace = "aws/sagemaker/Endpoints/data-metrics"
    late, ages = (cloudwatch.list_metrics(Namespace=namespace, MetricName=name)["Metrics"] for name in ("late", "ages"))
    assert late[0]["Dimensions"] == [{"Name": "Endpoint", "Value": "x"}]
    point = amazon.values(cloudwatch, ages[0])
    assert (point["SampleCount"], point["Average"], point["Timestamp"]) == (320, 3.5, at(30))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "line 1"),
        ('{"Timestamp": "2026-01-05T03:30:00Z", "Value": 1}', "MetricName"),
        ('{"MetricName": "a", "Value": 1}', "Timestamp"),
        ('{"MetricName": "a", "Timestamp": "yesterday", "Value": 1}', "line 1"),
        ('{"MetricName": "a", "Timestamp": "2026-01-05T03:30:00Z"}', "exactly one"),
        ('{"MetricName": "a", "Timestamp": "2026-01-05T03:30:00Z", "Value": 1, "StatisticValues": {}}', "exactly one"),
        ('{"MetricName": "a", "Timestamp": "2026-01-05T03:30:00Z", "Value": "1"}', "must be a number"),
        (
            '{"MetricName": "a", "Timestamp": "2026-01-05T03:30:00Z", "Value": 1, "Dimensions": {"a": "b"}}',
            "Dimensions",
        ),
        ('{"MetricName": "a", "Timestamp": "2026-01-05T03:30:00Z", "Value": 1, "Namespace": "b"}', "only"),
    ],
)
def test_a_bad_line_of_a_script_is_named_and_the_monitors_own_numbers_are_sent(
    endpoint: Published, monkeypatch: pytest.MonkeyPatch, line: str, words: str
) -> None:
    endpoint.turn_on(cloudwatch=True)
    endpoint.edit(lambda document: document["schedules"][0].update(postprocess="anything.py"))
    written = endpoint.report("dq") / "metrics/cloudwatch/mine.jsonl"
    written.parent.mkdir(parents=True)
    written.write_text(line + "\n")
    with amazon.refusing() as served:
        amazon.use(served.url, monkeypatch)
        with pytest.raises(ConfigError, match=words) as raised:
            endpoint.publish("dq")
        assert f"{written} line 1" in str(raised.value)
        assert len(served.data()) > 10


def test_what_a_script_writes_is_kept_in_an_object_store_too_and_what_it_wrote_before_is_not(
    endpoint: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script, folder = tmp_path / "post.py", tmp_path / "weed"
    folder.mkdir()
    with running(folder) as server:
        output = f"s3://lake/scripts?{server.query}"
        endpoint.edit(lambda document: document.update(output=output, metrics={"cloudwatch": True}))
        for name in ("first", "second"):
            script.write_text(
                "import os\nfrom pathlib import Path\n"
                "def postprocess_handler():\n"
                "    folder = Path(os.environ['output_path'], 'metrics/cloudwatch')\n"
                "    folder.mkdir(parents=True)\n"
                f'    text = \'{{"MetricName": "{name}", "Timestamp": "2026-01-05T03:30:00Z", "Value": 1}}\'\n'
                f"    (folder / '{name}.jsonl').write_text(text)\n"
            )
            postprocess(str(script), endpoint.on("dq"))
        sink = ScriptMetrics(Executed({"monitor": "data_quality"}, [], {}), None, endpoint.on("dq").report)
        assert [point.name for point in sink.points()] == ["second"]
