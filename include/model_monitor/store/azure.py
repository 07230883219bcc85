"""Azure's stores: what PyArrow's file system needs besides an address."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from uuid import uuid4

from pyarrow import ArrowException, fs

from model_monitor.errors import StoreError

USED_AZURE: set[int] = set()  # the ids of this process and those that it was forked from


def check_not_shared(root: str) -> None:
    """Raise StoreError in a process whose parent was connected to Azure.

    Its library has one pool of connections for a process, which a forked one goes on using: requests of both get each
    other's answers.
    """
    USED_AZURE.add(os.getpid())
    if len(USED_AZURE) > 1:
        raise StoreError(
            f"{root}: the process was forked from one that used Azure, and would share its connections; "
            "fork before the first use, or start processes by spawn"
        )


def with_key(system: fs.FileSystem, root: str) -> fs.FileSystem:
    """An account on Azure with the key that the environment has for it, for which PyArrow's addresses have no place.

    AZURE_STORAGE_KEY belongs to AZURE_STORAGE_ACCOUNT, or to any if that is not set. Without, PyArrow looks for other
    credentials; an address that names a kind of them has the last word.
    """
    key, options = os.environ.get("AZURE_STORAGE_KEY"), options_of(system)
    is_meant = os.environ.get("AZURE_STORAGE_ACCOUNT", options["account_name"]) == options["account_name"]
    if not key or not is_meant or "credential_kind=" in root or "client_id=" in root:
        return system
    return fs.AzureFileSystem(**{name: value for name, value in options.items() if value} | {"account_key": key})


def options_of(system: fs.FileSystem) -> dict[str, str]:
    """What an account on Azure was opened with; PyArrow tells it to who would copy the object only."""
    return dict(system.__reduce__()[1][0])


def account_of(system: fs.FileSystem) -> tuple[str, str]:
    return options_of(system)["account_name"], options_of(system)["blob_storage_authority"]


def upload_and_copy(part: Path, system: fs.FileSystem, target: str) -> None:
    """Upload a finished file to Azure, where PyArrow first puts an empty one: to where nobody reads.

    The account then copies it within itself, at once. A folder is removed in one request, a file in four.
    """
    folder, _, name = target.rpartition("/")
    uploaded = f"{folder}/.part-{uuid4().hex}"
    try:
        fs.copy_files(str(part), f"{uploaded}/{name}", fs.LocalFileSystem(), system, use_threads=False)
        system.copy_file(f"{uploaded}/{name}", target)
    finally:
        with contextlib.suppress(OSError, ArrowException):  # the store is away, as was or will be said
            system.delete_dir(uploaded)
