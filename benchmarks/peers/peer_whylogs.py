"""whylogs: a profile of each side, and drift scores of all columns between them."""

from pathlib import Path

import pandas as pd
import whylogs
from timing import measured
from whylogs.viz.drift.column_drift_algorithms import calculate_drift_scores


def work(folder: Path) -> int:
    baseline, window = (
        whylogs.log(pd.read_parquet(folder / f"{name}.parquet")).view() for name in ("baseline", "window")
    )
    return len(calculate_drift_scores(window, baseline))


measured(work)
