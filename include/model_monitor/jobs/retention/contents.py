"""Is a file in an hour's folder what that folder is for? Anything else is left alone."""

from __future__ import annotations

import re
import zlib

from model_monitor.rows.blocks import SUFFIXES
from model_monitor.store.folders import Entry, Folder
from model_monitor.store.unfinished import is_unfinished

HEAD_BYTES = 64 << 10
CAPTURED, LABELLED = b'"captureData"', b'"groundTruthData"'  # keys of a captured record, and of a label
CAPTURE_NAME = re.compile(r"[0-9]{2}-[0-9]{2}-[0-9]{3}-[0-9a-f-]{32,36}\.jsonl(\.gz)?")  # SageMaker's, and ours
NAMES = {
    "captures": re.compile(f".*({'|'.join(map(re.escape, SUFFIXES))})", re.DOTALL),
    "merged records": re.compile(r"part-.*\.jsonl|_SUCCESS", re.DOTALL),
}
OURS = re.compile(r"rows\.parquet|(collected|merged|explained|evidence|window)\.json|state\.mms")
FREE = ("records set aside", "reports replaced")  # whose trees choose by path


def is_expected(kind: str, entry: Entry, folder: Folder) -> bool:
    """Whether a file belongs in a tree of this kind, by its name and, of a capture, by its content; what a killed
    writer left unfinished does anywhere. Raises StoreError."""
    name = entry.path.rpartition("/")[2]
    if is_unfinished(entry.path) or kind in FREE:
        return True
    if not NAMES.get(kind, OURS).fullmatch(name):
        return False
    return kind != "captures" or is_capture(name, folder.head(entry.path, HEAD_BYTES))


def is_capture(name: str, head: bytes) -> bool:
    """Whether a file holds captured records, by the first bytes of it. One that no record can be read from is known by
    the name that its writer gave.

    >>> is_capture("a.jsonl", b'{"captureData": {'), is_capture("a.jsonl", b'{"groundTruthData": {')
    (True, False)
    """
    content = unpacked(head)
    return CAPTURED in content or (CAPTURE_NAME.fullmatch(name) is not None and LABELLED not in content)


def unpacked(head: bytes) -> bytes:
    """The first bytes of a file, or of what gzip packed in it."""
    if not head.startswith(b"\x1f\x8b"):
        return head
    try:
        return zlib.decompressobj(wbits=31).decompress(head, HEAD_BYTES)
    except zlib.error:
        return b""
