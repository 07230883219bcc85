"""The files that a schedule has on S3: baseline, scripts, analysis configuration. They are named in turn, or copied."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from model_monitor.errors import ConfigError
from model_monitor.rows import scripts
from model_monitor.sagemaker import analysis_config
from model_monitor.sagemaker.importing.definition import Definition
from model_monitor.sagemaker.importing.document import OfSchedule
from model_monitor.sagemaker.importing.shapes import Json, Source

BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")
PATH_STYLE = re.compile(r"s3([.-][a-z0-9-]+)*\.amazonaws\.com(\.cn)?")
BUCKET_STYLE = re.compile(r"(?P<bucket>.+)\.s3([.-][a-z0-9-]+)*\.amazonaws\.com(\.cn)?")

ONE_FILE = "analysis.json"  # Clarify's baseline
Read = Callable[[str], bytes]


@dataclass
class Files:
    """How files are named: by their address on S3, or, with a folder ``copies``, by that of a copy in it.

    read: gives the bytes at an address; None if AWS is not asked. named_from: the folder from which copies are named,
    if not absolutely. contents: those of the copies, by path; they are written later.
    """

    read: Read | None = None
    copies: Path | None = None
    named_from: Path | None = None
    contents: dict[Path, bytes] = field(default_factory=dict)

    def named(self, uri: str, place: str, schedule: str, name: str) -> str:
        """What an endpoint file calls a file of SageMaker; ``name`` is that of its copy. Raises MonitorError."""
        address = on_s3(uri, place)
        if self.copies is None:
            return address
        assert self.read is not None
        path = self.copies.resolve() / schedule / name
        self.contents[path] = self.read(address)
        return self.from_here(str(path))

    def from_here(self, address: str) -> str:
        """An address that counts from the working directory, as the endpoint file has to call it."""
        if "://" in address or address.startswith("mlflow:"):
            return address
        path = Path(address).resolve()
        return str(path if self.named_from is None else os.path.relpath(path, self.named_from.resolve()))

    def lost_paths(self, schedule: str, name: str) -> list[str]:
        """Sentences on the container's paths in a script that is copied."""
        path = self.copies and self.copies.resolve() / schedule / name
        return scripts.container_paths(name, self.contents[path]) if path else []

    def write(self, force: bool) -> None:
        """Write the copies. Raises ConfigError if that would replace something else, StoreError."""
        from model_monitor import store

        changed = [path for path, content in self.contents.items() if not holds(path, content)]
        if there := [path for path in changed if path.exists() and not force]:
            raise ConfigError(f"{there[0]} is there and holds something else; give --force to replace it")
        for path in changed:
            store.write(str(path), self.contents[path])


def holds(path: Path, content: bytes) -> bool:
    try:
        return path.read_bytes() == content
    except OSError:
        return False


def baseline_of(definition: Definition, source: Source, files: Files, about: OfSchedule) -> dict[str, str]:
    """``statistics`` and ``constraints`` of a schedule's ``baseline``; {} if it has none."""
    resources = {"statistics": "StatisticsResource", "constraints": "ConstraintsResource"}
    baseline = definition.baseline
    uris = {key: baseline[name]["S3Uri"] for key, name in resources.items() if "S3Uri" in baseline.get(name, {})}
    if not uris and (job := baseline.get("BaseliningJobName")):
        uris = written_by(source.describe("ProcessingJob", job), definition, job)
    if not uris:
        about.look("baseline", "the schedule has no baseline; set baseline: {dataset: ...}, and approve what it learns")
    names = {key: ONE_FILE if definition.is_of_clarify else f"{key}.json" for key in uris}
    return {key: files.named(uri, resources[key], about.name, names[key]) for key, uri in uris.items()}


