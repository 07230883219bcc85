"""Does each mute name a check that there is, and is its day still to come?"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Literal, get_args

from model_monitor.config.alerts import Mute
from model_monitor.config.endpoint import Endpoint, Schedule

ALWAYS = ("set_aside_check", "stale_baseline_check", "usable_rows")
NAMED = 8  # checks in a message
MODES: tuple[Literal["calibrated", "sagemaker"], ...] = ("calibrated", "sagemaker")

Place = tuple[str | int, ...]


def mutes_in(endpoint: Endpoint) -> Iterator[tuple[Place, Mute, Sequence[Schedule]]]:
    """Each mute of a file, where it is, and the schedules that it is about."""
    sections: list[tuple[Place, Endpoint | Schedule, Sequence[Schedule]]] = [((), endpoint, endpoint.schedules)]
    sections += [(("schedules", i), one, [one]) for i, one in enumerate(endpoint.schedules)]
    for place, holder, schedules in sections:
        for i, mute in enumerate(holder.alerts.mute if holder.alerts else ()):
            yield (*place, "alerts", "mute", i), mute, schedules


def unknown_checks(endpoint: Endpoint) -> Iterator[tuple[Place, str]]:
    """The mutes of a check that no schedule has, each with its place and what there is."""
    for place, mute, schedules in mutes_in(endpoint):
        if mute.check and (problem := problem_of(mute.check, schedules)):
            yield (*place, "check"), problem


def problem_of(check: str, schedules: Iterable[Schedule]) -> str | None:
    """Why no schedule has such a check; None if one has, or may have."""
    known: dict[str, None] = {}
    for schedule in schedules:
        if (names := checks_of(schedule)) is None:
            return None
        known |= dict.fromkeys(names)
    if check in known or check in ALWAYS:
        return None
    meant = difflib.get_close_matches(check, known, 1) or difflib.get_close_matches(f"{check}_check", known, 1)
    guess = f"; did you mean '{meant[0]}'?" if meant else ""
    checks = [name for name in known if name.endswith(("_check", "Threshold"))]
    return f"there is no check '{check}'{guess}; there are {', '.join(checks[:NAMED])}, and the names of measures"


def checks_of(schedule: Schedule) -> list[str] | None:
    """The names of a schedule's checks and measures; None if a person's own code or rules give more."""
    names = names_by_monitor().get(schedule.monitor.replace("-", "_"))
    is_open = names is None or schedule.expectations or schedule.options.get("metrics")
    return None if is_open else list(names or ())


def names_by_monitor() -> Mapping[str, Sequence[str]]:
    """The names of checks and measures, as reports have them, by monitor; imports NumPy and Arrow."""
    from model_monitor.monitors import bias, data_quality
    from model_monitor.monitors.attribution import monitor as attribution
    from model_monitor.monitors.bias import metrics
    from model_monitor.monitors.model_quality import GREATER_THAN, LESS_THAN, PREDICTION_DRIFT, ModelQuality
    from model_monitor.monitors.model_quality.binary import AU_PRC
    from model_monitor.monitors.model_quality.options import ProblemType
    from model_monitor.monitors.traffic import Traffic

    requests = Traffic()
    measured = [name for _, name in requests.measure(requests.empty)]
    qualities = [ModelQuality(kind, 0, 0, compatibility=mode) for kind in get_args(ProblemType) for mode in MODES]
    return {
        "data_quality": (
            *(name for name in data_quality.PARTS),
            data_quality.MISSING_COLUMN,
            data_quality.EXTRA_COLUMN,
            data_quality.NON_NEGATIVE,
            *("columns", "types", "completeness", "values", "spread", "minimum"),
        ),
        "model_quality": (
            *(LESS_THAN, GREATER_THAN, PREDICTION_DRIFT),
            *(name for quality in qualities for name in quality.names),
            *(AU_PRC, "predictions", "coverage"),
        ),
        "bias": (bias.BIAS_DRIFT, *metrics.PRE, *metrics.POST),
        "attribution": (attribution.DRIFT, attribution.ATTRIBUTIONS),
        "traffic": (*(constraint.check for constraint in requests.suggest(requests.empty)), *measured),
    }


def notices_of_mutes(endpoint: Endpoint, today: date) -> Iterator[str]:
    """The mutes that are over, and those of a column that the endpoint does not declare."""
    for place, mute, schedules in mutes_in(endpoint):
        where, declared = ".".join(map(str, place)), endpoint.columns.names
        if mute.until is not None and mute.until <= today:
            yield f"{where} is over since {mute.until}: people are told again; remove it, or write a day to come"
        by_columns = all(one.monitor.replace("-", "_") == "data_quality" for one in schedules)
        if mute.column and by_columns and declared and mute.column not in declared:
            yield f"{where} is of the column '{mute.column}', which columns does not name"
