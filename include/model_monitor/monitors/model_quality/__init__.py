"""Are the model's answers still as good as they were, now that the truth is known?"""

from model_monitor.monitors.model_quality.monitor import (
    GREATER_THAN,
    LESS_THAN,
    PREDICTION_DRIFT,
    ModelQuality,
)
from model_monitor.monitors.model_quality.state import Quality

__all__ = ["GREATER_THAN", "LESS_THAN", "PREDICTION_DRIFT", "ModelQuality", "Quality"]