def written_by(job: Json, definition: Definition, name: str) -> dict[str, str]:
    """Where a baselining job left its files. Raises ConfigError if it left them nowhere."""
    outputs = job.get("ProcessingOutputConfig", {}).get("Outputs", [])
    folders = [output["S3Output"]["S3Uri"].rstrip("/") for output in outputs if "S3Uri" in output.get("S3Output", {})]
    if len(folders) != 1:
        problem = f"baselining job '{name}' has {len(folders)} outputs on S3, so the baseline may be in any"
        raise ConfigError(f"{problem}; add ConstraintsResource to the definition's JSON, and give it with --from-json")
    if job.get("ProcessingJobStatus", "Completed") != "Completed":
        raise ConfigError(f"baselining job '{name}' is {job['ProcessingJobStatus']}; wait for its baseline")
    if definition.is_of_clarify:
        return {"constraints": f"{folders[0]}/{ONE_FILE}"}
    return {key: f"{folders[0]}/{key}.json" for key in ("statistics", "constraints")}


def scripts_of(definition: Definition, files: Files, sorts: bool, about: OfSchedule) -> Json:
    """``preprocess`` and ``postprocess``; ``sorts``: columns in SageMaker's order."""
    members = {"preprocess": "RecordPreprocessorSourceUri", "postprocess": "PostAnalyticsProcessorSourceUri"}
    scripts: Json = {}
    for key, member in members.items():
        if uri := definition.app.get(member):
            scripts[key] = files.named(uri, member, about.name, f"{key}.py")
            about.look(key, "this script runs on Airflow's workers, with their rights and packages; read it")
            if files.copies is None:
                words = "paths of the container (/opt/ml/...) in it are not there; --copy-baselines lists them"
                about.look(key, words)
            for sentence in files.lost_paths(about.name, f"{key}.py"):
                about.look(key, sentence)
    if "preprocess" in scripts:
        scripts["preprocess"] = {"script": scripts["preprocess"]} | ({"sort_columns": True} if sorts else {})
    return scripts


def analysis_of(definition: Definition, files: Files, configs: Mapping[str, str]) -> analysis_config.Analysis:
    """The analysis configuration of a schedule of Clarify, in ``configs`` by name, or under "" for all, or on S3."""
    name = definition.name
    local = configs.get(name, configs.get(""))
    if local is not None:
        return analysis_config.at(local)
    uri = definition.app.get("ConfigUri")
    if uri is None:
        raise ConfigError(f"schedule '{name}' does not say what is analysed; give --analysis-config {name}=FILE")
    address = on_s3(uri, "ConfigUri")
    if files.read is None:
        words = f"give --analysis-config {name}=FILE with what this writes: aws s3 cp {address} FILE"
        raise ConfigError(f"schedule '{name}' is set up by {address}; {words}")
    return analysis_config.at(address, files.read)


def on_s3(uri: str, place: str) -> str:
    """An s3:// address without slashes that mean nothing; of https:// that of the same object. Raises ConfigError.

    >>> on_s3("s3://my-bucket/capture//", "x"), on_s3("https://s3.eu-west-1.amazonaws.com/my-bucket/a", "x")
    ('s3://my-bucket/capture', 's3://my-bucket/a')
    """
    bucket, key = bucket_and_key(uri)
    if not BUCKET.fullmatch(bucket):
        raise ConfigError(f"{place} '{uri}' is no address of something on S3; s3://bucket/key is expected")
    if "?" in key or not key.isprintable():
        raise ConfigError(f"{place} '{uri}': a key with ? or characters that can't be shown can't be addressed here")
    return "/".join(["s3:/", bucket, *(part for part in key.split("/") if part)])


def bucket_and_key(uri: str) -> tuple[str, str]:
    """Both; "" for the bucket if it is not on S3."""
    scheme, _, rest = uri.partition("://")
    host, _, key = rest.partition("/")
    if scheme == "s3":
        return host, key
    if scheme != "https":
        return "", ""
    key = unquote(urlsplit(f"https://host/{key.replace('[', '%5B').replace(']', '%5D')}").path.removeprefix("/"))
    if PATH_STYLE.fullmatch(host):
        bucket, _, key = key.partition("/")
        return bucket, key
    match = BUCKET_STYLE.fullmatch(host)
    return (match["bucket"], key) if match else ("", "")
