"""Which of a window's rows are explained, with which background, and are the explanations still true to them?"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from model_monitor import store
from model_monitor.config import Endpoint, Schedule, layout
from model_monitor.config.sections import Explain
from model_monitor.core.window import Window
from model_monitor.errors import ConfigError
from model_monitor.rows.explanations import explain
from model_monitor.rows.explanations.explain import Explainer
from model_monitor.rows.select import Selection
from model_monitor.rows.sources.datasets import SUFFIXES, Dataset
from model_monitor.rows.summary import Summary, summary_of

LAYOUT = 1  # of explained rows and their footer; a file of another one is made again

Headers = Mapping[str, str]


def settings_of(schedule: Schedule) -> Explain:
    """How a schedule's rows are explained. Raises ConfigError."""
    if schedule.explain is None:
        raise ConfigError(f"schedule '{schedule.name}' has no explain; set its model")
    return schedule.explain


def explainer_of(endpoint: Endpoint, schedule: Schedule) -> Explainer:
    """The explainer of a schedule's rows. Raises ConfigError."""
    settings, baseline = settings_of(schedule), schedule.baseline
    features = settings.features or endpoint.columns.inputs
    if not features:
        raise ConfigError(
            f"nobody says what the features of the model of schedule '{schedule.name}' are; name them in "
            "columns: {inputs: [...]}, or in explain: {features: [...]}"
        )
    dataset = None
    if baseline.dataset and settings.background is None:
        dataset = Dataset.at(baseline.dataset, baseline.format, baseline.header)
    return explainer(settings, features, dataset)


def explainer(settings: Explain, features: tuple[str, ...], dataset: Dataset | None) -> Explainer:
    """The explainer with its background: the rows that are set, or those of a file or ``dataset``, clustered."""
    background = settings.background
    weights: tuple[float, ...] = ()
    if not isinstance(background, tuple):
        rows = Dataset.at(background, format_of(background)) if background else dataset
        if rows is None:
            raise ConfigError(
                "there is no background, so nothing stands for an unknown feature; set explain: {background: ...} or "
                "baseline: {dataset: ...}, on the command line --background"
            )
        batches = (batch for piece in rows.pieces() for batch in rows.rows(piece))
        background, weights = explain.background_of(batches, features, settings.num_clusters, settings.seed)
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


def format_of(address: str) -> str:
    """The format of a dataset by its name's ending; CSV if that does not tell."""
    name = store.name_of(address)
    return next((kind for kind, endings in SUFFIXES.items() if name.endswith(endings)), "csv")


def explained_window(
    endpoint: Endpoint, schedule: Schedule, window: Window, rows: Mapping[str, str], headers: Headers | None
) -> tuple[str, Summary]:
    """The file of a window's explained rows, made anew if rows, model or settings changed; what became of them.

    ``rows`` are the addresses of the collected rows, each with its fingerprint.
    """
    explainer = explainer_of(endpoint, schedule)
    target = layout.explained(endpoint, schedule, window)
    origin = origin_of(schedule, {"rows": dict(rows), "window": str(window)}, explainer)
    made = summary_of(target)
    if made is None or made.origin != origin:
        selection = Selection(window, schedule.sampling)  # with all columns: what is not judged is asked all the same
        batches = explain.rows_at(rows, selection)
        made = explain.explain(batches, explainer, target, origin, schedule.segments, headers)
    return target, made


def explained_dataset(endpoint: Endpoint, schedule: Schedule, dataset: Dataset, headers: Headers | None) -> Dataset:
    """A baseline dataset's explained rows, made anew if dataset, model or settings changed."""
    explainer = explainer_of(endpoint, schedule)
    origin = origin_of(schedule, {"dataset": dataset.summary.origin["files"]}, explainer)
    name = hashlib.sha256(json.dumps(origin).encode()).hexdigest()[:12]
    target = store.join(layout.baselines(endpoint, schedule), "explained", f"{name}.parquet")
    made = summary_of(target)
    if made is None or made.origin != origin:
        batches = (batch for piece in dataset.pieces() for batch in dataset.rows(piece))
        explain.explain(batches, explainer, target, origin, schedule.segments, headers)
    return Dataset.at(target, "parquet")


def origin_of(schedule: Schedule, rows: Mapping[str, Any], explainer: Explainer) -> dict[str, Any]:
    """All that a file of explained rows depends on. What the model is made of can't be seen, only where it is."""
    settings = hashlib.sha256(repr(explainer).encode()).hexdigest()[:16]
    kept = {"share": schedule.sampling, "segments": list(schedule.segments)}
    return {"layout": LAYOUT, **rows, **kept, "explainer": settings, "files": []}
