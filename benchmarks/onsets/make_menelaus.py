"""Menelaus' example of batches: fifteen years, in five of which columns change. The first is the baseline.

make_menelaus.py FOLDER WINDOWS ROWS      WINDOWS of each later year, of ROWS rows
"""

import sys
from pathlib import Path

from menelaus.datasets import make_example_batch_data
from onset_files import write

CHANGED = {2009: "b", 2012: "cd", 2019: "h", 2020: "h", 2021: "hj"}  # e and f of 2015 only correlate
WITH_CONFIDENCE = (2019, 2020, 2021)

folder, windows, rows = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
years = make_example_batch_data().drop(columns="drift")
names = [name for name in years.columns if name != "year"]
drawn, changed = [], []
for year, part in years.groupby("year"):
    values = part[names].to_numpy().tolist()
    if year == 2007:
        baseline = values
        continue
    for i in range(windows):
        drawn.append(values[i * rows : (i + 1) * rows])
        changed.append([*CHANGED.get(year, ""), *(["confidence"] if year in WITH_CONFIDENCE else [])])
write(folder, names, baseline, drawn, changed)
