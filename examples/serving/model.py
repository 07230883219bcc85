"""The served model: a small one that tells malignant tumours from benign ones.

The data is the Breast Cancer Wisconsin (Diagnostic) set that comes with scikit-learn (CC BY 4.0): 569 tumours with 30
measured features. One half is the training set; the other is the baseline, and what callers send.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

FEATURES = [str(name).replace(" ", "_") for name in load_breast_cancer().feature_names]
PREDICTION = "malignant"
FOLDER = Path(os.environ.get("SERVING_DEMO") or Path(__file__).resolve().parents[2] / ".demo/serving")


@cache
def halves() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Features of the training and the test set, then whether each tumour is malignant."""
    tumours = load_breast_cancer()
    return tuple(train_test_split(tumours.data, tumours.target == 0, test_size=0.5, random_state=0))  # type: ignore[return-value]


MODELS = {
    "forest": lambda: RandomForestClassifier(random_state=0),
    "boosted": lambda: HistGradientBoostingClassifier(random_state=0),
    "logistic": lambda: LogisticRegression(max_iter=1000),
}
MODEL = os.environ.get("SERVING_MODEL") or "forest"


def train() -> Pipeline:
    """A forest of 100 trees, which answers in 4 ms; or the model that SERVING_MODEL names in the environment: boosted
    trees (0.7 ms) or a logistic regression (0.2 ms)."""
    features, _, malignant, _ = halves()
    return make_pipeline(StandardScaler(), MODELS[MODEL]()).fit(features, malignant)


def request_bodies() -> list[bytes]:
    """The bodies of requests: one line of CSV each."""
    return [",".join(map(repr, row)).encode() + b"\n" for row in halves()[1].tolist()]


def predict(model: Pipeline, body: bytes) -> bytes:
    """A probability for each line of features. Raises ValueError if a line has another number of values."""
    rows = [[float(value) for value in line.split(b",")] for line in body.splitlines()]
    if not rows or any(len(row) != len(FEATURES) for row in rows):
        raise ValueError(f"a line has {len(FEATURES)} numbers, separated by commas")
    return b"".join(b"%.4f\n" % probability for probability in model.predict_proba(np.array(rows))[:, 1])
