"""NannyML: univariate drift of all columns, or realised performance by all of its metrics; default thresholds.

Its score is what its thresholds are made of: standard deviations from the mean of the reference's chunks.
"""

import os
import sys
import warnings
from pathlib import Path

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"
warnings.filterwarnings("ignore")

import nannyml
import pandas as pd
from onset_files import changed_in, tell

folder, task, way = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
windows = len(changed_in(folder))
baseline, live = (pd.read_csv(folder / f"{name}.csv") for name in ("baseline", "windows"))
chunk = {"chunk_size": len(live) // windows}
if task == "columns":
    calculator = nannyml.UnivariateDriftCalculator(column_names=list(baseline.columns), **chunk)
    subjects = {(name, "jensen_shannon"): name for name in baseline.columns}
else:
    metrics = ["roc_auc", "f1", "precision", "recall", "specificity", "accuracy"]
    names = {"y_true": "label", "y_pred": "prediction", "y_pred_proba": "score"}
    kind = nannyml.CBPE if way == "estimated" else nannyml.PerformanceCalculator
    calculator = kind(metrics=metrics, problem_type="classification_binary", **names, **chunk)
    subjects = {(name,): name for name in metrics}
calculator.fit(baseline)
result = calculator.estimate(live) if way == "estimated" else calculator.calculate(live)
before, after = (result.filter(period=period).to_df() for period in ("reference", "analysis"))
for i in range(windows):
    scores, alarms = {}, []
    for at, name in subjects.items():
        usual = before[(*at, "value")]
        scores[name] = float(abs(after[(*at, "value")].iloc[i] - usual.mean()) / usual.std(ddof=0))
        if after[(*at, "alert")].iloc[i]:
            alarms.append(name)
    tell(i, scores, alarms)
