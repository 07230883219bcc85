"""The types of single values in an endpoint file: names, shares, addresses, durations, cron expressions, days."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo

from model_monitor.config import cron as crons
from model_monitor.errors import ConfigError
from model_monitor.store import addresses


class Settings(BaseModel):
    """A section of an endpoint file: frozen, and refuses unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@contextmanager
def refusing() -> Iterator[None]:
    """Turn a ConfigError into the ValueError that pydantic reports together with its place in the file."""
    try:
        yield
    except ConfigError as error:
        raise ValueError(str(error)) from error


def anchored(address: str, info: ValidationInfo) -> str:
    """A URI or an absolute path as it is; a relative path counts from the folder of the endpoint file."""
    with refusing():
        addresses.check(address)
    if "://" in address or Path(address).is_absolute():
        return address.rstrip("/")
    folder = (info.context or {}).get("folder", Path.cwd())
    return str((Path(folder) / address).resolve())


def readable_cron(expression: str) -> str:
    with refusing():
        crons.standard(expression)
    return expression


def written_as_iso(duration: object) -> object:
    if isinstance(duration, int | float) and not isinstance(duration, bool):
        raise ValueError(
            f"write the unit: PT{duration}S for seconds, PT{duration}M for minutes, PT{duration}H for hours"
        )
    return duration


def no_flag(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("a number of days is expected, e.g. 30; leave it out to keep everything")
    return value


Name = Annotated[str, Field(pattern=f"^{addresses.NAME}$")]
Share = Annotated[float, Field(ge=0, le=1)]
Address = Annotated[str, Field(min_length=1), AfterValidator(anchored)]
Cron = Annotated[str, AfterValidator(readable_cron)]
Duration = Annotated[timedelta, BeforeValidator(written_as_iso)]
Backwards = Annotated[Duration, Field(le=timedelta(0))]
Days = Annotated[int, BeforeValidator(no_flag), Field(ge=1, le=36500)]
