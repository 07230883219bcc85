"""Explain a sample of rows: write how much each feature moved the model's answers, by asking the model again."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from model_monitor.core.batch import BATCH_ROWS, EVENT_ID, EVENT_TIME, EXPECTED_PREFIX
from model_monitor.errors import ConfigError, DataError
from model_monitor.rows.explanations import tables
from model_monitor.rows.explanations.background import Row, Value, background_of, table_of
from model_monitor.rows.explanations.exact_shap import ExactShap, Method, exact_of
from model_monitor.rows.explanations.kernel_shap import KernelShap, Predict, default_samples, samples_of
from model_monitor.rows.explanations.models import Model, ModelAt
from model_monitor.rows.explanations.opening import model_at
from model_monitor.rows.select import Selection
from model_monitor.rows.sources.row_groups import row_group, row_groups_of
from model_monitor.rows.summary import Summary, writing
from model_monitor.rows.times import TIME
from model_monitor.store.ahead import HERE, Loop

__all__ = ["Collected", "Explainer", "Row", "Value", "background_of", "cost", "explain"]

log = logging.getLogger(__name__)

ROWS_APART = 256  # that one task explains


@dataclass(frozen=True)
class Explainer:
    """How rows are explained.

    model: where the model is, and how to ask it.
    features: its columns, in its order; () for all.
    background: the rows, with ``features`` in order, that stand for "this feature is not known"; see ``background_of``.
        A number makes its feature numeric: what is captured as the text of a number is sent as a number.
    weights: of the background rows; () for equal ones.
    num_samples: how many sets of known features to try for a row; None for ``default_samples``.
    use_logit: attribute the log-odds of the answers (0..1) rather than the answers.
    seed: for drawing these sets. A row's attributions do not depend on which other rows are explained.
    rows: how many rows of a window to explain, at most; a smaller number is a subset of a larger one.
    method: "kernel" asks the model; "tree" and "linear" are the exact explainers for an artefact that allows it;
        "auto" takes an exact one where it gives the very values that Kernel SHAP estimates.
    label_headers: the names of the model's outputs; () for label0, label1, ...
    """

    model: ModelAt
    features: tuple[str, ...] = ()
    background: tuple[Row, ...] = ()
    weights: tuple[float, ...] = ()
    num_samples: int | None = None
    use_logit: bool = False
    seed: int = 0
    rows: int = 200
    method: Method = "auto"
    label_headers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Collected:
    """Files of collected rows, whose sample may be read elsewhere."""

    addresses: Iterable[str]
    selection: Selection
    loop: Loop

    def sample(self, names: Sequence[str], count: int) -> tuple[pa.Table, int]:
        pieces, selection = row_groups_of(self.addresses), self.selection
        if not self.loop.is_remote:
            return tables.sample(selection.of(b for piece in pieces for b in row_group(*piece)), names, count)
        return tables.sample_apart(pieces, lambda piece: selection.of(row_group(*piece)), names, count, self.loop)


def explain(
    batches: Iterable[pa.RecordBatch] | Collected,
    explainer: Explainer,
    target: str,
    origin: Mapping[str, Any],
    keep: Sequence[str] = (),
    headers: Mapping[str, str] | None = None,
) -> Summary:
    """Write a Parquet file with the attributions of a sample of rows; return its summary, which is also the footer.

    Columns: ``{label}|{feature}`` float64, by label and feature in order; ``@expected|{label}`` float64, constant;
    ``@event_id``, ``@event_time`` (null where the rows have none); and the columns of ``keep``, such as those of
    segments, as texts. ``summary.rows`` counts explained rows, ``summary.records`` all rows. The cost is logged before
    the model is asked; without rows it is not asked. Raises ConfigError, DataError, StoreError.
    """
    check(explainer)
    names = list(dict.fromkeys([*explainer.features, *keep])) if explainer.features else ()
    if isinstance(batches, Collected):
        loop, (rows, count) = batches.loop, batches.sample(names, explainer.rows)
    else:
        loop, (rows, count) = HERE, tables.sample(batches, names, explainer.rows)
    features = explainer.features or tuple(name for name in rows.column_names if not name.startswith("@"))
    summary = Summary(dict(origin), records=count, rows=rows.num_rows)
    attributed = attributed_by(rows, explainer, features, headers, loop) if rows.num_rows else {}
    explained = pa.table(attributed | identity_of(rows, keep))
    coded = [name for name in explained.column_names if name in keep or name.startswith(EXPECTED_PREFIX)]
    with writing(target, explained.schema, coded, summary) as writer:
        if rows.num_rows:
            writer.write_table(explained, BATCH_ROWS)
    return summary


def attributed_by(
    rows: pa.Table, explainer: Explainer, features: Sequence[str], headers: Mapping[str, str] | None, loop: Loop
) -> dict[str, pa.Array]:
    """The columns of attributions and of expected answers, for at least one row. Elsewhere, the model is asked about
    some rows by each of several tasks."""
    background, numeric = table_of(explainer.background, features)
    columns = [rows.column(name) for name in features]
    known = [
        tables.is_numeric(column) is not False if yes is None else yes
        for column, yes in zip(columns, numeric, strict=True)
    ]
    table = tables.matrix(columns, known)

    def work(part: np.ndarray) -> dict[str, pa.Array]:
        return attributions_of(part, background, explainer, features, headers)

    if not loop.is_remote:
        return work(table)
    parts = list(loop.each(work, (table[i : i + ROWS_APART] for i in range(0, len(table), ROWS_APART))))
    return {name: pa.concat_arrays([part[name] for part in parts]) for name in parts[0]}


def attributions_of(
    table: np.ndarray,
    background: np.ndarray,
    explainer: Explainer,
    features: Sequence[str],
    headers: Mapping[str, str] | None,
) -> dict[str, pa.Array]:
    """The same columns of the rows of a matrix."""
    if table.dtype != background.dtype:
        table, background = tables.as_objects(table), tables.as_objects(background)
    shap, describe = shap_of(explainer, features, background, headers)
    log.info("%s rows of %s features are explained; %s", len(table), len(features), describe(len(table)))
    expected = shap.expected()
    labels = labels_of(explainer, len(expected))
    values = shap.attributions(table, expected)
    attributions = {
        f"{label}|{n}": pa.array(values[:, i, d]) for d, label in enumerate(labels) for i, n in enumerate(features)
    }
    for label, answer in zip(labels, expected, strict=True):
        attributions[f"{EXPECTED_PREFIX}{label}"] = pa.array(np.full(len(table), answer))
    return attributions


def shap_of(
    explainer: Explainer, features: Sequence[str], background: np.ndarray, headers: Mapping[str, str] | None
) -> tuple[ExactShap | KernelShap, Callable[[int], str]]:
    """The explainer, and a description of how often a number of rows makes it ask the model."""
    model = model_at(explainer.model, headers)
    weights = np.array(explainer.weights or [1] * len(background), np.float64)
    weights /= weights.sum()
    exact = exact_of(model, features, explainer.method, explainer.use_logit, background, weights)
    if exact is not None:
        return exact, lambda rows: f"exactly, from {model.name} itself"
    samples = samples_for(explainer, len(features))

    def describe(rows: int) -> str:
        total = f"{cost(explainer, rows, len(features)):,} rows"
        return f"{model.name} will be asked with {total}: {rows:,} x {len(background):,} background x {samples:,}"

    predict = steady(model, features)
    return KernelShap(predict, background, weights, samples, explainer.seed, explainer.use_logit), describe


def steady(model: Model, features: Sequence[str]) -> Predict:
    """Ask the model; raise DataError once its answers have more or fewer outputs than before."""
    widths: set[int] = set()

    def predict(rows: np.ndarray) -> np.ndarray:
        answers = model.predict(rows, features)
        widths.add(answers.shape[1])
        if len(widths) > 1:
            numbers = " and ".join(map(str, sorted(widths)))
            raise DataError(f"model {model.name} gives now {numbers} numbers for a row; is another one being deployed?")
        return answers

    return predict


def samples_for(explainer: Explainer, features: int) -> int:
    """How many coalitions are tried for a row of ``features`` features, at most."""
    wanted = explainer.num_samples
    return default_samples(features) if wanted is None else samples_of(features, wanted)


def cost(explainer: Explainer, rows: int, features: int) -> int:
    """How many rows Kernel SHAP has answered, at most: rows x background x samples, plus both themselves."""
    background = len(explainer.background)
    return rows * background * samples_for(explainer, features) + rows + background


def check(explainer: Explainer) -> None:
    """Raise ConfigError for settings that can't be used."""
    if explainer.rows < 1:
        raise ConfigError(f"rows is how many rows are explained, at least 1, not {explainer.rows}")
    if not 0 <= explainer.seed < 2**32:
        raise ConfigError(f"a seed is a whole number from 0 to {2**32 - 1}, not {explainer.seed}")
    if explainer.num_samples is not None and explainer.num_samples < max(1, len(explainer.features)):
        raise ConfigError(
            f"num_samples is at least the number of features ({len(explainer.features)}), not {explainer.num_samples}: "
            "attributions of that many could not be told apart"
        )
    weights = explainer.weights
    if weights and (len(weights) != len(explainer.background) or min(weights) < 0 or not sum(weights) > 0):
        raise ConfigError("weights of background rows are one for each, none negative, not all zero")
    if odd := [label for label in explainer.label_headers if "|" in label or not label]:
        raise ConfigError(f"label_headers: {odd[0]!r} can't be empty or have a | in it")
    if len(set(explainer.label_headers)) < len(explainer.label_headers):
        raise ConfigError("label_headers names an output twice; give each a name of its own")


def labels_of(explainer: Explainer, outputs: int) -> tuple[str, ...]:
    """The names of the outputs. Raises ConfigError for another number of names."""
    names = explainer.label_headers or tuple(f"label{i}" for i in range(outputs))
    if len(names) != outputs:
        raise ConfigError(
            f"label_headers names {len(names)} outputs ({', '.join(names)}), but the model gives {outputs} numbers for "
            "a row; name each, or choose one with probability"
        )
    return names


def identity_of(rows: pa.Table, keep: Sequence[str]) -> dict[str, pa.Array]:
    """The request of each row, and the columns to keep."""
    absent = {EVENT_ID: pa.nulls(rows.num_rows, pa.string()), EVENT_TIME: pa.nulls(rows.num_rows, TIME)}
    request = {name: rows.column(name) if name in rows.column_names else nulls for name, nulls in absent.items()}
    request[EVENT_ID] = request[EVENT_ID].cast(pa.string())
    return request | {name: rows.column(name).cast(pa.string()) for name in keep if name in rows.column_names}
