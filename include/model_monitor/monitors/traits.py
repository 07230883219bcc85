"""What do schedules and reports need to know of this project's monitors?

It is said here rather than in each class because importing a monitor brings NumPy and Arrow, which parsing a DAG must
not. A monitor of one's own says it in its class.
"""

from __future__ import annotations

from model_monitor.core.monitor import Traits

BUDGET = "false_alarm_budget"

BUILT_IN = {
    "data_quality": Traits(
        judging=frozenset(
            {BUDGET, "rules", "check_non_negative", "strict_types", "effect_threshold", "numbers", "texts"}
        ),
        judges_columns_apart=True,
    ),
    "model_quality": Traits(
        needs_labels=True,
        measured_without_labels=frozenset({"coverage", "predictions"}),
        judging=frozenset({BUDGET, "judge", "drift_threshold"}),
    ),
    "bias": Traits(
        needs_labels=True,
        measured_without_labels=frozenset({"coverage"}),
        newcomer_check="bias_drift_check",
        judging=frozenset({BUDGET, "judge", "level", "resamples", "minimum_per_side"}),
    ),
    "expectations": Traits(needs_baseline=False),
    "traffic": Traits(
        judges_requests=True,
        judges_silence=True,
        measured_without_labels=frozenset({"lost_share"}),
        judging=frozenset({BUDGET, "requests_tolerance", "latency_tolerance", "error_tolerance"}),
    ),
    "attribution": Traits(
        needs_explanations=True,
        newcomer_check="feature_attribution_drift_check",
        judging=frozenset({BUDGET, "ndcg_threshold", "level", "resamples", "seed"}),
    ),
}
