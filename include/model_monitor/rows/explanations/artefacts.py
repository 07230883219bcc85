"""Models in this process: XGBoost boosters, scikit-learn estimators, MLflow models, and Python functions."""

from __future__ import annotations

import importlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from model_monitor import store
from model_monitor.errors import ConfigError, DataError
from model_monitor.rows.explanations.answers import asked
from model_monitor.rows.explanations.models import MLFLOW, Model

BOOSTERS = (".json", ".ubj", ".xgb")
PICKLES = (".pkl", ".pickle", ".joblib")


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


def missing(package: str, address: str) -> ConfigError:
    return ConfigError(f"{address} needs the package {package}, which is not installed: pip install {package}")


@dataclass(frozen=True)
class Booster:
    """An XGBoost model; it answers with the output of its objective, such as probabilities."""

    name: str
    native: Any

    def predict(self, rows: np.ndarray, features: Sequence[str]) -> np.ndarray:
        return asked(self.name, lambda: self.native.predict(self.matrix(rows, features)), len(rows))

    def matrix(self, rows: np.ndarray, features: Sequence[str]) -> Any:
        """Rows as a ``DMatrix``. Raises DataError for features that it did not learn, or texts."""
        import xgboost

        names, count = self.native.feature_names, self.native.num_features()
        if (names and list(names) != list(features)) or count != len(features):
            learned = ", ".join(names) if names else f"{count} without names"
            raise DataError(f"model {self.name} learned other features than it is asked with: {learned}; set features")
        try:
            numbers = rows.astype(np.float64)
        except ValueError as error:
            raise DataError(
                f"model {self.name} takes numbers only ({error}); set features to columns of numbers"
            ) from error
        return xgboost.DMatrix(numbers, feature_names=names)


def booster(address: str) -> Booster:
    try:
        import xgboost
    except ModuleNotFoundError as error:
        raise missing("xgboost", address) from error
    loaded = xgboost.Booster()
    try:
        loaded.load_model(bytearray(content_of(address)))
    except (xgboost.core.XGBoostError, ValueError) as error:
        raise ConfigError(f"{address} is no model of XGBoost: {str(error).splitlines()[0]}") from error
    return Booster(address, loaded)


@dataclass(frozen=True)
class Estimator:
    """A scikit-learn model. A classifier answers with the probability of its second class if it has two, else with
    those of all classes; any other model with the output of ``predict``."""

    name: str
    native: Any

    def predict(self, rows: np.ndarray, features: Sequence[str]) -> np.ndarray:
        return asked(self.name, lambda: self.answers(self.named(rows, features)), len(rows))

    def answers(self, rows: Any) -> np.ndarray:
        if not hasattr(self.native, "predict_proba"):
            return np.asarray(self.native.predict(rows))
        shares = np.asarray(self.native.predict_proba(rows))
        return shares[:, 1:] if shares.shape[1] == 2 else shares

    def named(self, rows: np.ndarray, features: Sequence[str]) -> Any:
        """Rows with column names if the model learned names, or if there are texts among them."""
        import pandas as pd

        learned = getattr(self.native, "feature_names_in_", None)
        if learned is None and rows.dtype != object:
            return rows
        table = pd.DataFrame(rows, columns=list(features)).infer_objects()
        return table if learned is None else table[list(learned)]


def estimator(address: str) -> Estimator:
    try:
        import joblib
    except ModuleNotFoundError as error:
        raise missing("scikit-learn", address) from error
    content = content_of(address)
    try:
        return Estimator(address, joblib.load(io.BytesIO(content)))
    except Exception as error:
        raise ConfigError(f"{address} can't be loaded: {type(error).__name__}: {error}") from error


@dataclass(frozen=True)
class MlflowModel:
    """An MLflow model of any flavour; it answers with the output of ``predict``."""

    name: str
    native: Any

    def predict(self, rows: np.ndarray, features: Sequence[str]) -> np.ndarray:
        import pandas as pd

        table = pd.DataFrame(rows, columns=list(features)).infer_objects()
        return asked(self.name, lambda: np.asarray(self.native.predict(table)), len(rows))


def mlflow_model(address: str) -> MlflowModel:
    try:
        from mlflow import exceptions, pyfunc
    except ModuleNotFoundError as error:
        raise missing("mlflow", address) from error
    try:
        return MlflowModel(address, pyfunc.load_model(address.removeprefix(MLFLOW)))
    except (exceptions.MlflowException, OSError) as error:
        raise ConfigError(f"{address} can't be loaded: {error}") from error


@dataclass(frozen=True)
class Function:
    """A user's Python function."""

    name: str
    call: Callable[..., Any]

    def predict(self, rows: np.ndarray, features: Sequence[str]) -> np.ndarray:
        return asked(self.name, lambda: self.call(rows, list(features)), len(rows))


def function(path: str) -> Function:
    """The function at a dotted path. Raises ConfigError."""
    module, _, name = path.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(f"there is no function at '{path}' ({error}); give its dotted path") from error
    if not callable(found):
        raise ConfigError(f"'{path}' is no function")
    return Function(path, found)
