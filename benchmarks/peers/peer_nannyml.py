"""NannyML: univariate drift of all columns."""

from pathlib import Path

import nannyml
import pandas as pd
from timing import measured


def work(folder: Path) -> int:
    baseline, window = (pd.read_parquet(folder / f"{name}.parquet") for name in ("baseline", "window"))
    calculator = nannyml.UnivariateDriftCalculator(column_names=list(baseline.columns), chunk_number=1)
    return len(calculator.fit(baseline).calculate(window).to_df())


measured(work)
