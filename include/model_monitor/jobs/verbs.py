"""The verbs, with plain arguments: what the operators and the command line both call.

Each verb reads what the one before it wrote, writes its result whole or not at all, and returns its address. Doing it
again gives the same bytes. Only ``MonitorError`` is raised on purpose; violations are results.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

from model_monitor import config, store
from model_monitor.config import Endpoint, Schedule, layout
from model_monitor.core.states import dump
from model_monitor.core.window import Window, iso, moment
from model_monitor.errors import ConfigError, DataError, StoreError
from model_monitor.jobs import explaining, ground_truth, late_labels
from model_monitor.jobs.observing import document_of, observe, observe_dataset, read_through, state_at
from model_monitor.jobs.partitions import are_as_collected, check_rejected, found, identified, up_to_date
from model_monitor.jobs.retention import marks
from model_monitor.results import execution
from model_monitor.results.documents import EXECUTION, VIOLATIONS, Document, encode
from model_monitor.rows import scripts
from model_monitor.rows.select import Selection
from model_monitor.rows.sources.datasets import Dataset, row_group, row_groups_of
from model_monitor.verdicts.baseline import baseline_files, baseline_of, check_learned, version_at
from model_monitor.verdicts.report import reporting_failure, write_report


def collect_window(endpoint_file: str, schedule: str, window: Window) -> str:
    """Rows of each hour of a window, made anew where their captures changed; the address of what was found.

    Raises DataError, after writing a report that says so, if more than the schedule's share of records can't be read;
    ConfigError, and leaves an earlier report as it is, if captures of the window were deleted by ``retention_days``.
    """
    endpoint, s = chosen(endpoint_file, schedule)
    marks.refuse_deleted(endpoint, window)
    with reported(endpoint, s, window):
        made = up_to_date(endpoint, s, window)
        document = identified(made) | found(made, window)
        check_rejected(document, s.max_rejected)
    marks.refuse_deleted(endpoint, window)  # again: they may have been deleted while they were listed
    return store.write(store.join(layout.state_folder(endpoint, s, window), layout.COLLECTED), encode(document))


def as_collected(endpoint_file: str, schedule: str, window: Window, folder: str) -> Document:
    """What was collected of a window, anew if its rows were made again since."""
    collected = document_of(store.join(folder, layout.COLLECTED))
    if are_as_collected(collected):
        return collected
    return document_of(collect_window(endpoint_file, schedule, window))


def merge_ground_truth(endpoint_file: str, schedule: str, window: Window, labels_until: datetime | None = None) -> str:
    """A window's rows joined with the labels that came, of each hour anew where either changed; the address of what
    was found.

    Only labels collected before ``labels_until`` count, if it is given. Raises DataError, after writing a report that
    says so, if more than the schedule's share of label records can't be read or don't fit.
    """
    endpoint, s = chosen(endpoint_file, schedule)
    folder = layout.state_folder(endpoint, s, window)
    collected = as_collected(endpoint_file, schedule, window, folder)
    with reported(endpoint, s, window):
        come = ground_truth.arrived(s, window, labels_until)
        made = ground_truth.up_to_date(endpoint, s, window, collected["partitions"], come)
        truth, _ = ground_truth.truth_of(s)
        document = ground_truth.found(
            truth, window.end + s.lag, made, come, s.max_rejected, ground_truth.cut_hours(endpoint, s, window)
        )
        document |= identified(made)
    document |= {"until": labels_until and iso(labels_until), "rows": list(collected["partitions"])}
    return store.write(store.join(folder, layout.MERGED), encode(document))


def explain_window(endpoint_file: str, schedule: str, window: Window, headers: Mapping[str, str] | None = None) -> str:
    """A sample of a window's rows, each explained by asking the model again; the address of what was found.

    What is explained already is not asked for again. ``headers`` go with each request to the model. Raises DataError,
    after writing a report that says so, if the model's answers can't be used, StoreError if it can't be reached.
    """
    endpoint, s = chosen(endpoint_file, schedule)
    folder = layout.state_folder(endpoint, s, window)
    collected = as_collected(endpoint_file, schedule, window, folder)
    with reported(endpoint, s, window):
        target, made = explaining.explained_window(endpoint, s, window, collected["partitions"], headers)
    document = identified({target: made}) | {"explained": made.rows, "of": made.records}
    return store.write(store.join(folder, layout.EXPLAINED), encode(document))


def compute_metrics(endpoint_file: str, schedule: str, window: Window) -> str:
    """The State of a window's rows; its address. Raises StoreError if the rows change while they are read."""
    endpoint, s = chosen(endpoint_file, schedule)
    folder = layout.state_folder(endpoint, s, window)
    rows = document_of(store.join(folder, source_of(s)))
    if not are_as_collected(rows):
        rows = document_of(made_again(endpoint_file, s, window, rows))
    monitor = s.build_monitor()
    with reported(endpoint, s, window):
        names, by_position = baseline_of(endpoint, s).names(monitor)
        selection = Selection(window, s.sampling, endpoint.columns.exclude, names, by_position)
        observed = observe(monitor, row_groups_of(rows["partitions"]), lambda piece: row_group(*piece), selection)
    if not are_as_collected(rows):
        raise StoreError(f"rows of {window} were made again while they were read; the next try reads the new ones")
    state = dump(observed)
    evidence = rows | {"state": hashlib.sha256(state).hexdigest()}
    store.write(store.join(folder, layout.EVIDENCE), encode(evidence))
    return store.write(store.join(folder, layout.STATE), state)


