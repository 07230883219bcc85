"""A monitoring schedule of SageMaker, as JSON, becomes an endpoint file that means the same and says what is left."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import sagemaker_shapes as sm
from support.captures import HOUR, capture, record
from support.captures import at as minutes
from support.truths import collect, truth

from model_monitor import config, jobs
from model_monitor.__main__ import main
from model_monitor.config.execution import Execution
from model_monitor.core.window import Window, moment

MONITORS = dict(zip(sm.KINDS, ("data_quality", "model_quality", "bias", "attribution"), strict=True))
CONFIGS = {"ModelBias": sm.BIAS, "ModelExplainability": sm.SHAP}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests work in a folder of their own, where nobody could ask AWS."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")


def stored(name: str, document: Any) -> str:
    Path(name).write_text(json.dumps(document))
    return name


def imported(*documents: Any, more: tuple[str, ...] = (), endpoint: Any = None) -> tuple[int, Path]:
    """Import some documents, each from a file of its own, with the analysis configurations they need."""
    described = [sm.described_endpoint()] if endpoint is None else [endpoint] if endpoint else []
    files = [stored(f"piece{i}.json", document) for i, document in enumerate([*documents, *described])]
    kinds = {
        one["MonitoringScheduleConfig"].get("MonitoringType"): one["MonitoringScheduleName"]
        for one in documents
        if isinstance(one, dict) and "MonitoringScheduleConfig" in one
    }
    analysis = [
        f"--analysis-config={kinds[kind]}={stored(f'{kind}.json', content)}"
        for kind, content in CONFIGS.items()
        if kind in kinds
    ]
    code = main(["import-sagemaker", "--from-json", *files, *analysis, "--write", "endpoint.yaml", *more])
    return code, Path("endpoint.yaml")


def settings(*documents: Any, more: tuple[str, ...] = (), endpoint: Any = None, at: str = "") -> dict[str, Any]:
    """What the imported file says; it validates. ``at``: where it is, if ``more`` writes it elsewhere."""
    code, path = imported(*documents, more=more, endpoint=endpoint)
    path = Path(at) if at else path
    assert code == 0
    assert main(["validate", str(path)]) == 0
    found: dict[str, Any] = yaml.safe_load(path.read_text())
    return found


def refused(capsys: pytest.CaptureFixture[str], *documents: Any, **more: Any) -> str:
    """The one line that says why there is no file."""
    code, path = imported(*documents, **more)
    assert code == 1
    assert not path.exists()
    told = capsys.readouterr().err.strip()
    assert told.count("\n") == 0, told
    return told.removeprefix("model-monitor: ")


@pytest.mark.parametrize("described", [False, True], ids=["create", "describe"])
@pytest.mark.parametrize("form", ["definition", "inline"])
@pytest.mark.parametrize("kind", sm.KINDS)
def test_all_four_kinds_by_job_definition_and_inline_give_a_file_that_validates(
    kind: str, form: str, described: bool
) -> None:
    if form == "inline":
        documents, more = [sm.inline(kind)], ["--ground-truth", "s3://bucket/labels"]
    else:
        documents, more = [sm.schedule(kind), sm.definition(kind)], []
    if described:
        documents[0] = sm.described_schedule(documents[0], MonitoringType=kind, EndpointName="loans")
        documents[1:] = [sm.described_definition(kind, one) for one in documents[1:]]
    found = settings(*documents, more=tuple(more))
    [schedule] = found["schedules"]
    assert (found["endpoint"], found["variant"], found["capture"]) == (
        "loans",
        "AllTraffic",
        {"uri": "s3://bucket/capture"},
    )
    assert found["output"] == "s3://bucket/reports-model-monitor"
    assert (schedule["name"], schedule["monitor"]) == (f"loans-{kind.lower()}", MONITORS[kind])
    assert schedule["options"]["compatibility"] == "sagemaker"
    assert schedule["cron"] == sm.HOURLY
    assert schedule["baseline"] == {
        key.removesuffix("Resource").lower(): value["S3Uri"] for key, value in sm.baseline(kind).items()
    }


def test_what_each_monitor_judges_is_what_sagemaker_judged() -> None:
    pieces = [one for kind in sm.KINDS for one in (sm.schedule(kind), sm.definition(kind))]
    found = settings(*pieces)
    quality, model, bias, attribution = found["schedules"]
    answer = {"probability_attribute": "0", "probability_threshold_attribute": 0.8}
    truth = {"uri": "s3://bucket/labels", "minimum_coverage": 0.0}
    assert quality["options"] == {"compatibility": "sagemaker"}
    assert model["options"] == {"compatibility": "sagemaker", "problem_type": "BinaryClassification", **answer}
    assert bias["options"] == {
        "compatibility": "sagemaker",
        "facets": [{"name": "sex", "value_or_threshold": [1]}],
        "ground_truth_attribute": "repaid",
        "label_values_or_threshold": [1],
        **answer,
    }
    assert model["ground_truth"] == bias["ground_truth"] == truth
    assert attribution["options"] == {"compatibility": "sagemaker", "agg_method": "mean_abs"}
    assert attribution["explain"] == {
        "model": {"sagemaker_endpoint": "loans", "exchange": {"probability": "0"}},
        "num_samples": 100,
        "features": ["age", "sex", "income"],
        "background": [[40, 0, 1500.5]],
    }
    assert found["columns"] == {"outputs": ["output0"], "inputs": ["age", "sex", "income"]}


def test_a_combined_object_with_pieces_under_any_keys_is_understood() -> None:
    both = {"a": {"b": sm.schedule("DataQuality")}, "jobs": [sm.definition("DataQuality")]}
    assert settings(both)["schedules"][0]["name"] == "loans-dataquality"


def test_calibrated_leaves_sagemakers_decisions_and_its_order_of_columns() -> None:
    scripts = {"RecordPreprocessorSourceUri": "s3://bucket/code/pre.py"}
    pieces = sm.schedule("DataQuality"), sm.definition("DataQuality", app=scripts)
    [theirs] = settings(*pieces)["schedules"]
    [ours] = settings(*pieces, more=("--calibrated", "--force"))["schedules"]
    assert (theirs["options"], theirs["preprocess"]["sort_columns"]) == ({"compatibility": "sagemaker"}, True)
    assert "options" not in ours
    assert ours["preprocess"] == {"script": "s3://bucket/code/pre.py"}


@pytest.mark.parametrize(
    ("cron", "times", "expected"),
    [
        ("cron(0 17/12 ? * * *)", {}, {"cron": "cron(0 17/12 ? * * *)"}),
        ("cron(0 12 ? * * *)", {}, {"cron": "cron(0 12 ? * * *)"}),
        (
            "NOW",
            {"DataAnalysisStartTime": "-PT5H", "DataAnalysisEndTime": "-PT0H"},
            {"cron": "NOW", "window": "PT5H"},
        ),
        (
            "cron(0 * ? * * *)",
            {"DataAnalysisStartTime": "-PT5H", "DataAnalysisEndTime": "-PT0H"},
            {"cron": "cron(0 * ? * * *)", "window": "PT5H"},
        ),
        (
            "cron(0 2 ? * * *)",
            {"DataAnalysisStartTime": "-PT24H", "DataAnalysisEndTime": "-PT3H"},
            {"cron": "0 23 * * *", "window": "PT21H", "delay": "PT3H"},
        ),
        (
            "cron(0 * ? * * *)",
            {"DataAnalysisStartTime": "-PT2H", "DataAnalysisEndTime": "-PT30M"},
            {"cron": "30 * * * *", "window": "PT1H30M", "delay": "PT30M"},
        ),
    ],
)
def test_ticks_and_windows_of_data_quality(cron: str, times: dict[str, str], expected: dict[str, str]) -> None:
    pieces = sm.schedule("DataQuality", cron=cron, **times), sm.definition("DataQuality")
    [schedule] = settings(*pieces)["schedules"]
    assert {key: schedule[key] for key in ("cron", "window", "delay") if key in schedule} == expected


def test_a_window_that_ends_before_the_tick_is_one_of_the_schedules_own_runs() -> None:
    times = {"DataAnalysisStartTime": "-PT24H", "DataAnalysisEndTime": "-PT3H"}
    settings(sm.schedule("DataQuality", cron="cron(0 2 ? * * *)", **times), sm.definition("DataQuality"))
    endpoint = config.load("endpoint.yaml")
    [schedule] = endpoint.schedules
    theirs = Window(moment("2026-01-05T02:00Z"), moment("2026-01-05T23:00Z"))  # of the run at 02:00 on the 6th
    assert Execution(endpoint, schedule, theirs).is_scheduled
    assert theirs.end + schedule.delay == moment("2026-01-06T02:00Z")


def test_label_offsets_are_measured_from_the_tick_as_in_sagemaker() -> None:
    """The documentation's example: -P8D and -P1D, run at 2020-01-09T13:00."""
    given = sm.endpoint_input(ProbabilityAttribute="0", StartTimeOffset="-P8D", EndTimeOffset="-P1D")
    [schedule] = settings(sm.schedule("ModelQuality"), sm.definition("ModelQuality", "", given))["schedules"]
    assert schedule["ground_truth"]["offset"] == {"start": "-P8D", "end": "-P1D"}
    assert "window" not in schedule
    [loaded] = config.load("endpoint.yaml").schedules
    tick = moment("2020-01-09T13:00Z")
    assert (tick - loaded.lag - loaded.length, tick - loaded.lag) == (
        moment("2020-01-01T13:00Z"),
        moment("2020-01-08T13:00Z"),
    )


