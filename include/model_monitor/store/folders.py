"""List and delete what is in a folder of the store, links included, without following one below the given address."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from pyarrow import fs

from model_monitor.errors import StoreError
from model_monitor.store.addresses import join
from model_monitor.store.ahead import AT_ONCE, ahead
from model_monitor.store.files import located, reaching

Kind = Literal["file", "folder", "other"]

KINDS: dict[fs.FileType, Kind] = {fs.FileType.File: "file", fs.FileType.Directory: "folder"}


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """Something in a folder: its path below the folder, its size in bytes; "other" is a link, a socket, a device."""

    path: str
    kind: Kind
    size: int = 0


@dataclass(frozen=True)
class Folder:
    """A folder of an object store, with paths below it joined by slashes. Methods raise StoreError; a file that is gone
    counts as deleted."""

    address: str
    system: fs.FileSystem
    root: str
    is_linked: bool = False  # whether a link leads to the folder, from below the address that a person gave

    tells_empty_for_sure: ClassVar[bool] = False  # whether a folder that gets a file just now never looks empty

    def at(self, path: str) -> str:
        return f"{self.root}/{path}" if path else self.root

    def inside(self, path: str = "") -> list[Entry]:
        """What is directly in a folder, by path; [] if there is none."""
        if self.system.type_name != "gcs":
            return self.listed(path, recursive=False)
        start = f"{path}/" if path else ""  # on Google's stores, PyArrow does not list folders that are only prefixes
        entries: dict[str, Entry] = {}
        for entry in self.below(path):
            name, further, _ = entry.path.removeprefix(start).partition("/")
            entries.setdefault(name, Entry(start + name, "folder") if further else entry)
        return sorted(entries.values())

    def below(self, path: str) -> list[Entry]:
        """Everything in a folder and in its folders, by path."""
        return self.listed(path, recursive=True)

    def listed(self, path: str, recursive: bool) -> list[Entry]:
        with reaching(f"{self.address}, {path}"):
            infos = self.system.get_file_info(fs.FileSelector(self.at(path), recursive=recursive, allow_not_found=True))
        return sorted(
            Entry(info.path[len(self.root) :].lstrip("/"), KINDS.get(info.type, "other"), info.size or 0)
            for info in infos
        )

    def head(self, file: str, size: int) -> bytes:
        """The first bytes of a file, at most ``size``; none of one that is gone."""
        with contextlib.suppress(FileNotFoundError), reaching(f"{self.address}, {file}"), self.opened(file) as stream:
            return bytes(stream.read(size))
        return b""

    def opened(self, file: str) -> Any:
        return self.system.open_input_stream(self.at(file), compression=None)

    def delete(self, files: Sequence[str]) -> None:
        """Delete as many of the files as possible."""

        def refusal(file: str) -> OSError | None:
            try:
                with contextlib.suppress(FileNotFoundError):
                    self.unlink(file)
            except OSError as error:
                return error
            return None

        if refused := list(filter(None, ahead(refusal, files, AT_ONCE))):
            raise StoreError(f"{len(refused)} of {len(files)} files can't be deleted; the first: {refused[0]}")

    def unlink(self, file: str) -> None:
        self.system.delete_file(self.at(file))

    def delete_all(self, path: str, files: Sequence[str]) -> None:
        """Delete these files of a folder, and the folder if nothing else is in it: in a store, by requests of a
        thousand files."""
        there = {entry.path for entry in self.below(path) if entry.kind != "folder"}
        if not there <= set(files):
            self.delete(files)
            return
        if self.system.type_name == "gcs" and not there:
            return  # without files there is no folder, and PyArrow does not say so as it does elsewhere
        with contextlib.suppress(FileNotFoundError), reaching(f"{self.address}, {path}"):
            self.system.delete_dir(self.at(path))

    def delete_empty(self, path: str) -> None:
        """Delete a folder if nothing is in it. PyArrow leaves an empty object for one whose last file it deletes."""
        if not self.inside(path):
            self.delete_all(path, [])


class OnDisk(Folder):
    """A local folder, in which no link is followed."""

    tells_empty_for_sure: ClassVar[bool] = True

    def inside(self, path: str = "") -> list[Entry]:
        place = self.at(path)
        try:
            with reaching(place), os.scandir(place) as entries:
                return sorted(entry for item in entries if (entry := entry_of(item, path)))
        except FileNotFoundError:
            return []

    def below(self, path: str) -> list[Entry]:
        entries = self.inside(path)
        return sorted(entries + [entry for e in entries if e.kind == "folder" for entry in self.below(e.path)])

    def opened(self, file: str) -> Any:
        return Path(self.at(file)).open("rb")

    def unlink(self, file: str) -> None:
        Path(self.at(file)).unlink()  # PyArrow refuses names that are not UTF-8

    def delete_all(self, path: str, files: Sequence[str]) -> None:
        try:
            self.delete(files)
        finally:
            folders = [entry.path for entry in self.below(path) if entry.kind == "folder"]
            for folder in [*reversed(folders), path]:
                self.delete_empty(folder)

    def delete_empty(self, path: str) -> None:
        with contextlib.suppress(OSError):
            Path(self.at(path)).rmdir()


def entry_of(item: os.DirEntry[str], path: str) -> Entry | None:
    """None for a file that is gone by now."""
    below = f"{path}/{item.name}" if path else item.name
    try:
        if item.is_dir(follow_symlinks=False):
            return Entry(below, "folder")
        size = item.stat(follow_symlinks=False).st_size
        return Entry(below, "file", size) if item.is_file(follow_symlinks=False) else Entry(below, "other")
    except FileNotFoundError:
        return None


def folder_at(address: str, *parts: str) -> Folder:
    """The folder at some parts below an address. Links are followed on the way to the address, not below it."""
    system, path = located(place := join(address, *parts))
    if not isinstance(system, fs.LocalFileSystem):
        return Folder(place, system, path)
    top = Path(located(address)[1])
    return OnDisk(path, system, path, any(top.joinpath(*parts[: i + 1]).is_symlink() for i in range(len(parts))))