def source_of(schedule: Schedule) -> str:
    """The name of what tells which rows are observed."""
    if schedule.explain:
        return layout.EXPLAINED
    return layout.MERGED if schedule.ground_truth else layout.COLLECTED


def made_again(endpoint_file: str, schedule: Schedule, window: Window, rows: Document) -> str:
    """The rows that are observed, after others took their place; the address of what tells which."""
    if schedule.explain:
        raise StoreError(f"explained rows of {window} were made again by another run; the next try reads the new ones")
    if schedule.ground_truth:
        until = rows.get("until")
        return merge_ground_truth(endpoint_file, schedule.name, window, until and moment(until))
    return collect_window(endpoint_file, schedule.name, window)


def evaluate_constraints(endpoint_file: str, schedule: str, window: Window) -> str:
    """A window's State judged against the baseline; the address of the report's folder.

    Raises StoreError if another run over the same window computes its metrics at this moment.
    """
    endpoint, s = chosen(endpoint_file, schedule)
    folder = layout.state_folder(endpoint, s, window)
    collected = document_of(store.join(folder, layout.COLLECTED))
    evidence = document_of(store.join(folder, layout.EVIDENCE))
    monitor, report = s.build_monitor(), layout.report(endpoint, s, window)
    observed = state_at(store.join(folder, layout.STATE), monitor, evidence["state"])
    if s.ground_truth:
        collected = with_labels(collected, evidence)
    if s.explain:
        collected |= {"explained": {"rows": evidence["explained"], "of": evidence["of"]}}
    with reported(endpoint, s, window):
        files = write_report(report, monitor, observed, baseline_of(endpoint, s), about(endpoint, s, window), collected)
    if s.ground_truth:
        late_labels.remember(endpoint, s, window, files, evidence)
    if s.postprocess:
        follow_up(s.postprocess, endpoint, s, window, report)
    return report


def alert(endpoint_file: str, schedule: str, window: Window) -> dict[str, Any]:
    """What a person is told of a window: status, counts, address of the report, one line, and a line per violation."""
    endpoint, s = chosen(endpoint_file, schedule)
    report = layout.report(endpoint, s, window)
    violations = document_of(store.join(report, VIOLATIONS))["violations"]
    return execution.summary(document_of(store.join(report, EXECUTION)), report, violations)


def observe_baseline(
    endpoint_file: str,
    schedule: str,
    dataset: str | None = None,
    format: str | None = None,
    header: bool | None = None,
    headers: Mapping[str, str] | None = None,
) -> str:
    """The State of the baseline's dataset, which arguments can replace; its address.

    ``headers`` go with each request to the model, where rows are explained.
    """
    endpoint, s = chosen(endpoint_file, schedule)
    at = dataset or s.baseline.dataset
    if not at:
        raise ConfigError(f"schedule '{schedule}' has no dataset to learn from; set baseline: {{dataset: ...}}")
    rows = Dataset.at(at, format or s.baseline.format, s.baseline.header if header is None else header)
    if s.explain:
        collected = read_through(rows, s.max_rejected)
        explained = explaining.explained_dataset(endpoint, s, replace(rows), headers)
        observed = observe(s.build_monitor(), explained.pieces(), explained.rows, Selection())
    else:
        selection = Selection(exclude=endpoint.columns.exclude)
        observed, collected = observe_dataset(s.build_monitor(), rows, selection, s.max_rejected)
    content = dump(observed)
    folder = layout.observed(endpoint, s, hashlib.sha256(content).hexdigest()[:12])
    store.write(store.join(folder, layout.COLLECTED), encode(collected))
    return store.write(store.join(folder, layout.STATE), content)


