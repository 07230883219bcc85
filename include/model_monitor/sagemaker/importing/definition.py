"""A schedule's job in one form, whether the schedule holds it or names it; and what of it has no counterpart here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from model_monitor.errors import ConfigError
from model_monitor.sagemaker.importing.document import OfSchedule
from model_monitor.sagemaker.importing.shapes import KINDS, Json, NotThere, Source

PREBUILT = ("sagemaker-model-monitor-analyzer", "sagemaker-clarify-processing")
IMAGE = re.compile(r"(?P<path>[\w.:-]+(/[\w.-]+)*?/)?(?P<repository>[\w.-]+)(:[\w.-]+)?(@[\w:+.-]+)?")
OPTIONS = {  # of a monitor, by the member of the input that says them
    "InferenceAttribute": "inference_attribute",
    "ProbabilityAttribute": "probability_attribute",
    "ProbabilityThresholdAttribute": "probability_threshold_attribute",
}


@dataclass(frozen=True)
class Definition:
    """A schedule and its job, in SageMaker's values.

    kind: its MonitoringType. app: its AppSpecification, with Environment. input: its EndpointInput or
    BatchTransformInput (``is_batch``). truth: where its labels are. job: all of the job.
    """

    schedule: Json
    kind: str
    app: Json
    input: Json
    is_batch: bool
    truth: str | None
    baseline: Json
    outputs: Json
    job: Json

    @property
    def name(self) -> str:
        return str(self.schedule["MonitoringScheduleName"])

    @property
    def output(self) -> str:
        """Where its reports are."""
        return str(self.outputs["MonitoringOutputs"][0]["S3Output"]["S3Uri"])

    @property
    def environment(self) -> dict[str, str]:
        return dict(self.app.get("Environment", {}))

    @property
    def needs_labels(self) -> bool:
        return self.kind in ("ModelQuality", "ModelBias")

    @property
    def is_of_clarify(self) -> bool:
        """Whether an analysis configuration says what is judged. Others have scripts, and a baseline of two files."""
        return self.kind in ("ModelBias", "ModelExplainability")

    @property
    def custom_image(self) -> str | None:
        """The image, if it is not AWS's. A text that names no image, as in a sample, is taken for AWS's."""
        match = IMAGE.fullmatch(self.app["ImageUri"])
        return self.app["ImageUri"] if match and match["repository"] not in PREBUILT else None

    @property
    def attributes(self) -> dict[str, Any]:
        """The monitor's options that name the model's answer: of the input, else of the container's environment."""
        values = {option: self.input.get(name, self.environment.get(option)) for name, option in OPTIONS.items()}
        return {option: value for option, value in values.items() if value not in (None, "")}


def definition_of(schedule: Json, source: Source) -> Definition:
    """The job of a schedule. Raises ConfigError if a part is missing, or there are more parts than there may be."""
    config, name = schedule["MonitoringScheduleConfig"], schedule["MonitoringScheduleName"]
    kind = config.get("MonitoringType") or schedule.get("MonitoringType")
    if kind is not None and kind not in KINDS:
        raise ConfigError(f"schedule '{name}': MonitoringType is one of {', '.join(KINDS)}, not '{kind}'")
    if "MonitoringJobDefinition" in config:
        job = config["MonitoringJobDefinition"]
        kind = kind or analysed(job.get("Environment", {}), name)
        app = job["MonitoringAppSpecification"] | {"Environment": job.get("Environment", {})}
        part = only(job["MonitoringInputs"], "MonitoringInputs", name)
        baseline, outputs = job.get("BaselineConfig", {}), job["MonitoringOutputConfig"]
    elif "MonitoringJobDefinitionName" in config:
        kind, job = named(config["MonitoringJobDefinitionName"], [kind] if kind else KINDS, source)
        app, part = job[f"{kind}AppSpecification"], job[f"{kind}JobInput"]
        baseline, outputs = job.get(f"{kind}BaselineConfig", {}), job[f"{kind}JobOutputConfig"]
    else:
        raise ConfigError(f"schedule '{name}' has neither MonitoringJobDefinition nor MonitoringJobDefinitionName")
    inputs = [key for key in ("EndpointInput", "BatchTransformInput") if key in part]
    if len(inputs) != 1:
        raise ConfigError(f"schedule '{name}' needs one of EndpointInput and BatchTransformInput, not {len(inputs)}")
    [side] = inputs
    truth = part.get("GroundTruthS3Input", {}).get("S3Uri")
    only(outputs["MonitoringOutputs"], "MonitoringOutputs", name)
    return Definition(schedule, kind, app, part[side], side == "BatchTransformInput", truth, baseline, outputs, job)


