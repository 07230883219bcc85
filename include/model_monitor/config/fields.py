"""The types of single values in an endpoint file, and SageMaker's description of a dataset's format."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo

from model_monitor.config import cron as crons
from model_monitor.errors import ConfigError
from model_monitor.store import addresses

FORMATS = {"csv": "csv", "json": "jsonl", "parquet": "parquet", "sagemakercapturejson": "capture"}
CODE = re.compile("%-?.?")
CODES = {"%%", *(f"%{letter}" for letter in "YymdHjbBGVu"), *(f"%-{letter}" for letter in "mdHj")}
TRUE, FALSE = (True, "true", "True"), (False, "false", "False")


class Settings(BaseModel):
    """A section of an endpoint file: frozen, and refuses unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@contextmanager
def refusing(prefix: str = "") -> Iterator[None]:
    """Turn a ConfigError into the ValueError that pydantic reports together with its place in the file."""
    try:
        yield
    except ConfigError as error:
        raise ValueError(f"{prefix}{error}") from error


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


def described(description: Mapping[str, Any]) -> tuple[str, bool]:
    """The format, and whether there is a header. Raises ConfigError.

    >>> described({"csv": {"header": "false"}}), described({"Json": {"Line": True}})
    (('csv', False), ('jsonl', True))
    """
    if len(description) != 1 or next(iter(description)).lower() not in FORMATS:
        raise ConfigError(f"{dict(description)} describes no dataset; write e.g. {{csv: {{header: true}}}}")
    [(name, details)] = description.items()
    if not isinstance(details, Mapping | None):
        raise ConfigError(f"{name} has settings, as in {{{name}: {{header: true}}}}, not {details!r}")
    settings = {key.lower(): value for key, value in (details or {}).items()}
    # A list of objects instead of lines is recognised by its first character, so ``lines`` needs only be understood.
    for key in ("header", "line", "lines"):
        if settings.get(key, True) not in TRUE + FALSE:
            raise ConfigError(f"{key} is true or false, not {settings[key]!r}")
    return FORMATS[name.lower()], settings.get("header", True) in TRUE


def with_format(section: Any) -> Any:
    """A section of an endpoint file; SageMaker's description under ``format`` becomes our ``format`` and ``header``."""
    if not isinstance(section, dict) or not isinstance(section.get("format"), dict):
        return section
    with refusing():
        kind, header = described(section["format"])
    return section | {"format": kind, "header": header}


def one_character(text: str) -> str:
    from model_monitor.rows.sources import forms

    forms.separator_of(text)
    return text


def folder_of_hours(path: str) -> str:
    """A path below a folder, with codes of strftime for an hour or more. Raises ValueError for other codes."""
    if odd := [code for code in CODE.findall(path) if code not in CODES]:
        raise ValueError(
            f"path has {odd[0]}; it names the folder of an hour or a day by %Y, %m, %d, %H, %j (%-m, %-d, %-H, %-j "
            "without zeros in front), %y, %b, %B, %G, %V, %u, and %% for a percent sign"
        )
    if ".." in path.split("/"):
        raise ValueError("path leads out of uri with ..; name a folder below uri, or let uri be the one above")
    return path


LONGEST = timedelta(days=3660)

Name = Annotated[str, Field(pattern=f"^{addresses.NAME}$")]
Share = Annotated[float, Field(ge=0, le=1)]
Address = Annotated[str, Field(min_length=1), AfterValidator(anchored)]
Separator = Annotated[str, AfterValidator(one_character)]
Cron = Annotated[str, AfterValidator(readable_cron)]
Duration = Annotated[timedelta, BeforeValidator(written_as_iso), Field(ge=-LONGEST, le=LONGEST)]
Backwards = Annotated[Duration, Field(le=timedelta(0))]
Day = Annotated[date, Field(ge=date(1970, 1, 1), le=date(2999, 12, 31))]
Days = Annotated[int, BeforeValidator(no_flag), Field(ge=1, le=36500)]
