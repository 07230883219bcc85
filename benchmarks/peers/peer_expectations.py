"""Great Expectations: completeness, range and set of each column, learned from the baseline; it has no drift."""

from pathlib import Path

import great_expectations as gx
import great_expectations.expectations as gxe
import pandas as pd
from timing import measured


def work(folder: Path) -> int:
    baseline, window = (pd.read_parquet(folder / f"{name}.parquet") for name in ("baseline", "window"))
    context = gx.get_context(mode="ephemeral")
    suite = gx.ExpectationSuite(name="learned")
    for name, column in baseline.items():
        suite.add_expectation(gxe.ExpectColumnValuesToNotBeNull(column=name, mostly=float(column.notna().mean())))
        if pd.api.types.is_numeric_dtype(column):
            low, high = float(column.min()), float(column.max())
            suite.add_expectation(gxe.ExpectColumnValuesToBeBetween(column=name, min_value=low, max_value=high))
        else:
            values = column.dropna().unique().tolist()
            suite.add_expectation(gxe.ExpectColumnValuesToBeInSet(column=name, value_set=values))
    asset = context.data_sources.add_pandas("rows").add_dataframe_asset("window")
    definition = asset.add_batch_definition_whole_dataframe("whole")
    return len(definition.get_batch({"dataframe": window}).validate(suite).results)


measured(work)
