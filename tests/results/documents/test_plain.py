"""A monitor that SageMaker does not have is written and read back whole."""

from __future__ import annotations

import pyarrow as pa
import pytest

from model_monitor.core.constraints import Between, Constraint
from model_monitor.core.evaluation import evaluate
from model_monitor.core.measures import Estimate, Share, Subject, Undefined
from model_monitor.core.segments import By
from model_monitor.errors import ConfigError
from model_monitor.monitors.data_quality import DataQuality
from model_monitor.results.documents import documents_of
from model_monitor.results.documents.data_quality import DataQualityDocuments
from model_monitor.results.documents.plain import constraint_of, shown, written
from model_monitor.results.documents.protocol import decode, encode


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


BOUNDS = [
    Between(low=0.5, level=0.01, drawn=Share(5, 10)),
    Between(high=2.0, level=0.01, drawn=Estimate(1.5, 0.25, 40)),
    Between(high=2.0, drawn=Estimate(1.5, None, 40)),
    Between(0.0, 1.0),
]


@pytest.mark.parametrize("bound", BOUNDS)
def test_a_bound_remembers_on_how_many_rows_it_rests(bound: Between) -> None:
    constraint = Constraint("x_check", Subject("x"), "x", bound)
    assert constraint_of(decode(encode(written(constraint)), "constraints.json")) == constraint


def test_a_measure_is_shown_with_its_error_or_with_why_there_is_none() -> None:
    assert shown(Estimate(0.5, 0.1, 40)) == {"value": 0.5, "error": 0.1, "n": 40}
    assert shown(Estimate(0.5)) == {"value": 0.5, "error": None, "n": 0}
    assert shown(Undefined("no row is positive")) == {"value": None, "reason": "no row is positive"}


def test_a_subclass_has_the_documents_of_its_base() -> None:
    class Strict(DataQuality):
        """A monitor of a user's own."""

    assert isinstance(documents_of(Strict()), DataQualityDocuments)
