"""A monitor of which the original knows nothing is written and read back whole."""

from __future__ import annotations

import pyarrow as pa
import pytest

from model_monitor.core.constraints import evaluate
from model_monitor.core.monitor import By
from model_monitor.errors import ConfigError
from model_monitor.monitors.data_quality import DataQuality
from model_monitor.results.documents import decode, encode
from model_monitor.results.report import documents_of


def test_constraints_survive_their_file_and_judge_the_same() -> None:
    monitor = By("country", DataQuality(check_non_negative=True))
    before = monitor.observe(pa.record_batch({"country": ["fr", "de"] * 60, "age": [str(i) for i in range(120)]}))
    after = monitor.observe(pa.record_batch({"country": ["fr"] * 60, "age": [str(-i) for i in range(60)]}))
    documents = documents_of(monitor)
    read = documents.constraints(None, decode(encode(documents.suggested(before)), "constraints.json"))
    own = evaluate(monitor.suggest(before), monitor.measure(after))
    found = evaluate(read, monitor.measure(after))
    assert [(f.outcome, f.observed, f.noise_floor) for f in found] == [
        (f.outcome, f.observed, f.noise_floor) for f in own
    ]
    told = documents.violations(found, after)["violations"]
    assert {v["feature_name"] for v in told} >= {"age [country=fr]"}
    assert {f.outcome for f in found if ("country", "de") in f.constraint.subject.segment} == {"undefined"}
    assert decode(encode(documents.statistics(after)), "statistics.json")["measures"]


def test_a_constraint_that_can_not_be_read_is_refused() -> None:
    documents = documents_of(By("country", DataQuality()))
    with pytest.raises(ConfigError, match="can't be read"):
        documents.constraints(None, {"constraints": [{"check": "x"}]})
