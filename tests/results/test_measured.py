"""Which numbers of a window are written, and are their intervals right?"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from model_monitor.core.constraints import Between, Constraint, Unlearned
from model_monitor.core.distributions import Categories
from model_monitor.core.measures import EVERYTHING, Estimate, Measure, Share, Subject, Undefined
from model_monitor.core.monitor import Traits
from model_monitor.results.documents.protocol import encode
from model_monitor.results.measured import interval_of, measured

SEGMENT = (("country", "AT"),)


def named(measure: Measure, subject: Subject = EVERYTHING, **arguments: object) -> list[dict[str, object]]:
    constraints = [Constraint("check", subject, "m", Between(0.0))]
    return measured({(subject, "m"): measure}, constraints, Traits(), **arguments)["measures"]


@pytest.mark.parametrize("inside,n", [(0, 10), (3, 10), (10, 10), (1, 100_000)])
def test_the_interval_of_a_share_is_wilsons(inside: int, n: int) -> None:
    ci = stats.binomtest(inside, n).proportion_ci(0.95, method="wilson")
    assert [interval_of(Share(inside, n))[end] for end in ("low", "high")] == pytest.approx(
        [ci.low, ci.high], abs=1e-12
    )


def test_the_interval_of_an_estimate_is_its_error_to_both_sides() -> None:
    (entry,) = named(Estimate(0.8, 0.1, 50))
    assert [entry["low"], entry["high"]] == pytest.approx(list(stats.norm.interval(0.95, 0.8, 0.1)))
    assert entry["rows"] == 50


@pytest.mark.parametrize(
    "measure", [Undefined("no rows"), Share(0, 0), Estimate(math.inf, math.inf, 3), Estimate(math.nan, None), math.nan]
)
def test_a_number_that_is_none_is_written_as_null(measure: Measure) -> None:
    (entry,) = named(measure)
    assert entry["value"] is None and "low" not in entry
    encode({"measures": [entry]})


def test_a_reason_is_kept_and_a_distribution_is_no_number() -> None:
    assert named(Undefined("labels are pending"))[0]["reason"] == "labels are pending"
    assert named(Categories({"a": 3})) == [] == named(None)
    assert named(7)[0]["value"] == 7.0 and named(np.float64(0.5))[0]["value"] == 0.5


def test_a_name_that_the_baseline_lacks_is_left_out() -> None:
    known, other = Subject("age", SEGMENT), Subject("age", (("country", "a name"),))
    constraints = [Constraint("c", known, "m", Between(0.0)), Constraint("baseline", other, "m", Unlearned("new"))]
    numbers = {(known, "m"): 1.0, (other, "m"): 2.0, (Subject("extra"), "m"): 3.0}
    kept = measured(numbers, constraints, Traits())["measures"]
    assert [(entry["column"], entry["segment"], entry["value"]) for entry in kept] == [
        ("age", {"country": "AT"}, 1.0),
        ("extra", {}, 3.0),
    ]
    groups = {(Subject("Name = Ada"), "m"): 1.0, (Subject("Name = Bob"), "m"): 2.0}
    constraints = [Constraint("c", Subject("Name = Ada"), "m", Between(0.0))]
    kept = measured(groups, constraints, Traits(newcomer_check="bias_drift_check"))["measures"]
    assert [entry["column"] for entry in kept] == ["Name = Ada"]


def test_a_private_column_has_no_numbers() -> None:
    assert named(1.0, Subject("salary"), private=["salary"]) == []
    assert len(named(1.0, Subject("salary"), private=["age"])) == 1


def test_what_constraints_allow_a_number_together_is_written_beside_it() -> None:
    bounds = [Between(0.1), Between(0.2, 0.9), Between(high=math.inf)]
    constraints = [Constraint("check", EVERYTHING, "m", bound) for bound in bounds]
    (entry,) = measured({(EVERYTHING, "m"): 0.5}, constraints, Traits())["measures"]
    assert (entry["at_least"], entry["at_most"]) == (0.2, 0.9)
