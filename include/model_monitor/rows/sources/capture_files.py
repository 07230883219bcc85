"""Capture files: what an endpoint logged, in SageMaker's folders ``{endpoint}/{variant}/yyyy/mm/dd/hh``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from model_monitor import store
from model_monitor.core.window import EVER, Window
from model_monitor.errors import ConfigError
from model_monitor.rows.blocks import SUFFIXES
from model_monitor.rows.sources.source import Listed, Source, in_hour_folders


@dataclass(frozen=True)
class CaptureFiles(Source):
    uri: str
    endpoint: str
    variant: str
    straggler_hours: int = 1

    expires: ClassVar[bool] = True

    def folder(self, hour: datetime) -> str:
        """The folder of files whose first request came in an hour."""
        return store.join(self.uri, self.endpoint, self.variant, f"{hour:%Y/%m/%d/%H}")

    def listed(self, window: Window) -> list[Listed]:
        return in_hour_folders(window, self.straggler_hours, self.folder, SUFFIXES)


@dataclass(frozen=True)
class CaptureFolder(Source):
    """All capture files below a folder, whatever its layout."""

    uri: str

    def listed(self, window: Window) -> list[Listed]:
        """Raises ConfigError if there are none."""
        files = store.list_files(self.uri, SUFFIXES)
        if not files:
            raise ConfigError(f"there are no capture files at {self.uri}: none ends in {', '.join(SUFFIXES)}")
        return [Listed(file, EVER) for file in files]
