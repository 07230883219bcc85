"""Explain a sample of a window's rows, or of a dataset's, by asking the model again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from model_monitor import store
from model_monitor.config.execution import Assignment, Execution
from model_monitor.config.sections import Explain
from model_monitor.errors import ConfigError
from model_monitor.jobs.collect_window import current_rows, identities
from model_monitor.jobs.engines import engine_of
from model_monitor.jobs.late_labels import reported
from model_monitor.jobs.logged import say
from model_monitor.results.execution import counted
from model_monitor.results.handover import Explained
from model_monitor.rows.explanations import explain
from model_monitor.rows.explanations.explain import Explainer
from model_monitor.rows.select import Selection
from model_monitor.rows.sources.datasets import Dataset
from model_monitor.rows.summary import usable

LAYOUT = 1  # of explained rows and their footer; a file of another one is made again

Headers = Mapping[str, str]


def explain_window(execution: Execution, headers: Headers | None = None) -> str:
    """Explain a sample of a window's rows, unless they are explained already; the address of what was explained.

    ``headers`` go with each request to the model. Raises DataError, StoreError.
    """
    rows = current_rows(execution).partitions
    schedule, target = execution.schedule, execution.explained_rows
    with reported(execution):
        explainer = explainer_of(execution)
        origin = origin_of(execution, {"rows": dict(rows), "window": str(execution.window)}, explainer)
        summary = usable(target, store.exists(execution.observation.explained))
        if summary is None or summary.origin != origin:
            selection = Selection(execution.window, schedule.sampling)  # with excluded columns
            sampled = explain.Collected(rows, selection, engine_of(execution))
            summary = explain.explain(sampled, explainer, target, origin, schedule.segments, headers)
    explained = Explained(partitions=identities({target: summary}), rows=summary.rows, of=summary.records)
    say(f"{execution.window}: {explained.rows} of {counted(explained.of, 'row')} explained", f"Attributions: {target}")
    return explained.write(execution.observation.explained)


def explained_dataset(assignment: Assignment, dataset: Dataset, headers: Headers | None = None) -> str:
    """The file of the explained rows of a baseline's dataset, made again if dataset, model or settings changed."""
    explainer = explainer_of(assignment, dataset)
    origin = origin_of(assignment, {"dataset": dataset.summary.origin["files"]}, explainer)
    name = hashlib.sha256(json.dumps(origin).encode()).hexdigest()[:12]
    target = store.join(assignment.baselines, "explained", f"{name}.parquet")
    summary = usable(target, again=True)
    if summary is None or summary.origin != origin:
        explain.explain(dataset.batches(), explainer, target, origin, assignment.schedule.segments, headers)
    return target


def explainer_of(assignment: Assignment, dataset: Dataset | None = None) -> Explainer:
    """The explainer of a schedule's rows; its background is the one set, the baseline's dataset, or ``dataset``."""
    schedule = assignment.schedule
    if (settings := schedule.explain) is None:
        raise ConfigError(f"schedule '{schedule.name}' has no explain; set its model")
    features = settings.features or assignment.endpoint.columns.inputs
    if not features:
        raise ConfigError(
            f"nothing says what the features of the model of schedule '{schedule.name}' are; name them in "
            "columns: {inputs: [...]}, or in explain: {features: [...]}"
        )
    baseline = schedule.baseline
    if baseline.dataset and settings.background is None:
        dataset = Dataset.at(baseline.dataset, baseline.format, baseline.header, separator=baseline.separator)
    background, weights = background_of(settings, features, dataset)
    return Explainer(
        settings.model,
        features,
        background,
        weights,
        settings.num_samples,
        settings.use_logit,
        settings.seed,
        settings.rows,
        settings.method,
        settings.label_headers,
    )


def background_of(settings: Explain, features: tuple[str, ...], dataset: Dataset | None) -> tuple[Any, Any]:
    """The background rows and their weights: the rows that are set, or those of a file or ``dataset``, clustered."""
    if isinstance(settings.background, tuple):
        return settings.background, ()
    if address := settings.background:
        dataset = Dataset.at(address)
    if dataset is None:
        raise ConfigError(
            "there is no background, so nothing stands for an unknown feature; set explain: {background: ...} or "
            "baseline: {dataset: ...}, on the command line --background"
        )
    return explain.background_of(dataset.batches(), features, settings.num_clusters, settings.seed)


def origin_of(assignment: Assignment, rows: Mapping[str, Any], explainer: Explainer) -> dict[str, Any]:
    """All that a file of explained rows depends on. Only the model's address is known, not what it is made of."""
    settings = hashlib.sha256(repr(explainer).encode()).hexdigest()[:16]
    selection = {"share": assignment.schedule.sampling, "segments": list(assignment.schedule.segments)}
    return {"layout": LAYOUT, **rows, **selection, "explainer": settings, "files": []}
