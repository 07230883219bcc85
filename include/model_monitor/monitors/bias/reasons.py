"""Why does a metric not exist? In our words, and in SageMaker's."""

from __future__ import annotations

from model_monitor.monitors.bias.metrics import Sides

NO_POSITIVE_PREDICTION = (
    "No Label values are present in the predicted Label Column,"
    "Positive Predicted Index Series contains all False values"
)
OTHER_TYPE = "Predicted Label Column series datatype is not the same as Label Column series"
NOT_NUMERIC = "FlipTest does not support non-numeric columns"
NO_GROUP = "Group variable is empty or not provided"
NO_COMMON_LABEL = "No instance of common facet found, dataset may be too small"
FALSE_NEGATIVES = (
    "All predicted labels are false negatives. There should be at least one prediction that is not false negative."
)

# SageMaker's words where side a, or side d, is empty, and the metrics for which it checks side a first.
EMPTY = {
    "CI": (
        "CI: negated facet set is empty. Check that x[~facet] has non-zero length.",
        "CI: facet set is empty. Check that x[facet] has non-zero length.",
    ),
    **dict.fromkeys(("DPL", "DPPL"), ("Negative facet set is empty.", "Facet set is empty.")),
    "DI": ("Negated facet set is empty", "Facet set is empty"),
    **dict.fromkeys(("DCA", "DCR"), ("DCO: Negated Facet set is empty", "DCO: Facet set is empty")),
    **dict.fromkeys(("DAR", "DRR"), ("DLR: Negated Facet set is empty", "DLR: Facet set is empty")),
    **dict.fromkeys(("RD", "SD"), ("DLA: Negated Facet set is empty", "DLA: Facet set is empty")),
    **dict.fromkeys(("AD", "TE", "FT"), ("Negated Facet set is empty", "Facet set is empty")),
}
A_FIRST = ("CI", "DPL", "DPPL", "DI")

OURS = {
    "KL": "one side lacks a label that the other has",
    "DI": "no row of the others is predicted positive",
    **dict.fromkeys(("DCA", "DAR"), "one side has no positive prediction"),
    **dict.fromkeys(("DCR", "DRR"), "one side has no negative prediction"),
    "RD": "one side has no positive label",
    "SD": "one side has no negative label",
    "TE": "one side has no false positive",
    "GE": "all predictions are false negatives",
    "CDDL": "all labels are positive, or none is",
    "CDDPL": "all predictions are positive, or none is",
}


def why_none(name: str, s: Sides) -> str:
    """Why a metric does not exist for these counts, each a scalar."""
    if not s.a.n + s.d.n:
        return "there is no row to judge"
    if name != "GE" and not s.d.n:
        return "no row has the facet's value"
    if name != "GE" and not s.a.n:
        return "all rows have the facet's value"
    return OURS.get(name, "there is no such number")


def why_none_in_sagemaker(name: str, s: Sides) -> str:
    """The same in SageMaker's words."""
    if not s.a.n + s.d.n:
        return "dataset must be non-empty"
    if name == "GE":
        return FALSE_NEGATIVES
    if name in ("CDDL", "CDDPL"):
        positives = s.a.positives + s.d.positives if name == "CDDL" else s.a.accepted + s.d.accepted
        return "No negative labels in set" if positives else "No positive labels in set"
    if name not in EMPTY:
        return NO_COMMON_LABEL
    sides = list(zip((s.a.n, s.d.n), EMPTY[name], strict=True))
    ordered = sides if name in A_FIRST else sides[::-1]
    return next((words for n, words in ordered if not n), "there is no such number")
