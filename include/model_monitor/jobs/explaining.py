"""Which of a window's rows are explained, with which background, and are the explanations still true to them?"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from model_monitor import store
from model_monitor.config import Endpoint, Schedule, layout
from model_monitor.config.sections import Explain
from model_monitor.core.window import Window
from model_monitor.errors import ConfigError
from model_monitor.rows.explanations import explain
from model_monitor.rows.explanations.explain import Explainer
from model_monitor.rows.explanations.models import Exchange, ModelAt
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
    """The explainer with its background rows: given ones, those of a file, or the baseline's dataset in short."""
    asked = settings_of(schedule)
    features = asked.features or endpoint.columns.inputs
    if not features:
        raise ConfigError(
            f"nobody says what the features of the model of schedule '{schedule.name}' are; name them in "
            "columns: {inputs: [...]}, or in explain: {features: [...]}"
        )
    background, weights = asked.background, ()
    if not isinstance(background, tuple):
        background, weights = background_at(schedule, asked, features)
    return Explainer(
        asked.model,
        features,
        background,
        weights,
        asked.num_samples,
        asked.use_logit,
        asked.seed,
        asked.rows,
        asked.method,
        asked.label_headers,
    )


def background_at(schedule: Schedule, asked: Explain, features: tuple[str, ...]) -> tuple[Any, Any]:
    """Background rows and their weights, from the file that is named, else from the baseline's dataset."""
    given = schedule.baseline
    if isinstance(asked.background, str):
        dataset = Dataset.at(asked.background, format_of(asked.background))
    elif given.dataset:
        dataset = Dataset.at(given.dataset, given.format, given.header)
    else:
        raise ConfigError(
            f"schedule '{schedule.name}' has no background to explain with; set it, or baseline: {{dataset: ...}}"
        )
    batches = (batch for piece in dataset.pieces() for batch in dataset.rows(piece))
    return explain.background_of(batches, features, asked.num_clusters, asked.seed)


def asked_by(
    analysis: Mapping[str, Any],
    model: str | None,
    background: Any,
    headers_from: str | None = None,
    trust: bool = False,
) -> Explainer:
    """The explainer that an analysis configuration asks for (its part ``explain``), of a model that may be given apart.

    ``background``: rows to take if the configuration names none: a dataset, its address, or None. ``headers_from``: the
    environment variable with what goes with each request; ``trust``: whether a pickle is loaded. Raises ConfigError.
    """
    features = tuple(analysis.get("features", ()))
    if not features:
        raise ConfigError("nobody says what the model's features are; name them in the configuration's headers")
    rows = analysis.get("baseline", background)
    if rows is None:
        raise ConfigError(
            "nothing stands for an unknown feature; set shap.baseline in the configuration, or --background"
        )
    weights: tuple[float, ...] = ()
    if isinstance(rows, str | Dataset):
        dataset = rows if isinstance(rows, Dataset) else Dataset.at(rows, format_of(rows))
        batches = (batch for piece in dataset.pieces() for batch in dataset.rows(piece))
        rows, weights = explain.background_of(batches, features, analysis.get("num_clusters"), analysis.get("seed", 0))
    same = {name: analysis[name] for name in ("num_samples", "use_logit", "seed") if name in analysis}
    labels = tuple(map(str, analysis.get("label_headers", ())))
    at = model_named(analysis.get("model", {}), model)
    at = replace(at, trust=trust, exchange=replace(at.exchange, headers_from=headers_from))
    return Explainer(at, features, tuple(map(tuple, rows)), weights, label_headers=labels, **same)


def model_named(predictor: Mapping[str, Any], address: str | None) -> ModelAt:
    """A model by an address (http://, https://, sagemaker:NAME, python:DOTTED.PATH, else an artefact), or the endpoint
    of a ``predictor``, which also says how it is asked. Raises ConfigError if neither says where it is."""
    spoken = ("content_type", "accept_type", "content_template", "record_template", "label", "probability")
    exchange = Exchange(**{name: predictor[name] for name in spoken if name in predictor})
    more: dict[str, Any] = {
        name: predictor[name] for name in ("target_model", "custom_attributes") if name in predictor
    }
    if address is None:
        if "endpoint_name" not in predictor:
            raise ConfigError("the configuration names no running model; give --model, or predictor.endpoint_name")
        return ModelAt(sagemaker_endpoint=predictor["endpoint_name"], exchange=exchange, **more)
    kind, _, rest = address.partition(":")
    if kind in ("http", "https"):
        return ModelAt(url=address, exchange=exchange)
    if kind in ("sagemaker", "python"):
        named: dict[str, Any] = {"sagemaker_endpoint" if kind == "sagemaker" else "callable": rest}
        return ModelAt(**named, exchange=exchange, **more)
    return ModelAt(artefact=address, exchange=exchange)


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