def analysed(environment: Mapping[str, str], name: str) -> str:
    """What a job inside a schedule analyses: its container reads that from its environment. Raises ConfigError."""
    written = environment.get("analysis_type", "DATA_QUALITY")
    kind = written.title().replace("_", "")
    if kind not in KINDS:
        raise ConfigError(f"schedule '{name}': Environment.analysis_type '{written}' is not known; write MODEL_QUALITY")
    return kind


def named(name: str, kinds: Sequence[str], source: Source) -> tuple[str, Json]:
    """The job definition of a name, and its kind. Raises NotThere."""
    errors = []
    for kind in kinds:
        try:
            return kind, source.describe(f"{kind}JobDefinition", name)
        except NotThere as error:
            errors.append(error)
    raise errors[0]


def only(values: Sequence[Json], what: str, name: str) -> Json:
    if len(values) != 1:
        raise ConfigError(f"schedule '{name}' has {len(values)} {what}; it must have one")
    return values[0]


WORKERS = "Airflow's workers"
PUBLISH = "publish_cloudwatch_metrics"
OF_ANSWERS = set(OPTIONS.values())
OF_MONITORS = {  # what the container reads from its environment, and so do we, by the kind of job
    "DataQuality": {"analysis_type", "categorical_drift_method"},
    "ModelQuality": OF_ANSWERS | {"analysis_type", "problem_type", "ground_truth_attribute"},
    "ModelBias": OF_ANSWERS | {"analysis_type"},
    "ModelExplainability": {"inference_attribute", "probability_attribute", "analysis_type"},
}


def list_what_is_left(definition: Definition, about: OfSchedule) -> None:
    """List what is left of a schedule and its job, whatever its kind is."""
    for what, instead in (*of_machines(definition), *of_container(definition)):
        about.no_counterpart(what, instead)
    status = definition.schedule.get("MonitoringScheduleStatus", "Scheduled")
    if status not in ("Scheduled", "Pending"):
        about.look("name", f"its status at AWS is {status}; leave its DAG paused if it shall not run here either")


def of_machines(definition: Definition) -> Iterator[tuple[str, str]]:
    job = definition.job
    resources = job.get("JobResources") or job.get("MonitoringResources") or {}
    if cluster := resources.get("ClusterConfig", {}):
        size = f"{cluster['InstanceCount']} x {cluster['InstanceType']}, {cluster['VolumeSizeInGB']} GB"
        yield f"ClusterConfig ({size})", f"{WORKERS} do the work, in bounded memory; a pool limits how much at once"
    if "VolumeKmsKeyId" in cluster or definition.outputs.get("KmsKeyId"):
        yield "KmsKeyId", "files are encrypted as the bucket does it; set the key as its default encryption"
    if limit := job.get("StoppingCondition"):
        seconds = limit["MaxRuntimeInSeconds"]
        yield f"MaxRuntimeInSeconds ({seconds})", "execution_timeout of Airflow's tasks; what fails is tried again"
    if job.get("NetworkConfig"):
        yield "NetworkConfig", f"network, subnets and security groups are those of {WORKERS}"
    if role := job.get("RoleArn"):
        rights = "they must read capture, labels and baselines, and write the output"
        yield f"RoleArn ({role.rpartition('/')[2]})", f"the credentials of {WORKERS}; {rights}"
    if job.get("Tags") or definition.schedule.get("Tags"):
        yield "Tags", "Airflow has its own on each DAG"


def of_container(definition: Definition) -> Iterator[tuple[str, str]]:
    yield (
        f"ImageUri ({definition.app['ImageUri']}), LocalPath, S3InputMode, S3DataDistributionType, S3UploadMode",
        "there is no container, and nothing is copied into one: files are read where they are",
    )
    for key in ("ContainerEntrypoint", "ContainerArguments"):
        if key in definition.app:
            yield key, "there is no container that could be started otherwise"
    environment = definition.environment
    if environment.get(PUBLISH) == "Enabled":
        instead = "metrics: {cloudwatch: true}, once SageMaker's schedule is stopped: both write the same metrics"
        yield f"Environment.{PUBLISH}", instead
    for key in sorted(environment.keys() - OF_MONITORS[definition.kind] - {PUBLISH}):
        yield f"Environment.{key}", "there is no container whose environment it could be; its value is not shown"
    for name, option in OPTIONS.items():
        if option in environment.keys() & OF_MONITORS[definition.kind] and name in definition.input:
            yield f"Environment.{option}", f"{name} of the input says it, too, and is taken"
    if definition.kind == "ModelExplainability" and "ProbabilityThresholdAttribute" in definition.input:
        yield "ProbabilityThresholdAttribute", "the answer itself is explained, and no label that a threshold makes"
    if definition.kind == "ModelQuality" and "problem_type" in environment and "ProblemType" in definition.app:
        yield "Environment.problem_type", "ProblemType says it, too, and is taken"
    if definition.kind == "ModelQuality" and "FeaturesAttribute" in definition.input:
        yield "FeaturesAttribute", "model quality judges answers and labels, and no feature"
