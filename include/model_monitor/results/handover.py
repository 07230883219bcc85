"""What one task leaves for the next, as JSON files with a version and a digest."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from model_monitor import store
from model_monitor.errors import DataError
from model_monitor.results.sealed import sealed, unsealed

PENDING = "pending"  # too few requests have a label: nothing is judged that needs one
PROVISIONAL = "provisional"  # judged by the labels there are; more may come
FINAL = "final"

Identities = dict[str, str]  # address of a Parquet file -> fingerprint of what it was made from
LabelFiles = list[tuple[str, int, int]]  # address, size and time of change (nanoseconds since 1970) of each

T = TypeVar("T", bound="Handover")


class Input(msgspec.Struct, frozen=True):
    """A file that was read; its size in bytes."""

    file: str
    size: int


class SetAside(msgspec.Struct, frozen=True):
    """A record that could not be used: where it is, why, and its text; ``time`` is None if it does not tell."""

    file: str
    line: int
    reason: str
    time: str | None = None
    record: str = ""


class Labels(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far a window's labels have come: counts of requests and of label ``records``, ``duplicates``, ``mismatched``
    and ``rejected``; ``late`` requests had their first label from the tick on. ``coverage`` (0..1) is None of no
    requests. ``over``: no more labels are waited for. ``dropped``: merged records that a script could not use.
    ``unjoined`` label records were read that name no request of the window, such as those of other windows; at least
    ``misnamed`` of them name one by another id, or otherwise spelled, and ``mismatch`` says how. ``table``: labels are
    in a table, not in folders of hours."""

    requests: int
    matched: int
    unmatched: int
    records: int
    duplicates: int
    late: int
    mismatched: int
    rejected: int
    coverage: float | None
    state: str
    over: bool
    as_of: str | None
    minimum_coverage: float
    final_after: str
    source: str
    files: int
    dropped: int = 0
    unjoined: int = 0
    misnamed: int = 0
    mismatch: str = ""
    table: bool = False

    @property
    def is_pending(self) -> bool:
        return self.state == PENDING

    @property
    def is_settled(self) -> bool:
        """Whether nothing can change any more: final, over, or no request at all."""
        return self.state == FINAL or self.over or not self.requests


class Handover(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all: a JSON file, written whole; one of another version has to be made again."""

    version: int = 1

    def write(self, address: str) -> str:
        return store.write(address, sealed(msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n"))

    @classmethod
    def read(cls: type[T], address: str) -> T:
        """Raises DataError if the file is not there, is damaged, or was written by another version."""
        if (handover := cls.find(address)) is None:
            raise DataError(f"there is no {address}; run the task before this one first")
        return handover

    @classmethod
    def find(cls: type[T], address: str) -> T | None:
        """The same, None if the file is not there."""
        try:
            handover = msgspec.json.decode(unsealed(store.read(address), address), type=cls)
        except FileNotFoundError:
            return None
        except msgspec.MsgspecError as error:
            raise DataError(f"{address} can't be read: {error}; run the task that wrote it again") from error
        if handover.version != cls().version:
            raise DataError(f"{address} is of version {handover.version}; run the task that wrote it again")
        return handover


class Collected(Handover, frozen=True, kw_only=True):
    """What was read of a window's captures, or of a dataset, and which files of rows it became.

    ``capture`` says at which percentages requests were captured, and of about how many; empty if all were. ``shape``:
    how many values the output and the input of most requests have, below 0 if these have names; empty if unknown.
    ``headed``: requests whose CSV starts with the names of its columns. ``columns``: of a dataset, those of its first
    rows with the types of these.
    """

    partitions: Identities = {}
    records: int = 0
    rows: int = 0
    duplicates: int = 0
    rejected: int = 0
    reasons: dict[str, int] = {}
    kept: list[SetAside] = []
    inputs: list[Input] = []
    capture: dict[str, Any] = {}
    shape: list[int] = []
    headed: int = 0
    columns: dict[str, str] = {}


class Merged(Handover, frozen=True, kw_only=True):
    """The files of rows with labels, what they were merged from, and how far labels have come.

    ``sources`` are the addresses of the files of rows without labels. ``until``: only labels collected before count.
    ``digest`` tells the labels of the window's requests in a table from others; empty for label records.
    """

    partitions: Identities = {}
    sources: list[str] = []
    until: str | None = None
    labels: Labels | None = None
    label_files: LabelFiles = []
    digest: str = ""
    reasons: dict[str, int] = {}
    kept: list[SetAside] = []


class Explained(Handover, frozen=True, kw_only=True):
    """The file of explained rows: how many there are, of how many records."""

    partitions: Identities = {}
    rows: int = 0
    of: int = 0


class Evidence(Handover, frozen=True, kw_only=True):
    """All that a report says of the rows that were judged; ``state`` is the SHA-256 of the State made from them."""

    collected: Collected = Collected()
    merged: Merged | None = None
    explained: Explained | None = None
    state: str = ""

    @property
    def labels(self) -> Labels | None:
        return self.merged.labels if self.merged else None

    @property
    def partitions(self) -> Identities:
        """The files of the rows that are observed."""
        return (self.explained or self.merged or self.collected).partitions

    @property
    def reasons(self) -> dict[str, int]:
        """How many records were set aside, by reason; label records after captured ones."""
        return self.collected.reasons | (self.merged.reasons if self.merged else {})

    @property
    def kept(self) -> list[SetAside]:
        """The records set aside, as far as they are kept."""
        return self.collected.kept + (self.merged.kept if self.merged else [])

    @property
    def inputs(self) -> list[Input]:
        """The files that were read."""
        label_files = self.merged.label_files if self.merged else []
        return self.collected.inputs + [Input(address, size) for address, size, _ in label_files]


class Span(msgspec.Struct, frozen=True):
    """A window, as ISO 8601 texts."""

    start: str
    end: str


class WaitingNote(Handover, frozen=True, kw_only=True):
    """A window whose labels are not final, and what it was judged with; ``failed``: it can't be judged with these.

    ``sources`` are the addresses of the files of its rows.
    """

    window: Span = Span("", "")
    failed: bool = False
    label_files: LabelFiles = []
    sources: list[str] = []
    digest: str = ""
