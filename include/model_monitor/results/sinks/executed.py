"""The documents of a report, read once for all sinks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from model_monitor.core.window import moment
from model_monitor.results.documents.protocol import Document
from model_monitor.results.documents.segmented import SEGMENTS
from model_monitor.results.execution import COMPLETED, WITH_VIOLATIONS
from model_monitor.results.reading import Report


@dataclass(frozen=True)
class Executed:
    """What a report says of one schedule on one window.

    execution: ``execution.json``. measures: the entries of ``measures.json``. statistics: ``statistics.json`` or
    ``analysis.json``; {} if there is neither, as while labels are pending. names_endpoint: whether its metrics name the
    endpoint; those of batch transform don't.
    """

    execution: Document
    measures: Sequence[Document]
    statistics: Document
    names_endpoint: bool = True

    @classmethod
    def read(cls, folder: str, names_endpoint: bool = True) -> Executed:
        """The files of a report's folder. Raises DataError if one is missing or damaged, StoreError."""
        report = Report.at(folder)
        return cls(report.execution, report.measures, report.statistics, names_endpoint)

    @property
    def monitor(self) -> str:
        """The monitor as the endpoint file names it, with underscores: ``data_quality``, or a dotted path."""
        return str(self.execution["monitor"]).replace("-", "_")

    @property
    def end(self) -> datetime:
        """The time of all its metrics: the end of the window."""
        return moment(self.execution["window"]["end"])

    @property
    def violations(self) -> int | None:
        """How many checks were violated; None if nothing was judged, which is no good news."""
        count: int = self.execution["violations"]
        return count if count or self.execution["status"] in (COMPLETED, WITH_VIOLATIONS) else None

    def parts(self) -> Iterator[tuple[dict[str, str], Document]]:
        """The statistics of all rows ({}), then those of each segment, which is named by column and value."""
        yield {}, self.statistics
        for part in self.statistics.get(SEGMENTS, []):
            yield part["segment"], part
