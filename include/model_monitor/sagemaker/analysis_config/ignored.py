"""What in an ``analysis_config.json`` has no counterpart here, and what is done instead?"""

from __future__ import annotations

from collections.abc import Iterator

from model_monitor.sagemaker.analysis_config.schema import POST_TRAINING, PRE_TRAINING, Config, Methods, Predictor, Shap

FACETS = "facets are columns of the same rows: capture them with the request, and add them to the dataset"
PREDICTIONS = "predictions are a column of the dataset: add them to it"
OF_FILE = {
    "segment_config": "segments are the schedule's own: list the columns in its 'segments'",
    "facet_dataset_uri": FACETS,
    "facet_headers": FACETS,
    "predicted_label_dataset_uri": PREDICTIONS,
    "predicted_label_headers": PREDICTIONS,
    "joinsource_name_or_index": "no other datasets are joined, so this column is only left out of the features",
    "time_series_data_config": "time series are not analysed; rows are judged one by one",
}
OF_METHODS = {
    "pdp": "partial dependence is not drawn",
    "report": "the report's files have names of their own",
    "asymmetric_shapley_value": "time series are not explained",
}
OF_SHAP = {
    "features_to_explain": "all features are explained, for the drift is that of their order",
    "save_local_shap_values": "local values are always kept, as the window's explained rows",
    "text_config": "texts are not explained word by word; a text is one feature",
    "image_config": "images are not explained",
}
NO_SHADOW = "no shadow endpoint is made; the model that the schedule's 'explain' names is asked"
OF_PREDICTOR = {
    "endpoint_name_prefix": NO_SHADOW,
    "instance_type": NO_SHADOW,
    "initial_instance_count": NO_SHADOW,
    "accelerator_type": NO_SHADOW,
    "time_series_predictor_config": "time series are not forecast",
}
MODEL_NAME = "no shadow endpoint is made of a model; name the model's address in the schedule's 'explain'"
NO_CALL = (
    "the model is not called to judge bias; a baseline's dataset needs a column of its predictions, "
    "which 'predicted_label' names"
)
VECTOR = "a vector of probabilities is not read as one of these labels to judge bias; capture the predicted label too"


def ignored(config: Config) -> Iterator[str]:
    """A sentence for each such key that the file has, in the order of the schema: its place, and why it is ignored."""
    yield from sentences(config, OF_FILE)
    if config.dataset_type == "application/x-image":
        yield f"dataset_type: {OF_SHAP['image_config']}, and bias is judged of columns"
    methods = config.methods or Methods()
    yield from sentences(methods.shap or Shap(), OF_SHAP, "methods.shap.")
    asked = (methods.pre_training_bias, PRE_TRAINING), (methods.post_training_bias, POST_TRAINING)
    for name, (part, known) in zip(("pre_training_bias", "post_training_bias"), asked, strict=True):
        if part and part.methods != "all" and set(part.methods) < set(known):
            yield f"methods.{name}.methods: all {len(known)} metrics are measured, as SageMaker's monitor does"
    yield from sentences(methods, OF_METHODS, "methods.")
    yield from of_predictor(config)


def of_predictor(config: Config) -> Iterator[str]:
    predictor = config.predictor or Predictor()
    yield from sentences(predictor, OF_PREDICTOR, "predictor.")
    if predictor.model_name is not None and predictor.endpoint_name is None:
        yield f"predictor.model_name: {MODEL_NAME}"
    elif predictor.model_name is not None:
        yield "predictor.model_name: endpoint_name takes precedence"
    for name in ("content_type", "accept_type"):
        if str(getattr(predictor, name)).startswith(("image/", "application/x-npy")):
            yield f"predictor.{name}: {OF_SHAP['image_config']}"
    if config.facet and config.predictor and config.predicted_label is None:
        yield f"predictor: {NO_CALL}"
    if config.facet and predictor.label_headers and len(predictor.label_headers) > 1 and predictor.label is None:
        yield f"predictor.label_headers: {VECTOR}"


def sentences(part: Config | Methods | Shap | Predictor, why: dict[str, str], above: str = "") -> Iterator[str]:
    for name, reason in why.items():
        if getattr(part, name) is not None:
            yield f"{above}{name}: {reason}"
