"""SageMaker's schema of ``analysis_config.json`` (docs/sagemaker-formats.md, Bias), and which keys are unused here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError, WrapValidator, model_validator

from model_monitor.config import advice
from model_monitor.errors import ConfigError

INVALID = "Analysis configuration schema validation error."  # SageMaker's words

AsText = Literal["text/csv", "application/jsonlines", "application/json"]
DatasetType = Literal[AsText, "application/sagemakercapturejson", "application/x-parquet", "application/x-image"]
ContentType = Literal[AsText, "image/jpeg", "image/png", "application/x-npy"]
PRE_TRAINING = ("CDDL", "CI", "DPL", "JS", "KL", "KS", "LP", "TVD")
POST_TRAINING = ("AD", "CDDPL", "DAR", "DCA", "DCR", "DI", "DPPL", "DRR", "FT", "GE", "RD", "SD", "TE")

FACETS = "facets are columns of the same rows: capture them with the request, and add them to the dataset"
PREDICTIONS = "predictions are a column of the dataset: add them to it"
NO_IMAGES = "images are not explained"
NO_SHADOW = "no shadow endpoint is made; the model that the schedule's 'explain' names is asked"
MODEL_NAME = "no shadow endpoint is made of a model; name the model's address in the schedule's 'explain'"
JOINED = "no other datasets are joined, so this column is only left out of the features"
TIME_SERIES = "time series are not analysed; rows are judged one by one"
NO_CALL = (
    "the model is not called to judge bias; a baseline's dataset needs a column of its predictions, "
    "which 'predicted_label' names"
)
VECTOR = "a vector of probabilities is not read as one of these labels to judge bias; capture the predicted label too"


def expected(words: str) -> WrapValidator:
    """One complaint instead of one for each type that a value might have."""

    def validate(value: Any, check: Callable[[Any], Any]) -> Any:
        try:
            return check(value)
        except ValidationError as error:
            raise ValueError(f"{words} is expected, not {value!r}") from error

    return WrapValidator(validate)


def metrics(known: tuple[str, ...]) -> Any:
    names = Annotated[list[Literal[known]], Field(min_length=1)]  # type: ignore[valid-type]
    return Annotated[Literal["all"] | names, expected(f'"all" or a list of some of {", ".join(known)}')]


def unused(reason: str) -> Any:
    """A key without a counterpart here, and what is done instead."""
    return Field(None, description=reason)


Text = Annotated[str, Field(min_length=1)]
NameOrIndex = Annotated[Text | Annotated[int, Field(ge=0)], expected("a name or an index (0, 1, ...)")]
Scalar = Annotated[str | int | FiniteFloat, expected("a text or a finite number")]
RowList = Annotated[list[list[Any] | dict[str, Any]], Field(min_length=1)]
RowObject = Annotated[dict[str, Any], Field(min_length=1)]
Rows = Annotated[
    Text | RowObject | RowList, expected("a list of rows (lists or objects), an object or the address of a file")
]
Template = Annotated[str | dict[str, str], expected("a text or an object of texts")]


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
    seed: int | None = None
    features_to_explain: list[NameOrIndex] | None = unused("all features are explained, as the drift is of their order")
    save_local_shap_values: bool | None = unused("local values are always kept, as the window's explained rows")
    text_config: dict[str, Any] | None = unused("texts are not explained word by word; a text is one feature")
    image_config: dict[str, Any] | None = unused(NO_IMAGES)

    @model_validator(mode="after")
    def _has_one_background(self) -> Shap:
        if self.baseline is not None and self.num_clusters is not None:
            raise ValueError("baseline and num_clusters both say what the background is; leave one out")
        return self


class PreTraining(Part):
    methods: metrics(PRE_TRAINING)  # type: ignore[valid-type]


class PostTraining(Part):
    methods: metrics(POST_TRAINING)  # type: ignore[valid-type]


class Methods(Part):
    shap: Shap | None = None
    pre_training_bias: PreTraining | None = None
    post_training_bias: PostTraining | None = None
    pdp: dict[str, Any] | None = unused("partial dependence is not drawn")
    report: dict[str, Any] | None = unused("the report's files have names of their own")
    asymmetric_shapley_value: dict[str, Any] | None = unused("time series are not explained")


class Predictor(Part):
    endpoint_name: str | None = None
    endpoint_name_prefix: str | None = unused(NO_SHADOW)
    model_name: str | None = None
    target_model: str | None = None
    instance_type: str | None = unused(NO_SHADOW)
    initial_instance_count: int | None = unused(NO_SHADOW)
    accelerator_type: str | None = unused(NO_SHADOW)
    content_type: ContentType | None = None
    accept_type: AsText | None = None
    label: NameOrIndex | None = None
    probability: NameOrIndex | None = None
    label_headers: list[NameOrIndex] | None = None
    content_template: Template | None = None
    record_template: str | None = None
    custom_attributes: str | None = None
    time_series_predictor_config: dict[str, Any] | None = unused("time series are not forecast")

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
    segment_config: list[Segment] | None = unused("segments are the schedule's own: list the columns in its 'segments'")
    facet: list[Facet] | None = None
    facet_dataset_uri: str | None = unused(FACETS)
    facet_headers: list[str] | None = unused(FACETS)
    predicted_label_dataset_uri: str | None = unused(PREDICTIONS)
    predicted_label_headers: list[str] | None = unused(PREDICTIONS)
    excluded_columns: list[NameOrIndex] | None = None
    joinsource_name_or_index: NameOrIndex | None = unused(JOINED)
    group_variable: NameOrIndex | None = None
    time_series_data_config: dict[str, Any] | None = unused(TIME_SERIES)
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


def ignored(config: Config) -> Iterator[str]:
    """A sentence for each such key that the file has, in the order of the schema: its place, and why it is ignored."""
    yield from sentences(config)
    if config.dataset_type == "application/x-image":
        yield f"dataset_type: {NO_IMAGES}, and bias is judged of columns"
    methods = config.methods or Methods()
    yield from sentences(methods.shap or Shap(), "methods.shap.")
    for name, known in (("pre_training_bias", PRE_TRAINING), ("post_training_bias", POST_TRAINING)):
        part = getattr(methods, name)
        if part and part.methods != "all" and set(part.methods) < set(known):
            yield f"methods.{name}.methods: all {len(known)} metrics are measured, as SageMaker's monitor does"
    yield from sentences(methods, "methods.")
    yield from of_predictor(config)


def of_predictor(config: Config) -> Iterator[str]:
    predictor = config.predictor or Predictor()
    yield from sentences(predictor, "predictor.")
    if predictor.model_name is not None and predictor.endpoint_name is None:
        yield f"predictor.model_name: {MODEL_NAME}"
    elif predictor.model_name is not None:
        yield "predictor.model_name: endpoint_name takes precedence"
    for name in ("content_type", "accept_type"):
        if str(getattr(predictor, name)).startswith(("image/", "application/x-npy")):
            yield f"predictor.{name}: {NO_IMAGES}"
    if config.facet and config.predictor and config.predicted_label is None:
        yield f"predictor: {NO_CALL}"
    if config.facet and predictor.label_headers and len(predictor.label_headers) > 1 and predictor.label is None:
        yield f"predictor.label_headers: {VECTOR}"


def sentences(part: Part, above: str = "") -> Iterator[str]:
    for name, key in type(part).model_fields.items():
        if key.description and getattr(part, name) is not None:
            yield f"{above}{name}: {key.description}"
