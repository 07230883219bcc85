"""Is there what an endpoint file names: captures, datasets, labels, scripts? Nothing is changed by looking."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from model_monitor import store
from model_monitor.config.endpoint import Endpoint
from model_monitor.config.execution import Assignment, Execution
from model_monitor.config.sections import GroundTruth
from model_monitor.errors import MonitorError
from model_monitor.jobs.datasets import dataset_of
from model_monitor.results.execution import counted
from model_monitor.rows.sources import forms
from model_monitor.rows.sources.datasets import Dataset
from model_monitor.rows.sources.whereabouts import Whereabouts, edges, empty, of_hours, without_files
from model_monitor.store.addresses import scheme_of

COLUMNS_SHOWN = 10
LABELS, DATASET = "ground_truth", "baseline.dataset"


@dataclass(frozen=True)
class Seen:
    """What was seen of something that a file names: ``place`` is its setting, ``is_fine`` whether it is there."""

    place: str
    words: str
    is_fine: bool = True


def look(endpoint: Endpoint) -> list[Seen]:
    """Whether an endpoint's captures are there, what its schedules name, and whether its output can be written."""
    found = [seen("capture", lambda: captures_of(endpoint)), seen("output", lambda: output_of(endpoint.output))]
    for schedule in endpoint.schedules:
        looks = (seen(place, find) for place, find in places_of(Assignment(endpoint, schedule)).items())
        found += [one for one in looks if one not in found]
    return found


def absences(assignment: Assignment) -> list[Seen]:
    """What the next tasks will look for and not find: labels, and the dataset of a baseline that is not learned yet."""
    schedule = assignment.schedule
    needed = {LABELS} if schedule.ground_truth else set()
    if schedule.baseline.dataset and not store.exists(assignment.published_baseline):
        needed.add(f"{DATASET} of '{schedule.name}'")
    looks = (seen(place, find) for place, find in places_of(assignment).items() if place in needed)
    return [one for one in looks if not one.is_fine]


def places_of(assignment: Assignment) -> dict[str, Callable[[], Whereabouts]]:
    """What a schedule names, by its setting, and how it is looked for."""
    schedule = assignment.schedule
    baseline, truth, explain = schedule.baseline, schedule.ground_truth, schedule.explain
    places: dict[str, Callable[[], Whereabouts]] = {}
    if baseline.dataset:
        places[f"{DATASET} of '{schedule.name}'"] = lambda: of_dataset(assignment)
    if truth is not None:
        places[LABELS] = lambda: labels_of(truth)
    files = {
        "baseline.statistics": baseline.statistics,
        "baseline.constraints": baseline.constraints,
        "preprocess.script": schedule.preprocess and schedule.preprocess.script,
        "postprocess": schedule.postprocess,
        "explain.background": explain and explain.background,
    }
    named = {key: address for key, address in files.items() if isinstance(address, str)}
    return places | {f"{key} of '{schedule.name}'": partial(file_at, address) for key, address in named.items()}


def seen(place: str, find: Callable[[], Whereabouts]) -> Seen:
    try:
        found = find()
        return Seen(place, found.words, found.is_any)
    except MonitorError as error:
        return Seen(place, str(error), is_fine=False)


def searched(execution: Execution) -> str:
    """Where a window's requests were looked for, and what there is instead; "" where a source can't tell."""
    instead = execution.source.whereabouts()
    return "; ".join(filter(None, [execution.source.looked_in(execution.window), instead.words if instead else ""]))


def captures_of(endpoint: Endpoint) -> Whereabouts:
    return endpoint.source.whereabouts() or Whereabouts("not looked at", is_any=True)


def output_of(address: str) -> Whereabouts:
    """Whether an output could be written, as far as one sees without writing."""
    if scheme_of(address):
        store.exists(store.join(address, "execution.json"))  # raises if the store does not answer
        return Whereabouts(f"{address} can be reached", is_any=True)
    path = Path(address.removeprefix("file://"))
    above = next(folder for folder in (path, *path.parents) if folder.exists())
    if not (above.is_dir() and os.access(above, os.W_OK)):
        return Whereabouts(f"{address} can't be written: {above} is no folder that this user may write to")
    return Whereabouts(f"{address} can be written", is_any=True)


def file_at(address: str) -> Whereabouts:
    is_there = store.exists(address)
    return Whereabouts(f"{address} is there" if is_there else f"there is no {address}", is_there)


def of_dataset(assignment: Assignment) -> Whereabouts:
    """The first rows of a dataset, and whether it has the columns that the endpoint declares. Raises ConfigError,
    DataError."""
    dataset = dataset_of(assignment)
    names = columns_in(dataset)
    if not names:
        return Whereabouts(f"{assignment.schedule.baseline.dataset} holds no rows")
    declared = [n for n in assignment.endpoint.columns.names if n not in assignment.endpoint.columns.exclude]
    shown = ", ".join(names[:COLUMNS_SHOWN]) + (", ..." if len(names) > COLUMNS_SHOWN else "")
    words = f"{assignment.schedule.baseline.dataset}: {dataset.format} with {len(names)} columns ({shown})"
    if absent := [name for name in declared if name not in names]:
        words += f"; it lacks {', '.join(absent[:COLUMNS_SHOWN])}, which columns declares"
    return Whereabouts("; ".join([words, *dataset.notices]), not declared or len(absent) < len(declared))


def columns_in(dataset: Dataset) -> list[str]:
    """The columns of the first rows."""
    return next((list(batch.schema.names) for batch in dataset.batches() if batch.num_rows), [])


def labels_of(truth: GroundTruth) -> Whereabouts:
    """Which labels there are. Raises ConfigError, DataError for a table that can't be read."""
    uri, table = truth.uri or "", truth.table
    if table is None:
        return of_hours("labels", uri)
    if table.path:
        first, last = edges(uri, table.path.count("/") + 1)
        words = f"{uri} has folders {'/'.join(first)} to {'/'.join(last)}" if first else empty(uri)
        return Whereabouts(words, bool(first))
    files = table.all_files(uri)
    if not files:
        return without_files(uri, forms.IN_WORDS[table.format])
    from model_monitor.rows.labels.table_labels import rows_of

    members: set[str] = set()
    rows = next(iter(rows_of(files[0], table, members)), None)
    if gone := [name for name in table.columns.names if members and name not in members]:
        return Whereabouts(f"{files[0].address} has no {', '.join(gone)}, which ground_truth.mapping names")
    known = len(rows.data) - rows.data.null_count if rows else 0
    words = f"{counted(len(files), 'file')} of labels, {files[0].address} with {known} labels in its first"
    return Whereabouts(f"{words} {len(rows.data) if rows else 0} rows", is_any=True)
