"""Where do captures, rows, states, baselines and reports live? At addresses: a local path or a URI such as ``s3://``.

A file is written whole or not at all: under another name first, then moved (local) or uploaded in one piece (object
stores). Whoever is killed in between leaves nothing that anyone reads.

``s3://``, ``gs://`` and ``abfs://`` are PyArrow's, and an address's query is what PyArrow knows for its scheme:
``?region=…&endpoint_override=…``, ``?endpoint_override=…&scheme=…``, ``?blob_storage_authority=…&enable_tls=…``.
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

from model_monitor.errors import ConfigError, StoreError
from model_monitor.store import addresses

if TYPE_CHECKING:
    from pyarrow import fs

GOOGLE_SECONDS = 30  # for how long a request is tried again; Google's own limit is a quarter of an hour


@dataclass(frozen=True, slots=True, order=True)
class File:
    """A stored file: its address, size in bytes, and when it last changed (nanoseconds since 1970)."""

    address: str
    size: int
    changed: int

    @property
    def is_gzip(self) -> bool:
        return self.address.partition("?")[0].endswith(".gz")


def filesystem(root: str) -> tuple[fs.FileSystem, str]:
    """The file system of an address's root, and the path of that root in it. Raises ConfigError, StoreError."""
    return opened(root, os.getpid())


@lru_cache(maxsize=64)
def opened(root: str, process_id: int) -> tuple[fs.FileSystem, str]:
    """A file system for one process: a forked one that used its parent's would share its open connections."""
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

    if "://" not in address or address.startswith("file://"):
        return fs.LocalFileSystem(), str(Path(address.removeprefix("file://")).absolute())
    addresses.check(address)
    scheme, _, rest = address.partition("://")
    place, _, query = rest.partition("?")
    root, _, path = place.partition("/")
    query = with_defaults(scheme, query)
    system, base = filesystem(f"{scheme}://{root}{'?' if query else ''}{query}")
    return system, "/".join(part for part in f"{base}/{path}".split("/") if part)


def with_defaults(scheme: str, query: str) -> str:
    """The query of an address with what PyArrow is to know besides."""
    if scheme in addresses.S3:
        return with_region(query)
    if scheme in addresses.GOOGLE and "retry_limit_seconds=" not in query:
        return "&".join(filter(None, [query, f"retry_limit_seconds={GOOGLE_SECONDS}"]))
    return query


def with_region(query: str) -> str:
    """The query of an S3 address with the environment's region, for which PyArrow would ask Amazon otherwise."""
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if not region and ("AWS_ENDPOINT_URL" in os.environ or "endpoint_override" in query):
        region = "us-east-1"  # a server that is not Amazon's has no regions, but wants one named
    return query if not region or "region=" in query else "&".join(filter(None, [query, f"region={region}"]))


def join(address: str, *parts: str) -> str:
    """An address further down; slashes at the seams don't matter, a query stays at the end.

    >>> join("s3://bucket/out/?region=eu-west-1", "a", "b.json")
    's3://bucket/out/a/b.json?region=eu-west-1'
    """
    base, mark, query = address.partition("?") if "://" in address else (address, "", "")
    return "/".join([base.rstrip("/"), *(part.strip("/") for part in parts)]) + mark + query


def is_below(address: str, folder: str) -> bool:
    """Whether an address is that of a folder or of something in it."""
    (one, inner), (other, outer) = located(address), located(folder)
    if type(one) is not type(other):
        return False
    if one.type_name == "abfs":
        from model_monitor.store import azure

        if azure.account_of(one) != azure.account_of(other):
            return False
    return f"{inner}/".startswith(f"{outer}/")


def name_of(address: str) -> str:
    """The last part of an address, without its query.

    >>> name_of("s3://bucket/out/a.json?region=eu-west-1")
    'a.json'
    """
    return address.partition("?")[0].rstrip("/").rpartition("/")[2]


