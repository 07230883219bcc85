"""SageMaker's documents and files in an AWS account, which is never changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from model_monitor.errors import ConfigError, MonitorError, StoreError
from model_monitor.sagemaker.importing.shapes import Json, NotThere, checked, name_key

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
        method: Callable[..., Json] = getattr(self.client("sagemaker"), xform_name(operation))
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
                raise ConfigError(
                    f"{address} has more than {MOST_BYTES >> 20} MiB; it is none of what a schedule names"
                )
            return bytes(answer["Body"].read())

        return asked(address, get)


def asked(what: str, ask: Callable[[], T]) -> T:
    """What AWS answers. Raises NotThere, ConfigError, StoreError."""
    from botocore import exceptions

    no_access = (
        *(exceptions.NoCredentialsError, exceptions.PartialCredentialsError),
        *(exceptions.NoRegionError, exceptions.TokenRetrievalError),
    )
    try:
        return ask()
    except MonitorError:
        raise
    except no_access as error:
        raise ConfigError(f"{what}: {error}; give --region, --profile, or credentials in the environment") from error
    except exceptions.ParamValidationError as error:
        raise ConfigError(f"{what} can't be asked for: {error}") from error
    except exceptions.BotoCoreError as error:
        raise StoreError(f"{what}: {error}") from error
    except exceptions.ClientError as error:
        code, reason = error.response["Error"].get("Code", ""), error.response["Error"].get("Message", "")
        if code in ABSENT or "could not find" in reason.lower():
            raise NotThere(
                f"there is no {what} ({reason or code}); look at its name, --region and --profile"
            ) from error
        if code in REFUSED:
            raise ConfigError(f"{what}: {code}: {reason}; this needs the right to read it, and no other") from error
        raise StoreError(f"{what}: {code}: {reason}") from error
