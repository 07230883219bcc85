"""The algebra: States that add, measures read off them, bounds, findings. Imports nothing of the rest.

A public name is imported when it is first used: parsing a DAG needs ``Window``, and no NumPy.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from model_monitor.core import laws
    from model_monitor.core.constraints import Between, Constraint, Finding, Near, Unlearned, Within
    from model_monitor.core.evaluation import evaluate
    from model_monitor.core.measures import EVERYTHING, Estimate, Measures, Share, Subject, Undefined
    from model_monitor.core.monitor import Monitor, Traits, fold
    from model_monitor.core.segments import By, Segmented
    from model_monitor.core.states import (
        Comoments,
        Counts,
        Distinct,
        Keyed,
        Moments,
        Quantiles,
        Record,
        Sample,
        Scores,
        State,
    )
    from model_monitor.core.window import Window

__all__ = [
    "EVERYTHING",
    "Between",
    "By",
    "Comoments",
    "Constraint",
    "Counts",
    "Distinct",
    "Estimate",
    "Finding",
    "Keyed",
    "Measures",
    "Moments",
    "Monitor",
    "Near",
    "Quantiles",
    "Record",
    "Sample",
    "Scores",
    "Segmented",
    "Share",
    "State",
    "Subject",
    "Traits",
    "Undefined",
    "Unlearned",
    "Window",
    "Within",
    "evaluate",
    "fold",
    "laws",
]

HOMES = ("window", "monitor", "measures", "constraints", "evaluation", "states", "segments")


def __getattr__(name: str) -> Any:
    for home in HOMES if name in __all__ else ():
        if name in (names := vars(import_module(f"{__name__}.{home}"))):
            return names[name]
    if name == "laws":
        return import_module(f"{__name__}.laws")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
