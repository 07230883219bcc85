"""What does each task do? One verb per task; the operators and the command line call these."""

from model_monitor.jobs.retention.expiry import delete_expired
from model_monitor.jobs.verbs import (
    alert,
    collect_window,
    compute_metrics,
    evaluate_constraints,
    explain_window,
    merge_ground_truth,
    observe_baseline,
    publish_baseline,
    suggest_constraints,
)

__all__ = [
    "alert",
    "collect_window",
    "compute_metrics",
    "delete_expired",
    "evaluate_constraints",
    "explain_window",
    "merge_ground_truth",
    "observe_baseline",
    "publish_baseline",
    "suggest_constraints",
]
