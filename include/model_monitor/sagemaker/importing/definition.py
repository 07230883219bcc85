"""What does a schedule's job say, whether it is written in the schedule itself or is a job definition?"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from model_monitor.errors import ConfigError
from model_monitor.sagemaker.importing.pieces import KINDS, Source
from model_monitor.sagemaker.importing.shapes import Json

LABELLED = ("ModelQuality", "ModelBias")
PREBUILT = ("sagemaker-model-monitor-analyzer", "sagemaker-clarify-processing")
IMAGE = re.compile(r"(?P<path>[\w.:-]+(/[\w.-]+)*?/)?(?P<repository>[\w.-]+)(:[\w.-]+)?(@[\w:+.-]+)?")


@dataclass(frozen=True)
class Definition:
    """One job in one form. All values are the original's.

    kind: its MonitoringType. app: its AppSpecification, with ConfigUri and ProblemType where there are. given: its
    EndpointInput or BatchTransformInput (``is_batch``). truth: where its labels are; None if that is not said.
    output: where its reports are. running: what only concerns the machines that it runs on.
    """

    kind: str
    app: Json
    given: Json
    is_batch: bool
    truth: str | None
    baseline: Json
    output: str
    running: Json = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        found: dict[str, str] = self.app.get("Environment", {})
        return found

    @property
    def needs_labels(self) -> bool:
        return self.kind in LABELLED

    @property
    def custom_image(self) -> str | None:
        """The image, if it is one that somebody else made. A text that names no image, as in a sample, is none."""
        match = IMAGE.fullmatch(self.app["ImageUri"])
        return self.app["ImageUri"] if match and match["repository"] not in PREBUILT else None


def definition_of(schedule: Json, source: Source) -> Definition:
    """The job of a schedule. Raises ConfigError if a part is missing, or there are more parts than there may be."""
    config, name = schedule["MonitoringScheduleConfig"], schedule["MonitoringScheduleName"]
    kind = config.get("MonitoringType") or schedule.get("MonitoringType")
    if kind is not None and kind not in KINDS:
        raise ConfigError(f"schedule '{name}': MonitoringType is one of {', '.join(KINDS)}, not '{kind}'")
    if "MonitoringJobDefinition" in config:
        return inline(config["MonitoringJobDefinition"], kind or "DataQuality", name)
    if "MonitoringJobDefinitionName" not in config:
        raise ConfigError(f"schedule '{name}' has neither MonitoringJobDefinition nor MonitoringJobDefinitionName")
    kind, found = source.definition(kind, config["MonitoringJobDefinitionName"])
    given = found[f"{kind}JobInput"]
    outputs = found[f"{kind}JobOutputConfig"]
    return Definition(
        kind,
        found[f"{kind}AppSpecification"],
        *input_of(given, name),
        given.get("GroundTruthS3Input", {}).get("S3Uri"),
        found.get(f"{kind}BaselineConfig", {}),
        output_of(outputs, name),
        running_of(found, outputs),
    )


def inline(job: Json, kind: str, name: str) -> Definition:
    inputs, outputs = job["MonitoringInputs"], job["MonitoringOutputConfig"]
    if len(inputs) != 1:
        raise ConfigError(f"schedule '{name}' has {len(inputs)} MonitoringInputs; it must have one")
    return Definition(
        kind,
        job["MonitoringAppSpecification"] | {"Environment": job.get("Environment", {})},
        *input_of(inputs[0], name),
        None,
        job.get("BaselineConfig", {}),
        output_of(outputs, name),
        running_of(job, outputs),
    )


def input_of(given: Json, name: str) -> tuple[Json, bool]:
    found = [key for key in ("EndpointInput", "BatchTransformInput") if key in given]
    if len(found) != 1:
        raise ConfigError(f"schedule '{name}' needs one of EndpointInput and BatchTransformInput, not {len(found)}")
    return given[found[0]], found[0] == "BatchTransformInput"


def output_of(config: Json, name: str) -> str:
    outputs = config["MonitoringOutputs"]
    if len(outputs) != 1:
        raise ConfigError(f"schedule '{name}' has {len(outputs)} MonitoringOutputs; it must have one")
    uri: str = outputs[0]["S3Output"]["S3Uri"]
    return uri


def running_of(job: Json, outputs: Json) -> Json:
    kept = {"MonitoringResources": job.get("JobResources"), "MonitoringOutputConfig.KmsKeyId": outputs.get("KmsKeyId")}
    more = ("MonitoringResources", "NetworkConfig", "RoleArn", "StoppingCondition", "Tags")
    return {key: value for key, value in (kept | {k: job[k] for k in more if k in job}).items() if value}


def attributes_of(definition: Definition) -> dict[str, Any]:
    """The monitor's options that name the model's answer: of the input, else of the container's environment.

    A threshold that is no number stays a text, which the monitor refuses.
    """
    names = ("InferenceAttribute", "ProbabilityAttribute", "ProbabilityThresholdAttribute")
    options = ("inference_attribute", "probability_attribute", "probability_threshold_attribute")
    found = {
        option: definition.given.get(name, definition.environment.get(option))
        for name, option in zip(names, options, strict=True)
    }
    return {option: value for option, value in found.items() if value not in (None, "")}
