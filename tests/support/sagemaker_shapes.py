"""Monitoring schedules as SageMaker has them, checked by botocore's own model; and an AWS of this machine only."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from botocore.validate import ParamValidator

from model_monitor.sagemaker.importing.shapes import service

Json = dict[str, Any]

KINDS = ("DataQuality", "ModelQuality", "ModelBias", "ModelExplainability")
ANALYZER = "156813124566.dkr.ecr.us-east-1.amazonaws.com/sagemaker-model-monitor-analyzer"
CLARIFY = "205585389593.dkr.ecr.us-east-1.amazonaws.com/sagemaker-clarify-processing:1.0"
ROLE = "arn:aws:iam::123456789012:role/service-role/monitor"
HOURLY = "cron(0 * ? * * *)"
MADE = "2026-01-01T00:00:00+00:00"

BIAS = {
    "headers": ["age", "sex", "income", "repaid"],
    "label": "repaid",
    "label_values_or_threshold": [1],
    "facet": [{"name_or_index": "sex", "value_or_threshold": [1]}],
}
SHAP = {
    "headers": ["age", "sex", "income"],
    "methods": {"shap": {"baseline": [[40, 0, 1500.5]], "num_samples": 100, "agg_method": "mean_abs"}},
    "predictor": {"model_name": "loans", "instance_type": "ml.m5.xlarge", "initial_instance_count": 1},
}


def valid(operation: str, document: Json, side: str = "input") -> Json:
    """The document, if botocore would send it, or could have got it."""
    model = service().operation_model(operation)
    report = ParamValidator().validate(document, model.input_shape if side == "input" else model.output_shape)
    assert not report.has_errors(), report.generate_report()
    return document


def endpoint_input(**more: Any) -> Json:
    return {"EndpointInput": {"EndpointName": "loans", "LocalPath": "/opt/ml/processing/input/endpoint", **more}}


def batch_input(format: Json | None = None, **more: Any) -> Json:
    about = {"DataCapturedDestinationS3Uri": "s3://bucket/batch-capture", "LocalPath": "/opt/ml/processing/input"}
    return {"BatchTransformInput": about | {"DatasetFormat": format or {"Csv": {"Header": False}}} | more}


def outputs(uri: str = "s3://bucket/reports", **more: Any) -> Json:
    return {"MonitoringOutputs": [{"S3Output": {"S3Uri": uri, "LocalPath": "/opt/ml/processing/output"}}], **more}


MACHINES = {"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 20}}
ANSWERS: dict[str, Json] = {
    "DataQuality": {},
    "ModelQuality": {"ProbabilityAttribute": "0", "ProbabilityThresholdAttribute": 0.8},
    "ModelBias": {"ProbabilityAttribute": "0", "ProbabilityThresholdAttribute": 0.8},
    "ModelExplainability": {"ProbabilityAttribute": "0"},
}


def baseline(kind: str) -> Json:
    if kind == "DataQuality":
        files = {"Statistics": "statistics.json", "Constraints": "constraints.json"}
    else:
        files = {"Constraints": "constraints.json" if kind == "ModelQuality" else "analysis.json"}
    return {f"{name}Resource": {"S3Uri": f"s3://bucket/baseline/{file}"} for name, file in files.items()}


def app(kind: str, **more: Any) -> Json:
    if kind in ("ModelBias", "ModelExplainability"):
        return {"ImageUri": CLARIFY, "ConfigUri": f"s3://bucket/{kind}/analysis_config.json", **more}
    problem = {"ProblemType": "BinaryClassification"} if kind == "ModelQuality" else {}
    return {"ImageUri": ANALYZER, **problem, **more}


def definition(kind: str, name: str = "", given: Json | None = None, /, **more: Any) -> Json:
    """A Create...JobDefinition request; ``app``, ``outputs`` and whole members can be replaced."""
    given = given or endpoint_input(**ANSWERS[kind])
    truth = {"GroundTruthS3Input": {"S3Uri": "s3://bucket/labels"}} if kind in ("ModelQuality", "ModelBias") else {}
    document = {
        "JobDefinitionName": name or f"{kind.lower()}-job",
        f"{kind}AppSpecification": app(kind, **more.pop("app", {})),
        f"{kind}JobInput": given | truth,
        f"{kind}JobOutputConfig": more.pop("outputs", None) or outputs(),
        f"{kind}BaselineConfig": more.pop("baseline", None) or baseline(kind),
        "JobResources": MACHINES,
        "RoleArn": ROLE,
        **more,
    }
    return valid(f"Create{kind}JobDefinition", document)


def schedule(kind: str, name: str = "", job: str = "", /, cron: str | None = HOURLY, **times: str) -> Json:
    """A CreateMonitoringSchedule request that names a job definition."""
    config: Json = {"MonitoringJobDefinitionName": job or f"{kind.lower()}-job", "MonitoringType": kind}
    config |= {"ScheduleConfig": {"ScheduleExpression": cron, **times}} if cron else {}
    document = {"MonitoringScheduleName": name or f"loans-{kind.lower()}", "MonitoringScheduleConfig": config}
    return valid("CreateMonitoringSchedule", document)


def inline(kind: str, name: str = "", given: Json | None = None, /, cron: str = HOURLY, **more: Any) -> Json:
    """A CreateMonitoringSchedule request with its job inside."""
    times = more.pop("times", {})
    environment = {"problem_type": "BinaryClassification"} if kind == "ModelQuality" else {}
    environment |= more.pop("environment", {})
    job = {
        "BaselineConfig": baseline(kind),
        "MonitoringInputs": [given or endpoint_input(**ANSWERS[kind])],
        "MonitoringOutputConfig": outputs(),
        "MonitoringResources": MACHINES,
        "MonitoringAppSpecification": {"ImageUri": ANALYZER if kind in KINDS[:2] else CLARIFY},
        "RoleArn": ROLE,
        **more,
    } | ({"Environment": environment} if environment else {})
    config = {
        "ScheduleConfig": {"ScheduleExpression": cron, **times},
        "MonitoringJobDefinition": job,
        "MonitoringType": kind,
    }
    document = {"MonitoringScheduleName": name or f"loans-{kind.lower()}", "MonitoringScheduleConfig": config}
    return valid("CreateMonitoringSchedule", document)


def described_schedule(document: Json, **more: Any) -> Json:
    """What DescribeMonitoringSchedule says of it."""
    answer = {
        "MonitoringScheduleArn": f"arn:aws:sagemaker:us-east-1:123456789012:x/{document['MonitoringScheduleName']}",
        "MonitoringScheduleStatus": "Scheduled",
        "CreationTime": MADE,
        "LastModifiedTime": MADE,
        **document,
        **more,
    }
    return valid("DescribeMonitoringSchedule", answer, "output")


def described_definition(kind: str, document: Json) -> Json:
    answer = {"JobDefinitionArn": "arn:aws:sagemaker:us-east-1:123456789012:job/x", "CreationTime": MADE, **document}
    return valid(f"Describe{kind}JobDefinition", answer, "output")


def described_endpoint(*variants: str, uri: str = "s3://bucket/capture", **capture: Any) -> Json:
    config = {
        "EnableCapture": True,
        "CaptureStatus": "Started",
        "CurrentSamplingPercentage": 100,
        "DestinationS3Uri": uri,
        "KmsKeyId": "",
        **capture,
    }
    answer = {
        "EndpointName": "loans",
        "EndpointArn": "arn:aws:sagemaker:us-east-1:123456789012:endpoint/loans",
        "EndpointStatus": "InService",
        "CreationTime": MADE,
        "LastModifiedTime": MADE,
        "ProductionVariants": [{"VariantName": name} for name in variants or ("AllTraffic",)],
        "DataCaptureConfig": config,
    }
    return valid("DescribeEndpoint", answer, "output")


def described_job(name: str, *folders: str) -> Json:
    outputs = [
        {
            "OutputName": "o",
            "S3Output": {"S3Uri": uri, "LocalPath": "/opt/ml/processing/output", "S3UploadMode": "EndOfJob"},
        }
        for uri in folders
    ]
    answer = {
        "ProcessingJobName": name,
        "ProcessingJobArn": f"arn:aws:sagemaker:us-east-1:123456789012:processing-job/{name}",
        "ProcessingResources": MACHINES,
        "AppSpecification": {"ImageUri": ANALYZER},
        "ProcessingJobStatus": "Completed",
        "CreationTime": MADE,
        "ProcessingOutputConfig": {"Outputs": outputs},
    }
    return valid("DescribeProcessingJob", answer, "output")


@dataclass
class Aws:
    """What this machine's AWS has, and what it was asked: names of operations, and addresses of S3."""

    url: str
    answers: dict[tuple[str, str], Json] = field(default_factory=dict)  # by operation and name
    objects: dict[str, bytes] = field(default_factory=dict)  # by bucket/key
    asked: list[str] = field(default_factory=list)

    def has(self, operation: str, document: Json, name: str) -> None:
        self.answers[operation, name] = document