@contextlib.contextmanager
def reaching(address: str) -> Iterator[None]:
    """Turn what a store raises into a StoreError that names the address; a missing file stays FileNotFoundError."""
    from pyarrow import ArrowException

    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileNotFoundError(address) from error
    except (OSError, ArrowException) as error:  # PyArrow has no kind of its own for Azure without credentials
        raise StoreError(f"{address}: {error}") from error


def read(address: str) -> bytes:
    """All bytes of a file. Raises FileNotFoundError, StoreError."""
    system, path = located(address)
    with reaching(address), system.open_input_stream(path, compression=None) as stream:
        return bytes(stream.read())


def open_file(address: str) -> Any:
    """A file for random reading, as PyArrow's readers want it. Raises FileNotFoundError, StoreError."""
    system, path = located(address)
    with reaching(address):
        return system.open_input_file(path)


def read_on(stream: Any, address: str, size: int) -> bytes:
    """The next bytes of an open file, at most ``size``; none at its end. Raises StoreError."""
    with reaching(address):
        return bytes(stream.read(size))


def exists(address: str) -> bool:
    """Whether there is a file. Raises StoreError."""
    from pyarrow import fs

    system, path = located(address)
    with reaching(address):
        return bool(system.get_file_info(path).type == fs.FileType.File)


def list_files(address: str, suffixes: tuple[str, ...] = ("",)) -> list[File]:
    """The files at or below an address, by rising address; [] if there is nothing.

    Left out is what is in a folder, or has itself a name, that starts with a dot or an underscore: no data. Raises
    StoreError.
    """
    from pyarrow import fs

    system, path = located(address)
    with reaching(address):
        info = system.get_file_info(path)
        if info.type == fs.FileType.File:
            return [File(address, info.size, info.mtime_ns or 0)]
        infos = system.get_file_info(fs.FileSelector(path, recursive=True, allow_not_found=True))
    below = {info.path[len(path) :]: info for info in infos if info.type == fs.FileType.File}
    return sorted(
        File(join(address, name), info.size, info.mtime_ns or 0)
        for name, info in below.items()
        if name.endswith(suffixes) and not any(part[0] in "._" for part in name.split("/") if part)
    )


def write(address: str, content: bytes) -> str:
    """Store bytes whole or not at all; the address. Raises StoreError."""
    with writing(address) as path:
        path.write_bytes(content)
    return address


@contextlib.contextmanager
def writing(address: str) -> Iterator[Path]:
    """A local path to write to; on leaving without an error its file appears at the address, else it is gone."""
    from pyarrow import fs

    system, target = located(address)
    local = isinstance(system, fs.LocalFileSystem)
    folder = Path(target).parent if local else Path(tempfile.gettempdir())
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder, prefix=".part-")
    except OSError as error:
        raise StoreError(f"{address} can't be written: {error}") from error
    os.close(handle)
    part = Path(name)
    try:
        yield part
        with reaching(address):
            publish(part, system, target) if not local else replace(part, Path(target))
    finally:
        part.unlink(missing_ok=True)


def replace(part: Path, target: Path) -> None:
    """Move a finished file to its name, on disk for good."""
    with part.open("rb+") as stream:
        os.fsync(stream.fileno())
    part.chmod(0o644)
    part.replace(target)


def publish(part: Path, system: fs.FileSystem, target: str) -> None:
    """Upload a finished file; object stores show it only when complete.

    One call outside Python: an exception between two writes, as a task gets that is told to end, would close the
    stream, and closing a stream completes the upload of half a file.
    """
    from pyarrow import fs

    if system.type_name == "abfs":
        from model_monitor.store import azure

        azure.upload_and_copy(part, system, target)
    else:
        fs.copy_files(str(part), target, fs.LocalFileSystem(), system, use_threads=False)


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
    with tempfile.TemporaryDirectory(prefix="model-monitor-") as folder:
        for file in list_files(address):
            copy = Path(folder) / file.address[len(address.partition("?")[0]) :].partition("?")[0].lstrip("/")
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(read(file.address))
        yield Path(folder)
