"""An ``analysis_config.json`` as options of the monitors of bias and attribution, and as a schedule's ``explain``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from model_monitor import store
from model_monitor.config.sections import Explain
from model_monitor.errors import ConfigError
from model_monitor.results.documents.protocol import decode
from model_monitor.sagemaker.analysis_config.headers import Header, present
from model_monitor.sagemaker.analysis_config.schema import Config, Predictor, Shap, ignored, validated

OF_SHAP = ("num_clusters", "num_samples", "use_logit", "seed")
SETTINGS = (*OF_SHAP, "features", "label_headers")
EXCHANGE = ("content_type", "accept_type", "content_template", "record_template", "label", "probability")
OF_ENDPOINT = ("target_model", "custom_attributes")
OF_MODEL = ("endpoint_name", *EXCHANGE, *OF_ENDPOINT)


@dataclass(frozen=True)
class Analysis:
    """What a file asks for, in our words. Keys that the file does not have are absent.

    bias, attribution: options of these monitors; indices of columns are names where there are headers.
    explain: settings of ``explain``; ``baseline`` is rows as lists, or an address, ``model`` is the ``predictor``.
    columns: of a request: ``inputs`` (names of a payload's values, in order) and ``exclude`` (not to be judged).
    headers: the names of a dataset's columns, in order.
    ignored: a sentence for each key without a counterpart here, with its place in the file.
    """

    bias: dict[str, Any] = field(default_factory=dict)
    attribution: dict[str, Any] = field(default_factory=dict)
    explain: dict[str, Any] = field(default_factory=dict)
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    headers: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    def options(self, monitor: str) -> dict[str, Any]:
        """The options of ``bias`` or ``attribution``. Raises ConfigError if the file is not for it."""
        if monitor == "bias":
            if "facets" not in self.bias:
                raise ConfigError(
                    "the analysis configuration has no 'facet'; name the column to compare, "
                    'e.g. "facet": [{"name_or_index": "Sex", "value_or_threshold": [0]}]'
                )
            return self.bias
        if monitor == "attribution":
            return self.attribution
        raise ConfigError(f"an analysis configuration is for bias and attribution, not for {monitor}")


def at(address: str, read_bytes: Callable[[str], bytes] = store.read) -> Analysis:
    """What a file asks for. Raises ConfigError that names the file and the place in it."""
    try:
        content = read_bytes(address)
    except FileNotFoundError as error:
        raise ConfigError(f"there is no {address}; correct the address of the analysis configuration") from error
    document = decode(content, address)
    try:
        return read(document)
    except ConfigError as error:
        raise ConfigError(f"{address}: {error}") from error


def read(document: Mapping[str, Any]) -> Analysis:
    """What a file's content asks for. Raises ConfigError."""
    config = validated(document)
    header = Header.of(config)
    return Analysis(
        bias=bias_of(config, header),
        attribution=present(agg_method=shap_of(config).agg_method),
        explain=explain_settings(config, header),
        columns=columns_of(config, header),
        headers=header.names,
        ignored=tuple(ignored(config)),
    )


def shap_of(config: Config) -> Shap:
    return (config.methods and config.methods.shap) or Shap()


def bias_of(config: Config, header: Header) -> dict[str, Any]:
    """The options of the monitor of bias. Whether a number is a value or a threshold is left to the data."""
    predictor = config.predictor or Predictor()
    group = config.group_variable
    is_path = header.paths.get("label") and config.dataset_type is None  # into ground-truth records
    truth = config.label if is_path or not header.names else header.label
    options = present(
        facets=facets_of(config, header),
        ground_truth_attribute=truth,
        inference_attribute=header.predicted or predictor.label,
        probability_attribute=predictor.probability if header.predicted is None else None,
        probability_threshold_attribute=config.probability_threshold,
        label_values_or_threshold=config.label_values_or_threshold,
        group_variable=None if group is None else header.name_or_index(group, "group_variable"),
    )
    return options if options.keys() & {"facets", "label_values_or_threshold", "group_variable"} else {}


def facets_of(config: Config, header: Header) -> list[dict[str, Any]] | None:
    if not config.facet:
        return None
    facets = []
    for i, facet in enumerate(config.facet):
        name = facet.name_or_index
        if name not in (config.facet_headers or []):
            name = header.name_or_index(name, f"facet.{i}.name_or_index", "Unable to locate the facet.")
        facets.append(present(name=name, value_or_threshold=facet.value_or_threshold))
    return facets


def excluded(config: Config, header: Header) -> list[str]:
    """The names of columns that the model does not get."""
    columns = config.excluded_columns or []
    if not header.names and any(isinstance(column, int) for column in columns):
        raise ConfigError("excluded_columns: an index needs 'headers' to count in; add them, or give names")
    join = config.joinsource_name_or_index
    names = [header.name(column, f"excluded_columns.{i}") for i, column in enumerate(columns)]
    return names + ([header.name(join, "joinsource_name_or_index")] if join is not None and header.names else [])


def columns_of(config: Config, header: Header) -> dict[str, tuple[str, ...]]:
    """Facets and the group are judged for bias even if the model does not get them."""
    left_out = excluded(config, header)
    bias = bias_of(config, header)
    bias_columns = [facet["name"] for facet in bias.get("facets", [])] + [bias.get("group_variable")]
    exclude = tuple(name for name in left_out if name not in bias_columns)
    return present(inputs=header.without(left_out) or None, exclude=exclude or None)


def explain_settings(config: Config, header: Header) -> dict[str, Any]:
    if not (config.methods and config.methods.shap):
        return {}
    shap, predictor = config.methods.shap, config.predictor or Predictor()
    features = header.without(excluded(config, header))
    return present(
        baseline=background(shap.baseline, features),
        **{name: getattr(shap, name) for name in OF_SHAP},
        features=features or None,
        label_headers=tuple(map(str, headers)) if (headers := predictor.label_headers) else None,
        model=present(**{name: getattr(predictor, name) for name in OF_MODEL}) or None,
    )


def background(baseline: Any, features: Sequence[str]) -> list[list[Any]] | str | None:
    """The rows that stand for an average input, as lists of values; or the address of a file of them."""
    if baseline is None or isinstance(baseline, str):
        return baseline
    rows, count = list(rows_in(baseline, features)), len(features)
    if odd := [i for i, row in enumerate(rows) if features and len(row) != count]:
        row, names = f"row {odd[0]} has {len(rows[odd[0]])} values", ", ".join(features)
        raise ConfigError(f"methods.shap.baseline: {row}, and there are {count} features: {names}")
    return rows


def rows_in(value: Any, features: Sequence[str]) -> Iterator[list[Any]]:
    """The rows in a list of rows, in an object ``{"instances": [{"features": [...]}]}``, or in one by feature names."""
    if isinstance(value, list):
        if value and not any(isinstance(item, list | dict) for item in value):
            yield value
        else:
            for item in value:
                yield from rows_in(item, features)
        return
    members = value if isinstance(value, dict) else {}
    nested = [member for member in members.values() if isinstance(member, list | dict)]
    if features and all(name in members for name in features):
        yield [members[name] for name in features]
    elif len(nested) == 1:
        yield from rows_in(nested[0], features)
    else:
        raise ConfigError(
            "methods.shap.baseline: can't tell where a row's features are; give rows as lists of values, "
            'e.g. "baseline": [[0.44, 0.52, 0.21]]'
        )


def refuse_index_of_answer(options: Mapping[str, Any]) -> None:
    """Raise ConfigError if a prediction in a dataset is an index that counts the values of a model's answer."""
    for key in ("label", "probability"):
        name = f"{'inference' if key == 'label' else key}_attribute"
        if isinstance(index := options.get(name), int):
            raise ConfigError(
                f"predictor.{key}: {index} counts the values of the model's answer, and a dataset has columns; name "
                f"the column of its predictions in predicted_label, or give --{name.replace('_', '-')} COLUMN"
            )


def explain_of(
    explain: Mapping[str, Any],
    address: str | None,
    background: str | None = None,
    headers_from: str | None = None,
    trust: bool = False,
) -> Explain:
    """The settings that ``Analysis.explain`` asks for, of a model that may have an address of its own.

    ``background`` is for a configuration without ``baseline``. Raises ConfigError.
    """
    if "features" not in explain:
        raise ConfigError("nobody says what the model's features are; name them in the configuration's headers")
    model = model_of(explain.get("model", {}), address)
    if model is None:
        raise ConfigError("the configuration names no running model; give --model, or predictor.endpoint_name")
    exchange = model.get("exchange", {}) | ({"headers_from": headers_from} if headers_from else {})
    settings = {name: explain[name] for name in SETTINGS if name in explain}
    settings |= {"model": model | {"trust": trust, "exchange": exchange}}
    try:
        return Explain.model_validate(settings | {"background": explain.get("baseline", background)})
    except ValidationError as error:
        problems = (f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors())
        raise ConfigError(f"the model can't be explained like this: {'; '.join(problems)}") from error


def model_of(predictor: Mapping[str, Any], address: str | None) -> dict[str, Any] | None:
    """The settings of a model by its address, else of the endpoint that a ``predictor`` names; None without either.

    An address is a URL, ``sagemaker:ENDPOINT``, ``python:DOTTED.PATH``, or else that of an artefact.
    """
    exchange = {name: predictor[name] for name in EXCHANGE if name in predictor}
    more = {"exchange": exchange} if exchange else {}
    kind, _, rest = (address or "").partition(":")
    if kind in ("http", "https"):
        return {"url": address, **more}
    if kind == "python":
        return {"callable": rest, **more}
    if address and kind != "sagemaker":
        return {"artefact": address}
    endpoint = rest if address else predictor.get("endpoint_name")
    of_endpoint = {name: predictor[name] for name in OF_ENDPOINT if name in predictor}
    return None if endpoint is None else {"sagemaker_endpoint": endpoint, **of_endpoint, **more}
