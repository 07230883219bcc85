"""The monitor that judges as a schedule's job does: its options, and how it explains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from model_monitor.config.monitors import label_of
from model_monitor.errors import ConfigError
from model_monitor.sagemaker import analysis_config
from model_monitor.sagemaker.analysis_config import Analysis
from model_monitor.sagemaker.importing.definition import Definition
from model_monitor.sagemaker.importing.document import OfSchedule
from model_monitor.sagemaker.importing.files import on_s3
from model_monitor.sagemaker.importing.shapes import Json

MONITORS = {
    "DataQuality": "data_quality",
    "ModelQuality": "model_quality",
    "ModelBias": "bias",
    "ModelExplainability": "attribution",
}
ANSWERS = {"inference_attribute", "probability_attribute"}


def options_of(definition: Definition, analysis: Analysis | None, calibrated: bool, about: OfSchedule) -> Json:
    """The monitor's options. Raises ConfigError if they don't say what is judged."""
    options: Json = {} if calibrated else {"compatibility": "sagemaker"}
    if definition.kind == "DataQuality":
        return options | of_data_quality(definition, about)
    if definition.kind == "ModelQuality":
        return options | of_model_quality(definition, about)
    assert analysis is not None
    configured = analysis.options(MONITORS[definition.kind])
    if definition.kind == "ModelExplainability":
        return options | configured
    answers = definition.attributes
    if not ANSWERS & (answers.keys() | configured.keys()):
        raise no_answer(about)
    if ANSWERS & answers.keys():
        # What the schedule says of the captured answer wins: the file may describe the baseline's dataset.
        configured = {name: value for name, value in configured.items() if name not in ANSWERS}
    return options | configured | answers


def no_answer(about: OfSchedule) -> ConfigError:
    return ConfigError(
        f"schedule '{about.name}' has neither InferenceAttribute nor ProbabilityAttribute, the model's answer; add one "
        "to its EndpointInput or BatchTransformInput in the JSON, and give it with --from-json"
    )


def of_data_quality(definition: Definition, about: OfSchedule) -> Json:
    for name in ("FeaturesAttribute", "InferenceAttribute", "ProbabilityAttribute", "ProbabilityThresholdAttribute"):
        if name in definition.input:
            about.no_counterpart(name, "data quality judges every column; SageMaker leaves it unused, too")
    method = definition.environment.get("categorical_drift_method")
    if method is None:
        return {}
    if method not in ("LInfinity", "ChiSquared"):
        raise ConfigError(
            f"schedule '{about.name}': Environment.categorical_drift_method is LInfinity or ChiSquared, not '{method}'"
        )
    about.look(
        "options",
        f"Environment.categorical_drift_method {method} is that of the next baseline that is learned; for this one "
        "write it into monitoring_config.distribution_constraints of its constraints.json",
    )
    return {"rules": {"categorical_method": method}}


def of_model_quality(definition: Definition, about: OfSchedule) -> Json:
    problem = definition.app.get("ProblemType") or definition.environment.get("problem_type")
    if problem is None:
        raise ConfigError(
            f"schedule '{about.name}' has no ProblemType; add it to ModelQualityAppSpecification in the JSON, and give "
            "that with --from-json"
        )
    answers = definition.attributes
    if problem == "Regression" and "inference_attribute" not in answers:
        answers["inference_attribute"] = "0"
        about.look("options", "there is no InferenceAttribute; the first value of the answer is taken")
    if not ANSWERS & answers.keys():
        raise no_answer(about)
    label = definition.environment.get("ground_truth_attribute") or label_of({})
    if label in (answers.get("inference_attribute"), answers.get("probability_attribute")):
        label = "ground_truth"
        about.look("options", "the answer has the label's usual name; of labels in JSON name the key that holds them")
    truth = {} if label == label_of({}) else {"ground_truth_attribute": label}
    return {"problem_type": problem} | answers | truth


def explain_of(definition: Definition, analysis: Analysis, address: str | None, about: OfSchedule) -> Json:
    """``explain``: which model is asked, and how. Raises ConfigError if there is no model."""
    settings = analysis.explain
    explain = {"model": model_of(definition, settings.get("model", {}), address, about)}
    explain |= {name: settings[name] for name in analysis_config.SETTINGS if name in settings}
    background = settings.get("baseline")
    if isinstance(background, str):
        background = on_s3(background, "methods.shap.baseline")
    elif background is None:
        about.look("explain", "there is no shap.baseline; set background, or baseline: {dataset: ...} to cluster")
    if "features" not in explain:
        about.look("explain", "the analysis configuration has no headers; name the model's features, in its order")
    return explain | ({} if background is None else {"background": background})


def model_of(definition: Definition, predictor: Mapping[str, Any], address: str | None, about: OfSchedule) -> Json:
    """Where the model is: at the wished address, else the configuration's endpoint, else the monitored one."""
    model = analysis_config.model_of(predictor, address)
    if model is None and definition.is_batch:
        raise ConfigError(
            f"schedule '{about.name}' explains a model for which SageMaker makes an endpoint each time; give --model, "
            "its address as a URL, sagemaker:ENDPOINT, python:DOTTED.PATH or a file"
        )
    if model is None:
        remark = "no shadow endpoint is made, so the monitored one is asked, which captures these requests, too"
        about.look("explain", f"{remark}; to ask another one give --model, or edit this")
        model = analysis_config.model_of(predictor, f"sagemaker:{definition.input['EndpointName']}") or {}
    if "artefact" in model:
        about.look("explain", "if loading this model runs code that is in it, as a pickle does, it needs trust: true")
        return model
    names = {"probability_attribute": "probability", "inference_attribute": "label"}
    answers = {names[option]: value for option, value in definition.attributes.items() if option in names}
    if answers and not {"label", "probability"} & predictor.keys():
        model["exchange"] = model.get("exchange", {}) | answers
    return model
