"""Which files does a schedule name: baseline, scripts, analysis configuration? They are named in turn, or copied."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from model_monitor.errors import ConfigError
from model_monitor.sagemaker.importing.addresses import on_s3
from model_monitor.sagemaker.importing.definition import Definition
from model_monitor.sagemaker.importing.pieces import Source
from model_monitor.sagemaker.importing.remarks import OfSchedule
from model_monitor.sagemaker.importing.shapes import Json

QUALITY = ("DataQuality", "ModelQuality")  # monitors with two files of a baseline, and with scripts
ONE_FILE = "analysis.json"  # of the others, which have no scripts
Read = Callable[[str], bytes]


@dataclass
class Files:
    """How files are named: by their address on S3, or, with a folder, by that of a copy in it.

    read: the bytes at an address; None if nobody may be asked. named_from: the folder from which copies are named;
    None to name them absolutely. made: what the copies hold, by path; they are written later.
    """

    read: Read | None = None
    copies: Path | None = None
    named_from: Path | None = None
    made: dict[Path, bytes] = field(default_factory=dict)

    def named(self, uri: str, place: str, schedule: str, name: str) -> str:
        """What an endpoint file calls a file of the original; ``name`` is that of its copy. Raises MonitorError."""
        address = on_s3(uri, place)
        if self.copies is None:
            return address
        if self.read is None:
            raise ConfigError("copies need somebody who may read from S3")
        path = self.copies.resolve() / schedule / name
        self.made[path] = self.read(address)
        return self.from_here(str(path))

    def from_here(self, address: str) -> str:
        """An address that counts from the working directory, as the endpoint file has to call it."""
        if "://" in address or address.startswith("mlflow:"):
            return address
        path = Path(address).resolve()
        return str(path) if self.named_from is None else relative(path, self.named_from.resolve())

    def write(self, force: bool) -> None:
        """Write the copies. Raises ConfigError if that would replace something else, StoreError."""
        from model_monitor import store

        changed = [path for path, content in self.made.items() if not holds(path, content)]
        if there := [path for path in changed if path.exists() and not force]:
            raise ConfigError(f"{there[0]} is there and holds something else; give --force to replace it")
        for path in changed:
            store.write(str(path), self.made[path])


def holds(path: Path, content: bytes) -> bool:
    try:
        return path.read_bytes() == content
    except OSError:
        return False


def relative(path: Path, folder: Path) -> str:
    """A path from a folder on, upwards where needed: so that both can be moved together."""
    common = next(above for above in [folder, *folder.parents] if path.is_relative_to(above))
    up = [".."] * len(folder.relative_to(common).parts)
    return Path(*up, path.relative_to(common)).as_posix()


def baseline_of(definition: Definition, source: Source, files: Files, about: OfSchedule) -> dict[str, str]:
    """``statistics`` and ``constraints`` of a schedule's ``baseline``; {} if the original had none."""
    found = addresses_of(definition.baseline)
    if not found and (job := definition.baseline.get("BaseliningJobName")):
        found = written_by(source.job(job), definition.kind, job)
    if not found:
        about.look(
            "baseline",
            "the original has no baseline; set baseline: {dataset: ...}, and approve what its DAG learns of it",
        )
    names = ("statistics.json", "constraints.json") if definition.kind in QUALITY else (ONE_FILE, ONE_FILE)
    called = dict(zip(("statistics", "constraints"), names, strict=True))
    return {key: files.named(uri, f"{key.capitalize()}Resource", about.name, called[key]) for key, uri in found.items()}


def addresses_of(baseline: Json) -> dict[str, str]:
    resources = {"statistics": "StatisticsResource", "constraints": "ConstraintsResource"}
    return {key: baseline[name]["S3Uri"] for key, name in resources.items() if "S3Uri" in baseline.get(name, {})}


def written_by(job: Json, kind: str, name: str) -> dict[str, str]:
    """Where a baselining job left its files. Raises ConfigError if it left them nowhere."""
    outputs = job.get("ProcessingOutputConfig", {}).get("Outputs", [])
    folders = [output["S3Output"]["S3Uri"].rstrip("/") for output in outputs if "S3Uri" in output.get("S3Output", {})]
    if len(folders) != 1:
        raise ConfigError(
            f"baselining job '{name}' has {len(folders)} outputs on S3, so nobody knows where the baseline is; add "
            "ConstraintsResource to the definition's JSON, and give it with --from-json"
        )
    if job.get("ProcessingJobStatus", "Completed") != "Completed":
        raise ConfigError(
            f"baselining job '{name}' is {job['ProcessingJobStatus']}, so there is no baseline of it; wait for it"
        )
    if kind in QUALITY:
        return {key: f"{folders[0]}/{key}.json" for key in ("statistics", "constraints")}
    return {"constraints": f"{folders[0]}/{ONE_FILE}"}


def scripts_of(definition: Definition, files: Files, sorts: bool, about: OfSchedule) -> dict[str, Any]:
    """``preprocess`` and ``postprocess``; ``sorts``: columns in the order of the original."""
    found: dict[str, Any] = {}
    if uri := definition.app.get("RecordPreprocessorSourceUri"):
        script = files.named(uri, "RecordPreprocessorSourceUri", about.name, "preprocess.py")
        found["preprocess"] = {"script": script} | ({"sort_columns": True} if sorts else {})
        about.look("preprocess", "this script runs on Airflow's workers, with their rights and packages; read it")
    if uri := definition.app.get("PostAnalyticsProcessorSourceUri"):
        found["postprocess"] = files.named(uri, "PostAnalyticsProcessorSourceUri", about.name, "postprocess.py")
        about.look("postprocess", "this script runs on Airflow's workers, with their rights and packages; read it")
    return found


def analysis_of(definition: Definition, files: Files, given: Mapping[str, str], schedule: str) -> Any:
    """What the analysis configuration of a monitor of bias or attribution asks (``analysis_config.Analysis``).

    ``given``: files by the name of a schedule, or of all under "". Raises ConfigError.
    """
    from model_monitor.results.documents import decode
    from model_monitor.sagemaker import analysis_config

    local = given.get(schedule, given.get(""))
    if local is not None:
        return analysis_config.at(local)
    uri = definition.app.get("ConfigUri")
    if uri is None:
        raise ConfigError(
            f"schedule '{schedule}' is written with its job inside, which does not say what is analysed; give "
            f"--analysis-config {schedule}=FILE"
        )
    address = on_s3(uri, "ConfigUri")
    if files.read is None:
        raise ConfigError(
            f"schedule '{schedule}' is set up by {address}; give --analysis-config {schedule}=FILE with what this "
            f"writes: aws s3 cp {address} FILE"
        )
    try:
        return analysis_config.read(decode(files.read(address), address))
    except ConfigError as error:
        raise ConfigError(f"{address}: {error}") from error
