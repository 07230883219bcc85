"""What does a schedule judge against, and what is there to learn from a baseline's State?"""

from __future__ import annotations

from collections import Counter
from typing import Any

from model_monitor import store
from model_monitor.config import Endpoint, Schedule, layout
from model_monitor.core.measures import Undefined
from model_monitor.core.monitor import Monitor
from model_monitor.core.observed import Observed
from model_monitor.errors import DataError
from model_monitor.results.documents import decode, documents_of, encode
from model_monitor.verdicts.report import Baseline


def baseline_of(endpoint: Endpoint, schedule: Schedule) -> Baseline:
    """What a schedule judges against: the files it names, else the published version, else nothing."""
    given = schedule.baseline
    if given.statistics or given.constraints:
        return Baseline.at(given.statistics, given.constraints)
    folder = layout.baselines(endpoint, schedule)
    try:
        pointer = store.join(folder, layout.PUBLISHED)
        version = store.join(folder, decode(store.read(pointer), pointer)["version"])
    except FileNotFoundError:
        return Baseline()
    return version_at(version, schedule.build_monitor())


def version_at(version: str, monitor: Monitor[Any]) -> Baseline:
    """A version of a baseline: its two files, or the one that is both. Raises ConfigError."""
    documents = documents_of(monitor)
    names = {documents.statistics_name, documents.constraints_name}
    statistics = store.join(version, documents.statistics_name) if len(names) > 1 else None
    return Baseline.at(statistics, store.join(version, documents.constraints_name))


def check_learned(monitor: Monitor[Any], observed: Observed) -> None:
    """Raise DataError if a baseline says nothing of what the monitor is for: its rows have no usable labels."""
    measures = monitor.measure(observed.state)
    reasons = [measure.reason for measure in measures.values() if isinstance(measure, Undefined)]
    kept = monitor.traits.measured_without_labels
    if reasons and all(constraint.measure in kept for constraint in monitor.suggest(observed.state)):
        [(commonest, _)] = Counter(reasons).most_common(1)
        raise DataError(f"nothing can be learned of the dataset's {observed.rows} rows: {commonest}")


def baseline_files(monitor: Monitor[Any], observed: Observed) -> dict[str, bytes]:
    """The two files of a baseline by name, or the one that is both."""
    documents = documents_of(monitor)
    return {
        documents.statistics_name: encode(documents.statistics(observed.state)),
        documents.constraints_name: encode(documents.suggested(observed.state)),
    }
