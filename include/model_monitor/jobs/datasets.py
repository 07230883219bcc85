"""Which dataset does a schedule learn its baseline from?"""

from __future__ import annotations

from model_monitor.config.execution import Assignment
from model_monitor.errors import ConfigError
from model_monitor.rows.sources.datasets import Dataset


def dataset_of(
    assignment: Assignment, address: str | None = None, format: str | None = None, header: bool | None = None
) -> Dataset:
    """The dataset to learn a schedule's baseline from, which arguments can replace. Raises ConfigError."""
    baseline = assignment.schedule.baseline
    if not (address := address or baseline.dataset):
        raise ConfigError(
            f"schedule '{assignment.schedule.name}' has no dataset to learn from; set baseline: {{dataset: ...}}"
        )
    columns = assignment.endpoint.columns
    return Dataset.at(
        address,
        format or baseline.format,
        baseline.header if header is None else header,
        separator=baseline.separator,
        exclude=columns.exclude,
        keeps_index=assignment.schedule.options.get("compatibility") == "sagemaker",
        declared=columns.names,
    )
