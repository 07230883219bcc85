"""Which model is asked, where it is, and how it is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol
from urllib.parse import urlsplit

from model_monitor.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np

WAYS = ("url", "sagemaker_endpoint", "artefact", "callable")  # the fields that locate a model
MLFLOW = "mlflow:"  # starts the address of an MLflow artefact

ContentType = Literal["text/csv", "application/json", "application/jsonlines"]


@dataclass(frozen=True)
class Exchange:
    """How rows are written for an endpoint, and where its answers' numbers are; as in SageMaker's ``predictor``.

    content_template: the body; of JSON with ``$records`` (the list of all rows), of JSON lines each row's line with
        ``$features``. None for the bare list.
    record_template: of JSON: one row, with ``$features`` (the list of its values), ``$features_kvp`` (an object), or
        ``"${name}"`` of a feature. None for the bare list of its values.
    accept_type: of the answer; None for the request's content type.
    probability, label: where the numbers are: of CSV the index of a column, of JSON a JMESPath into the whole answer
        (of JSON lines: into each line). ``probability`` wins; without both: all columns, or the whole answer.
    batch_rows, concurrency: rows in one request, and requests at once, at most.
    timeout_seconds: for a request's connection, for the start of its answer, and for the rest of it.
    retries: how often a request is sent again after 429, 5xx, or no whole answer, waiting longer each time.
    headers_from: the environment variable with headers to send, which may be secret, as a JSON object.
    """

    content_type: ContentType = "text/csv"
    accept_type: ContentType | None = None
    content_template: str | None = None
    record_template: str | None = None
    probability: str | int | None = None
    label: str | int | None = None
    batch_rows: int = 500
    concurrency: int = 4
    timeout_seconds: float = 60.0
    retries: int = 4
    headers_from: str | None = None


@dataclass(frozen=True)
class ModelAt:
    """Where a model is: exactly one of the first four.

    url: http:// or https://, without credentials.
    sagemaker_endpoint: the name of an endpoint; region and credentials are those of the environment, as boto3 has them.
    artefact: an address in the store: .json, .ubj, .xgb of an XGBoost booster; .pkl, .joblib of a scikit-learn model;
        or ``mlflow:`` and a URI of MLflow.
    callable: the dotted path of ``function(rows: 2-d array, features: list of names) -> rows x outputs``.
    trust: allow loading a pickle, which runs whatever code is in it.
    target_model, custom_attributes: passed on to SageMaker.
    """

    url: str | None = None
    sagemaker_endpoint: str | None = None
    artefact: str | None = None
    callable: str | None = None
    trust: bool = False
    target_model: str | None = None
    custom_attributes: str | None = None
    exchange: Exchange = field(default_factory=Exchange)


class Model(Protocol):
    """A model: it answers rows with numbers."""

    @property
    def name(self) -> str:
        """Its name in messages."""

    def predict(self, rows: np.ndarray, features: Sequence[str]) -> np.ndarray:
        """Rows (2-d, rows x features; float64, NaN where missing, or objects: float, str, None) to float64 numbers, all
        finite, rows x outputs. Raises DataError if the answers can't be used, StoreError if a retry may help."""


def check(at: ModelAt) -> None:
    """Raise ConfigError for settings that can't be used."""
    ways = [name for name in WAYS if getattr(at, name)]
    if len(ways) != 1:
        raise ConfigError(f"a model is at one of {', '.join(WAYS)}; given: {', '.join(ways) or 'none'}")
    if at.url:
        address = urlsplit(at.url)
        if address.scheme not in ("http", "https") or not address.hostname:
            raise ConfigError(f"url: '{address.scheme}' is not http:// or https:// and a host")
        if address.username or address.password:
            raise ConfigError("url: credentials belong into the environment, not an address; name it as headers_from")
    exchange = at.exchange
    if exchange.batch_rows < 1 or exchange.concurrency < 1 or exchange.retries < 0 or exchange.timeout_seconds <= 0:
        raise ConfigError("batch_rows and concurrency are at least 1, retries at least 0, timeout_seconds above 0")
