"""Store bytes at addresses, whole or not at all. PyArrow is imported when the first address is opened."""

from model_monitor.store.addresses import join, name_of
from model_monitor.store.files import (
    File,
    delete,
    exists,
    is_below,
    list_files,
    local_copy,
    located,
    open_file,
    reaching,
    read,
    read_on,
    write,
    writing,
)

__all__ = [
    "File",
    "delete",
    "exists",
    "is_below",
    "join",
    "list_files",
    "local_copy",
    "located",
    "name_of",
    "open_file",
    "reaching",
    "read",
    "read_on",
    "write",
    "writing",
]
