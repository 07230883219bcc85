"""SageMaker's documents, from an AWS account, which is never changed, or from JSON files as the AWS CLI has them."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from model_monitor.errors import ConfigError, MonitorError, StoreError
from model_monitor.sagemaker.importing.document import plain
from model_monitor.sagemaker.importing.shapes import KINDS, Json, NotThere, checked, name_key

if TYPE_CHECKING:
    from botocore.client import BaseClient
    from botocore.model import OperationModel

T = TypeVar("T")

ALLOWED = ("Describe", "List", "Get", "Head")  # how the names of operations that change nothing start
MOST_BYTES = 1 << 28  # of a file that is read
ABSENT = ("ResourceNotFound", "NoSuchKey", "NoSuchBucket", "404")
REFUSED = ("AccessDenied", "AccessDeniedException", "UnrecognizedClientException", "InvalidClientTokenId", "403")


def refuse_changes(model: OperationModel, **_: Any) -> None:
    """Called by botocore before each request: raises for an operation that is not known to change nothing."""
    if not model.name.startswith(ALLOWED):
        raise RuntimeError(f"{model.name} might change something; only {', '.join(ALLOWED)}... are asked")


@dataclass
class Account:
    """The documents of an AWS account and region, with the environment's credentials or a profile's."""

    region: str | None = None
    profile: str | None = None
    unknown: list[str] = field(default_factory=list)
    clients: dict[str, BaseClient] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        """A client of boto3 that can only ask. Raises ConfigError."""
        if service not in self.clients:
            import boto3
            from botocore.config import Config
            from botocore.exceptions import BotoCoreError

            config = Config(connect_timeout=10, read_timeout=60, retries={"total_max_attempts": 4, "mode": "standard"})
            try:
                session = boto3.Session(region_name=self.region, profile_name=self.profile)
                client = session.client(service, config=config)
            except (BotoCoreError, ValueError) as error:
                raise ConfigError(f"AWS can't be asked: {error}; give --region, --profile, or credentials") from error
            client.meta.events.register_first("before-parameter-build", refuse_changes)
            self.clients[service] = client
        return self.clients[service]

    def describe(self, what: str, name: str) -> Json:
        from botocore import xform_name

        operation = f"Describe{what}"
        method = getattr(self.client("sagemaker"), xform_name(operation))
        answer = asked(f"{operation} {name}", lambda: method(**{name_key(what): name}))
        known, unknown = checked(answer, operation, "output", f"{operation} {name}")
        self.unknown += unknown
        return known

    def content(self, address: str) -> bytes:
        """All bytes of a file on S3. Raises ConfigError, StoreError."""
        bucket, _, key = address.removeprefix("s3://").partition("/")
        client = self.client("s3")

        def get() -> bytes:
            answer = client.get_object(Bucket=bucket, Key=key)
            if answer["ContentLength"] > MOST_BYTES:
                raise ConfigError(f"{address} has more than {MOST_BYTES >> 20} MiB; no schedule names such a file")
            return bytes(answer["Body"].read())

        return asked(address, get)


def asked(what: str, ask: Callable[[], T]) -> T:
    """What AWS answers. Raises NotThere, ConfigError, StoreError."""
    from botocore import exceptions

    credentials = exceptions.NoCredentialsError, exceptions.PartialCredentialsError, exceptions.TokenRetrievalError
    try:
        return ask()
    except MonitorError:
        raise
    except (*credentials, exceptions.NoRegionError) as error:
        raise ConfigError(f"{what}: {error}; give --region, --profile, or credentials in the environment") from error
    except exceptions.ParamValidationError as error:
        raise ConfigError(f"{what} can't be asked for: {error}") from error
    except exceptions.BotoCoreError as error:
        raise StoreError(f"{what}: {error}") from error
    except exceptions.ClientError as error:
        code, reason = error.response["Error"].get("Code", ""), error.response["Error"].get("Message", "")
        if code in ABSENT or "could not find" in reason.lower():
            raise NotThere(f"there is no {what} ({reason or code}); look at name, --region and --profile") from error
        if code in REFUSED:
            raise ConfigError(f"{what}: {code}: {reason}; this needs the right to read it, and no other") from error
        raise StoreError(f"{what}: {code}: {reason}") from error


MARKS = {f"{kind}AppSpecification": f"{kind}JobDefinition" for kind in KINDS} | {
    "MonitoringScheduleConfig": "MonitoringSchedule",
    "EndpointArn": "Endpoint",
    "AppSpecification": "ProcessingJob",
}  # what a document is, by a member that no other has
EXPECTED = (
    "give what `aws sagemaker describe-monitoring-schedule`, describe-...-job-definition or describe-endpoint print"
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
        result = cls()
        for file in files:
            documents = list(documents_in(read(file)))
            if not documents:
                raise ConfigError(f"{file}: nothing of a monitoring schedule is recognised in it; {EXPECTED}")
            for what, document in documents:
                result.add(what, document, file)
        return result

    def add(self, what: str, document: Json, file: str) -> None:
        """Take a document in, which AWS answers to Describe or takes for Create. Raises ConfigError."""
        key = name_key(what)
        is_description = key.replace("Name", "Arn") in document
        operation, side = (f"Describe{what}", "output") if is_description else (f"Create{what}", "input")
        known, unknown = checked(document, operation, side, file)
        self.unknown += [f"{file}: {place}" for place in unknown]
        if self.documents.setdefault((what, known[key]), known) != known:
            raise ConfigError(f"{file}: '{known[key]}' is there twice with different contents; give one of them")

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
        for item in content.values() if isinstance(content, dict) else content:
            yield from documents_in(item, depth + 1)


def read(file: str) -> Any:
    """A file's JSON. Raises ConfigError."""
    try:
        return json.loads(Path(file).read_text(encoding="utf-8-sig"), parse_constant=refuse)
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"{file} can't be read as JSON: {error}") from error


def refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of JSON")
