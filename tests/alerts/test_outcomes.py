"""What a report means for people: its kind of trouble, its cause, and how severe it is."""

from __future__ import annotations

from typing import Any

import pytest

from model_monitor.alerts.machine import SEVERITIES, Outcome
from model_monitor.alerts.outcomes import outcome_of, reason_in_general, violated
from model_monitor.config.alerts import KINDS, UNJUDGED, Mute
from model_monitor.core.window import Window
from model_monitor.jobs.people import is_muted

INFO, WARNING, CRITICAL = range(3)
WINDOW = {"start": "2026-01-05T03:00:00Z", "end": "2026-01-05T04:00:00Z"}
ABOUT = {"endpoint": "churn", "variant": "AllTraffic", "schedule": "dq", "monitor": "data_quality", "window": WINDOW}


def finding(check: str = "baseline_drift_check", column: str | None = "amount", **more: Any) -> dict[str, Any]:
    numbers = {"observed": 0.15, "threshold": 0.1, "measure": "distribution", "segment": {}, "outcome": "violated"}
    return {"check": check, "column": column, **numbers, **more}


def outcome(
    status: str = "CompletedWithViolations", *found: dict[str, Any], mutes: Any = (), **more: Any
) -> Outcome | None:
    document = {**ABOUT, "status": status, "reason": "", "findings": list(found), **more}

    def muted(*about: Any) -> bool:
        return is_muted(mutes, *about)

    return outcome_of(document, dict.fromkeys(KINDS, WARNING), muted)


@pytest.mark.parametrize(
    ("status", "more", "trouble"),
    [
        ("Completed", {}, ""),
        ("NoData", {}, "no_data"),
        ("Failed", {"reason": "no captures"}, "failed"),
        ("LabelsPending", {"labels": {"over": True}}, "labels_pending"),
    ],
)
def test_each_status_is_a_kind_of_its_own(status: str, more: dict[str, Any], trouble: str) -> None:
    found = outcome(status, **more)
    assert found is not None
    assert found.trouble == trouble


@pytest.mark.parametrize(
    ("status", "more"),
    [("BaselineMissing", {}), ("Undefined", {}), ("LabelsPending", {"labels": {"over": False}})],
)
def test_what_was_not_judged_says_only_that_rows_came(status: str, more: dict[str, Any]) -> None:
    found = outcome(status, **more, counts={"judged": 5})
    assert found and found.trouble == UNJUDGED
    assert outcome(status, **more, counts={"judged": 0}) is None


def test_a_baseline_that_is_too_old_is_a_kind_of_its_own_while_nothing_is_violated() -> None:
    old = finding("stale_baseline_check", None, outcome="undefined")
    found, drifted = outcome("Completed", old), outcome("CompletedWithViolations", old, finding())
    assert found and drifted
    assert (found.trouble, drifted.trouble) == ("stale_baseline", "violations")


@pytest.mark.parametrize(
    ("monitor", "check", "cause"),
    [
        ("data_quality", "baseline_drift_check", "data"),
        ("data-quality", "completeness_check", "data"),
        ("data_quality", "missing_column_check", "schema"),
        ("data_quality", "expectation_check", "rules"),
        ("model_quality", "LessThanThreshold", "quality"),
        ("traffic", "latency_check", "traffic"),
        ("my.own.Monitor", "my_check", "my.own.Monitor"),
    ],
)
def test_the_cause_is_the_same_for_schedules_with_the_same_reason(monitor: str, check: str, cause: str) -> None:
    found = outcome("CompletedWithViolations", finding(check), monitor=monitor)
    assert found and found.cause == cause


def test_a_change_of_the_schema_explains_all_that_follows_from_it() -> None:
    found = outcome(
        "CompletedWithViolations", *(finding(column=f"c{i}") for i in range(30)), finding("data_type_check")
    )
    assert found and (found.cause, len(found.subjects), found.severity) == ("schema", 31, CRITICAL)


@pytest.mark.parametrize(
    ("more", "severity"),
    [
        ({"observed": 0.19}, WARNING),
        ({"observed": 0.2}, CRITICAL),
        ({"observed": 0.3, "threshold": [0.7, 0.9]}, CRITICAL),
        ({"observed": 0.4, "threshold": [0.7, 0.9]}, WARNING),
        ({"observed": 0.0001, "threshold": 0.05, "distance": "chi_squared"}, WARNING),  # a p-value is no effect
        ({"observed": None}, WARNING),
        ({"observed": 5.0, "threshold": 0.0}, WARNING),  # nothing is twice nothing
        ({"check": "expectation_check", "severity": "info"}, INFO),
    ],
)
def test_a_strong_effect_counts_one_level_more_and_a_mild_rule_one_less(more: dict[str, Any], severity: int) -> None:
    found = outcome("CompletedWithViolations", finding(**more))
    assert found and SEVERITIES[found.severity] == SEVERITIES[severity]


def test_what_is_muted_is_no_violation_for_people() -> None:
    both = finding(), finding(column="country", observed=0.9)
    found = outcome("CompletedWithViolations", *both, mutes=[Mute(column="country")])
    nothing = outcome("CompletedWithViolations", *both, mutes=[Mute(check="baseline_drift_check")])
    assert found and nothing
    assert (found.trouble, found.subjects, found.severity) == ("violations", {"amount"}, WARNING)
    assert (nothing.trouble, nothing.severity) == ("", WARNING)


def test_the_strongest_violation_comes_first_after_changes_of_the_schema() -> None:
    document = {"findings": [finding(), finding(column="b", observed=0.9), finding("extra_column_check", None)]}
    found = violated(document, Window.of(**WINDOW), lambda *about: False)
    assert [entry["column"] for entry in found] == [None, "b", "amount"]


def test_two_schedules_that_fail_for_one_reason_have_one_cause() -> None:
    one = reason_in_general("s3://lake/churn/dq/2026: 12 of 30 records of dq can't be read", "dq")
    other = reason_in_general("s3://lake/churn/mq/2026: 7 of 90 records of mq can't be read", "mq")
    assert one == other
    assert one != reason_in_general("the store did not answer", "dq")
