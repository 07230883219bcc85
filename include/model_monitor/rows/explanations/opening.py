"""Open the model at an address: behind an endpoint, in a file (of XGBoost, scikit-learn or MLflow), or a function."""

from __future__ import annotations

import importlib
import io
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from model_monitor import store
from model_monitor.errors import ConfigError, DataError, MonitorError
from model_monitor.rows.explanations.endpoints import HttpEndpoint, SageMakerEndpoint, checked, headers_of
from model_monitor.rows.explanations.models import MLFLOW, Model, ModelAt, check

BOOSTERS = (".json", ".ubj", ".xgb")
PICKLES = (".pkl", ".pickle", ".joblib")


def model_at(at: ModelAt, headers: Mapping[str, str] | None = None) -> Model:
    """The model at an address; ``headers`` go with each request over HTTP. Raises ConfigError, StoreError."""
    check(at)
    if at.url:
        return HttpEndpoint(at.url, at.exchange, headers_of(at.exchange, headers))
    if at.sagemaker_endpoint:
        return SageMakerEndpoint(at)
    return artefact(at.artefact, at.trust) if at.artefact else function(at.callable or "")


@dataclass(frozen=True)
class InProcess:
    """A model in this process, and how it is asked; ``native`` is what its library loaded."""

    name: str
    ask: Callable[[np.ndarray, Sequence[str]], Any]
    native: Any = None

    def predict(self, rows: np.ndarray, features: Sequence[str]) -> np.ndarray:
        try:
            answers = self.ask(rows, features)
        except MonitorError:
            raise
        except Exception as error:
            reason = traceback.format_exception_only(error)[-1].strip()
            raise DataError(
                f"model {self.name} failed on {len(rows):,} rows: {reason}; look at which columns it is asked with "
                "(features)"
            ) from error
        return checked(self.name, answers, len(rows))


def artefact(address: str, trust: bool) -> Model:
    """The model in a file. Raises ConfigError, StoreError."""
    name = store.name_of(address).lower()
    if name.endswith(BOOSTERS):
        return booster(address)
    if not address.startswith(MLFLOW) and not name.endswith(PICKLES):
        known = ", ".join([*BOOSTERS, *PICKLES])
        raise ConfigError(f"{address}: an artefact ends in one of {known}, or starts with {MLFLOW}")
    if not trust:
        raise ConfigError(
            f"{address} is a pickle, or holds one: loading it runs whatever code is in it. If you know who wrote it, "
            "and that nobody else can, set trust: true"
        )
    return mlflow_model(address) if address.startswith(MLFLOW) else estimator(address)


def content_of(address: str) -> bytes:
    try:
        return store.read(address)
    except FileNotFoundError as error:
        raise ConfigError(f"there is no model at {address}") from error


def imported(module: str, package: str, address: str) -> Any:
    """A module of a package that may not be installed. Raises ConfigError."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"{address} needs the package {package}, which is not installed: pip install {package}"
        ) from error


def booster(address: str) -> InProcess:
    """An XGBoost model; it answers with the output of its objective, such as probabilities."""
    xgboost = imported("xgboost", "xgboost", address)
    native = xgboost.Booster()
    try:
        native.load_model(bytearray(content_of(address)))
    except (xgboost.core.XGBoostError, ValueError) as error:
        raise ConfigError(f"{address} is no model of XGBoost: {str(error).splitlines()[0]}") from error

    def ask(rows: np.ndarray, features: Sequence[str]) -> Any:
        names, count = native.feature_names, native.num_features()
        if (names and list(names) != list(features)) or count != len(features):
            learned = ", ".join(names) if names else f"{count} without names"
            raise DataError(f"model {address} learned other features than it is asked with: {learned}; set features")
        try:
            numbers = rows.astype(np.float64)
        except ValueError as error:
            raise DataError(
                f"model {address} takes numbers only ({error}); set features to columns of numbers"
            ) from error
        return native.predict(xgboost.DMatrix(numbers, feature_names=names))

    return InProcess(address, ask, native)


def estimator(address: str) -> InProcess:
    """A scikit-learn model. A classifier answers with the probability of its second class if it has two, else with
    those of all classes; any other model with the output of ``predict``."""
    joblib = imported("joblib", "scikit-learn", address)
    content = content_of(address)
    try:
        native = joblib.load(io.BytesIO(content))
    except Exception as error:
        raise ConfigError(f"{address} can't be loaded: {type(error).__name__}: {error}") from error
    learned = getattr(native, "feature_names_in_", None)

    def ask(rows: np.ndarray, features: Sequence[str]) -> Any:
        inputs: Any = rows
        if learned is not None:
            inputs = table_of(rows, features)[list(learned)]
        elif rows.dtype == object:
            inputs = table_of(rows, features)
        if not hasattr(native, "predict_proba"):
            return native.predict(inputs)
        shares = np.asarray(native.predict_proba(inputs))
        return shares[:, 1:] if shares.shape[1] == 2 else shares

    return InProcess(address, ask, native)


def table_of(rows: np.ndarray, features: Sequence[str]) -> Any:
    """Rows as a data frame with column names."""
    import pandas as pd

    return pd.DataFrame(rows, columns=list(features)).infer_objects()


def mlflow_model(address: str) -> InProcess:
    """An MLflow model of any flavour; it answers with the output of ``predict``."""
    exceptions, pyfunc = (imported(f"mlflow.{name}", "mlflow", address) for name in ("exceptions", "pyfunc"))
    try:
        native = pyfunc.load_model(address.removeprefix(MLFLOW))
    except (exceptions.MlflowException, OSError) as error:
        raise ConfigError(f"{address} can't be loaded: {error}") from error
    return InProcess(address, lambda rows, features: native.predict(table_of(rows, features)), native)


def function(path: str) -> InProcess:
    """A user's Python function at a dotted path. Raises ConfigError."""
    module, _, name = path.rpartition(".")
    try:
        call = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(f"there is no function at '{path}' ({error}); give its dotted path") from error
    if not callable(call):
        raise ConfigError(f"'{path}' is no function")
    return InProcess(path, lambda rows, features: call(rows, list(features)))
