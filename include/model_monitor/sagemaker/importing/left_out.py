"""What of a schedule and its job has no counterpart here, and what takes its place."""

from __future__ import annotations

from collections.abc import Iterator

from model_monitor.sagemaker.importing.definition import Definition
from model_monitor.sagemaker.importing.document import OfSchedule

WORKERS = "Airflow's workers"
TAGS = "Airflow has its own on each DAG"
PUBLISH = "publish_cloudwatch_metrics"
OF_MONITORS = {  # what the prebuilt container reads from its environment, and so do we
    *("analysis_type", "problem_type", "inference_attribute", "probability_attribute"),
    *("probability_threshold_attribute", "ground_truth_attribute", "categorical_drift_method"),
}


def list_what_is_left(definition: Definition, about: OfSchedule) -> None:
    """List what is left of a schedule and its job, whatever its kind is."""
    for part in (of_machines, of_container, of_environment):
        for what, instead in part(definition):
            about.no_counterpart(what, instead)
    if definition.schedule.get("Tags"):
        about.no_counterpart("Tags", TAGS)
    status = definition.schedule.get("MonitoringScheduleStatus", "Scheduled")
    if status not in ("Scheduled", "Pending"):
        about.look("name", f"its status at AWS is {status}; leave its DAG paused if it shall not run here either")


def of_machines(definition: Definition) -> Iterator[tuple[str, str]]:
    job = definition.job
    resources = job.get("JobResources") or job.get("MonitoringResources") or {}
    if cluster := resources.get("ClusterConfig", {}):
        yield (
            f"ClusterConfig ({cluster['InstanceCount']} x {cluster['InstanceType']}, {cluster['VolumeSizeInGB']} GB)",
            f"{WORKERS} do the work; a pool limits how much at once, and memory stays bounded whatever the traffic",
        )
    if "VolumeKmsKeyId" in cluster or definition.outputs.get("KmsKeyId"):
        yield "KmsKeyId", "files are encrypted as the bucket does it; set the key as its default encryption"
    if limit := job.get("StoppingCondition"):
        seconds = limit["MaxRuntimeInSeconds"]
        yield f"MaxRuntimeInSeconds ({seconds})", "execution_timeout of Airflow's tasks; what fails is tried again"
    if job.get("NetworkConfig"):
        yield "NetworkConfig", f"network, subnets and security groups are those of {WORKERS}"
    if role := job.get("RoleArn"):
        yield (
            f"RoleArn ({role.rpartition('/')[2]})",
            f"the credentials of {WORKERS}; they must read capture, labels and baselines, and write the output",
        )
    if job.get("Tags"):
        yield "Tags", TAGS


def of_container(definition: Definition) -> Iterator[tuple[str, str]]:
    yield (
        f"ImageUri ({definition.app['ImageUri']}), LocalPath, S3InputMode, S3DataDistributionType, S3UploadMode",
        "there is no container, and nothing is copied into one: files are read where they are",
    )
    for key in ("ContainerEntrypoint", "ContainerArguments"):
        if key in definition.app:
            yield key, "there is no container that could be started otherwise"


def of_environment(definition: Definition) -> Iterator[tuple[str, str]]:
    environment = definition.environment
    if environment.get(PUBLISH) == "Enabled":
        yield (
            f"Environment.{PUBLISH}",
            "no metrics go to CloudWatch; the task `alert` tells of violations, and execution.json of all findings",
        )
    for key in sorted(environment.keys() - OF_MONITORS - {PUBLISH}):
        yield f"Environment.{key}", "there is no container whose environment it could be; its value is not shown"
