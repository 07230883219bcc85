"""Which versions of a baseline are there, and what was decided on each?

A version is a folder that is named by the content of its files: one that a person edited is no longer what its name
says, and becomes a version of its own when it is published. So a name means the same files for ever.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

from model_monitor import store
from model_monitor.config.execution import Assignment
from model_monitor.errors import ConfigError, DataError
from model_monitor.results.decision import DECISION, Decision
from model_monitor.results.documents import documents_of
from model_monitor.results.documents.protocol import Document, decode, encode
from model_monitor.results.sealed import digest_of, sealed, unsealed
from model_monitor.store.folders import folder_at
from model_monitor.verdicts.baseline import Baseline

DESCRIPTION = "baseline.json"
EDITED_FROM = "edited_from"  # its member that names the learned version, of one that a person edited
OTHERS = ("observed", "explained")  # folders beside the versions


def name_for(files: Mapping[str, bytes]) -> str:
    """The name of the version with these files."""
    return digest_of(b"".join(files.values()))[:12]


@dataclass(frozen=True)
class Version:
    """A version as its folder is now: its one or two files, by name, and what ``baseline.json`` says of it."""

    name: str
    folder: str
    files: Mapping[str, bytes]
    description: Document

    @classmethod
    def read(cls, assignment: Assignment, name: str) -> Version:
        """The version of a name. Raises ConfigError if it is not there, DataError for a damaged description."""
        folder, documents = store.join(assignment.baselines, name), documents_of(assignment.learner)
        files = {}
        for file in dict.fromkeys((documents.statistics_name, documents.constraints_name)):
            try:
                files[file] = store.read(store.join(folder, file))
            except FileNotFoundError as error:
                raise ConfigError(
                    f"there is no {store.join(folder, file)}; the versions of '{assignment.schedule.name}' are "
                    f"{', '.join(names_of(assignment)) or 'none yet'}"
                ) from error
        return cls(name, folder, files, description_in(folder))

    @property
    def digests(self) -> dict[str, str]:
        return {name: digest_of(content) for name, content in self.files.items()}

    @property
    def is_edited(self) -> bool:
        """Whether its files are not those that it is named by."""
        return name_for(self.files) != self.name

    @property
    def learned(self) -> str | None:
        """When its State was learned from, ISO 8601; None for a version that was put there by hand."""
        return self.description.get("created")

    @property
    def decision(self) -> Decision | None:
        """What was decided on it; None if nothing was yet. Raises DataError."""
        return decision_in(self.folder)

    def baseline(self, assignment: Assignment) -> Baseline:
        """What it judges by. Raises ConfigError for a file that is not JSON."""
        documents = documents_of(assignment.learner)
        read = {name: decode(content, store.join(self.folder, name)) for name, content in self.files.items()}
        statistics = documents.statistics_name if len(read) > 1 else None
        constraints = documents.constraints_name
        return Baseline(
            read[statistics] if statistics else None,
            read[constraints],
            store.join(self.folder, statistics) if statistics else None,
            store.join(self.folder, constraints),
            self.name,
            self.learned,
        )

    def constraints(self, assignment: Assignment) -> Document:
        """The file that a person may edit. Raises ConfigError if it is not JSON."""
        name = documents_of(assignment.learner).constraints_name
        return decode(self.files[name], store.join(self.folder, name))

    def with_constraints(self, assignment: Assignment, constraints: Document | None) -> Version:
        """The same with other constraints; itself if they are the same, or None."""
        if constraints is None or constraints == self.constraints(assignment):
            return self
        name = documents_of(assignment.learner).constraints_name
        return replace(self, files={**self.files, name: encode(constraints)})

    def of_its_own(self, assignment: Assignment) -> Version:
        """The version that its files are: itself, or another one, named by them, if they were edited."""
        if not self.is_edited:
            return self
        name = name_for(self.files)
        original = self.description.get(EDITED_FROM, self.name)
        description = self.description | {"version": name, EDITED_FROM: original}
        return replace(self, name=name, folder=store.join(assignment.baselines, name), description=description)

    def write(self) -> None:
        """Write what is not there yet, and a description that is damaged. A store that lost what it took has an empty
        file."""
        for name, content in self.files.items():
            address = store.join(self.folder, name)
            if not (store.exists(address) and store.read(address)):
                store.write(address, content)
        with contextlib.suppress(DataError):
            if not self.description or description_in(self.folder):
                return
        store.write(store.join(self.folder, DESCRIPTION), sealed(encode(self.description)))


def names_of(assignment: Assignment) -> list[str]:
    """The names of a schedule's versions, sorted."""
    entries = folder_at(assignment.baselines).inside()
    return [entry.path for entry in entries if entry.kind == "folder" and entry.path not in OTHERS]


def description_in(folder: str) -> Document:
    """``baseline.json`` of a version; {} if there is none. Raises DataError if it is damaged."""
    address = store.join(folder, DESCRIPTION)
    try:
        content = store.read(address)
    except FileNotFoundError:
        return {}
    return decode(unsealed(content, address, "run the task suggest_constraints again"), address)


def decision_in(folder: str) -> Decision | None:
    """``decision.json`` of a version; None if there is none. Raises DataError if it is damaged."""
    address = store.join(folder, DECISION)
    try:
        return Decision.find(address)
    except DataError as error:
        raise DataError(f"{address} can't be read; delete it, and publish or reject the version again") from error
