"""Read, list, write and delete files by their address, on a disk or in an object store.

A file is written whole or not at all: under another name first, then moved (local) or uploaded in one piece (object
stores). A process killed in between leaves nothing that is read.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_monitor.errors import A_PAGE, ConfigError, StoreError, is_page, is_unicode
from model_monitor.store import addresses
from model_monitor.store.unfinished import PART, WorkingFolder, disk_of
from model_monitor.store.uploads import publish

if TYPE_CHECKING:
    from pyarrow import fs


@dataclass(frozen=True, slots=True, order=True)
class File:
    """A stored file: its address, size in bytes, and when it last changed (nanoseconds since 1970)."""

    address: str
    size: int
    changed: int

    @property
    def is_gzip(self) -> bool:
        return self.address.partition("?")[0].endswith(".gz")


@lru_cache(maxsize=64)
def opened(root: str, process_id: int) -> tuple[fs.FileSystem, str]:
    """The file system of an address's root, and the path of that root in it. Raises ConfigError, StoreError."""
    # One for each process: a forked one that used its parent's would share its open connections.
    from pyarrow import fs

    try:
        system, path = fs.FileSystem.from_uri(root)
    except ValueError as error:
        raise ConfigError(f"'{root}' is not an address: {error}") from error
    except OSError as error:
        raise StoreError(f"{root}: {error}") from error
    if system.type_name != "abfs":
        return system, path
    from model_monitor.store import azure

    azure.check_not_shared(root)
    return azure.with_key(system, root), path


def located(address: str) -> tuple[fs.FileSystem, str]:
    """The file system that holds an address, and the path in it."""
    from pyarrow import fs

    if not is_unicode(address):
        raise ConfigError(f"'{address}' is no text in UTF-8; rename the file")
    addresses.check(address)
    if not addresses.scheme_of(address):
        return fs.LocalFileSystem(), str(Path(address.removeprefix("file://")).absolute())
    scheme, _, rest = address.partition("://")
    place, _, query = rest.partition("?")
    root, _, path = place.partition("/")
    query = addresses.with_defaults(scheme, query)
    system, base = opened(f"{scheme}://{root}{'?' if query else ''}{query}", os.getpid())
    return system, "/".join(part for part in f"{base}/{path}".split("/") if part)


def is_below(address: str, folder: str) -> bool:
    """Whether an address is a folder's own or below it."""
    (system, inner), (other, outer) = located(address), located(folder)
    if system.type_name == other.type_name == "abfs":
        from model_monitor.store import azure

        if azure.account_of(system) != azure.account_of(other):
            return False
    return type(system) is type(other) and f"{inner}/".startswith(f"{outer}/")


@contextlib.contextmanager
def reaching(address: str) -> Iterator[None]:
    """Turn a store's errors into a StoreError that names the address; a missing file stays FileNotFoundError."""
    from pyarrow import ArrowException

    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileNotFoundError(address) from error
    except (OSError, ArrowException) as error:  # plain ArrowException: Azure without credentials
        raise StoreError(f"{address}: {error}") from error


def read(address: str) -> bytes:
    """All bytes of a file. Raises FileNotFoundError, StoreError."""
    system, path = located(address)
    with reaching(address), system.open_input_stream(path, compression=None) as stream:
        return not_a_page(bytes(stream.read()), address)


def not_a_page(content: bytes, address: str) -> bytes:
    """The same. Raises StoreError for what a login or a gateway answers, with status 200, in place of a store."""
    if addresses.scheme_of(address) and is_page(content):
        raise StoreError(f"{address}: {A_PAGE}")
    return content


def open_file(address: str) -> Any:
    """A file for random access, as PyArrow's readers need it. Raises FileNotFoundError, StoreError."""
    system, path = located(address)
    with reaching(address):
        return system.open_input_file(path)


def read_on(stream: Any, address: str, size: int) -> bytes:
    """The next bytes of an open file, at most ``size``; empty at its end. Raises StoreError."""
    with reaching(address):
        is_first = stream.tell() == 0
        content = bytes(stream.read(size))
    return not_a_page(content, address) if is_first else content