@pytest.mark.parametrize(
    ("start", "end", "offset", "told"),
    [
        ("-PT2D", "-PT1H", {"start": "-P2D", "end": "-PT1H"}, "-PT2D, which is not ISO 8601"),
        ("P1D", "-PT0H", {"start": "-P1D", "end": "PT0S"}, "P1D, without a minus"),
        (None, "-PT6H", {"start": "-PT7H", "end": "-PT6H"}, "EndTimeOffset but no StartTimeOffset"),
        ("-P1D", None, {"start": "-P1D", "end": "PT0S"}, ""),
    ],
)
def test_offsets_that_are_written_wrong_are_read_as_they_are_meant_and_told(
    capsys: pytest.CaptureFixture[str], start: str | None, end: str | None, offset: dict[str, str], told: str
) -> None:
    times = {key: value for key, value in (("StartTimeOffset", start), ("EndTimeOffset", end)) if value}
    given = sm.endpoint_input(ProbabilityAttribute="0", **times)
    [schedule] = settings(sm.schedule("ModelQuality"), sm.definition("ModelQuality", "", given))["schedules"]
    assert schedule["ground_truth"]["offset"] == offset
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("times", "words"),
    [
        ({"StartTimeOffset": "-Pxyz"}, "no duration that can be read"),
        ({"StartTimeOffset": "-P"}, "no duration that can be read"),
        ({"StartTimeOffset": "-P1M"}, "no duration that can be read"),
        ({"StartTimeOffset": "-P99999999999D"}, "longer than any window"),
        ({"StartTimeOffset": "-PT1H", "EndTimeOffset": "-PT6H"}, "is not before EndTimeOffset"),
    ],
)
def test_offsets_that_mean_nothing_are_refused(
    capsys: pytest.CaptureFixture[str], times: dict[str, str], words: str
) -> None:
    given = sm.endpoint_input(ProbabilityAttribute="0", **times)
    assert words in refused(capsys, sm.schedule("ModelQuality"), sm.definition("ModelQuality", "", given))


