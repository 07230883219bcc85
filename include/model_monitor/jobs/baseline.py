"""Learn a baseline from a dataset: observe it, and suggest constraints as a version."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import msgspec

from model_monitor import store
from model_monitor.config.execution import Assignment, Observation
from model_monitor.core.observed import Observed
from model_monitor.core.states import dump
from model_monitor.history.baselines import record_baselines
from model_monitor.jobs.compute_metrics import kept, load_state, observe_dataset, save
from model_monitor.jobs.datasets import dataset_of
from model_monitor.jobs.learned import learned_of
from model_monitor.jobs.logged import say, say_collected
from model_monitor.results.anonymous import Anonymity
from model_monitor.results.documents import documents_of
from model_monitor.results.execution import counted
from model_monitor.results.handover import Evidence
from model_monitor.results.html import REPORT, baseline_page, pictures_of_baseline
from model_monitor.results.sealed import digest_of
from model_monitor.rows.select import Selection
from model_monitor.rows.sources.datasets import Dataset
from model_monitor.verdicts.baseline import baseline_files, check_learned
from model_monitor.verdicts.versions import DESCRIPTION, Version, description_in, name_for

log = logging.getLogger(__name__)


def observe_baseline(
    assignment: Assignment, dataset: Dataset | None = None, headers: Mapping[str, str] | None = None
) -> str:
    """The State of a dataset's rows, by default of the schedule's own; its address. Raises DataError.

    Where rows are explained, ``headers`` go with each request to the model.
    """
    exclude = () if assignment.schedule.explain else assignment.endpoint.columns.exclude
    dataset = dataset or dataset_of(assignment)
    observed, evidence = observe_dataset(assignment, assignment.learner, dataset, Selection(exclude=exclude), headers)
    check_learned(assignment.learner, observed, f"baseline.dataset {dataset.emptiness}")
    observed = kept(assignment.learner, observed)
    content = dump(observed)
    say_collected(f"dataset of '{assignment.schedule.name}'", evidence.collected)
    return save(assignment.observed_baseline(digest_of(content)[:12]), observed, evidence)


def suggest_constraints(assignment: Assignment, state: str, created: str) -> str:
    """``statistics.json`` and ``constraints.json`` of a State as a new version; the address of its folder.

    A version is named by its content, so the same State is the same version, and keeps what a person edited in it.
    ``created``: when it was learned, ISO 8601. Raises DataError if there is nothing to learn.
    """
    evidence = Evidence.read(Observation.holding(state).evidence)
    observed, collected = load_state(state, assignment.learner, evidence.state), evidence.collected
    check_learned(assignment.learner, observed)
    learned = learned_of(assignment, observed, collected)
    for sentence in learned.sentences:
        log.info("%s: %s", assignment.schedule.name, sentence)
    files = baseline_files(assignment.learner, observed)
    version = name_for(files)
    description = {
        "version": version,
        "created": created,
        "state": state,
        "monitor": assignment.schedule.monitor,
        "options": assignment.schedule.options,
        "rows": observed.rows,
        "rejected": collected.rejected,
        "reasons": collected.reasons,
        "kept": msgspec.to_builtins(collected.kept),
        "inputs": msgspec.to_builtins(collected.inputs),
        **learned.description,
    }
    folder = store.join(assignment.baselines, version)
    suggested = Version(version, folder, files, description)
    suggested.write()
    write_page(assignment, suggested, observed)
    record_baselines(assignment)
    say(f"{assignment.schedule.name}: version {version}, learned from {counted(observed.rows, 'row')}", folder)
    return folder


def write_page(assignment: Assignment, version: Version, observed: Observed) -> None:
    """``report.html`` of a learned version: the same bytes however often it is learned."""
    documents = documents_of(assignment.learner)
    baseline = version.baseline(assignment)
    constraints = documents.constraints(baseline.statistics, baseline.constraints_document)
    statistics = baseline.statistics or baseline.constraints_document or {}
    anonymity = Anonymity(private=assignment.endpoint.columns.private)
    pictures = pictures_of_baseline(assignment.learner, observed.state, constraints, statistics, anonymity)
    page = baseline_page(
        assignment.schedule.name, description_in(version.folder), constraints, [*version.files, DESCRIPTION], pictures
    )
    store.write(store.join(version.folder, REPORT), page)