@contextmanager
def serving_aws() -> Iterator[Aws]:
    """A server that speaks SageMaker's JSON protocol and S3's GET, on a free port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            given = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
            operation = self.headers["X-Amz-Target"].partition(".")[2]
            aws.asked.append(operation)
            found = aws.answers.get((operation, next(iter(given.values()), "")))
            if found is None:
                said = {"__type": "ValidationException", "message": f"Could not find {list(given.values())}"}
                return self.say(400, json.dumps(said).encode())
            return self.say(200, json.dumps(with_epochs(found)).encode())

        def do_GET(self) -> None:
            key = self.path.partition("?")[0].removeprefix("/")
            aws.asked.append(f"GET {key}")
            if key not in aws.objects:
                return self.say(404, b"<Error><Code>NoSuchKey</Code><Message>none</Message></Error>", "application/xml")
            return self.say(200, aws.objects[key], "binary/octet-stream")

        def other(self) -> None:
            aws.asked.append(f"{self.command} {self.path}")
            self.say(200, b"")

        do_PUT = do_DELETE = other  # noqa: N815 - the names that the base class looks for

        def say(self, status: int, content: bytes, kind: str = "application/x-amz-json-1.1") -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    aws = Aws(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield aws
    finally:
        server.shutdown()
        server.server_close()


def with_epochs(document: Mapping[str, Any]) -> Json:
    """Times as they are on the wire."""
    return {key: 1767225600.0 if key.endswith("Time") else value for key, value in document.items()}