def test_batch_transforms_are_read_where_sagemaker_reads_them() -> None:
    """A model-quality job of batch transforms with a prediction at index 69 of a joined line."""
    times = {"StartTimeOffset": "-PT6H", "EndTimeOffset": "-PT0H"}
    given = sm.batch_input(ProbabilityAttribute="69", ProbabilityThresholdAttribute=0.5, **times)
    found = settings(sm.schedule("ModelQuality", "batch-mq"), sm.definition("ModelQuality", "", given), endpoint=False)
    assert found["endpoint"] == "batch-mq"
    assert found["capture"] == {
        "kind": "batch",
        "uri": "s3://bucket/batch-capture",
        "format": {"Csv": {"Header": False}},
    }
    assert found["schedules"][0]["ground_truth"]["offset"] == {"start": "-PT6H", "end": "PT0S"}
    assert "variant" not in found


@pytest.mark.parametrize("format", [{"Csv": {}}, {"Csv": {"Header": True}}, {"Json": {"Line": True}}, {"Parquet": {}}])
@pytest.mark.parametrize("kind", sm.KINDS)
def test_batch_transforms_of_every_kind_and_format_validate(kind: str, format: dict[str, Any]) -> None:
    given = sm.batch_input(format, **sm.ANSWERS[kind])
    model = ("--model", "https://models.example.com/loans")
    found = settings(sm.schedule(kind), sm.definition(kind, "", given), endpoint=False, more=model)
    assert config.load("endpoint.yaml").capture.kind == "batch"
    assert found["capture"]["format"] == ({"Csv": {"Header": False}} if format == {"Csv": {}} else format)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://models.example.com/loans", {"url": "https://models.example.com/loans"}),
        ("sagemaker:explainer", {"sagemaker_endpoint": "explainer"}),
        ("python:loans.model.score", {"callable": "loans.model.score"}),
        ("model.json", {"artefact": "../model.json"}),
        ("s3://bucket/model.ubj", {"artefact": "s3://bucket/model.ubj"}),
    ],
)
def test_another_model_can_be_asked_than_the_monitored_endpoint(address: str, expected: dict[str, str]) -> None:
    pieces = sm.schedule("ModelExplainability"), sm.definition("ModelExplainability")
    Path("files").mkdir()
    [schedule] = settings(*pieces, more=("--model", address, "--write", "files/loans.yaml"), at="files/loans.yaml")[
        "schedules"
    ]
    model = schedule["explain"]["model"]
    assert {key: value for key, value in model.items() if key != "exchange"} == expected


