"""The ``explain`` of a schedule: how a model is explained, as an analysis configuration has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from model_monitor.config.sections import Explain
from model_monitor.errors import ConfigError

SETTINGS = ("num_clusters", "num_samples", "use_logit", "seed", "features", "label_headers")
EXCHANGE = ("content_type", "accept_type", "content_template", "record_template", "label", "probability")
OF_ENDPOINT = ("target_model", "custom_attributes")


def explain_of(
    explain: Mapping[str, Any],
    address: str | None,
    background: str | None = None,
    headers_from: str | None = None,
    trust: bool = False,
) -> Explain:
    """The settings that ``Analysis.explain`` asks for, of a model that may have an address of its own.

    background: the address of rows for a configuration without ``baseline``. headers_from: the environment variable
    with the headers of each request. trust: whether a pickle may be loaded. Raises ConfigError.
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
        problems = (f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
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
    if endpoint is None:
        return None
    return {
        "sagemaker_endpoint": endpoint,
        **{name: predictor[name] for name in OF_ENDPOINT if name in predictor},
        **more,
    }
