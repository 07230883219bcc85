"""The keys of an ``analysis_config.json``, as SageMaker's schema has them (docs/sagemaker-formats.md, Bias)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from model_monitor.config import advice
from model_monitor.errors import ConfigError

INVALID = "Analysis configuration schema validation error."  # SageMaker's words

DatasetType = Literal[
    "text/csv",
    "application/jsonlines",
    "application/json",
    "application/sagemakercapturejson",
    "application/x-parquet",
    "application/x-image",
]
ContentType = Literal[
    "text/csv", "application/jsonlines", "application/json", "image/jpeg", "image/png", "application/x-npy"
]
PRE_TRAINING = ("CDDL", "CI", "DPL", "JS", "KL", "KS", "LP", "TVD")
POST_TRAINING = ("AD", "CDDPL", "DAR", "DCA", "DCR", "DI", "DPPL", "DRR", "FT", "GE", "RD", "SD", "TE")


def named(value: Any) -> Any:
    index = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if not index and not (isinstance(value, str) and value):
        raise ValueError(f"a name or an index (0, 1, ...) is expected, not {value!r}")
    return value


def scalar(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"a text or a number is expected, not {value!r}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"a finite number is expected, not {value!r}")
    return value


def rows(value: Any) -> Any:
    if isinstance(value, str | dict) and value:
        return value
    if isinstance(value, list) and value and all(isinstance(row, list | dict) for row in value):
        return value
    raise ValueError("a list of rows (lists or objects), an object or the address of a file is expected")


def metrics(known: tuple[str, ...]) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        listed = isinstance(value, list) and all(isinstance(name, str) and name in known for name in value)
        if value != "all" and not (listed and value):
            raise ValueError(f'"all" or a list of some of {", ".join(known)} is expected, not {value!r}')
        return value

    return check


def template(value: Any) -> Any:
    texts = value.values() if isinstance(value, dict) else [value]
    if value is not None and not all(isinstance(text, str) for text in texts):
        raise ValueError(f"a text is expected, or an object of texts, not {value!r}")
    return value


NameOrIndex = Annotated[str | int, BeforeValidator(named)]
Scalar = Annotated[str | int | float, BeforeValidator(scalar)]
Rows = Annotated[Any, BeforeValidator(rows)]


class Part(BaseModel):
    """An object of the file: no other keys, no number for a text, and null as if the key were absent."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Facet(Part):
    name_or_index: NameOrIndex
    value_or_threshold: list[Scalar] | None = None


class Segment(Part):
    name_or_index: NameOrIndex
    segments: list[list[Any]]
    config_name: str | None = None
    display_aliases: list[str] | None = None


class Shap(Part):
    baseline: Rows | None = None
    num_clusters: int | None = Field(None, ge=1)
    use_logit: bool | None = None
    num_samples: int | None = Field(None, ge=1)
    agg_method: Literal["mean_abs", "median", "mean_sq"] | None = None
    save_local_shap_values: bool | None = None
    seed: int | None = None
    features_to_explain: list[NameOrIndex] | None = None
    text_config: dict[str, Any] | None = None
    image_config: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _has_one_background(self) -> Shap:
        if self.baseline is not None and self.num_clusters is not None:
            raise ValueError("baseline and num_clusters both say what the background is; leave one out")
        return self


class PreTraining(Part):
    methods: Annotated[Any, BeforeValidator(metrics(PRE_TRAINING))]


class PostTraining(Part):
    methods: Annotated[Any, BeforeValidator(metrics(POST_TRAINING))]


class Methods(Part):
    shap: Shap | None = None
    pre_training_bias: PreTraining | None = None
    post_training_bias: PostTraining | None = None
    pdp: dict[str, Any] | None = None
    report: dict[str, Any] | None = None
    asymmetric_shapley_value: dict[str, Any] | None = None


class Predictor(Part):
    endpoint_name: str | None = None
    endpoint_name_prefix: str | None = None
    model_name: str | None = None
    target_model: str | None = None
    instance_type: str | None = None
    initial_instance_count: int | None = None
    accelerator_type: str | None = None
    content_type: ContentType | None = None
    accept_type: Literal["text/csv", "application/jsonlines", "application/json"] | None = None
    label: NameOrIndex | None = None
    probability: NameOrIndex | None = None
    label_headers: list[NameOrIndex] | None = None
    content_template: Annotated[Any, BeforeValidator(template)] = None
    record_template: str | None = None
    custom_attributes: str | None = None
    time_series_predictor_config: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _has_its_templates(self) -> Predictor:
        template = self.content_template
        if self.content_type == "application/jsonlines" and not (isinstance(template, str) and "$features" in template):
            raise ValueError(
                "content_type application/jsonlines needs a content_template with $features in it, "
                'e.g. "{\\"features\\":$features}"'
            )
        if self.content_type == "application/json" and (template is None or self.record_template is None):
            raise ValueError(
                "content_type application/json needs a content_template and a record_template, "
                'e.g. "{\\"instances\\":$records}" and "{\\"features\\":$features}"'
            )
        return self


class Config(Part):
    """The whole file. All keys are optional, so that the subsets for monitoring are the same schema."""

    version: Literal["1.0"] | None = None
    dataset_type: DatasetType | None = None
    dataset_uri: str | None = None
    headers: list[str] | None = None
    label: NameOrIndex | None = None
    predicted_label: NameOrIndex | None = None
    features: str | None = None
    label_values_or_threshold: list[Scalar] | None = None
    probability_threshold: float | None = None
    segment_config: list[Segment] | None = None
    facet: list[Facet] | None = None
    facet_dataset_uri: str | None = None
    facet_headers: list[str] | None = None
    predicted_label_dataset_uri: str | None = None
    predicted_label_headers: list[str] | None = None
    excluded_columns: list[NameOrIndex] | None = None
    joinsource_name_or_index: NameOrIndex | None = None
    group_variable: NameOrIndex | None = None
    time_series_data_config: dict[str, Any] | None = None
    methods: Methods | None = None
    predictor: Predictor | None = None

    @model_validator(mode="after")
    def _names_each_column_once(self) -> Config:
        headers = self.headers or []
        if twice := [name for i, name in enumerate(headers) if name in headers[:i]]:
            raise ValueError(f"headers has '{twice[0]}' twice; give each column a name of its own")
        return self


def validated(document: Mapping[str, Any]) -> Config:
    """The file's content, checked. Raises ConfigError that names each place that is wrong and what to write there."""
    try:
        return Config.model_validate(dict(document))
    except ValidationError as error:
        problems = advice.deepest(error.errors())
        raise ConfigError(f"{INVALID} {'; '.join(dict.fromkeys(map(sentence, problems)))}") from error


def sentence(problem: Any) -> str:
    """One validation problem: its place, and what is wrong there or what to write instead."""
    *place, last = [str(part) for part in problem["loc"]] or ["file"]
    where = ".".join([*place, last])
    if problem["type"] == "extra_forbidden":
        return f"{where}: unknown key '{last}'{advice.instead_of([*place, last], Config.model_json_schema())}"
    if problem["type"] == "missing":
        return f"{where}: '{last}' is missing; add it"
    message = problem["msg"].removeprefix("Value error, ")
    shown = f", not {problem['input']!r}" if problem["type"] != "value_error" else ""
    return f"{where}: {message}{shown}"