def test_columns_of_a_joined_line_are_named_up_to_the_prediction() -> None:
    given = sm.batch_input(InferenceAttribute="3")
    found = settings(sm.schedule("ModelBias"), sm.definition("ModelBias", "", given), endpoint=False)
    assert found["columns"] == {"outputs": ["output0"], "inputs": ["age", "sex", "income"]}
    assert config.load("endpoint.yaml").columns.names == ("age", "sex", "income", "output0")


def test_what_has_no_counterpart_is_listed_in_the_file_and_told(capsys: pytest.CaptureFixture[str]) -> None:
    network = {"VpcConfig": {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]}}
    secret = {"publish_cloudwatch_metrics": "Enabled", "DB_PASSWORD": "hunter2"}
    job = sm.definition(
        "DataQuality",
        app={"Environment": secret, "ContainerArguments": ["--fast"]},
        outputs=sm.outputs(KmsKeyId="alias/reports"),
        NetworkConfig=network,
        StoppingCondition={"MaxRuntimeInSeconds": 1800},
        Tags=[{"Key": "team", "Value": "risk"}],
    )
    settings(sm.schedule("DataQuality"), job)
    err, text = capsys.readouterr().err, Path("endpoint.yaml").read_text()
    told = " ".join(text.replace("#", " ").split())
    for what in (
        *("ClusterConfig (1 x ml.m5.xlarge, 20 GB)", "KmsKeyId", "MaxRuntimeInSeconds (1800)", "NetworkConfig"),
        *("RoleArn (monitor)", "Tags", "LocalPath", "ContainerArguments", "Environment.publish_cloudwatch_metrics"),
        "Environment.DB_PASSWORD",
    ):
        assert f"no counterpart: {what}" in err or f", {what}" in err, what
        assert what in told
    assert "hunter2" not in err + text


def test_keys_that_aws_does_not_know_are_tolerated_and_told(capsys: pytest.CaptureFixture[str]) -> None:
    job = sm.definition("DataQuality")
    job["DataQualityJobInput"]["EndpointInput"]["Colour"] = "red"
    settings(sm.schedule("DataQuality") | {"ResponseMetadata": {"HTTPStatusCode": 200}}, job)
    err = capsys.readouterr().err
    assert "piece1.json: DataQualityJobInput.EndpointInput.Colour" in err
    assert "ResponseMetadata" not in err


def test_a_container_of_ones_own_is_told_and_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    own = {"ImageUri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/our-monitor:3"}
    pieces = sm.schedule("DataQuality"), sm.definition("DataQuality", app=own)
    assert "runs a container of your own" in refused(capsys, *pieces)
    found = settings(*pieces, sm.schedule("ModelQuality"), sm.definition("ModelQuality"))
    assert [schedule["name"] for schedule in found["schedules"]] == ["loans-modelquality"]
    assert "schedule loans-dataquality: it runs a container of your own" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("pieces", "words"),
    [
        ([sm.schedule("ModelBias")], "aws sagemaker describe-model-bias-job-definition --job-definition-name"),
        ([sm.definition("DataQuality")], "no schedule is in the files"),
        ([{"MonitoringScheduleSummaries": []}], "nothing of a monitoring schedule is recognised"),
        ([sm.schedule("DataQuality") | {"MonitoringScheduleName": 7}], "Invalid type for parameter"),
        (
            [sm.schedule("DataQuality"), sm.definition("DataQuality"), sm.definition("DataQuality", Tags=[])],
            "is there twice",
        ),
    ],
)
def test_what_is_missing_or_wrong_is_told_with_what_to_give(
    capsys: pytest.CaptureFixture[str], pieces: list[Any], words: str
) -> None:
    assert words in refused(capsys, *pieces)


