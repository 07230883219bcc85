"""The settings of a source: capture files, batch transform, or a table. They build the ``Source``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from model_monitor.config.fields import Address, Separator, Settings, folder_of_hours, refusing, with_format
from model_monitor.rows.sources import mapping
from model_monitor.rows.sources.batch_transform import BatchTransform
from model_monitor.rows.sources.mapping import TableColumns
from model_monitor.rows.sources.source import CaptureFiles, Source
from model_monitor.rows.sources.tables import Table

if TYPE_CHECKING:
    from model_monitor.rows.payloads.payload import ContentTypes

OF_KIND = {"batch": ("data",), "table": ("path", "mapping", "separator")}  # settings of one kind only
MEDIA_TYPE = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+/[!#$%&'*+.^_`|~0-9A-Za-z-]+$"


def named_columns(section: Any) -> Any:
    with refusing():
        return mapping.preset(section)


ContentType = Annotated[str, AfterValidator(str.lower), Field(pattern=MEDIA_TYPE)]


class Capture(Settings):
    """Where requests are logged: capture files, manifests of batch transform, or a table with a row for each."""

    kind: Literal["endpoint", "batch", "table"] = Field(
        "endpoint", description="Capture files of an endpoint, manifests of batch-transform jobs, or a table"
    )
    uri: Address = Field(
        description="The folder above {endpoint}/{variant}/yyyy/mm/dd/hh/*.jsonl; for batch, above "
        "output/yyyy/mm/dd/hh/*.json; for a table, the folder of its files; local, s3://, gs:// or abfs://"
    )
    format: Literal["sagemaker", "csv", "jsonl", "parquet"] = Field(
        "sagemaker",
        description="For batch and table: csv, jsonl, parquet (also for Delta tables), or in SageMaker's words",
    )
    header: bool | None = Field(
        None, description="Whether CSV starts with column names; if absent, yes for a table, no for batch"
    )
    separator: Separator | None = Field(
        None, description="Of a table in CSV: one character between values, or tab; recognised if absent"
    )
    data: Address | None = Field(
        None, description="For batch: the folder that all files named by manifests must be below; any if absent"
    )
    path: Annotated[str, AfterValidator(folder_of_hours)] | None = Field(
        None,
        min_length=1,
        description="For a table: the folder (of a Delta table: the partition) of an hour or day, e.g. date=%Y-%m-%d",
    )
    mapping: Annotated[
        TableColumns | None,
        BeforeValidator(named_columns, json_schema_input_type=TableColumns | Literal["databricks"] | None),
    ] = Field(None, description="For a table: the meaning of its columns, or databricks for its inference tables")
    json_content_types: tuple[ContentType, ...] = Field(
        (), description="Content types of payloads in BASE64 that are JSON all the same, e.g. text/html"
    )
    csv_content_types: tuple[ContentType, ...] = Field(
        (), description="Content types of payloads in BASE64 that are CSV all the same, e.g. text/plain"
    )
    straggler_hours: int = Field(
        1,
        ge=0,
        le=24,
        description="How many hour folders before and after a window are searched for its requests",
    )

    @model_validator(mode="before")
    @classmethod
    def _format_may_be_sagemakers(cls, section: Any) -> Any:
        settings = with_format(section)
        if settings is section:
            return section
        keys = {key.lower() for details in section["format"].values() for key in details or ()}
        header = section.get("header")
        if "header" in keys:
            if header is not None and str(header).lower() != str(settings["header"]).lower():
                raise ValueError(f"header: {header} contradicts Header of format; leave header out")
            header = settings["header"]
        return settings | {"header": header} | ({"format": "sagemaker"} if settings["format"] == "capture" else {})

    @property
    def has_header(self) -> bool:
        return self.kind == "table" if self.header is None else self.header

    @property
    def content_types(self) -> ContentTypes:
        """How payloads of odd content types are read."""
        from model_monitor.rows.payloads.payload import ContentTypes  # brings PyArrow

        return ContentTypes(self.json_content_types, self.csv_content_types)

    def source(self, endpoint: str, variant: str) -> Source:
        """The source of the requests of an endpoint's variant."""
        if self.mapping is not None:
            path = self.path or ""
            hours, separator = self.straggler_hours, self.separator
            return Table(self.uri, self.mapping, self.format, self.has_header, path, hours, separator)
        if self.kind == "batch":
            return BatchTransform(self.uri, self.format, self.has_header, self.data, self.straggler_hours)
        return CaptureFiles(self.uri, endpoint, variant, self.straggler_hours)

    @model_validator(mode="after")
    def _reads_each_type_once(self) -> Capture:
        if both := sorted({*self.json_content_types} & {*self.csv_content_types}):
            raise ValueError(f"{both[0]} is listed as JSON and as CSV; leave one out")
        return self

    @model_validator(mode="after")
    def _says_what_its_kind_needs(self) -> Capture:
        for kind, names in OF_KIND.items():
            if self.kind != kind and (odd := [name for name in names if getattr(self, name) is not None]):
                raise ValueError(f"{odd[0]} is only for kind: {kind}; leave it out, or set the kind")
        if (self.kind == "endpoint") != (self.format == "sagemaker"):
            needed = "sagemaker" if self.kind == "endpoint" else "csv, jsonl or parquet"
            raise ValueError(f"kind: {self.kind} is read in format {needed}; set kind and format to match the files")
        if self.kind == "table":
            if self.mapping is None:
                raise ValueError("kind: table needs a mapping, e.g. {event_time: ts, inputs: [age], outputs: [score]}")
            with refusing("mapping: "):
                self.mapping.check()
        return self
