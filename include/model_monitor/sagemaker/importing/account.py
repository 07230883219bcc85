"""What does AWS itself say of a schedule? It is asked, and never changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from model_monitor.errors import ConfigError, MonitorError, StoreError
from model_monitor.sagemaker.importing.pieces import KINDS
from model_monitor.sagemaker.importing.shapes import Json, checked

ALLOWED = ("Describe", "List", "Get", "Head")  # how the names of operations that change nothing start
MOST_BYTES = 1 << 28  # of a file that is read
REFUSED = ("AccessDenied", "AccessDeniedException", "UnrecognizedClientException", "InvalidClientTokenId", "403")


def refuse_changes(model: Any, **_: Any) -> None:
    """Called by botocore before each request: raises for an operation that is not known to change nothing."""
    if not model.name.startswith(ALLOWED):
        raise RuntimeError(f"{model.name} might change something; only {', '.join(ALLOWED)}... are asked")


@dataclass
class Account:
    """The parts of schedules in an AWS account and region, with the environment's credentials or a profile's."""

    region: str | None = None
    profile: str | None = None
    unknown: list[str] = field(default_factory=list)
    clients: dict[str, Any] = field(default_factory=dict)

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

    def schedule(self, name: str) -> Json:
        return self.described("MonitoringSchedule", "MonitoringScheduleName", name)

    def definition(self, kind: str | None, name: str) -> tuple[str, Json]:
        kind = kind or KINDS[0]
        return kind, self.described(f"{kind}JobDefinition", "JobDefinitionName", name)

    def endpoint(self, name: str) -> Json | None:
        try:
            return self.described("Endpoint", "EndpointName", name)
        except NotThere:
            return None

    def job(self, name: str) -> Json:
        return self.described("ProcessingJob", "ProcessingJobName", name)

    def described(self, what: str, key: str, name: str) -> Json:
        client = self.client("sagemaker")
        operation = f"Describe{what}"
        [method] = [python for python, own in client.meta.method_to_api_mapping.items() if own == operation]
        answer = asked(f"{operation} {name}", lambda: getattr(client, method)(**{key: name}))
        found, unknown = checked(answer, operation, "output", f"{operation} {name}")
        self.unknown += unknown
        return found

    def content(self, address: str) -> bytes:
        """All bytes of a file on S3. Raises ConfigError, StoreError."""
        bucket, _, key = address.removeprefix("s3://").partition("/")
        client = self.client("s3")

        def get() -> bytes:
            answer = client.get_object(Bucket=bucket, Key=key)
            if answer["ContentLength"] > MOST_BYTES:
                raise ConfigError(
                    f"{address} has more than {MOST_BYTES >> 20} MiB; it is none of what a schedule names"
                )
            return bytes(answer["Body"].read())

        content: bytes = asked(address, get)
        return content


class NotThere(ConfigError):
    """AWS does not have what it was asked for."""


def asked(what: str, ask: Callable[[], Any]) -> Any:
    """What AWS answers. Raises NotThere, ConfigError, StoreError."""
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        NoCredentialsError,
        NoRegionError,
        ParamValidationError,
        PartialCredentialsError,
        TokenRetrievalError,
    )

    try:
        return ask()
    except MonitorError:
        raise
    except (NoCredentialsError, PartialCredentialsError, NoRegionError, TokenRetrievalError) as error:
        raise ConfigError(f"{what}: {error}; give --region, --profile, or credentials in the environment") from error
    except ParamValidationError as error:
        raise ConfigError(f"{what} can't be asked for: {error}") from error
    except BotoCoreError as error:
        raise StoreError(f"{what}: {error}") from error
    except ClientError as error:
        code, said = error.response["Error"].get("Code", ""), error.response["Error"].get("Message", "")
        if code in ("ResourceNotFound", "NoSuchKey", "NoSuchBucket", "404") or "could not find" in said.lower():
            raise NotThere(f"there is no {what} ({said or code}); look at its name, --region and --profile") from error
        if code in REFUSED:
            raise ConfigError(f"{what}: {code}: {said}; this needs the right to read it, and no other") from error
        raise StoreError(f"{what}: {code}: {said}") from error
