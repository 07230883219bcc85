"""Azure: what PyArrow's file system for it lacks. A key from the environment, safe forks, and uploads in one piece."""

from __future__ import annotations

import os

from pyarrow import fs

from model_monitor.errors import StoreError

USED_AZURE: set[int] = set()  # the ids of this process and those that it was forked from


def check_not_shared(root: str) -> None:
    """Raise StoreError in a process whose parent was connected to Azure: they would share its library's one pool of
    connections, and each would get answers to the other's requests."""
    USED_AZURE.add(os.getpid())
    if len(USED_AZURE) > 1:
        raise StoreError(
            f"{root}: the process was forked from one that used Azure, and would share its connections; "
            "fork before the first use, or start processes by spawn"
        )


def with_key(system: fs.FileSystem, root: str) -> fs.FileSystem:
    """The same file system with the environment's key for its account, for which PyArrow's addresses have no place.
    AZURE_STORAGE_KEY belongs to AZURE_STORAGE_ACCOUNT, or to any account if that is not set. An address that names a
    kind of credential takes precedence."""
    key, options = os.environ.get("AZURE_STORAGE_KEY"), options_of(system)
    is_meant = os.environ.get("AZURE_STORAGE_ACCOUNT", options["account_name"]) == options["account_name"]
    if not key or not is_meant or "credential_kind=" in root or "client_id=" in root:
        return system
    return fs.AzureFileSystem(**{name: value for name, value in options.items() if value} | {"account_key": key})


def options_of(system: fs.FileSystem) -> dict[str, str]:
    """The options this Azure file system was created with. PyArrow exposes them only through pickling."""
    return dict(system.__reduce__()[1][0])


def account_of(system: fs.FileSystem) -> tuple[str, str]:
    return options_of(system)["account_name"], options_of(system)["blob_storage_authority"]
