"""Put a new endpoint file where the deployment allows it; never over another."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from model_monitor.errors import ConfigError
from model_monitor.store.addresses import NAME

VARIABLE = "MODEL_MONITOR_NEW_MAY_SAVE"


def why_not_saved(folder: Path, environment: Mapping[str, str] = os.environ) -> str | None:
    """Why a file is only shown; None if it may be saved."""
    if environment.get(VARIABLE, "").lower() not in ("1", "true", "yes"):
        return f"this deployment keeps its endpoint files elsewhere: commit the text, or set {VARIABLE}=true"
    if not os.access(folder, os.W_OK):
        return f"{folder} can't be written by the web server: commit the text"
    return None


def save(text: str, name: str, folder: Path, environment: Mapping[str, str] = os.environ) -> Path:
    """Write ``name.yaml`` into a folder, whole and only if it is not there. Raises ConfigError."""
    if why := why_not_saved(folder, environment):
        raise ConfigError(why)
    if not re.fullmatch(NAME, name):
        raise ConfigError(f"'{name}' is no name; write letters, digits and hyphens, at most 63")
    path = folder / f"{name}.yaml"
    try:
        with NamedTemporaryFile(
            "w", dir=folder, prefix=".new-", suffix=".yaml", encoding="utf-8", delete=False
        ) as part:
            part.write(text)
        try:
            Path(part.name).chmod(0o644)
            path.hardlink_to(part.name)  # fails where there is one, unlike a rename
        finally:
            with suppress(OSError):
                Path(part.name).unlink()
    except FileExistsError as error:
        raise ConfigError(f"there is a {path.name} already; choose another name") from error
    except OSError as error:
        raise ConfigError(f"{path} can't be written: {error.strerror}; commit the text") from error
    return path
