"""Evidently: a report of data drift over all columns."""

from pathlib import Path

import pandas as pd
from evidently import Report
from evidently.presets import DataDriftPreset
from timing import measured


def work(folder: Path) -> int:
    baseline, window = (pd.read_parquet(folder / f"{name}.parquet") for name in ("baseline", "window"))
    return len(Report([DataDriftPreset()]).run(window, baseline).dict()["metrics"])


measured(work)