def exists(address: str) -> bool:
    """Whether there is a file. Raises StoreError."""
    from pyarrow import fs

    system, path = located(address)
    with reaching(address):
        return bool(system.get_file_info(path).type == fs.FileType.File)


def list_files(address: str, suffixes: tuple[str, ...] = ("",), within: str | None = None) -> list[File]:
    """The files at or below an address, by rising address, without names that start with a dot or an underscore, which
    hold no data.

    within: a folder that links on a disk must not lead out of; files to which one does are left out. Raises
    ConfigError for a pipe or a device, StoreError.
    """
    from pyarrow import fs

    system, path = located(address)
    with reaching(address):
        info = system.get_file_info(path)
        if info.type == fs.FileType.File:
            return [File(address, info.size, info.mtime_ns or 0)]
        if info.type == fs.FileType.Unknown:
            raise ConfigError(f"{address}: a pipe or a device can't be read; write it to a file first")
        infos = system.get_file_info(fs.FileSelector(path, recursive=True, allow_not_found=True))
    if within and isinstance(system, fs.LocalFileSystem):
        root = os.path.realpath(located(within)[1]).rstrip("/") + "/"
        infos = [info for info in infos if os.path.realpath(info.path).startswith(root)]
    return sorted(
        File(addresses.join(address, name), info.size, info.mtime_ns or 0)
        for info in infos
        if info.type == fs.FileType.File and (name := info.path[len(path) :]).endswith(suffixes)
        if not any(part[0] in "._" for part in name.split("/") if part)
    )


def write(address: str, content: bytes) -> str:
    """Store bytes whole or not at all, and return the address. Raises StoreError."""
    with writing(address) as path:
        path.write_bytes(content)
    return address


@contextlib.contextmanager
def writing(address: str) -> Iterator[Path]:
    """A local path to write to; its file appears at the address if no error is raised, and is deleted otherwise."""
    from pyarrow import fs

    system, target = located(address)
    local = isinstance(system, fs.LocalFileSystem)
    with contextlib.ExitStack() as stack:
        try:
            part = stack.enter_context(part_beside(Path(target)) if local else part_elsewhere())
        except OSError as error:
            raise StoreError(f"{address} can't be written: {error}") from error
        with disk_of(address):
            yield part
        with reaching(address):
            replace(part, Path(target)) if local else publish(part, system, target)


@contextlib.contextmanager
def part_beside(target: Path) -> Iterator[Path]:
    """An empty file in a target's folder, which is made; deleted at the end if it is still there. Raises OSError."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=PART)
    os.close(handle)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


@contextlib.contextmanager
def part_elsewhere() -> Iterator[Path]:
    """An empty file in a working folder. Raises OSError."""
    with WorkingFolder() as folder:
        part = Path(folder) / "part"
        part.touch()
        yield part


def replace(part: Path, target: Path) -> None:
    """Flush a finished file to disk and move it to its name."""
    with part.open("rb+") as stream:
        os.fsync(stream.fileno())
    part.chmod(0o644)
    part.replace(target)


def delete(address: str) -> None:
    """Remove a file if it is there. Raises StoreError."""
    system, path = located(address)
    with contextlib.suppress(FileNotFoundError), reaching(address):
        system.delete_file(path)


@contextlib.contextmanager
def local_copy(address: str) -> Iterator[Path]:
    """A local folder with the files below an address: the folder itself if it is local. Raises StoreError."""
    from pyarrow import fs

    system, path = located(address)
    if isinstance(system, fs.LocalFileSystem):
        yield Path(path)
        return
    with WorkingFolder() as folder:
        for file in list_files(address):
            copy = Path(folder) / file.address[len(address.partition("?")[0]) :].partition("?")[0].lstrip("/")
            content = read(file.address)
            with disk_of(folder):
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(content)
        yield Path(folder)