def suggest_constraints(endpoint_file: str, schedule: str, state: str, created: str) -> str:
    """``statistics.json`` and ``constraints.json`` of a State as a new version; the address of its folder.

    A version is named by its content, so the same State is the same version, and keeps what a person edited in it.
    """
    endpoint, s = chosen(endpoint_file, schedule)
    monitor = s.build_monitor()
    observed = state_at(state, monitor)
    check_learned(monitor, observed)
    files = baseline_files(monitor, observed)
    version = hashlib.sha256(b"".join(files.values())).hexdigest()[:12]
    folder = store.join(layout.baselines(endpoint, s), version)
    collected = document_of(state.replace(layout.STATE, layout.COLLECTED))
    about_it = {"version": version, "created": created, "state": state, "monitor": s.monitor, "options": s.options}
    about_it |= {"rows": observed.rows} | {key: collected[key] for key in ("rejected", "reasons", "kept", "inputs")}
    for name, content in [*files.items(), ("baseline.json", encode(about_it))]:
        if not store.exists(store.join(folder, name)):
            store.write(store.join(folder, name), content)
    return folder


def publish_baseline(endpoint_file: str, schedule: str, version: str) -> str:
    """From now on the schedule judges against a version, given by the address of its folder; the pointer's address.

    Raises ConfigError for a version of another schedule, or one whose files can't be read.
    """
    endpoint, s = chosen(endpoint_file, schedule)
    folder = layout.baselines(endpoint, s)
    name = store.name_of(version)
    if store.join(folder, name) != version.rstrip("/"):
        raise ConfigError(f"{version} is no version of the baseline of '{schedule}'; its versions are in {folder}")
    version_at(version, monitor := s.build_monitor()).asks(monitor)
    return store.write(store.join(folder, layout.PUBLISHED), encode({"version": name}))


@contextmanager
def reported(endpoint: Endpoint, schedule: Schedule, window: Window) -> Iterator[None]:
    """Leave a report of what could not be judged and why, and don't ask for it again until there are other labels."""
    try:
        with reporting_failure(layout.report(endpoint, schedule, window), about(endpoint, schedule, window)):
            yield
    except (ConfigError, DataError):
        if schedule.ground_truth:
            late_labels.tried(endpoint, schedule, window)
        raise


def with_labels(collected: Document, merged: Document) -> Document:
    """What was collected, and what was found of its labels."""
    inputs = [{"file": address, "size": size} for address, size, _ in merged["label_files"]]
    return collected | {
        "labels": merged["labels"],
        "reasons": collected["reasons"] | merged["label_reasons"],
        "kept": collected["kept"] + merged["kept_labels"],
        "inputs": collected["inputs"] + inputs,
    }


def chosen(endpoint_file: str, schedule: str) -> tuple[Endpoint, Schedule]:
    endpoint = config.load(endpoint_file)
    return endpoint, endpoint.schedule(schedule)


def about(endpoint: Endpoint, schedule: Schedule, window: Window) -> Document:
    """What a report is about."""
    return {
        "endpoint": endpoint.endpoint,
        "variant": endpoint.variant,
        "schedule": schedule.name,
        "monitor": schedule.monitor,
        "options": schedule.options,
        "window": {"start": iso(window.start), "end": iso(window.end)},
    }


def follow_up(script: str, endpoint: Endpoint, schedule: Schedule, window: Window, report: str) -> None:
    """Call a user's script once a report is complete, with the original's variables for output, window and names."""
    with store.local_copy(report) as folder:
        variables = {
            "output_path": str(folder),
            "start_time": iso(window.start),
            "end_time": iso(window.end),
            **({"sagemaker_endpoint_name": endpoint.endpoint} if endpoint.source.names_endpoint else {}),
            "sagemaker_monitoring_schedule_name": schedule.name,
            "publish_cloudwatch_metrics": "Disabled",
        }
        scripts.postprocess(script, variables)
