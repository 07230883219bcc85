"""Read SageMaker's ``analysis_config.json`` as options of the monitors of bias and of attributions."""

from model_monitor.sagemaker.analysis_config.reading import (
    SETTINGS,
    Analysis,
    at,
    explain_of,
    model_of,
    read,
    refuse_index_of_answer,
)

__all__ = ["SETTINGS", "Analysis", "at", "explain_of", "model_of", "read", "refuse_index_of_answer"]
