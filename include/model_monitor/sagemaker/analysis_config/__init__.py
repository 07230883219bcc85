"""What does an ``analysis_config.json`` of the original ask of our monitors of bias and of feature attributions?"""

from model_monitor.sagemaker.analysis_config.reading import Analysis, at, read

__all__ = ["Analysis", "at", "read"]