def test_without_a_description_of_the_endpoint_the_capture_has_to_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    pieces = sm.schedule("DataQuality"), sm.definition("DataQuality")
    assert "aws sagemaker describe-endpoint --endpoint-name loans" in refused(capsys, *pieces, endpoint=False)
    found = settings(*pieces, endpoint=False, more=("--capture-uri", "captures", "--output", "out"))
    assert (found["capture"]["uri"], found["output"]) == ("captures", "out")


def test_one_of_several_variants_is_chosen_and_the_others_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    pieces = sm.schedule("DataQuality"), sm.definition("DataQuality")
    endpoint = sm.described_endpoint("blue", "green", CurrentSamplingPercentage=20, CaptureStatus="Stopped")
    assert settings(*pieces, endpoint=endpoint)["variant"] == "blue"
    err = capsys.readouterr().err
    assert "also has green" in err
    assert "captures 20 %" in err
    assert "switched off" in err
    green = settings(*pieces, endpoint=endpoint, more=("--variant", "green", "--force"))
    assert green["variant"] == "green"
    assert imported(*pieces, endpoint=endpoint, more=("--variant", "red", "--force"))[0] == 1


def test_schedules_of_several_endpoints_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    other = {"EndpointInput": {"EndpointName": "cards", "LocalPath": "/opt/ml/processing/input"}}
    pieces = [sm.schedule("DataQuality", "a", "one"), sm.definition("DataQuality", "one")]
    pieces += [sm.schedule("DataQuality", "b", "two"), sm.definition("DataQuality", "two", other)]
    assert "endpoints loans, cards" in refused(capsys, *pieces)


def test_a_baselining_job_says_where_its_files_are(capsys: pytest.CaptureFixture[str]) -> None:
    job = {"BaseliningJobName": "baseline-1"}
    pieces = sm.schedule("DataQuality"), sm.definition("DataQuality", baseline=job)
    assert "aws sagemaker describe-processing-job --processing-job-name baseline-1" in refused(capsys, *pieces)
    [schedule] = settings(*pieces, sm.described_job("baseline-1", "s3://bucket/results/"))["schedules"]
    assert schedule["baseline"] == {
        "statistics": "s3://bucket/results/statistics.json",
        "constraints": "s3://bucket/results/constraints.json",
    }


@pytest.mark.parametrize("kind", ["ModelQuality", "ModelBias"])
def test_who_does_not_say_what_the_answer_is_is_asked_for_it(capsys: pytest.CaptureFixture[str], kind: str) -> None:
    job = sm.definition(kind, "", sm.endpoint_input(FeaturesAttribute="features"))
    assert "neither InferenceAttribute nor ProbabilityAttribute" in refused(capsys, sm.schedule(kind), job)


