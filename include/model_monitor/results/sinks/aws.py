"""Clients of Amazon's services, and what their refusals mean for whoever reads the log."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from model_monitor.errors import ConfigError, MonitorError, StoreError

CONNECT_SECONDS, READ_SECONDS = 10, 30
DENIED = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"}
NO_LOGIN = {"ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "SignatureDoesNotMatch"} | {
    "UnrecognizedClientException",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
}
LATER = {"InternalFailure", "InternalServiceFault", "InternalServiceError", "ServiceUnavailable", "RequestTimeout"}
CREDENTIALS = "set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_DEFAULT_REGION, or name a connection in metrics"


def client_of(service: str) -> Any:
    """A client with the environment's credentials, region and endpoint; botocore tries again what was throttled or
    timed out (AWS_MAX_ATTEMPTS, AWS_RETRY_MODE). Raises ConfigError."""
    import boto3  # slow to import
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    session = boto3.session.Session()
    is_custom = {"AWS_ENDPOINT_URL", f"AWS_ENDPOINT_URL_{service.upper()}"} & os.environ.keys()
    # A server that is not Amazon's has no regions, but boto3 requires one.
    region = session.region_name or ("us-east-1" if is_custom else None)
    try:
        return session.client(
            service,
            region_name=region,
            config=Config(connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS),
        )
    except BotoCoreError as error:
        raise ConfigError(f"{service} can't be asked: {error}; {CREDENTIALS}") from error


@contextmanager
def asking(what: str, permission: str) -> Iterator[None]:
    """Turn an error of boto3 into a MonitorError: StoreError if the same request may succeed later, else ConfigError
    with what to do. ``what`` begins the sentence, e.g. "CloudWatch"."""
    from botocore import exceptions as botocore

    try:
        yield
    except (
        botocore.NoCredentialsError,
        botocore.PartialCredentialsError,
        botocore.NoRegionError,
        botocore.InvalidRegionError,
        botocore.ProfileNotFound,
        botocore.ParamValidationError,
    ) as error:
        raise ConfigError(f"{what} can't be asked: {error}; {CREDENTIALS}") from error
    except botocore.BotoCoreError as error:
        raise StoreError(f"{what} did not answer: {error}") from error
    except botocore.ClientError as error:
        raise meaning(error, what, permission) from error


def meaning(error: Any, what: str, permission: str) -> MonitorError:
    """What a refusal means."""
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
    if "Throttl" in code or code in LATER or status >= 500 or status == 429:
        return StoreError(f"{what} is busy: {error}")
    if code in NO_LOGIN:
        return ConfigError(f"{what} does not know these credentials: {error}; {CREDENTIALS}")
    if code in DENIED or status in (401, 403):
        return ConfigError(f"{what} denies it: {error}; allow {permission}, then clear this task")
    return ConfigError(f"{what} refused: {error}")
