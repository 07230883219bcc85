"""The sections of an endpoint file: columns, ground truth, baseline, scripts and explanations."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationInfo, model_validator

from model_monitor.config.fields import (
    Address,
    Backwards,
    Duration,
    Separator,
    Settings,
    Share,
    anchored,
    folder_of_hours,
    refusing,
    with_format,
)
from model_monitor.errors import ConfigError
from model_monitor.rows.explanations import models
from model_monitor.rows.explanations.models import ModelAt
from model_monitor.rows.labels.table import LabelColumns, LabelTable


class Columns(Settings):
    """The names of the values in a CSV payload, in their order, and which of them are not judged."""

    outputs: tuple[str, ...] = Field((), description="Columns of the model's output; they come first")
    inputs: tuple[str, ...] = Field((), description="Columns of the model's input")
    exclude: tuple[str, ...] = Field((), description="Columns that no monitor judges")
    private: tuple[str, ...] = Field((), description="Columns of whose values reports say nothing, but how many")
    outputs_last: bool = Field(
        False, description="Whether outputs come after inputs, as in a baseline with its label last"
    )

    @property
    def names(self) -> tuple[str, ...]:
        """The names in the order of the columns."""
        return self.inputs + self.outputs if self.outputs_last else self.outputs + self.inputs

    @model_validator(mode="after")
    def _each_once(self) -> Columns:
        if reserved := [name for name in self.names if name.startswith("@")]:
            raise ValueError(f"{reserved}: names with @ in front are kept for the request; rename them")
        if twice := {name for name in self.names if self.names.count(name) > 1}:
            raise ValueError(f"{sorted(twice)} named more than once; give each column a name of its own")
        return self


class Offset(Settings):
    """A tick's window: ``[tick + start, tick + end)``, SageMaker's ``StartTimeOffset`` and ``EndTimeOffset``."""

    start: Backwards = Field(description="ISO 8601, not after the tick, e.g. -P8D")
    end: Backwards = Field(timedelta(0), description="ISO 8601, not after the tick, e.g. -P1D")

    @model_validator(mode="after")
    def _starts_before_it_ends(self) -> Offset:
        if self.start >= self.end:
            raise ValueError("start must be before end; for the day before yesterday write {start: -P2D, end: -P1D}")
        return self


class GroundTruth(Settings):
    """Where labels are, and when there are enough of them. A schedule's settings override the endpoint's."""

    uri: Address | None = Field(
        None,
        description="Folder above yyyy/mm/dd/hh/*.jsonl, by the hour of collection; of a table, its file or folder",
    )
    mapping: LabelColumns | None = Field(None, description="Of a table of labels: its columns id, label, event_time")
    format: Literal["csv", "jsonl", "parquet"] | None = Field(
        None, description="Of a table: recognised if absent; or SageMaker's description, e.g. {csv: {header: true}}"
    )
    header: bool | None = Field(None, description="Of a table in CSV: whether it starts with the columns' names; true")
    separator: Separator | None = Field(
        None, description="Of a table in CSV: one character between values, or tab; recognised if absent"
    )
    path: Annotated[str, AfterValidator(folder_of_hours)] | None = Field(
        None, min_length=1, description="Of a table: the folder of an hour or a day, e.g. date=%Y-%m-%d"
    )
    offset: Offset | None = Field(None, description="Judge an earlier window, whose labels have arrived")
    duplicates: Literal["all", "last"] = Field(
        "all", description="Of several labels of one request: all, as SageMaker does, or the one collected last"
    )
    minimum_coverage: Share = Field(0.5, description="Share of requests with a label below which nothing is judged")
    final_after: Duration = Field(
        timedelta(days=7), ge=timedelta(0), description="How long after its end a window waits for labels, ISO 8601"
    )

    @model_validator(mode="before")
    @classmethod
    def _format_may_be_sagemakers(cls, section: Any) -> Any:
        return with_format(section)

    @property
    def table(self) -> LabelTable | None:
        """How the table of labels is read; None if labels are SageMaker's records."""
        if self.mapping is None:
            return None
        return LabelTable(self.mapping, self.format, self.header is not False, self.separator, self.path or "")

    def check(self) -> None:
        """Raise ConfigError if there are settings of a table, but no table."""
        names = [name for name in ("format", "header", "separator", "path") if getattr(self, name) is not None]
        if names and self.mapping is None:
            raise ConfigError(f"{names[0]} is about a table of labels; add mapping: {{id: ..., label: ...}}")


