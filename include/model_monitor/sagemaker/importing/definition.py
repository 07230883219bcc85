"""A schedule's job in one form, whether it is written in the schedule or is a job definition."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from model_monitor.errors import ConfigError
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
    """A schedule and its job. All values are SageMaker's.

    kind: its MonitoringType. app: its AppSpecification, with Environment. given: its EndpointInput or
    BatchTransformInput (``is_batch``). truth: where its labels are; None if that is not said. job: all of the job.
    """

    schedule: Json
    kind: str
    app: Json
    given: Json
    is_batch: bool
    truth: str | None
    baseline: Json
    outputs: Json
    job: Json

    @property
    def name(self) -> str:
        name: str = self.schedule["MonitoringScheduleName"]
        return name

    @property
    def output(self) -> str:
        """Where its reports are."""
        uri: str = self.outputs["MonitoringOutputs"][0]["S3Output"]["S3Uri"]
        return uri

    @property
    def environment(self) -> dict[str, str]:
        variables: dict[str, str] = self.app.get("Environment", {})
        return variables

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
        """The monitor's options that name the model's answer: of the input, else of the container's environment.

        A threshold that is no number stays a text, which the monitor refuses.
        """
        values = {option: self.given.get(name, self.environment.get(option)) for name, option in OPTIONS.items()}
        return {option: value for option, value in values.items() if value not in (None, "")}


def definition_of(schedule: Json, source: Source) -> Definition:
    """The job of a schedule. Raises ConfigError if a part is missing, or there are more parts than there may be."""
    config, name = schedule["MonitoringScheduleConfig"], schedule["MonitoringScheduleName"]
    kind = config.get("MonitoringType") or schedule.get("MonitoringType")
    if kind is not None and kind not in KINDS:
        raise ConfigError(f"schedule '{name}': MonitoringType is one of {', '.join(KINDS)}, not '{kind}'")
    if "MonitoringJobDefinition" in config:
        job, kind = config["MonitoringJobDefinition"], kind or "DataQuality"
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
