"""Analysis configurations, and how a test gives them to the command line and reads what it wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from model_monitor.__main__ import main

HEADERS = ["feature_0", "feature_1", "feature_2", "feature_3", "target"]
BACKGROUND = [0.4441164946610942, 0.5190374448171748, 0.20722795300473712]
FEATURES = ["feature_1", "feature_2", "feature_3"]
BIAS = {  # as the documentation has it for a monitor
    "version": "1.0",
    "headers": HEADERS,
    "label": "target",
    "label_values_or_threshold": [1],
    "facet": [{"name_or_index": "feature_1", "value_or_threshold": [1]}],
}
ATTRIBUTION = {  # likewise
    "version": "1.0",
    "headers": FEATURES,
    "methods": {
        "shap": {
            "baseline": [BACKGROUND],
            "num_samples": 100,
            "agg_method": "mean_abs",
        }
    },
    "predictor": {"model_name": "my_model", "instance_type": "ml.m5.xlarge", "initial_instance_count": 1},
}

NO_SHADOW = "predictor.instance_type: no shadow endpoint is made"


def run(*arguments: object) -> int:
    return main(list(map(str, arguments)))


def written(root: Path, name: str, document: dict[str, Any]) -> Path:
    (root / name).write_text(json.dumps(document))
    return root / name


def read(folder: Path, name: str = "analysis.json") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / name).read_text())
    return found


def violations(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read(folder, "constraint_violations.json")["violations"]
    return found


def people(n: int, seed: int, handicap: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Four features of which the second is 0 or 1, scores that are lower by a handicap where it is 1, and labels."""
    chance = np.random.default_rng(seed)
    features = chance.normal(size=(n, 4)).round(4)
    features[:, 1] = chance.integers(0, 2, n)
    score = np.clip(chance.random(n) - handicap * features[:, 1], 0, 1).round(4)
    return features, score, (chance.random(n) < score).astype(int)


def texts(rows: np.ndarray) -> list[str]:
    """Rows of a CSV; whole numbers are written as such."""
    return [",".join(f"{value:g}" for value in row) for row in rows.tolist()]
