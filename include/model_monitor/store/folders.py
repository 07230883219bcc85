"""What is in a folder of the store, links included, and how is it removed without following one?"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from pyarrow import fs

from model_monitor import store
from model_monitor.errors import StoreError
from model_monitor.store.ahead import ahead

Kind = Literal["file", "folder", "other"]

AT_ONCE = 8  # requests to a store; most of the time is waiting for it
KINDS: dict[fs.FileType, Kind] = {fs.FileType.File: "file", fs.FileType.Directory: "folder"}


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """Something in a folder: its path below the folder, its size in bytes; "other" is a link, a socket, a device."""

    path: str
    kind: Kind
    size: int = 0


class Folder(Protocol):
    """A folder on a disk or in an object store; all paths are below it, in parts joined by slashes.

    All raise StoreError, and take what is gone already as deleted.
    """

    @property
    def address(self) -> str: ...

    @property
    def is_linked(self) -> bool:
        """Whether a link leads to the folder, from below the address that a person gave."""

    @property
    def tells_empty_for_sure(self) -> bool:
        """Whether a folder that gets a file in the same moment is not taken as empty."""

    def inside(self, path: str = "") -> list[Entry]:
        """What is directly in a folder, by path; [] if there is none."""

    def below(self, path: str) -> list[Entry]:
        """All that is in a folder and in its folders, by path."""

    def delete(self, files: Sequence[str]) -> None:
        """Remove files: all that can be, whichever can't."""

    def delete_all(self, path: str, files: Sequence[str]) -> None:
        """Remove a folder; ``files`` are what was found in it."""

    def delete_empty(self, path: str) -> None:
        """Remove a folder if nothing is in it."""


def folder_at(address: str, *parts: str) -> Folder:
    """The folder at some parts below an address. Links are followed on the way to the address, not below it."""
    system, path = store.located(store.join(address, *parts))
    if not isinstance(system, fs.LocalFileSystem):
        return InStore(store.join(address, *parts), system, path)
    top = Path(store.located(address)[1])
    linked = any(top.joinpath(*parts[: i + 1]).is_symlink() for i in range(len(parts)))
    return OnDisk(path, Path(path), linked)


@dataclass(frozen=True)
class OnDisk:
    """A local folder."""

    address: str
    root: Path
    is_linked: bool
    tells_empty_for_sure: bool = True

    def inside(self, path: str = "") -> list[Entry]:
        place = self.root / path
        try:
            with store.reaching(str(place)), os.scandir(place) as found:
                return sorted(entry for one in found if (entry := entry_of(one, path)))
        except FileNotFoundError:
            return []

    def below(self, path: str) -> list[Entry]:
        return sorted(self.walk(path))

    def walk(self, path: str) -> Iterator[Entry]:
        for one in self.inside(path):
            yield one
            if one.kind == "folder":
                yield from self.walk(one.path)

    def delete(self, files: Sequence[str]) -> None:
        refused = [error for file in files if (error := self.refusal(file))]
        if refused:
            raise StoreError(f"{len(refused)} of {len(files)} files can't be deleted; the first: {refused[0]}")

    def refusal(self, file: str) -> OSError | None:
        try:
            (self.root / file).unlink(missing_ok=True)
        except OSError as error:
            return error
        return None

    def delete_all(self, path: str, files: Sequence[str]) -> None:
        try:
            self.delete(files)
        finally:
            folders = [entry.path for entry in self.below(path) if entry.kind == "folder"]
            for one in [*reversed(folders), path]:
                self.delete_empty(one)

    def delete_empty(self, path: str) -> None:
        with contextlib.suppress(OSError):
            (self.root / path).rmdir()


def entry_of(one: os.DirEntry[str], path: str) -> Entry | None:
    """None for a file that is gone by now."""
    below = f"{path}/{one.name}" if path else one.name
    try:
        if one.is_dir(follow_symlinks=False):
            return Entry(below, "folder")
        size = one.stat(follow_symlinks=False).st_size
        return Entry(below, "file", size) if one.is_file(follow_symlinks=False) else Entry(below, "other")
    except FileNotFoundError:
        return None


@dataclass(frozen=True)
class InStore:
    """A folder of an object store: what the names of objects start with."""

    address: str
    system: fs.FileSystem
    root: str
    is_linked: bool = False
    tells_empty_for_sure: bool = False

    def inside(self, path: str = "") -> list[Entry]:
        if self.system.type_name != "gcs":
            return self.listed(path, recursive=False)
        start = f"{path}/" if path else ""  # of Google's stores, PyArrow lists no folder that is only part of names
        found: dict[str, Entry] = {}
        for entry in self.below(path):
            name, further, _ = entry.path.removeprefix(start).partition("/")
            found.setdefault(name, Entry(start + name, "folder") if further else entry)
        return sorted(found.values())

    def below(self, path: str) -> list[Entry]:
        return self.listed(path, recursive=True)

    def listed(self, path: str, recursive: bool) -> list[Entry]:
        with store.reaching(f"{self.address}, {path}"):
            infos = self.system.get_file_info(fs.FileSelector(self.at(path), recursive=recursive, allow_not_found=True))
        return sorted(
            Entry(info.path[len(self.root) :].lstrip("/"), KINDS.get(info.type, "other"), info.size or 0)
            for info in infos
        )

    def at(self, path: str) -> str:
        return f"{self.root}/{path}" if path else self.root

    def delete(self, files: Sequence[str]) -> None:
        refused = [error for error in ahead(self.refusal, files, AT_ONCE) if error]
        if refused:
            raise StoreError(f"{len(refused)} of {len(files)} files can't be deleted; the first: {refused[0]}")

    def refusal(self, file: str) -> OSError | None:
        try:
            self.system.delete_file(self.at(file))
        except FileNotFoundError:
            return None
        except OSError as error:
            return error
        return None

    def delete_all(self, path: str, files: Sequence[str]) -> None:
        """In requests of a thousand files."""
        if self.system.type_name == "gcs" and not self.below(path):
            return  # without files there is no folder, which PyArrow does not say as it does elsewhere
        with contextlib.suppress(FileNotFoundError), store.reaching(f"{self.address}, {path}"):
            self.system.delete_dir(self.at(path))

    def delete_empty(self, path: str) -> None:
        """PyArrow leaves an empty object in place of a folder whose last file it deletes."""
        if not self.inside(path):
            self.delete_all(path, [])
