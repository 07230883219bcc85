"""Open the model at an address: behind an endpoint, in a file, or a function."""

from __future__ import annotations

from collections.abc import Mapping

from model_monitor.rows.explanations.artefacts import artefact, function
from model_monitor.rows.explanations.endpoints import HttpEndpoint, SageMakerEndpoint, headers_of
from model_monitor.rows.explanations.models import Model, ModelAt, check


def model_at(at: ModelAt, headers: Mapping[str, str] | None = None) -> Model:
    """The model at an address; ``headers`` go with each request over HTTP. Raises ConfigError, StoreError."""
    check(at)
    if at.url:
        return HttpEndpoint(at.url, at.exchange, headers_of(at.exchange, headers))
    if at.sagemaker_endpoint:
        return SageMakerEndpoint(at)
    return artefact(at.artefact, at.trust) if at.artefact else function(at.callable or "")
