"""The files of segments: those of all rows stay as they were, and each segment has the same beside them."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pyarrow as pa
import pytest

from model_monitor.core.constraints import Between, Constraint
from model_monitor.core.evaluation import evaluate
from model_monitor.core.measures import Measures, Subject
from model_monitor.core.monitor import Monitor
from model_monitor.core.segments import By, Segmented
from model_monitor.core.states import Moments
from model_monitor.errors import ConfigError
from model_monitor.monitors.data_quality import DataQuality
from model_monitor.results.documents import documents_of
from model_monitor.results.documents.protocol import decode, encode
from model_monitor.results.execution import execution, summary
from model_monitor.results.handover import Evidence


@dataclass(frozen=True)
class Mean(Monitor[Moments]):
    """A monitor of a user's own."""

    column: str = "x"

    @property
    def empty(self) -> Moments:
        return Moments()

    def observe(self, batch: pa.RecordBatch) -> Moments:
        return Moments.of(batch.column(self.column).cast(pa.float64()).to_numpy())

    def measure(self, state: Moments) -> Measures:
        return {(Subject(self.column), "mean"): state.mean}

    def suggest(self, baseline: Moments):
        yield Constraint("mean_check", Subject(self.column), "mean", Between(high=baseline.mean))


MONITORS = [DataQuality(), DataQuality(compatibility="sagemaker"), Mean()]


def segmented(monitor, *names: str) -> Segmented:
    return Segmented(monitor, tuple(By(name, monitor) for name in names or ("origin", "carrier")))


