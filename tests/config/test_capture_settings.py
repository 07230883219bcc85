"""What an endpoint file says of where its requests are is understood, or refused with what to write instead."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.captures import endpoint_file

from model_monitor import config
from model_monitor.config.execution import Execution
from model_monitor.core.window import Window, moment
from model_monitor.errors import ConfigError
from model_monitor.rows.sources.batch_transform import BatchTransform
from model_monitor.rows.sources.mapping import TableColumns

BATCH = {"kind": "batch", "uri": "s3://b/capture", "format": "csv"}
TABLE = {"kind": "table", "uri": "s3://b/log", "format": "parquet", "mapping": {"event_time": "ts", "inputs": ["a"]}}


def capture_of(root: Path, given: dict[str, Any]) -> Any:
    return config.load(endpoint_file(root, capture=given)).capture


@pytest.mark.parametrize(
    ("format", "expected"),
    [
        ({"Csv": {"Header": False}}, ("csv", False)),
        ({"csv": {"header": "true"}}, ("csv", True)),
        ({"Csv": {}}, ("csv", False)),
        ({"Json": {"Line": True}}, ("jsonl", False)),
        ({"json": {"line": "false"}}, ("jsonl", False)),
        ({"Parquet": {}}, ("parquet", False)),
        ("csv", ("csv", False)),
    ],
)
def test_sagemakers_descriptions_of_batch_transform_are_understood(
    tmp_path: Path, format: Any, expected: tuple[str, bool]
) -> None:
    found = capture_of(tmp_path, BATCH | {"format": format})
    assert (found.format, found.has_header) == expected


def test_capture_files_are_meant_where_nothing_else_is_said(tmp_path: Path) -> None:
    for given in ("sagemaker", {"sagemakerCaptureJson": {"captureIndexNames": ["endpointInput", "endpointOutput"]}}):
        found = capture_of(tmp_path, {"uri": "s3://b/capture/", "format": given})
        assert (found.kind, found.format, found.uri) == ("endpoint", "sagemaker", "s3://b/capture")


def test_a_mapping_may_be_a_preset(tmp_path: Path) -> None:
    mapping = capture_of(tmp_path, TABLE | {"mapping": "databricks"}).mapping
    assert mapping == TableColumns(
        ("request_time", "timestamp_ms"),
        event_id="databricks_request_id",
        inference_id="client_request_id",
        request="request",
        response="response",
        sampling="sampling_fraction",
        status="status_code",
        latency=("execution_duration_ms", "execution_time_ms"),
    )
    assert capture_of(tmp_path, TABLE).has_header


@pytest.mark.parametrize(
    ("given", "advice"),
    [
        ({"kind": "batch", "uri": "x"}, "kind: batch is read in format csv, jsonl or parquet"),
        ({"uri": "x", "format": "csv"}, "kind: endpoint is read in format sagemaker"),
        ({"uri": "x", "path": "%Y"}, "path is only for kind: table"),
        (BATCH | {"mapping": TABLE["mapping"]}, "mapping is only for kind: table"),
        (TABLE | {"data": "s3://b/x"}, "data is only for kind: batch"),
        (TABLE | {"mapping": None}, "kind: table needs a mapping"),
        (TABLE | {"path": "%Y/%m/%d/%H/%M"}, "path has %M"),
        (TABLE | {"path": "%Y-%m-%d %I"}, "path has %I"),
        (TABLE | {"path": "date=%Q"}, "path has %Q"),
        (TABLE | {"path": "date=%Y%"}, "path has %;"),
        (TABLE | {"path": "day=%-Y"}, "path has %-Y"),
        (TABLE | {"path": "%Y/../%m"}, "path leads out of uri with .."),
        (TABLE | {"path": ".."}, "path leads out of uri with .."),
        (
            TABLE | {"format": {"Csv": {"Header": True}}, "header": False},
            "header: False contradicts Header of format; leave header out",
        ),
        (BATCH | {"format": {"csv": {"header": "false"}}, "header": True}, "contradicts Header of format"),
        (TABLE | {"mapping": "snowflake"}, "there is no mapping 'snowflake'"),
        (TABLE | {"mapping": {"inputs": ["a"]}}, "'event_time' is missing"),
        (TABLE | {"mapping": {"event_time": "ts"}}, "name what was asked or answered"),
        (TABLE | {"mapping": {"event_time": [], "inputs": ["a"]}}, "event_time is missing"),
        (TABLE | {"mapping": {"event_time": "ts", "inputs": ["a"], "request": "b"}}, "leave one out"),
        (TABLE | {"mapping": {"event_time": "ts", "outputs": ["a"], "response": "b"}}, "leave one out"),
        (TABLE | {"mapping": {"event_time": "ts", "inputs": ["a"], "outputs": ["a"]}}, "a column is one of them"),
        (TABLE | {"mapping": {"event_time": "ts", "inputs": ["a", "a"]}}, "a column is judged once"),
        (TABLE | {"mapping": {"event_time": "ts", "outputs": ["@a"]}}, "names with @ in front are kept"),
        (TABLE | {"mapping": {"event_tim": "ts", "inputs": ["a"]}}, "did you mean 'event_time'?"),
        (BATCH | {"format": {"Avro": {}}}, "describes no dataset"),
        (BATCH | {"kind": "btach"}, "'batch'"),
        ({"kind": "batch", "uri": "s3://k:s@b/x", "format": "csv"}, "environment"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_to_write_instead(
    tmp_path: Path, given: dict[str, Any], advice: str
) -> None:
    with pytest.raises(ConfigError) as error:
        capture_of(tmp_path, given)
    assert advice in str(error.value) and "endpoint.yaml:1: capture" in str(error.value)


@pytest.mark.parametrize(
    ("path", "folder"),
    [
        ("date=%Y-%m-%d", "date=2026-01-05"),
        ("year=%Y/month=%-m/day=%-d/hour=%-H", "year=2026/month=1/day=5/hour=3"),
        ("%Y/%j/%H", "2026/005/03"),
        ("100%%/v..2/%y%m", "100%/v..2/2601"),
        ("all", "all"),
    ],
)
def test_a_path_names_the_folder_of_an_hour_a_day_or_more(tmp_path: Path, path: str, folder: str) -> None:
    found = capture_of(tmp_path, TABLE | {"path": path})
    assert moment("2026-01-05T03:00:00Z").strftime(found.path) == folder


def test_a_header_may_be_told_twice_if_both_say_the_same(tmp_path: Path) -> None:
    for told, header in ((True, "true"), (False, False)):
        assert capture_of(tmp_path, BATCH | {"format": {"Csv": {"Header": header}}, "header": told}).header is told
    assert capture_of(tmp_path, BATCH | {"format": {"Csv": {}}, "header": True}).header is True


def test_a_batch_schedule_has_sagemakers_folders_without_the_endpoint(tmp_path: Path) -> None:
    file = endpoint_file(tmp_path, capture=BATCH, output="s3://b/reports")
    endpoint, hour = config.load(file), moment("2026-01-05T03:00:00Z")
    [schedule] = endpoint.schedules
    execution = Execution(endpoint, schedule, Window(hour, moment("2026-01-05T04:00:00Z")))
    assert execution.report == "s3://b/reports/dq/2026/01/05/04"
    assert execution.merged_records_folder(hour) == "s3://b/reports/merge/dq/2026/01/05/03"
    assert isinstance(endpoint.source, BatchTransform)
    assert endpoint.source.folder(hour) == "s3://b/capture/output/2026/01/05/03"


def test_an_index_counts_along_a_line_of_batch_transform(tmp_path: Path) -> None:
    """Where an endpoint's outputs are put last, an index would count other columns than SageMaker's."""
    columns = {"inputs": ["age"], "outputs": ["score"]}
    options = {"problem_type": "Regression", "inference_attribute": "1"}
    settings: dict[str, Any] = {"monitor": "model_quality", "options": options, "ground_truth": {"uri": "s3://b/l"}}
    file = endpoint_file(tmp_path, capture=BATCH, columns=columns, **settings)
    assert config.load(file).columns.names == ("age", "score")
    with pytest.raises(ConfigError, match="an index counts columns from the model's outputs on"):
        config.load(endpoint_file(tmp_path, columns=columns | {"outputs_last": True}, **settings))


def test_the_schema_knows_presets_and_columns() -> None:
    mapping = json.dumps(config.Endpoint.model_json_schema()["$defs"]["Capture"]["properties"]["mapping"])
    assert '"const": "databricks"' in mapping and '"$ref": "#/$defs/TableColumns' in mapping
