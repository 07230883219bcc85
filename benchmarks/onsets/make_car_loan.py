"""NannyML's car loans: answers and labels of a classification. The second half of the later ones is of other customers,
whom the model knows less of.

    make_car_loan.py FOLDER ROWS
"""

import sys
from pathlib import Path

from nannyml import load_synthetic_car_loan_dataset
from onset_files import write

folder, rows = Path(sys.argv[1]), int(sys.argv[2])
reference, analysis, labels = load_synthetic_car_loan_dataset()
analysis = analysis.merge(labels, on="id")
taken = {"y_pred": "prediction", "y_pred_proba": "score", "repaid": "label"}
sides = [side[[*taken]].astype({"repaid": int}).to_numpy(object).tolist() for side in (reference, analysis)]
windows = [sides[1][i : i + rows] for i in range(0, len(sides[1]), rows)]
half = len(windows) // 2
write(folder, [*taken.values()], sides[0], windows, [[]] * half + [["any"]] * (len(windows) - half))
