"""Which parts of a monitoring schedule do some JSON files hold? As the AWS CLI prints or takes them."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, Protocol

from model_monitor.errors import ConfigError
from model_monitor.sagemaker.importing.remarks import plain
from model_monitor.sagemaker.importing.shapes import Json, checked

KINDS = ("DataQuality", "ModelQuality", "ModelBias", "ModelExplainability")
COMMANDS = {
    "DataQuality": "describe-data-quality-job-definition",
    "ModelQuality": "describe-model-quality-job-definition",
    "ModelBias": "describe-model-bias-job-definition",
    "ModelExplainability": "describe-model-explainability-job-definition",
}
EXPECTED = (
    "give what describe-monitoring-schedule, describe-...-job-definition, describe-endpoint or describe-processing-job "
    "of `aws sagemaker` print"
)
DEEPEST = 4  # lists and objects around the pieces of one file


class Source(Protocol):
    """Who knows the parts of a schedule. Each raises ConfigError that says what to do if there is no such part."""

    unknown: list[str]  # places of what AWS's description does not know, each behind the name of its document

    def schedule(self, name: str) -> Json: ...

    def definition(self, kind: str | None, name: str) -> tuple[str, Json]:
        """The kind of a job definition (any if None), and itself."""

    def endpoint(self, name: str) -> Json | None:
        """None if nothing is known of it."""

    def job(self, name: str) -> Json: ...


@dataclass
class Pieces:
    """Parts from files, each by its name; definitions by kind and name."""

    schedules: dict[str, Json] = field(default_factory=dict)
    definitions: dict[tuple[str, str], Json] = field(default_factory=dict)
    endpoints: dict[str, Json] = field(default_factory=dict)
    jobs: dict[str, Json] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)

    def schedule(self, name: str) -> Json:
        if name not in self.schedules:
            missing(f"schedule '{name}'", "describe-monitoring-schedule --monitoring-schedule-name", name)
        return self.schedules[name]

    def definition(self, kind: str | None, name: str) -> tuple[str, Json]:
        for key in [(one, name) for one in ([kind] if kind else KINDS)]:
            if key in self.definitions:
                return key[0], self.definitions[key]
        command = f"{COMMANDS[kind or KINDS[0]]} --job-definition-name"
        return missing(f"job definition '{name}', which the schedule names", command, name)

    def endpoint(self, name: str) -> Json | None:
        return self.endpoints.get(name)

    def job(self, name: str) -> Json:
        if name not in self.jobs:
            missing(
                f"baselining job '{name}', which alone says where the baseline is",
                "describe-processing-job --processing-job-name",
                name,
            )
        return self.jobs[name]

    def add(self, document: Json, called: str) -> bool:
        """Take one document in, if it is recognised by its keys. Raises ConfigError."""
        for kind in KINDS:
            if f"{kind}AppSpecification" in document or f"{kind}JobInput" in document:
                described = "JobDefinitionArn" in document
                found = self.read(document, f"{kind}JobDefinition", described, called)
                self.keep(self.definitions, (kind, found["JobDefinitionName"]), found, called)
                return True
        if "MonitoringScheduleConfig" in document:
            described = "MonitoringScheduleArn" in document
            found = self.read(document, "MonitoringSchedule", described, called)
            self.keep(self.schedules, found["MonitoringScheduleName"], found, called)
        elif "EndpointName" in document and ("EndpointArn" in document or "ProductionVariants" in document):
            found = self.read(document, "Endpoint", True, called)
            self.keep(self.endpoints, found["EndpointName"], found, called)
        elif "ProcessingJobName" in document and "AppSpecification" in document:
            found = self.read(document, "ProcessingJob", "ProcessingJobArn" in document, called)
            self.keep(self.jobs, found["ProcessingJobName"], found, called)
        else:
            return False
        return True

    def read(self, document: Json, what: str, described: bool, called: str) -> Json:
        """A document as AWS answers it to Describe, or takes it for Create."""
        operation, side = (f"Describe{what}", "output") if described else (f"Create{what}", "input")
        found, unknown = checked(document, operation, side, called)
        self.unknown += [f"{called}: {place}" for place in unknown]
        return found

    def keep(self, those: dict[Any, Json], name: Any, found: Json, called: str) -> None:
        if those.get(name, found) != found:
            told = name if isinstance(name, str) else name[-1]
            raise ConfigError(f"{called}: '{told}' is there a second time, and says something else; give one of both")
        those[name] = found


def missing(what: str, command: str, name: str) -> NoReturn:
    raise ConfigError(
        f"nothing is said of {what}; give the file that this writes, too: "
        f"aws sagemaker {command} {shlex.quote(plain(name))} > {shlex.quote(plain(name) + '.json')}"
    )


def pieces_of(files: Iterable[str]) -> Pieces:
    """The parts in some files: one or more in each, in a list or under any keys. Raises ConfigError."""
    pieces = Pieces()
    for file in files:
        found = [pieces.add(document, called) for document, called in documents_in(read(file), file)]
        if not any(found):
            raise ConfigError(f"{file}: nothing of a monitoring schedule is recognised in it; {EXPECTED}")
    return pieces


def documents_in(content: Any, called: str, depth: int = 0) -> Iterator[tuple[Json, str]]:
    """The objects that may be a part, each with what it is called: the outermost that are recognised by a key."""
    if isinstance(content, dict) and (depth == DEEPEST or is_part(content)):
        yield content, called
    elif isinstance(content, dict | list) and depth < DEEPEST:
        for one in content.values() if isinstance(content, dict) else content:
            yield from documents_in(one, called, depth + 1)


def is_part(content: Json) -> bool:
    keys = {"MonitoringScheduleConfig", "ProcessingJobName", "EndpointArn", "ProductionVariants"}
    return bool(keys & content.keys()) or any(f"{k}AppSpecification" in content for k in KINDS)


def read(file: str) -> Any:
    """A file's JSON. Raises ConfigError."""
    try:
        return json.loads(Path(file).read_text(encoding="utf-8-sig"), parse_constant=refuse)
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"{file} can't be read as JSON: {error}") from error


def refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of JSON")
