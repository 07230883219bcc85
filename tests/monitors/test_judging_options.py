"""An option that only judges leaves the State as it is, so that stored States can be judged again by it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from model_monitor.config.monitors import class_of, monitor_of, option_names
from model_monitor.core.batch import EVENT_TIME
from model_monitor.core.states import dump
from model_monitor.monitors.traits import BUILT_IN

N = 300
OPTIONS: dict[str, dict[str, Any]] = {
    "data_quality": {},
    "model_quality": {"problem_type": "BinaryClassification", "probability_attribute": "score"},
    "bias": {"facets": [{"name": "g", "values": ["d"]}], "inference_attribute": "prediction"},
    "traffic": {},
    "attribution": {},
}
OTHERS: dict[str, Any] = {
    "false_alarm_budget": 0.2,
    "rules": {"numeric_threshold": 0.5},
    "check_non_negative": True,
    "strict_types": True,
    "numbers": ["score"],
    "texts": ["score"],
    "drift_threshold": 0.5,
    "effect_threshold": 0.5,
    "level": 0.5,
    "resamples": 200,
    "minimum_per_side": 3,
    "requests_tolerance": 0.5,
    "latency_tolerance": 0.5,
    "error_tolerance": 0.5,
    "ndcg_threshold": 0.5,
    "seed": 7,
}
JUDGED = {"model_quality": ["auc"], "bias": ["DPL"]}


def rows(monitor: str) -> pa.RecordBatch:
    chance = np.random.default_rng(0)
    score, number = chance.random(N), chance.normal(size=N)
    if monitor == "attribution":
        return pa.record_batch({"yes|a": number, "yes|b": score, "@expected|yes": np.full(N, 0.5)})
    first = datetime(2026, 1, 5, tzinfo=UTC)
    return pa.record_batch(
        {
            "@event_id": [str(i) for i in range(N)],
            EVENT_TIME: pa.array([first + timedelta(seconds=i) for i in range(N)], pa.timestamp("us", "UTC")),
            "@labelled": np.ones(N, bool),
            "g": np.where(chance.random(N) < 0.4, "d", "a"),
            "score": score.astype(str),
            "number": number.astype(str),
            "prediction": (score > 0.5).astype(int).astype(str),
            "label": (chance.random(N) < score).astype(int).astype(str),
        }
    )


JUDGING = [(name, option) for name in OPTIONS for option in sorted(BUILT_IN[name].judging)]


@pytest.mark.parametrize(("name", "option"), JUDGING)
def test_an_option_that_only_judges_leaves_the_state_as_it_is(name: str, option: str) -> None:
    other = JUDGED[name] if option == "judge" else OTHERS[option]
    one, two = monitor_of(name, OPTIONS[name]), monitor_of(name, OPTIONS[name] | {option: other})
    assert one != two and option in option_names(class_of(name))
    assert dump(one.observe(rows(name))) == dump(two.observe(rows(name)))


def test_every_monitor_with_a_budget_can_be_judged_again_by_another() -> None:
    for name, traits in BUILT_IN.items():
        assert ("false_alarm_budget" in traits.judging) is ("false_alarm_budget" in option_names(class_of(name)))
