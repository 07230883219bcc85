"""Put a new endpoint file where the deployment allows it; never over another."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import NamedTemporaryFile

from model_monitor import config, store
from model_monitor.config.neighbours import canonical, held_back
from model_monitor.errors import ConfigError
from model_monitor.jobs.drafts.draft import MONITORS, endpoint_in
from model_monitor.jobs.drafts.known import known_at
from model_monitor.jobs.drafts.looking import Look
from model_monitor.jobs.drafts.roots import named
from model_monitor.store.addresses import NAME

VARIABLE = "MODEL_MONITOR_NEW_MAY_SAVE"
TRIES = 100  # names


@dataclass(frozen=True)
class Place:
    """Where a new endpoint file would go, and the endpoints that it has to get along with.

    reserved: names that no schedule may have, with the file that has them. suffixes: of a schedule's other DAGs.
    """

    folder: Path
    files: Mapping[Path, config.Endpoint]
    reserved: Mapping[str, Path] = field(default_factory=dict)
    suffixes: Sequence[str] = ()

    @property
    def taken(self) -> dict[str, Path]:
        """What a new endpoint may not claim, with the file that has it."""
        claims = {name: path for path, e in self.files.items() for name in config.claims(e, self.suffixes)}
        return {**self.reserved, **claims}

    def free_name(self, wanted: str) -> str:
        """A name that no file and no schedule has, or that last tried."""
        taken = self.taken
        for number in range(1, TRIES):
            name = wanted if number == 1 else f"{wanted}-{number}"
            schedules = {f"{name}-{monitor.replace('_', '-')}" for monitor in MONITORS}
            if not (schedules & taken.keys() or self.has_file(name)):
                break
        return name

    def is_free(self, output: str, endpoint: str, variant: str) -> bool:
        """Whether no other file has an endpoint's rows at an output, however that is spelt."""
        here = canonical(output), endpoint, variant
        return all((canonical(e.output), e.endpoint, e.variant) != here for e in self.files.values())

    def output_for(self, name: str, look: Look, visible: Sequence[config.Endpoint]) -> str:
        """Where rows and reports may go: where those of some endpoints are, or below the first folder of the setting;
        "" if there is neither."""
        known = known_at(look, visible)
        outputs = [known.output] if known else [endpoint.output for endpoint in visible]
        folders = [*outputs, *(store.join(folder, "monitoring") for folder in named())]
        endpoint = look.endpoint if look.kind == "endpoint" else name
        free = (output for output in folders if self.is_free(output, endpoint, look.variant))
        return next(free, store.join(folders[0], name) if folders else "")

    def has_file(self, name: str) -> bool:
        return (self.folder / f"{name}.yaml").exists()

    def endpoint(self, text: str, name: str) -> config.Endpoint:
        """The endpoint of a text, if it can stand beside the others. Raises ConfigError that says what is wrong, and
        does not name others' files."""
        if self.has_file(name):
            raise ConfigError(f"there is a {name}.yaml already; choose another name")
        try:
            endpoint = endpoint_in(text, name, self.taken, self.suffixes)
        except ConfigError as error:
            raise ConfigError(
                re.sub(r" is also in .*; rename one", " is taken; choose another name", str(error))
            ) from error
        if not self.is_free(endpoint.output, endpoint.endpoint, endpoint.variant):
            raise ConfigError("output: another endpoint file has this endpoint's rows there; choose another folder")
        path = self.folder / f"{name}.yaml"
        held = held_back({**self.files, path: endpoint}, [*self.files, path])
        if held.keys() - held_back(self.files, list(self.files)).keys():
            raise ConfigError(
                "the retention of one endpoint file would delete what another reads; choose other captures, or set the "
                "same retention_days in both files"
            )
        return endpoint


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