class Baseline(Settings):
    """Where the baseline comes from: a dataset, or existing files."""

    dataset: Address | None = Field(None, description="A file or folder of rows to learn the baseline from")
    format: Literal["csv", "jsonl", "parquet"] | None = Field(
        None,
        description="Recognised if absent; or SageMaker's description, e.g. {csv: {header: true}} or "
        "{json: {lines: true}}",
    )
    header: bool = Field(
        True, description="Whether a CSV dataset starts with the columns' names; without, columns names them"
    )
    separator: Separator | None = Field(
        None, description="Between the values of a CSV dataset: one character, or tab; recognised if absent"
    )
    statistics: Address | None = Field(None, description="An existing statistics.json, instead of a learned one")
    constraints: Address | None = Field(None, description="An existing constraints.json, instead of a suggested one")
    approval: Literal["auto", "manual"] | None = Field(
        None,
        description="Whether a person approves each version (manual) or none (auto); if absent, all but the first",
    )
    stale_after: Duration | None = Field(
        None, gt=timedelta(0), description="Age at a window's end from which its version is stale, ISO 8601"
    )

    @property
    def has_constraints_only(self) -> bool:
        """Whether there is no other file, and no dataset, to tell what the constraints do not."""
        return self.constraints is not None and self.statistics is None and self.dataset is None

    @model_validator(mode="before")
    @classmethod
    def _format_may_be_sagemakers(cls, section: Any) -> Any:
        return with_format(section)

    @model_validator(mode="after")
    def _files_have_no_versions(self) -> Baseline:
        for name in ("approval", "stale_after"):
            if getattr(self, name) is not None and (self.statistics or self.constraints):
                raise ValueError(f"{name} is about learned versions, not about files of your own; leave it out")
        return self


class Preprocess(Settings):
    """A Python file with preprocess_handler(inference_record[, logger])."""

    script: Address = Field(description="The file")
    on_error: Literal["fail", "drop"] = Field(
        "fail", description="Whether a record on which the handler raises fails the run or is set aside"
    )
    sort_columns: bool = Field(False, description="Sort columns by name as text, as SageMaker does")


def usable(model: ModelAt, info: ValidationInfo) -> ModelAt:
    """A model at a single place; the path of an artefact counts from the folder of the endpoint file."""
    with refusing():
        models.check(model)
    if model.artefact is None or model.artefact.startswith(models.MLFLOW):
        return model
    return replace(model, artefact=anchored(model.artefact, info))


class Explain(Settings):
    """How a sample of each window's rows is explained, by calling the model again."""

    model: Annotated[ModelAt, AfterValidator(usable)] = Field(
        description="One of url, sagemaker_endpoint, artefact, callable; and how it is called"
    )
    connection: str | None = Field(None, description="The Airflow connection whose secret goes with each request")
    features: tuple[str, ...] = Field((), description="The model's features in its order; all inputs if absent")
    background: Address | tuple[tuple[float | str | None, ...], ...] | None = Field(
        None, description="Rows that stand for an unknown feature: a CSV file of them, or a list; else the baseline's"
    )
    num_clusters: int | None = Field(None, ge=1, description="Number of clusters that replace a larger background")
    num_samples: int | None = Field(None, ge=1, description="Sets of features tried per row; 2n + 2048 if absent")
    use_logit: bool = Field(False, description="Explain log-odds rather than probabilities")
    seed: int = Field(0, ge=0, lt=2**32, description="Seed of the choice of these sets")
    rows: int = Field(200, ge=1, description="Number of rows explained per window, chosen by event id")
    method: Literal["auto", "kernel", "tree", "linear"] = Field(
        "auto", description="Kernel SHAP, or the exact values of a tree or linear model; auto: exact where possible"
    )
    label_headers: tuple[str, ...] = Field((), description="Names of the model's outputs; label0, ... if absent")

    @model_validator(mode="after")
    def _each_feature_once(self) -> Explain:
        if twice := next((name for name in self.features if self.features.count(name) > 1), None):
            raise ValueError(f"features names '{twice}' twice; name each feature once")
        return self
