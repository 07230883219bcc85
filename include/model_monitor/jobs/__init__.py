"""What does each task do? Operators and the command line call a verb with an ``Execution`` or an ``Assignment``.

Each verb reads what the one before it wrote, writes its result whole or not at all, and returns its address. Doing it
again gives the same bytes. Only ``MonitorError`` is raised on purpose; violations are results.
"""

from model_monitor.jobs.alert import alert, alert_failure
from model_monitor.jobs.baseline import observe_baseline, suggest_constraints
from model_monitor.jobs.collect_window import collect_window
from model_monitor.jobs.compute_metrics import compute_metrics
from model_monitor.jobs.datasets import dataset_of
from model_monitor.jobs.deliver import deliver
from model_monitor.jobs.evaluate_constraints import evaluate_constraints
from model_monitor.jobs.explain_window import explain_window
from model_monitor.jobs.judge_window import judge_window, observe_window, rehearse
from model_monitor.jobs.late_labels import grown_windows
from model_monitor.jobs.learned import learned_in
from model_monitor.jobs.merge_ground_truth import merge_ground_truth
from model_monitor.jobs.propose_baseline import propose_baseline
from model_monitor.jobs.publish_baseline import decide_baseline, publish_baseline, reject_baseline
from model_monitor.jobs.publish_metrics import publish_metrics
from model_monitor.jobs.replay_windows import replay_windows
from model_monitor.jobs.retention.expiry import delete_expired
from model_monitor.jobs.retraining import reasons_against_retraining

__all__ = [
    "alert",
    "alert_failure",
    "collect_window",
    "compute_metrics",
    "dataset_of",
    "decide_baseline",
    "delete_expired",
    "deliver",
    "evaluate_constraints",
    "explain_window",
    "grown_windows",
    "judge_window",
    "learned_in",
    "merge_ground_truth",
    "observe_baseline",
    "observe_window",
    "propose_baseline",
    "publish_baseline",
    "publish_metrics",
    "reasons_against_retraining",
    "rehearse",
    "reject_baseline",
    "replay_windows",
    "suggest_constraints",
]
