"""Which settings of an endpoint file are those of some schedules of the original?"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from model_monitor.errors import ConfigError
from model_monitor.sagemaker.analysis_config import Analysis
from model_monitor.sagemaker.importing.addresses import on_s3
from model_monitor.sagemaker.importing.columns import Used, columns_of, used_by
from model_monitor.sagemaker.importing.definition import Definition, definition_of
from model_monitor.sagemaker.importing.files import Files, analysis_of, baseline_of, scripts_of
from model_monitor.sagemaker.importing.left_out import tell_what_is_left
from model_monitor.sagemaker.importing.monitors import ANALYSED, MONITORS, explain_of, options_of
from model_monitor.sagemaker.importing.pieces import Source
from model_monitor.sagemaker.importing.remarks import OfSchedule, Remarks
from model_monitor.sagemaker.importing.shapes import Json
from model_monitor.sagemaker.importing.times import times_of
from model_monitor.sagemaker.importing.traffic import Traffic, traffic_of
from model_monitor.store.addresses import NAME

BESIDE = "-model-monitor"  # how the output folder is called, behind the name of the original's


@dataclass(frozen=True)
class Wishes:
    """What is not in the original's documents, or shall be otherwise; None or {} where nobody said.

    analysis: files of analysis configurations by a schedule's name, or one for all under "".
    model: the model that explains itself. calibrated: decide as we do by default, not as the original.
    """

    endpoint: str | None = None
    capture_uri: str | None = None
    variant: str | None = None
    output: str | None = None
    ground_truth: str | None = None
    analysis: Mapping[str, str] = field(default_factory=dict)
    model: str | None = None
    calibrated: bool = False


@dataclass(frozen=True)
class Imported:
    """The settings of an endpoint file, in its order, and what a person should know of them."""

    settings: Json
    remarks: Remarks


def imported(names: Sequence[str], source: Source, files: Files, wishes: Wishes) -> Imported:
    """The endpoint file of some schedules. Raises ConfigError if a part of them is missing, or there can be no such
    file; StoreError."""
    remarks = Remarks()
    kept: list[tuple[Json, Definition]] = []
    for name in dict.fromkeys(names):
        if not re.fullmatch(NAME, name):
            raise ConfigError(f"'{name}' is no name of a schedule; letters, digits and hyphens, at most 63")
        schedule = source.schedule(name)
        definition = definition_of(schedule, source)
        if definition.custom_image:
            remarks.no_counterpart(
                f"schedule {name}",
                f"it runs a container of your own ({definition.custom_image}), which has no counterpart, so it is left "
                "out; make a monitor of it (docs/custom-monitor.md)",
            )
        else:
            kept.append((schedule, definition))
    if not kept:
        raise ConfigError(f"there is nothing to import: {'; '.join(remarks.without)}")
    traffic = traffic_of([definition for _, definition in kept], kept[0][0], source, wishes, remarks)
    schedules, used = [], []
    for i, (schedule, definition) in enumerate(kept):
        about = remarks.of(i, schedule["MonitoringScheduleName"])
        settings, analysis = schedule_of(schedule, definition, source, files, wishes, about)
        schedules.append(settings)
        used.append(used_by(definition, settings, analysis, about))
    for place in source.unknown:
        remarks.no_counterpart(place, "AWS's own description of its API does not have it; it is passed over")
    return Imported(file_of(traffic, schedules, used, kept, wishes, files, remarks), remarks)


def file_of(
    traffic: Traffic,
    schedules: list[Json],
    used: list[Used],
    kept: list[tuple[Json, Definition]],
    wishes: Wishes,
    files: Files,
    remarks: Remarks,
) -> Json:
    columns = columns_of(used, remarks)
    return (
        traffic.settings(files)
        | ({"columns": columns} if columns else {})
        | {"output": output_of([definition for _, definition in kept], wishes, files, remarks)}
        | {"schedules": schedules}
    )


def output_of(definitions: Sequence[Definition], wishes: Wishes, files: Files, remarks: Remarks) -> str:
    """The folder that everything is written to: beside the original's reports, unless somebody says otherwise.

    The original's own would be the place for whoever reads reports there; but a window that both judge would replace
    the original's report of that hour.
    """
    theirs = list(dict.fromkeys(on_s3(definition.output, "MonitoringOutputs.S3Uri") for definition in definitions))
    if wishes.output is not None:
        return files.from_here(wishes.output)
    if "/" not in theirs[0].removeprefix("s3://"):
        raise ConfigError(
            f"the original's reports are in {theirs[0]} itself, and nothing is beside a bucket; give --output"
        )
    remarks.look(
        ("output",),
        f"the original's reports are in {', '.join(theirs)}, and stay as they are; to have later ones in the "
        "same folders, write that here once the original's schedule is stopped (rows and states go there, too, into "
        "folders whose names start with _)",
    )
    return theirs[0] + BESIDE


def schedule_of(
    schedule: Json, definition: Definition, source: Source, files: Files, wishes: Wishes, about: OfSchedule
) -> tuple[Json, Analysis | None]:
    """One entry of ``schedules``, and what the analysis configuration asks, if there is one."""
    analysis: Analysis | None = None
    if definition.kind in ANALYSED:
        analysis = analysis_of(definition, files, wishes.analysis, about.name)
        for sentence in analysis.ignored:
            about.no_counterpart("analysis configuration", sentence)
    config = schedule["MonitoringScheduleConfig"].get("ScheduleConfig")
    times = times_of(config, definition.given, definition.needs_labels, about)
    offset = times.pop("offset", None)
    settings: dict[str, Any] = {
        "name": about.name,
        "monitor": MONITORS[definition.kind],
        "options": options_of(definition, analysis, wishes.calibrated, about),
        **times,
    }
    if definition.needs_labels:
        settings["ground_truth"] = ground_truth_of(definition, offset, files, wishes, about)
    if baseline := baseline_of(definition, source, files, about):
        settings["baseline"] = baseline
    if definition.kind == "ModelExplainability" and analysis is not None:
        settings["explain"] = explain = explain_of(definition, analysis, wishes.model, about)
        if artefact := explain["model"].get("artefact"):
            explain["model"]["artefact"] = files.from_here(artefact)
    settings |= scripts_of(definition, files, not wishes.calibrated, about)
    tell_what_is_left(definition, schedule, about)
    return {key: value for key, value in settings.items() if value != {}}, analysis


def ground_truth_of(
    definition: Definition, offset: Json | None, files: Files, wishes: Wishes, about: OfSchedule
) -> dict[str, Any]:
    """Labels from where the original has them. It judges whatever share of requests has one."""
    if wishes.ground_truth is not None:
        uri = files.from_here(wishes.ground_truth)
    elif definition.truth is not None:
        uri = on_s3(definition.truth, "GroundTruthS3Input")
    else:
        raise ConfigError(
            f"schedule '{about.name}' needs labels, and its job does not say where they come to; give --ground-truth, "
            "the folder above yyyy/mm/dd/hh"
        )
    found: dict[str, Any] = {"uri": uri}
    if not wishes.calibrated:
        found["minimum_coverage"] = 0.0
    return found | ({"offset": offset} if offset else {})
