"""The metrics of a multiclass classification, by name."""

from __future__ import annotations

from typing import Literal

from model_monitor.core.measures import Estimate, Measure, Share, Undefined
from model_monitor.monitors.model_quality.binary import CONSTANT, HINT
from model_monitor.monitors.model_quality.classification import (
    WEIGHTED,
    Table,
    sagemaker_multiclass,
    share_error,
    weighted,
    weighted_error,
)
from model_monitor.monitors.model_quality.outcomes import Classified
from model_monitor.monitors.values import listed

NAMES = ("accuracy", *WEIGHTED)
BETTER: dict[str, Literal["higher", "lower"]] = dict.fromkeys(NAMES, "higher")


def names() -> list[str]:
    """SageMaker's metrics in its order."""
    return [*NAMES, *(f"{name}{CONSTANT}" for name in NAMES)]


def why_none(state: Classified, classes: tuple[str, ...]) -> Undefined | None:
    """Why nothing can be measured: predictions have other labels than the truth; None if they have not."""
    pairs = list(state.table())
    truths, answers = {truth for truth, _, _ in pairs}, {str(answer) for _, answer, _ in pairs}
    if truths & answers or truths | answers <= set(classes):
        return None
    return Undefined(f"truth is {listed(truths)} and predictions are {listed(answers)}: no label in common{HINT}")


def table_of(state: Classified) -> Table:
    return Table.of({(truth, str(answer)): n for truth, answer, n in state.table()})


def as_sagemaker(t: Table) -> dict[str, Measure]:
    constant = sagemaker_multiclass(t.constant())
    return {**sagemaker_multiclass(t), **{f"{name}{CONSTANT}": value for name, value in constant.items()}}


def metrics(t: Table) -> dict[str, Measure]:
    """By JSON name; of at least one row."""
    constant = t.constant()
    right, best = int(t.hits.sum()), int(constant.hits.sum())
    return {
        "accuracy": Share(right, t.n),
        f"accuracy{CONSTANT}": Estimate(best / t.n, share_error(best, t.n), t.n),
        **{
            f"{name}{suffix}": Estimate(weighted(table, term), weighted_error(table, term), t.n)
            for name, term in WEIGHTED.items()
            for suffix, table in (("", t), (CONSTANT, constant))
        },
    }
