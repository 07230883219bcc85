"""Does the model still listen to the same features as it did?"""

from model_monitor.monitors.attribution.monitor import (
    ATTRIBUTIONS,
    DRIFT,
    EXPECTED,
    Attribution,
    Explained,
    Moved,
    moved,
    ndcg,
)

__all__ = ["ATTRIBUTIONS", "DRIFT", "EXPECTED", "Attribution", "Explained", "Moved", "moved", "ndcg"]
