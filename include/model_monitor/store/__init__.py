"""Where do bytes live, and how are they written whole? PyArrow is imported by the first address that is opened."""

from model_monitor.store.files import (
    File,
    delete,
    exists,
    is_below,
    join,
    list_files,
    local_copy,
    located,
    name_of,
    open_file,
    reaching,
    read,
    read_on,
    with_region,
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
    "with_region",
    "write",
    "writing",
]