def rows(origins: str = "JFK EWR", shift: int = 0) -> pa.RecordBatch:
    names = origins.split()
    return pa.record_batch(
        {
            "origin": [names[i % len(names)] for i in range(600)],
            "carrier": [("AA", "B6", None)[i // 7 % 3] for i in range(600)],
            "x": [str(i // 6 + shift * (i % 2)) for i in range(600)],
        }
    )


@pytest.mark.parametrize("monitor", MONITORS)
def test_what_is_about_all_rows_is_written_as_without_segments(monitor) -> None:
    state = segmented(monitor).observe(rows())
    documents, plain = documents_of(segmented(monitor)), documents_of(monitor)
    for written, alone in [
        (documents.statistics(state), plain.statistics(state.whole)),
        (documents.violations([], state), plain.violations([], state.whole)),
    ]:
        assert {key: value for key, value in written.items() if key != "segments"} == alone


@pytest.mark.parametrize("monitor", MONITORS)
def test_each_segment_has_the_members_of_its_rows_alone(monitor) -> None:
    state = segmented(monitor).observe(rows("EWR JFK"))
    written = documents_of(segmented(monitor)).statistics(state)["segments"]
    assert [entry["segment"] for entry in written] == [
        {"origin": "EWR"},
        {"origin": "JFK"},
        {"carrier": ""},
        {"carrier": "AA"},
        {"carrier": "B6"},
    ]
    alone = documents_of(monitor).statistics(state.by[0].items["JFK"])
    assert written[1] == {"segment": {"origin": "JFK"}} | alone


@pytest.mark.parametrize("monitor", MONITORS)
def test_constraints_survive_their_files_and_judge_the_same(monitor) -> None:
    s = segmented(monitor)
    before, after = s.observe(rows()), s.observe(rows("JFK LGA", shift=40))
    documents = documents_of(s)
    files = [decode(encode(d), "file") for d in (documents.statistics(before), documents.suggested(before))]

    def found(constraints) -> dict:
        findings = evaluate(constraints, s.measure(after))
        return {(f.constraint.check, f.constraint.subject): (f.outcome, f.observed, f.noise_floor) for f in findings}

    read = documents.constraints(*files)
    assert found(read) == found(s.suggest(before))
    assert {"violated", "undefined"} <= {outcome for outcome, _, _ in found(read).values()}
    levels = [[level for c in cs if (level := getattr(c.bound, "level", 0))] for cs in (read, s.suggest(before))]
    assert sorted(levels[0]) == pytest.approx(sorted(levels[1]))


def test_statistics_alone_are_a_baseline_of_the_segments_too() -> None:
    s = segmented(DataQuality())
    state, documents = s.observe(rows()), documents_of(s)
    alone = documents.constraints(documents.statistics(state), None)
    assert {(c.check, c.subject) for c in alone} == {(c.check, c.subject) for c in s.suggest(state)}


def test_sagemakers_files_ask_something_of_all_rows_only() -> None:
    state, plain = DataQuality().observe(rows()), documents_of(DataQuality())
    read = documents_of(segmented(DataQuality())).constraints(plain.statistics(state), plain.suggested(state))
    assert [(c.check, c.subject) for c in read] == [(c.check, c.subject) for c in DataQuality().suggest(state)]
    # Three spreads, three shares of missing values and two sets of categories: six, two and one part each.
    assert [c.bound.level for c in read if c.check == "baseline_drift_check"] == [6 * (0.01 / 26)] * 3


def test_a_segment_that_a_person_deleted_is_not_judged() -> None:
    s = segmented(DataQuality(), "origin")
    state, documents = s.observe(rows()), documents_of(s)
    suggested = documents.suggested(state)
    suggested["segments"] = [e for e in suggested["segments"] if e["segment"] != {"origin": "EWR"}]
    read = documents.constraints(documents.statistics(state), suggested)
    assert {c.subject.segment for c in read} == {(), (("origin", "JFK"),)}


def test_a_violation_of_a_segment_names_it_and_says_it_first() -> None:
    s = segmented(DataQuality(), "origin")
    before = s.observe(pa.record_batch({"origin": ["JFK", "EWR"] * 300, "x": ["1", "2"] * 300}))
    after = s.observe(pa.record_batch({"origin": ["JFK", "EWR"] * 300, "x": ["1.5", "2"] * 300}))
    documents = documents_of(s)
    read = documents.constraints(documents.statistics(before), documents.suggested(before))
    findings = evaluate(read, s.measure(after))
    found = documents.violations(findings, after)["violations"]
    [whole, part] = [v for v in found if v["constraint_check_type"] == "data_type_check"]
    assert (whole["feature_name"], part["feature_name"], part["segment"]) == ("x", "x", {"origin": "JFK"})
    assert "segment" not in whole
    assert whole["description"].startswith("Data type match requirement is not met.")
    assert part["description"].startswith("[origin=JFK] Data type match requirement is not met.")
    about = {"schedule": "dq", "window": {"start": "a", "end": "b"}}
    told = summary(execution(about, "CompletedWithViolations", "", Evidence(), 600, findings), "there", found)[
        "details"
    ]
    assert told[0].startswith("x: data_type_check: Data type match")
    assert [line for line in told if line.startswith("[origin=JFK] x: data_type_check: Data type match")]


def test_a_segment_that_is_gone_is_listed_without_rows() -> None:
    s = segmented(DataQuality(), "origin")
    before, after = s.observe(rows("JFK EWR")), s.observe(rows("JFK LGA"))
    written = documents_of(s).statistics(after, list(s.suggest(before)))["segments"]
    counts = {entry["segment"]["origin"]: entry["dataset"]["item_count"] for entry in written}
    assert counts == {"EWR": 0, "JFK": 300, "LGA": 300}
    assert {f["inferred_type"] for f in written[0]["features"]} == {"Unknown"}


def test_violations_of_a_segment_whose_columns_are_gone_are_written() -> None:
    s = segmented(Mean(), "origin")
    before, after = s.observe(rows("JFK EWR")), s.observe(rows("EWR LGA", shift=900))
    found = documents_of(s).violations(evaluate(s.suggest(before), s.measure(after)), after)["violations"]
    assert [(v["feature_name"], v.get("segment")) for v in found] == [("x", None)]
    assert found[0]["description"].startswith("mean is ")


WRONG = [
    ([{"features": []}], "must name one column and its value"),
    ({"origin": "JFK"}, "must be a list"),
    ([{"segment": {"origin": 7}}], "must name one column"),
    ([{"segment": {"tail": "N1"}}], "add 'tail' to its 'segments', or make the baseline again"),
    ([{"segment": {"origin": "JFK"}, "features": []}], "segment origin=JFK: no 'features'"),
    ([{"segment": {"origin": "JFK"}}] * 2, "segment origin=JFK is listed twice"),
]


@pytest.mark.parametrize(("segments", "says"), WRONG)
def test_segments_that_make_no_sense_are_refused(segments, says: str) -> None:
    documents = documents_of(segmented(DataQuality()))
    file = documents.suggested(segmented(DataQuality()).observe(rows())) | {"segments": segments}
    with pytest.raises(ConfigError, match=says):
        documents.constraints(None, json.loads(json.dumps(file)))
