"""Batch transform: manifests that name the output files of SageMaker's jobs, in folders ``output/yyyy/mm/dd/hh``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar

from model_monitor import store
from model_monitor.core.window import Window
from model_monitor.errors import DataError
from model_monitor.rows.blocks import Block, read_whole
from model_monitor.rows.sources.source import Listed, Source, hours_around, in_hour_folders
from model_monitor.rows.sources.whereabouts import Whereabouts, instead_of, of_hours
from model_monitor.store.addresses import scheme_of, split
from model_monitor.store.ahead import AT_ONCE, ahead

MANIFESTS = (".json", ".jsonl")
SAME_AS = {"s3a": "s3", "s3n": "s3"}  # Hadoop's names for it


@dataclass(frozen=True)
class BatchTransform(Source):
    """``data`` is the folder that all files named by manifests must be below; any if None."""

    uri: str
    format: str
    header: bool = False
    data: str | None = None
    straggler_hours: int = 1

    names_endpoint: ClassVar[bool] = False
    outputs_last: ClassVar[bool] = True

    def folder(self, hour: datetime) -> str:
        """The folder of manifests of jobs that started in an hour."""
        return store.join(self.uri, "output", f"{hour:%Y/%m/%d/%H}")

    def listed(self, window: Window) -> list[Listed]:
        """Manifests, each with the files that it names."""
        manifests = in_hour_folders(window, self.straggler_hours, self.folder, MANIFESTS, self.uri)
        outputs = ahead(lambda manifest: outputs_of(manifest.file, self.data), manifests, AT_ONCE)
        return [
            listed
            for manifest, files in zip(manifests, outputs, strict=True)
            for listed in (replace(manifest, is_read=False), *(replace(manifest, file=file) for file in files))
        ]

    def looked_in(self, window: Window) -> str:
        hours = hours_around(window, self.straggler_hours)
        return f"looked for manifests in {self.folder(hours[0])} to {hours[-1]:%Y/%m/%d/%H}"

    def whereabouts(self) -> Whereabouts:
        return instead_of("folder", "output", self.uri) or of_hours("manifests", store.join(self.uri, "output"))

    def blocks(self, files: Sequence[Listed], window: Window | None = None) -> Iterator[Block]:
        from model_monitor.rows.sources import batch_rows

        return batch_rows.blocks(files, self.format, self.header)

    @property
    def origin(self) -> dict[str, Any]:
        return {"source": ["batch", self.format, self.header, None]}


def named_in(manifest: store.File, below: str | None = None) -> list[str]:
    """The addresses that a manifest names, in its order. Raises DataError for one that it must not lead to."""
    whole = f"{manifest.address} is no manifest of batch transform"
    try:
        content = json.loads(read_whole(manifest))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{whole}: not JSON: {error}; correct or remove it") from error
    if not isinstance(content, list):
        raise DataError(
            f'{whole}: it should be a list, [{{"prefix": "s3://..."}}, "a name", ...]; correct or remove it'
        )
    head, names = (content[0], content[1:]) if content else ({}, [])
    prefix = head.get("prefix") if isinstance(head, dict) else None
    if not isinstance(prefix, str) or not prefix:
        raise DataError(f'{whole}: its first element should be {{"prefix": "s3://..."}}; correct or remove it')
    if odd := [name for name in names if not isinstance(name, str) or not name]:
        raise DataError(f"{whole}: {str(odd[0])[:80]!r} is not the name of a file; correct or remove it")
    addresses = [addressed(prefix + name, manifest.address) for name in dict.fromkeys(names)]
    for address in addresses:
        refuse_elsewhere(address, manifest.address, below)
    return addresses


def addressed(named: str, manifest: str) -> str:
    """A named file's address, reached as the manifest is: by the same query, which tells e.g. the store's server.
    Raises DataError for one with a query of its own, which could send this worker's credentials to another server."""
    scheme, mark, rest = named.partition("://")
    if not mark or scheme == "file":
        return named
    if "?" in rest:
        raise DataError(f"{manifest} names {named}; write the address without ? and what follows")
    return f"{SAME_AS.get(scheme, scheme)}://{rest}{split(manifest)[1]}"


def refuse_elsewhere(address: str, manifest: str, below: str | None) -> None:
    """Raise DataError for a file that a manifest must not lead to: this worker's rights would be used to read it."""
    if scheme_of(address) != scheme_of(manifest):
        raise DataError(
            f"{manifest} names {address}, which is in another kind of store than the manifest itself; put both into one"
        )
    path = path_of(address)
    if ".." in path.split("/") or not (scheme_of(address) or path.startswith("/")):
        raise DataError(f"{manifest} names {address}; write the whole address, without ..")
    if below and not path.startswith(path_of(below).rstrip("/") + "/"):
        raise DataError(f"{manifest} names {address}, which is not below {below}; correct capture.data or the manifest")


def path_of(address: str) -> str:
    """An address without its query, and without the scheme of a local one."""
    return split(address)[0].removeprefix("file://")


def outputs_of(manifest: store.File, below: str | None = None) -> list[store.File]:
    """The files that a manifest names, as they are now. Raises DataError if one is missing."""
    outputs = []
    for address in named_in(manifest, below):
        files = store.list_files(address)
        if len(files) != 1 or files[0].address != address:
            raise DataError(
                f"{manifest.address} names {address}, which is not there; restore it or remove the manifest"
            )
        outputs += files
    return outputs
