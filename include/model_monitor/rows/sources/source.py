"""A source: where an endpoint's requests come from. The base class of all sources, and capture files.

Sources are part of the configuration, so their modules import nothing heavy; what reads files is imported when used.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Protocol

from model_monitor import store
from model_monitor.core.window import EVER, HOUR, Window, floor_hour
from model_monitor.errors import ConfigError
from model_monitor.rows.blocks import SUFFIXES, Block, in_groups
from model_monitor.rows.blocks import blocks as capture_blocks
from model_monitor.rows.sources.whereabouts import Whereabouts, instead_of, of_hours
from model_monitor.store.ahead import AT_ONCE, ahead

TIME = re.compile(rb'"inferenceTime"\s*:\s*"([^"]{1,40})"')


@dataclass(frozen=True)
class Listed:
    """A file that may hold requests of a span of event time."""

    file: store.File
    span: Window
    hour: datetime | None = None  # of its folder, which counts requests without a time; None if only requests can tell
    is_read: bool = True  # False for a manifest, which names files but holds no requests

    def is_near(self, window: Window) -> bool:
        return self.span.start < window.end and window.start < self.span.end


class Source(Protocol):
    """Where requests come from. Sources are frozen dataclasses that subclass this explicitly."""

    names_endpoint: ClassVar[bool] = True  # whether reports and scripts name the endpoint; batch transform has none
    outputs_last: ClassVar[bool] = False  # whether rows are written with the input before the output
    expires: ClassVar[bool] = False  # whether the files are the endpoint's own, so that retention may delete them

    def listed(self, window: Window) -> list[Listed]:
        """The files that may hold requests of a window, as they are now."""
        ...

    def blocks(self, files: Sequence[Listed], window: Window | None = None) -> Iterator[Block]:
        """The requests in files, as lines of capture records; may leave out what a window does not need."""
        return capture_blocks(entry.file for entry in files)

    def groups(self, files: Sequence[Listed]) -> list[Sequence[Listed]]:
        """Files by what is read apart from the rest: runs of them, which give the same blocks wherever each is read."""
        return in_groups(files, lambda entry: entry.file.size)

    def hour_of(self, listed: Listed) -> datetime | None:
        """The hour that counts a file's requests without a time; None if no request of the file has a time."""
        return listed.hour

    @property
    def origin(self) -> dict[str, Any]:
        """How files are read, as far as rows depend on it."""
        return {}

    def looked_in(self, window: Window) -> str:
        """Which folders are searched for a window's requests, in words; "" if that is all there is."""
        return ""

    def whereabouts(self) -> Whereabouts | None:
        """What there is, whenever it was captured: another endpoint, variant or time; None if unknown."""
        return None


def hours_around(window: Window, straggler_hours: int) -> list[datetime]:
    """The hours of a window and of its stragglers."""
    margin = straggler_hours * HOUR
    return [hour.start for hour in Window(floor_hour(window.start) - margin, window.end + margin).hours()]


def in_hour_folders(
    window: Window, straggler_hours: int, folder_of: Callable[[datetime], str], suffixes: tuple[str, ...], uri: str
) -> list[Listed]:
    """The files in the folders of a window's hours and of its stragglers; no link leads out of ``uri``."""
    hours, margin = hours_around(window, straggler_hours), straggler_hours * HOUR
    folders = ahead(lambda hour: store.list_files(folder_of(hour), suffixes, within=uri), hours, AT_ONCE)
    return [
        Listed(file, Window(hour - margin, hour + HOUR + margin), hour)
        for hour, files in zip(hours, folders, strict=True)
        for file in files
    ]


@dataclass(frozen=True)
class CaptureFiles(Source):
    """What an endpoint logged, in SageMaker's folders ``{endpoint}/{variant}/yyyy/mm/dd/hh``."""

    uri: str
    endpoint: str
    variant: str
    straggler_hours: int = 1

    expires: ClassVar[bool] = True

    def folder(self, hour: datetime) -> str:
        """The folder of files whose first request came in an hour."""
        return store.join(self.uri, self.endpoint, self.variant, f"{hour:%Y/%m/%d/%H}")

    def listed(self, window: Window) -> list[Listed]:
        return in_hour_folders(window, self.straggler_hours, self.folder, SUFFIXES, self.uri)

    def looked_in(self, window: Window) -> str:
        hours = hours_around(window, self.straggler_hours)
        return f"looked for capture files in {self.folder(hours[0])} to {hours[-1]:%Y/%m/%d/%H}"

    def whereabouts(self) -> Whereabouts:
        folder = store.join(self.uri, self.endpoint)
        absent = instead_of("endpoint", self.endpoint, self.uri) or instead_of("variant", self.variant, folder)
        return absent or of_hours("captures", store.join(folder, self.variant))


@dataclass(frozen=True)
class CaptureFolder(Source):
    """All capture files below a folder, whatever its layout."""

    uri: str

    def listed(self, window: Window) -> list[Listed]:
        """Raises ConfigError if there are none."""
        files = store.list_files(self.uri, SUFFIXES, within=self.uri)
        if not files:
            raise ConfigError(f"there are no capture files at {self.uri}: none ends in {', '.join(SUFFIXES)}")
        return [Listed(file, EVER) for file in files]

    def looked_in(self, window: Window) -> str:
        return f"looked for requests in the capture files at {self.uri}{first_time(self.listed(window)[0].file)}"


def first_time(file: store.File) -> str:
    """When the first request of a capture file was, as a part of a sentence; "" if it does not tell."""
    first = next((line for block in capture_blocks([file]) for _, _, line in block.lines), b"")
    found = TIME.search(first)
    return f", of which {store.name_of(file.address)} starts at {found[1].decode()}" if found else ""
