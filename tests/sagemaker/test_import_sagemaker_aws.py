"""Asked by name, AWS is only ever read: schedules, baselines and scripts come over real HTTP, nothing goes back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from support import sagemaker_shapes as sm
from support.captures import churn_capture

from model_monitor import jobs
from model_monitor.__main__ import main
from model_monitor.config.execution import Execution
from model_monitor.core.window import Window, moment
from model_monitor.sagemaker.importing.sources import ALLOWED, Account


@pytest.fixture
def aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[sm.Aws]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with sm.serving_aws() as served:
        monkeypatch.setenv("AWS_ENDPOINT_URL", served.url)
        yield served


def has_schedule(aws: sm.Aws, kind: str, **more: object) -> str:
    """A schedule, its job definition and its endpoint at this machine's AWS; the schedule's name."""
    schedule, job = sm.schedule(kind), sm.definition(kind, **more)
    name = schedule["MonitoringScheduleName"]
    aws.has("DescribeMonitoringSchedule", sm.described_schedule(schedule), name)
    aws.has(f"Describe{kind}JobDefinition", sm.described_definition(kind, job), job["JobDefinitionName"])
    aws.has("DescribeEndpoint", sm.described_endpoint(), "loans")
    return name


def run(*arguments: object) -> int:
    return main(["import-sagemaker", *map(str, arguments)])


def test_all_four_kinds_are_imported_by_name_and_aws_is_only_asked(aws: sm.Aws) -> None:
    names = [has_schedule(aws, kind) for kind in sm.KINDS]
    aws.objects["bucket/ModelBias/analysis_config.json"] = json.dumps(sm.BIAS).encode()
    aws.objects["bucket/ModelExplainability/analysis_config.json"] = json.dumps(sm.SHAP).encode()
    assert run(*(part for name in names for part in ("--schedule", name)), "--write", "endpoint.yaml") == 0
    found = yaml.safe_load(Path("endpoint.yaml").read_text())
    assert [schedule["name"] for schedule in found["schedules"]] == names
    assert found["capture"] == {"uri": "s3://bucket/capture"}
    assert main(["validate", "endpoint.yaml"]) == 0
    assert set(aws.asked) == {
        "DescribeMonitoringSchedule",
        *(f"Describe{kind}JobDefinition" for kind in sm.KINDS),
        "DescribeEndpoint",
        "GET bucket/ModelBias/analysis_config.json",
        "GET bucket/ModelExplainability/analysis_config.json",
    }


@pytest.mark.parametrize(
    ("service", "operation", "arguments"),
    [
        ("sagemaker", "stop_monitoring_schedule", {"MonitoringScheduleName": "a"}),
        ("sagemaker", "delete_monitoring_schedule", {"MonitoringScheduleName": "a"}),
        ("sagemaker", "add_tags", {"ResourceArn": "arn", "Tags": []}),
        ("s3", "put_object", {"Bucket": "b", "Key": "k", "Body": b""}),
        ("s3", "delete_object", {"Bucket": "b", "Key": "k"}),
    ],
)
def test_a_request_that_could_change_something_never_leaves_this_machine(
    aws: sm.Aws, service: str, operation: str, arguments: dict[str, object]
) -> None:
    with pytest.raises(RuntimeError, match="might change something"):
        getattr(Account().client(service), operation)(**arguments)
    assert aws.asked == []


def test_no_operation_that_is_allowed_has_a_name_of_change() -> None:
    changing = ("Create", "Update", "Delete", "Start", "Stop", "Put", "Add", "Register", "Send")
    allowed = [name for name in sm.service().operation_names if name.startswith(ALLOWED)]
    assert len(allowed) > 100
    assert not any(name.startswith(changing) for name in allowed)


def test_baselines_and_scripts_are_copied_and_named_from_the_file_on(aws: sm.Aws) -> None:
    script = b"OUT = '/opt/ml/processing/output'\ndef preprocess_handler(record):\n    return {'a': 1}\n"
    app = {"RecordPreprocessorSourceUri": "s3://bucket/code/pre.py"}
    name = has_schedule(aws, "DataQuality", app=app)
    aws.objects |= {
        "bucket/code/pre.py": script,
        "bucket/baseline/statistics.json": b'{"features": []}',
        "bucket/baseline/constraints.json": b'{"features": [1]}',
    }
    command = ("--schedule", name, "--copy-baselines", "baselines", "--write", "endpoints/loans.yaml")
    assert run(*command) == 0
    [schedule] = yaml.safe_load(Path("endpoints/loans.yaml").read_text())["schedules"]
    folder = f"../baselines/{name}"
    assert schedule["baseline"] == {
        "statistics": f"{folder}/statistics.json",
        "constraints": f"{folder}/constraints.json",
    }
    assert schedule["preprocess"]["script"] == f"{folder}/preprocess.py"
    assert Path("baselines", name, "preprocess.py").read_bytes() == script
    told = " ".join(Path("endpoints/loans.yaml").read_text().replace("#", "").split())
    assert "preprocess.py:1: '/opt/ml/processing/output' is a path of SageMaker's container" in told
    assert all(one.startswith(("Describe", "GET ")) for one in aws.asked)
    Path("baselines", name, "constraints.json").write_text("edited by a person")
    assert run(*command, "--force") == 0
    assert Path("baselines", name, "constraints.json").read_bytes() == b'{"features": [1]}'


def test_copies_that_a_person_edited_are_not_replaced(aws: sm.Aws, capsys: pytest.CaptureFixture[str]) -> None:
    name = has_schedule(aws, "ModelQuality")
    aws.objects["bucket/baseline/constraints.json"] = b"{}"
    edited = Path("baselines", name, "constraints.json")
    edited.parent.mkdir(parents=True)
    edited.write_text("edited by a person")
    assert run("--schedule", name, "--copy-baselines", "baselines") == 1
    assert "--force" in capsys.readouterr().err
    assert edited.read_text() == "edited by a person"


def test_what_aws_does_not_have_or_refuses_is_one_clear_sentence(
    aws: sm.Aws, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("--schedule", "nobody") == 1
    assert "there is no DescribeMonitoringSchedule nobody" in capsys.readouterr().err
    name = has_schedule(aws, "ModelBias")
    assert run("--schedule", name) == 1
    assert "there is no s3://bucket/ModelBias/analysis_config.json" in capsys.readouterr().err
    assert run("--schedule", name, "--profile", "unknown") == 1
    assert "--profile" in capsys.readouterr().err
    assert run("--schedule", "no such name") == 1
    assert "is no name of a schedule" in capsys.readouterr().err
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    assert run("--schedule", name) == 1
    assert "--region" in capsys.readouterr().err


def test_an_endpoint_that_was_deleted_needs_only_its_capture_named(
    aws: sm.Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    name = has_schedule(aws, "DataQuality")
    del aws.answers["DescribeEndpoint", "loans"]
    assert run("--schedule", name) == 1
    assert "--capture-uri" in capsys.readouterr().err
    assert run("--schedule", name, "--capture-uri", "s3://bucket/capture") == 0


def test_the_published_schedule_once_imported_finds_sagemakers_60_violations(
    aws: sm.Aws, churn_run: Path, tmp_path: Path
) -> None:
    dataset = str(churn_run / "training-dataset-with-header.csv")
    assert main(["baseline", "data-quality", "--dataset", dataset, "--format", "csv", "--output", "learned"]) == 0
    aws.objects["bucket/baseline/statistics.json"] = Path("learned/statistics.json").read_bytes()
    aws.objects["bucket/baseline/constraints.json"] = (churn_run / "dq_churn_constraints.json").read_bytes()
    given = {"EndpointInput": {"EndpointName": "churn", "LocalPath": "/opt/ml/processing/input/endpoint"}}
    job = sm.definition("DataQuality", "", given)
    schedule = sm.described_schedule(sm.schedule("DataQuality", "churn-dq"))
    aws.has("DescribeMonitoringSchedule", schedule, "churn-dq")
    aws.has("DescribeDataQualityJobDefinition", sm.described_definition("DataQuality", job), job["JobDefinitionName"])
    captures = str(churn_capture(churn_run, tmp_path / "in"))
    more = ("--capture-uri", captures, "--output", tmp_path / "out", "--copy-baselines", "baselines")
    assert run("--schedule", "churn-dq", *more, "--write", "churn.yaml") == 0
    window = Window(moment("2022-04-18T00:00Z"), moment("2022-04-18T01:00Z"))
    for verb in (jobs.collect_window, jobs.compute_metrics, jobs.evaluate_constraints):
        report = verb(Execution.of("churn.yaml", "churn-dq", window))
    found = json.loads(Path(report, "constraint_violations.json").read_text())["violations"]
    assert len(found) == 60
    assert {one["constraint_check_type"] for one in found} == {"data_type_check"}
    assert report.endswith("out/churn/churn-dq/2022/04/18/01")
