"""SageMaker's documents in JSON files, as the AWS CLI prints or takes them."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from model_monitor.errors import ConfigError
from model_monitor.sagemaker.importing.document import plain
from model_monitor.sagemaker.importing.shapes import KINDS, Json, NotThere, checked, name_key

MARKS = {f"{kind}AppSpecification": f"{kind}JobDefinition" for kind in KINDS} | {
    "MonitoringScheduleConfig": "MonitoringSchedule",
    "EndpointArn": "Endpoint",
    "AppSpecification": "ProcessingJob",
}  # what a document is, by a member that no other has
EXPECTED = (
    "give what describe-monitoring-schedule, describe-...-job-definition, describe-endpoint or describe-processing-job "
    "of `aws sagemaker` print"
)
DEEPEST = 4  # lists and objects around the documents of one file


@dataclass
class JsonFiles:
    """Documents by what they are and by name, e.g. ("Endpoint", "churn")."""

    documents: dict[tuple[str, str], Json] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, files: Iterable[str]) -> JsonFiles:
        """The documents of some files: one or more in each, in a list or under any keys. Raises ConfigError."""
        found = cls()
        for file in files:
            documents = list(documents_in(read(file)))
            if not documents:
                raise ConfigError(f"{file}: nothing of a monitoring schedule is recognised in it; {EXPECTED}")
            for what, document in documents:
                found.add(what, document, file)
        return found

    def add(self, what: str, document: Json, file: str) -> None:
        """Take a document in, which AWS answers to Describe or takes for Create. Raises ConfigError."""
        key = name_key(what)
        described = key.replace("Name", "Arn") in document
        operation, side = (f"Describe{what}", "output") if described else (f"Create{what}", "input")
        known, unknown = checked(document, operation, side, file)
        self.unknown += [f"{file}: {place}" for place in unknown]
        if self.documents.setdefault((what, known[key]), known) != known:
            raise ConfigError(
                f"{file}: '{known[key]}' is there a second time, and says something else; give one of the two"
            )

    @property
    def schedules(self) -> list[str]:
        return [name for what, name in self.documents if what == "MonitoringSchedule"]

    def describe(self, what: str, name: str) -> Json:
        from botocore import xform_name

        if (what, name) in self.documents:
            return self.documents[what, name]
        shown = plain(name)
        raise NotThere(
            f"there is no {xform_name(what, ' ')} '{name}' in the files; give the file that this writes, too: "
            f"aws sagemaker {xform_name(f'Describe{what}', '-')} --{xform_name(name_key(what), '-')} "
            f"{shlex.quote(shown)} > {shlex.quote(f'{shown}.json')}"
        )


def documents_in(content: Any, depth: int = 0) -> Iterator[tuple[str, Json]]:
    """The outermost objects that are recognised by a member, each with what it is."""
    what = next((MARKS[key] for key in MARKS if key in content), None) if isinstance(content, dict) else None
    if what:
        yield what, content
    elif isinstance(content, dict | list) and depth < DEEPEST:
        for one in content.values() if isinstance(content, dict) else content:
            yield from documents_in(one, depth + 1)


def read(file: str) -> Any:
    """A file's JSON. Raises ConfigError."""
    try:
        return json.loads(Path(file).read_text(encoding="utf-8-sig"), parse_constant=refuse)
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"{file} can't be read as JSON: {error}") from error


def refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of JSON")
