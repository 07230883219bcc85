"""The head of an endpoint file: which endpoint and variant, or which batch transforms are judged."""

from __future__ import annotations

from collections.abc import Sequence

from model_monitor.errors import ConfigError
from model_monitor.sagemaker.importing.definition import Definition
from model_monitor.sagemaker.importing.document import Remarks
from model_monitor.sagemaker.importing.files import Files, on_s3
from model_monitor.sagemaker.importing.shapes import Json, NotThere, Source
from model_monitor.sagemaker.importing.wishes import Wishes

ALL = "AllTraffic"  # the SDK's name of an only variant


def traffic_of(
    definitions: Sequence[Definition], source: Source, files: Files, wishes: Wishes, remarks: Remarks
) -> Json:
    """``endpoint``, ``variant`` and ``capture`` of all schedules. Raises ConfigError if they differ, or are unknown."""
    kinds = {definition.is_batch for definition in definitions}
    if len(kinds) > 1:
        raise ConfigError("some schedules judge an endpoint and others batch transforms; import them apart")
    if kinds == {True}:
        head = of_batch(definitions, wishes, remarks)
    else:
        head = of_endpoint(definitions, source, wishes, remarks)
    return head | {"capture": head["capture"] | {"uri": files.from_here(head["capture"]["uri"])}}


def of_batch(definitions: Sequence[Definition], wishes: Wishes, remarks: Remarks) -> Json:
    uris = sorted({on_s3(d.given["DataCapturedDestinationS3Uri"], "DataCapturedDestinationS3Uri") for d in definitions})
    formats = [definition.given["DatasetFormat"] for definition in definitions]
    if len(uris) > 1 or any(one != formats[0] for one in formats):
        raise ConfigError(
            f"the schedules judge batch transforms in {', '.join(uris)}, or in several formats; one endpoint file is "
            "of one folder and format: import them apart"
        )
    if wishes.variant is not None:
        raise ConfigError("--variant is of endpoints, and batch transforms have none; leave it out")
    if len(formats[0]) != 1:
        raise ConfigError("DatasetFormat says one of Csv, Json and Parquet; correct it in the JSON")
    if wishes.endpoint is None:
        remarks.look(("endpoint",), "batch transforms have no endpoint; this is only a name, give a better one")
    described = {"Csv": {"Header": False} | formats[0]["Csv"]} if "Csv" in formats[0] else formats[0]
    capture = {"kind": "batch", "uri": wishes.capture_uri or uris[0], "format": described}
    return {"endpoint": wishes.endpoint or definitions[0].name, "capture": capture}


def of_endpoint(definitions: Sequence[Definition], source: Source, wishes: Wishes, remarks: Remarks) -> Json:
    names = list(dict.fromkeys(definition.given["EndpointName"] for definition in definitions))
    if len(names) > 1:
        raise ConfigError(
            f"the schedules are of endpoints {', '.join(names)}, and one file is of one endpoint; import them apart"
        )
    [name] = names
    if wishes.endpoint not in (None, name):
        raise ConfigError(f"--endpoint {wishes.endpoint}: the schedules are of endpoint {name}; leave it out")
    try:
        described = source.describe("Endpoint", name)
    except NotThere:
        described = None
    variant = variant_of(described or {}, wishes, remarks)
    return {"endpoint": name, "variant": variant, "capture": {"uri": capture_of(described, name, wishes, remarks)}}


def variant_of(described: Json, wishes: Wishes, remarks: Remarks) -> str:
    """The variant whose requests are judged: the wished one, else AllTraffic, else the first. Raises ConfigError."""
    known = [
        one["VariantName"]
        for key in ("ProductionVariants", "ShadowProductionVariants")
        for one in described.get(key, [])
    ]
    if wishes.variant is not None:
        if known and wishes.variant not in known:
            raise ConfigError(f"--variant {wishes.variant}: the endpoint has {', '.join(known)}")
        return wishes.variant
    if not known:
        remarks.look(("variant",), f"nobody said which variants the endpoint has; {ALL} is taken")
        return ALL
    chosen: str = ALL if ALL in known else known[0]
    if others := [one for one in known if one != chosen]:
        remarks.look(
            ("variant",),
            f"the endpoint also has {', '.join(others)}, which SageMaker judges together with this one; for each "
            "import again with --variant, other names of schedules, and an --output of its own",
        )
    return chosen


def capture_of(described: Json | None, name: str, wishes: Wishes, remarks: Remarks) -> str:
    """The folder above that of the endpoint. Raises ConfigError if it is unknown."""
    config = (described or {}).get("DataCaptureConfig", {})
    look_at_capture(config, remarks)
    if wishes.capture_uri is not None:
        return wishes.capture_uri
    if "DestinationS3Uri" in config:
        return on_s3(config["DestinationS3Uri"], "DataCaptureConfig.DestinationS3Uri")
    why = "there is no such endpoint any more, or it is not described" if described is None else "it captures nothing"
    raise ConfigError(
        f"nobody says where the requests of endpoint {name} are captured ({why}); give --capture-uri, the folder above "
        f"{name}/, or with --from-json what this prints, too: aws sagemaker describe-endpoint --endpoint-name {name}"
    )


def look_at_capture(config: Json, remarks: Remarks) -> None:
    if config.get("EnableCapture", True) is False or config.get("CaptureStatus") == "Stopped":
        remarks.look(("capture",), "data capture is switched off at the endpoint; there will be nothing to judge")
    if (share := config.get("CurrentSamplingPercentage", 100)) < 100:
        remarks.look(("capture",), f"the endpoint captures {share} % of its requests; counts in reports are of those")
    if config.get("KmsKeyId"):
        remarks.no_counterpart(
            "DataCaptureConfig.KmsKeyId", "whoever reads the capture needs the right to decrypt with that key"
        )
