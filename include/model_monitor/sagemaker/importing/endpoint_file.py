"""The settings of an endpoint file that judges as SageMaker's schedules do."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from model_monitor.errors import ConfigError
from model_monitor.sagemaker.analysis_config import Analysis
from model_monitor.sagemaker.importing.columns import columns_of, used_by
from model_monitor.sagemaker.importing.definition import Definition, definition_of, list_what_is_left
from model_monitor.sagemaker.importing.document import OfSchedule, Remarks
from model_monitor.sagemaker.importing.files import Files, analysis_of, baseline_of, on_s3, scripts_of
from model_monitor.sagemaker.importing.monitors import MONITORS, explain_of, options_of
from model_monitor.sagemaker.importing.shapes import Json, NotThere, Source
from model_monitor.sagemaker.importing.times import times_of
from model_monitor.store.addresses import NAME

BESIDE = "-model-monitor"  # the output folder has the name of SageMaker's, and this
ALL = "AllTraffic"  # the SDK's name of an only variant


@dataclass(frozen=True)
class Wishes:
    """What SageMaker's documents don't say, or what shall differ from them; None or {} if nothing is wished.

    analysis: files of analysis configurations by a schedule's name; under "" the one for all others.
    model: the address of the model that is explained. calibrated: decide as we do by default, not as SageMaker.
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
        kinds = {definition.is_batch for definition in definitions}
        if len(kinds) > 1:
            raise ConfigError("some schedules judge an endpoint and others batch transforms; import them apart")
        head = self.of_batch(definitions) if kinds == {True} else self.of_endpoint(definitions)
        head["capture"]["uri"] = self.files.from_here(head["capture"]["uri"])
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
        definitions = []
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
                definitions.append(definition)
        if not definitions:
            raise ConfigError(f"there is nothing to import: {'; '.join(self.remarks.without)}")
        return definitions

    def of_batch(self, definitions: Sequence[Definition]) -> Json:
        """``endpoint`` and ``capture`` of batch transforms. Raises ConfigError if the schedules differ in them."""
        uris = {on_s3(d.input["DataCapturedDestinationS3Uri"], "DataCapturedDestinationS3Uri") for d in definitions}
        formats = [definition.input["DatasetFormat"] for definition in definitions]
        if len(uris) > 1 or any(other != formats[0] for other in formats):
            raise ConfigError(
                f"the schedules judge batch transforms in {', '.join(sorted(uris))}, or in several formats; one "
                "endpoint file is of one folder and format: import them apart"
            )
        if self.wishes.variant is not None:
            raise ConfigError("--variant is of endpoints, and batch transforms have none; leave it out")
        if len(formats[0]) != 1:
            raise ConfigError("DatasetFormat says one of Csv, Json and Parquet; correct it in the JSON")
        if self.wishes.endpoint is None:
            self.remarks.look(("endpoint",), "batch transforms have no endpoint; give a better name than this")
        description = {"Csv": {"Header": False} | formats[0]["Csv"]} if "Csv" in formats[0] else formats[0]
        capture = {"kind": "batch", "uri": self.wishes.capture_uri or uris.pop(), "format": description}
        return {"endpoint": self.wishes.endpoint or definitions[0].name, "capture": capture}

    def of_endpoint(self, definitions: Sequence[Definition]) -> Json:
        """``endpoint``, ``variant`` and ``capture``. Raises ConfigError if the schedules have several endpoints."""
        name, *others = dict.fromkeys(definition.input["EndpointName"] for definition in definitions)
        if others:
            raise ConfigError(
                f"the schedules are of endpoints {', '.join([name, *others])}, and one file is of one endpoint; "
                "import them apart"
            )
        if self.wishes.endpoint not in (None, name):
            raise ConfigError(f"--endpoint {self.wishes.endpoint}: the schedules are of endpoint {name}; leave it out")
        try:
            description = self.source.describe("Endpoint", name)
        except NotThere:
            description = {}
        variant = self.variant(description)
        return {"endpoint": name, "variant": variant, "capture": {"uri": self.capture_uri(description, name)}}

    def variant(self, description: Json) -> str:
        """The variant whose requests are judged: the wished one, else AllTraffic, else the first."""
        variants = [*description.get("ProductionVariants", []), *description.get("ShadowProductionVariants", [])]
        known = [variant["VariantName"] for variant in variants]
        wished = self.wishes.variant
        if wished is not None:
            if known and wished not in known:
                raise ConfigError(f"--variant {wished}: the endpoint has {', '.join(known)}")
            return wished
        if not known:
            self.remarks.look(("variant",), f"nobody said which variants the endpoint has; {ALL} is taken")
            return ALL
        default = ALL if ALL in known else str(known[0])
        if others := [name for name in known if name != default]:
            self.remarks.look(
                ("variant",),
                f"the endpoint also has {', '.join(others)}, which SageMaker judges together with this one; for each "
                "import again with --variant, other names of schedules, and an --output of its own",
            )
        return default

    def capture_uri(self, description: Json, name: str) -> str:
        """The folder above that of the endpoint. Raises ConfigError if it is unknown."""
        config = description.get("DataCaptureConfig", {})
        if config.get("EnableCapture", True) is False or config.get("CaptureStatus") == "Stopped":
            self.remarks.look(("capture",), "data capture is switched off; there will be nothing to judge")
        if (share := config.get("CurrentSamplingPercentage", 100)) < 100:
            self.remarks.look(("capture",), f"the endpoint captures {share} % of its requests; reports count those")
        if config.get("KmsKeyId"):
            self.remarks.no_counterpart("DataCaptureConfig.KmsKeyId", "Airflow's workers need the right to decrypt")
        if self.wishes.capture_uri is not None:
            return self.wishes.capture_uri
        if "DestinationS3Uri" in config:
            return on_s3(config["DestinationS3Uri"], "DataCaptureConfig.DestinationS3Uri")
        raise ConfigError(
            f"no description says where the requests of endpoint {name} are captured; give --capture-uri, the folder "
            f"above {name}/, or with --from-json what this prints, too: "
            f"aws sagemaker describe-endpoint --endpoint-name {name}"
        )

    def output(self, definitions: Sequence[Definition]) -> str:
        """The folder that everything is written to: beside SageMaker's reports, unless another one is wished.

        In SageMaker's own folder, a window that both judge would replace SageMaker's report of that hour.
        """
        theirs = list(dict.fromkeys(on_s3(definition.output, "MonitoringOutputs.S3Uri") for definition in definitions))
        if self.wishes.output is not None:
            return self.files.from_here(self.wishes.output)
        if "/" not in theirs[0].removeprefix("s3://"):
            raise ConfigError(f"SageMaker's reports are in the bucket {theirs[0]} itself; give --output")
        self.remarks.look(
            ("output",),
            f"SageMaker's reports stay in {', '.join(theirs)}; to have later ones there, too, and rows and states in "
            "folders whose names start with _, write that here once SageMaker's schedule is stopped",
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
