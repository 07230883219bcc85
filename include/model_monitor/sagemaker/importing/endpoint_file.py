"""The settings of an endpoint file that judges as SageMaker's schedules do."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from model_monitor.errors import ConfigError
from model_monitor.sagemaker.analysis_config import Analysis
from model_monitor.sagemaker.importing.columns import columns_of, used_by
from model_monitor.sagemaker.importing.definition import Definition, definition_of
from model_monitor.sagemaker.importing.document import OfSchedule, Remarks
from model_monitor.sagemaker.importing.files import Files, analysis_of, baseline_of, on_s3, scripts_of
from model_monitor.sagemaker.importing.left_out import list_what_is_left
from model_monitor.sagemaker.importing.monitors import MONITORS, explain_of, options_of
from model_monitor.sagemaker.importing.shapes import Json, Source
from model_monitor.sagemaker.importing.times import times_of
from model_monitor.sagemaker.importing.traffic import traffic_of
from model_monitor.sagemaker.importing.wishes import Wishes
from model_monitor.store.addresses import NAME

BESIDE = "-model-monitor"  # the output folder has the name of SageMaker's, and this


@dataclass(frozen=True)
class Import:
    """Where documents and files come from, what is wished, and what a person should know of the result."""

    source: Source
    files: Files
    wishes: Wishes
    remarks: Remarks = field(default_factory=Remarks)

    def settings(self, names: Sequence[str]) -> Json:
        """The settings of the schedules' endpoint file, in its order.

        Raises ConfigError if a document is missing or there can be no such file, StoreError.
        """
        definitions = self.definitions(names)
        head = traffic_of(definitions, self.source, self.files, self.wishes, self.remarks)
        schedules, used = [], []
        for i, definition in enumerate(definitions):
            about = OfSchedule(self.remarks, i, definition.name)
            analysis = self.analysis(definition, about)
            schedules.append(self.schedule(definition, analysis, about))
            used.append(used_by(definition, schedules[-1], analysis, about))
        for place in self.source.unknown:
            self.remarks.no_counterpart(place, "AWS's own description of its API does not have it; it is passed over")
        columns = columns_of(used, self.remarks)
        output = self.output(definitions)
        return head | ({"columns": columns} if columns else {}) | {"output": output, "schedules": schedules}

    def definitions(self, names: Sequence[str]) -> list[Definition]:
        """The schedules' jobs, without those of a container of somebody's own. Raises ConfigError if none is left."""
        kept = []
        for name in dict.fromkeys(names):
            if not re.fullmatch(NAME, name):
                raise ConfigError(f"'{name}' is no name of a schedule; letters, digits and hyphens, at most 63")
            definition = definition_of(self.source.describe("MonitoringSchedule", name), self.source)
            if definition.custom_image:
                self.remarks.no_counterpart(
                    f"schedule {name}",
                    f"it runs a container of your own ({definition.custom_image}), which has no counterpart, so it is "
                    "left out; make a monitor of it (docs/custom-monitor.md)",
                )
            else:
                kept.append(definition)
        if not kept:
            raise ConfigError(f"there is nothing to import: {'; '.join(self.remarks.without)}")
        return kept

    def output(self, definitions: Sequence[Definition]) -> str:
        """The folder that everything is written to: beside SageMaker's reports, unless another one is wished.

        In SageMaker's own folder, a window that both judge would replace SageMaker's report of that hour.
        """
        theirs = list(dict.fromkeys(on_s3(definition.output, "MonitoringOutputs.S3Uri") for definition in definitions))
        if self.wishes.output is not None:
            return self.files.from_here(self.wishes.output)
        if "/" not in theirs[0].removeprefix("s3://"):
            raise ConfigError(
                f"SageMaker's reports are in {theirs[0]} itself, and nothing is beside a bucket; give --output"
            )
        self.remarks.look(
            ("output",),
            f"SageMaker's reports are in {', '.join(theirs)}, and stay as they are; to have later ones in the "
            "same folders, write that here once SageMaker's schedule is stopped (rows and states go there, too, "
            "into folders whose names start with _)",
        )
        return theirs[0] + BESIDE

    def analysis(self, definition: Definition, about: OfSchedule) -> Analysis | None:
        """The analysis configuration of a schedule that has one."""
        if not definition.is_of_clarify:
            return None
        analysis = analysis_of(definition, self.files, self.wishes.analysis)
        for sentence in analysis.ignored:
            about.no_counterpart("analysis configuration", sentence)
        return analysis

    def schedule(self, definition: Definition, analysis: Analysis | None, about: OfSchedule) -> Json:
        """One entry of ``schedules``."""
        times = times_of(definition, about)
        offset = times.pop("offset", None)
        options = options_of(definition, analysis, self.wishes.calibrated, about)
        settings: Json = {"name": about.name, "monitor": MONITORS[definition.kind], "options": options, **times}
        if definition.needs_labels:
            settings["ground_truth"] = self.ground_truth(definition, offset)
        settings["baseline"] = baseline_of(definition, self.source, self.files, about)
        if definition.kind == "ModelExplainability" and analysis is not None:
            settings["explain"] = explain = explain_of(definition, analysis, self.wishes.model, about)
            if artefact := explain["model"].get("artefact"):
                explain["model"]["artefact"] = self.files.from_here(artefact)
        settings |= scripts_of(definition, self.files, not self.wishes.calibrated, about)
        list_what_is_left(definition, about)
        return {key: value for key, value in settings.items() if value != {}}

    def ground_truth(self, definition: Definition, offset: Json | None) -> Json:
        """Labels from where SageMaker has them. It judges whatever share of requests has one."""
        if self.wishes.ground_truth is not None:
            uri = self.files.from_here(self.wishes.ground_truth)
        elif definition.truth is not None:
            uri = on_s3(definition.truth, "GroundTruthS3Input")
        else:
            raise ConfigError(
                f"schedule '{definition.name}' needs labels, and its job does not say where they come to; give "
                "--ground-truth, the folder above yyyy/mm/dd/hh"
            )
        share = {} if self.wishes.calibrated else {"minimum_coverage": 0.0}
        return {"uri": uri} | share | ({"offset": offset} if offset else {})
