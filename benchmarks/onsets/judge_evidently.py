"""Evidently: its presets for drift, or for a classification with tests against the reference; default thresholds.

The score is the distance by its threshold, or how many powers of ten a p-value is below it; of a metric, its change by
the fifth of the reference that is allowed.
"""

import math
import re
import sys
import warnings
from pathlib import Path

warnings.filterwarnings("ignore")

import pandas as pd
from evidently import BinaryClassification, DataDefinition, Dataset, Report
from evidently.presets import ClassificationQuality, DataDriftPreset
from onset_files import changed_in, tell

ALLOWED = 0.2
DRIFT = re.compile(r"ValueDrift\(column=(.*),method=(.*),threshold=(.*)\)")


def drift(window, baseline):
    scores, alarms = {}, []
    for metric in Report([DataDriftPreset()]).run(window, baseline).dict()["metrics"]:
        if found := DRIFT.fullmatch(metric["metric_name"]):
            column, method, threshold = found[1], found[2], float(found[3])
            value = max(float(metric["value"]), 1e-300)
            is_p_value = "p_value" in method
            scores[column] = math.log10(threshold / value) if is_p_value else value / threshold
            if value < threshold if is_p_value else value >= threshold:
                alarms.append(column)
    return scores, alarms


def metrics_of(frame):
    answers = BinaryClassification(target="label", prediction_labels="prediction", prediction_probas="score")
    definition = DataDefinition(
        classification=[answers], categorical_columns=["label", "prediction"], numerical_columns=["score"]
    )
    found = Report([ClassificationQuality()]).run(Dataset.from_pandas(frame, definition), None).dict()
    values = {metric["metric_name"].partition("(")[0]: metric["value"] for metric in found["metrics"]}
    return {name: float(value) for name, value in values.items() if isinstance(value, int | float)}


def quality(window, usual):
    now = metrics_of(window)
    scores = {name: abs(now[name] / before - 1) / ALLOWED for name, before in usual.items() if before}
    return scores, [name for name, score in scores.items() if score > 1]


folder, task = Path(sys.argv[1]), sys.argv[2]
windows = len(changed_in(folder))
baseline, live = (pd.read_csv(folder / f"{name}.csv") for name in ("baseline", "windows"))
rows = len(live) // windows
judge, against = (drift, baseline) if task == "columns" else (quality, metrics_of(baseline))
for i in range(windows):
    tell(i, *judge(live.iloc[i * rows : (i + 1) * rows].reset_index(drop=True), against))
