"""SageMaker's description of a dataset's format: JSON, with several spellings of each key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from model_monitor.errors import ConfigError

NAMES = {"csv": "csv", "json": "jsonl", "parquet": "parquet", "sagemakercapturejson": "capture"}
TRUE, FALSE = (True, "true", "True"), (False, "false", "False")


def described(description: Mapping[str, Any]) -> tuple[str, bool]:
    """The format, and whether there is a header. Raises ConfigError.

    >>> described({"csv": {"header": "false"}}), described({"Json": {"Line": True}})
    (('csv', False), ('jsonl', True))
    """
    if len(description) != 1 or next(iter(description)).lower() not in NAMES:
        raise ConfigError(f"{dict(description)} describes no dataset; write e.g. {{csv: {{header: true}}}}")
    [(name, details)] = description.items()
    settings = {key.lower(): value for key, value in (details or {}).items()}
    # A list of objects instead of lines is recognised by its first character, so ``lines`` needs only be understood.
    for key in ("header", "line", "lines"):
        if settings.get(key, True) not in TRUE + FALSE:
            raise ConfigError(f"{key} is true or false, not {settings[key]!r}")
    return NAMES[name.lower()], settings.get("header", True) in TRUE


def with_format(section: Any) -> Any:
    """A section of an endpoint file; SageMaker's description under ``format`` becomes our ``format`` and ``header``."""
    if not isinstance(section, dict) or not isinstance(section.get("format"), dict):
        return section
    try:
        kind, header = described(section["format"])
    except ConfigError as error:
        raise ValueError(str(error)) from error
    return section | {"format": kind, "header": header}