def test_an_imported_bias_schedule_judges_the_columns_that_sagemaker_judged() -> None:
    """CSV without names: the analysis configuration's headers are those of the request, behind the answer."""
    hour, rows = Window(HOUR, minutes(60)), [(f"e{i}", i % 2, (i // 2) % 2, 0.9 if i % 3 else 0.1) for i in range(120)]
    capture(
        "captures",
        [
            record(event, f"{20 + i},{sex},1500\n", str(score), minutes(i / 2))
            for i, (event, sex, _, score) in enumerate(rows)
        ],
        endpoint="loans",
    )
    collect(Path("labels"), [truth(event, str(label)) for event, _, label, _ in rows], HOUR)
    pieces = sm.schedule("ModelBias"), sm.definition("ModelBias", baseline={"BaseliningJobName": "b"})
    local = ("--capture-uri", "captures", "--ground-truth", "labels", "--output", "out")
    settings(*pieces, sm.described_job("b", "s3://bucket/results"), more=local)
    text = Path("endpoint.yaml").read_text()
    Path("endpoint.yaml").write_text(text.replace("s3://bucket/results/analysis.json", "analysis.json"))
    learned = {"value_or_threshold": "1", "metrics": [{"name": "CI", "description": "", "value": 0.5}]}
    metrics_of = {"facets": {"sex": [learned]}}
    stored("analysis.json", {"pre_training_bias_metrics": metrics_of, "post_training_bias_metrics": {"facets": {}}})
    for verb in (jobs.collect_window, jobs.merge_ground_truth, jobs.compute_metrics, jobs.evaluate_constraints):
        report = verb(Execution.of("endpoint.yaml", "loans-modelbias", hour))
    document = json.loads(Path(report, "analysis.json").read_text())
    [women] = document["pre_training_bias_metrics"]["facets"]["sex"]
    metrics = {metric["name"]: metric["value"] for metric in women["metrics"]}
    assert women["value_or_threshold"] == "1"
    assert metrics["CI"] == 0.0, "60 rows on each side"


def test_excluded_features_are_names_or_indices_of_what_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    left_out = sm.endpoint_input(ProbabilityAttribute="0", ExcludeFeaturesAttribute="0, sex,9")
    bias = sm.definition("ModelBias", "", left_out)
    found = settings(sm.schedule("ModelBias"), bias)
    assert found["columns"]["exclude"] == ["age"], "sex is the facet, and stays"
    err = capsys.readouterr().err
    assert "leaves out value 9" in err
    found = settings(
        *(sm.schedule("ModelBias"), bias, sm.schedule("DataQuality"), sm.definition("DataQuality")), more=("--force",)
    )
    assert "exclude" not in found["columns"], "data quality judges age"
    assert "only some schedules leave out 'age'" in capsys.readouterr().err


def test_a_model_that_answers_what_labels_are_called_has_labels_of_another_name() -> None:
    given = sm.endpoint_input(InferenceAttribute="label")
    [schedule] = settings(sm.schedule("ModelQuality"), sm.definition("ModelQuality", "", given))["schedules"]
    assert schedule["options"]["ground_truth_attribute"] == "ground_truth"


def test_https_addresses_of_s3_and_double_slashes_are_read_as_s3_addresses() -> None:
    uri = "https://bucket.s3.eu-west-1.amazonaws.com/a%20b//capture/"
    found = settings(
        sm.schedule("DataQuality"), sm.definition("DataQuality"), endpoint=sm.described_endpoint("v", uri=uri)
    )
    assert found["capture"]["uri"] == "s3://bucket/a b/capture"


def test_nothing_that_is_there_is_replaced_without_force(capsys: pytest.CaptureFixture[str]) -> None:
    Path("endpoint.yaml").write_text("mine")
    pieces = sm.schedule("DataQuality"), sm.definition("DataQuality")
    assert imported(*pieces)[0] == 1
    assert Path("endpoint.yaml").read_text() == "mine"
    assert "--force" in capsys.readouterr().err
    assert imported(*pieces, more=("--force",))[0] == 0


def test_without_write_the_file_is_printed_and_remarks_are_not_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    files = [stored("s.json", sm.schedule("DataQuality")), stored("d.json", sm.definition("DataQuality"))]
    assert main(["import-sagemaker", "--from-json", *files, "--capture-uri", "s3://b/c"]) == 0
    out, err = capsys.readouterr()
    assert yaml.safe_load(out)["endpoint"] == "loans"
    assert "look at output" in err


@pytest.mark.parametrize(
    ("kept", "five"),
    [("cron(0 * * * ? *)", "0 * * * *"), ("cron(0 14 ? * MON *)", "0 14 * * MON"), ("cron(0 0 1 * ? *)", "0 0 1 * *")],
)
def test_expressions_that_aws_keeps_are_written_in_five_fields_beside_what_was_written(kept: str, five: str) -> None:
    document = sm.schedule("DataQuality", cron=kept)
    assert settings(document, sm.definition("DataQuality"))["schedules"][0]["cron"] == five
    assert f"LOOK: ScheduleExpression {kept} means {five}" in Path("endpoint.yaml").read_text()


@pytest.mark.parametrize("written", [None, "DATA_QUALITY", "MODEL_QUALITY", "MODEL_BIAS", "MODEL_EXPLAINABILITY"])
def test_a_job_inside_a_schedule_says_in_its_environment_what_it_analyses(written: str | None) -> None:
    kind = (written or "DATA_QUALITY").title().replace("_", "")
    document = sm.inline(kind, environment={"analysis_type": written} if written else {})
    del document["MonitoringScheduleConfig"]["MonitoringType"]
    analysis = [f"--analysis-config={stored('a.json', CONFIGS[kind])}"] if kind in CONFIGS else []
    labels = ["--ground-truth", "s3://bucket/labels"]
    assert settings(document, more=(*analysis, *labels))["schedules"][0]["monitor"] == MONITORS[kind]


def test_an_analysis_that_is_not_known_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    document = sm.inline("DataQuality", environment={"analysis_type": "COST"})
    del document["MonitoringScheduleConfig"]["MonitoringType"]
    assert "Environment.analysis_type 'COST' is not known" in refused(capsys, document)


ANSWERED = {
    "FeaturesAttribute": "a.b",
    "InferenceAttribute": "0",
    "ProbabilityAttribute": "1",
    "ProbabilityThresholdAttribute": 0.7,
    "ExcludeFeaturesAttribute": "age",
    "StartTimeOffset": "-PT3H",
    "EndTimeOffset": "-PT1H",
    "S3InputMode": "File",
    "S3DataDistributionType": "FullyReplicated",
}
ENVIRONMENT = {
    "inference_attribute": "2",
    "probability_attribute": "3",
    "probability_threshold_attribute": "0.6",
    "problem_type": "BinaryClassification",
    "ground_truth_attribute": "truth",
    "categorical_drift_method": "LInfinity",
    "publish_cloudwatch_metrics": "Enabled",
    "analysis_type": "",
    "own": "1",
}


def leaves(value: Any, place: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [leaf for key, item in items for leaf in leaves(item, (*place, key))] or [place]


def without(document: Any, place: tuple[str | int, ...]) -> Any:
    """The document without the member at a place, and without what is empty then."""
    key, *rest = place
    smaller = document.copy()
    part = without(smaller[key], tuple(rest)) if rest else None
    if part in (None, {}, []):
        del smaller[key]
    else:
        smaller[key] = part
    return smaller


@pytest.mark.parametrize("given", [{}, ANSWERED], ids=["bare", "full"])
@pytest.mark.parametrize("kind", sm.KINDS)
def test_each_member_of_a_schedule_is_used_or_named_in_the_file(
    kind: str, given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without it the settings differ, or can't be made, or a comment of the file names it."""
    scripts = {
        "RecordPreprocessorSourceUri": "s3://bucket/pre.py",
        "PostAnalyticsProcessorSourceUri": "s3://bucket/post.py",
    }
    app = {"ImageUri": sm.ANALYZER if kind in sm.KINDS[:2] else sm.CLARIFY}
    document = sm.inline(
        kind,
        "",
        sm.endpoint_input(**(given or {"ProbabilityAttribute": "0"})),
        environment=ENVIRONMENT | {"analysis_type": re.sub("(?<=[a-z])(?=[A-Z])", "_", kind).upper()},
        MonitoringAppSpecification=app | (scripts if kind in sm.KINDS[:2] else {}),
        StoppingCondition={"MaxRuntimeInSeconds": 60},
    )
    if kind == "DataQuality":  # what an inline job is without a word
        del document["MonitoringScheduleConfig"]["MonitoringJobDefinition"]["Environment"]["analysis_type"]
    del document["MonitoringScheduleConfig"]["MonitoringType"]
    analysis = [f"--analysis-config={stored('a.json', CONFIGS[kind])}"] if kind in CONFIGS else []
    more = ("--ground-truth", "s3://bucket/labels", "--force", *analysis)
    found = settings(document, more=more)
    comments = "\n".join(line for line in Path("endpoint.yaml").read_text().splitlines() if "#" in line)
    comments = re.sub(r"\s*\n\s*#\s*", " ", comments)
    unused = []
    for place in leaves(document["MonitoringScheduleConfig"], ("MonitoringScheduleConfig",)):
        if any(isinstance(key, str) and re.search(rf"\b{key}\b", comments) for key in place[3:]):
            continue
        code, path = imported(without(document, place), more=more)
        if code == 0 and yaml.safe_load(path.read_text()) == found:
            unused.append(place)
    assert unused == []
