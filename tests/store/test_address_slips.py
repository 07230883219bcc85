"""An address of a store that is misspelled is refused wherever it is written, and never taken for a path."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.captures import endpoint_file

from model_monitor import store
from model_monitor.__main__ import main
from model_monitor.config import load
from model_monitor.errors import ConfigError
from model_monitor.recorder.sending.destinations import destination_at
from model_monitor.store import addresses

SLIPS = {
    "s3:/bucket/x": "write s3://bucket/x",
    "s3:bucket": "write s3://bucket",
    "s3//bucket": "write s3://bucket",
    "S3://bucket/x": "write s3://bucket/x",
    "S3:/bucket": "write s3://bucket",
    "s3a://bucket/x": "write s3://bucket/x",
    "gs:/bucket": "write gs://bucket",
    "abfs:/c@a.dfs.core.windows.net/x": "write abfs://c@a.dfs.core.windows.net/x",
    "arn:aws:s3:::bucket/x": "write s3://bucket/x",
    "https://bucket.s3.amazonaws.com/x": "write an address of s3://, gs:// or abfs://, or a path",
    "dbfs:/mnt/x": "dbfs: is no store that is known",
}
FINE = ["/tmp/x", "x/y", "s3/x", "file:///tmp/x", "s3://bucket", "gs://bucket/x", "c:/x", "a/b:/c", "gs", "./s3:/x"]


@pytest.mark.parametrize("address", SLIPS)
def test_a_slip_is_refused_with_what_to_write_before_anything_is_read_or_written(address: str) -> None:
    for use in (addresses.check, store.read, store.exists, store.list_files, store.delete, destination_at):
        with pytest.raises(ConfigError, match=SLIPS[address]):
            use(address)
    with pytest.raises(ConfigError, match=SLIPS[address]):
        store.write(address, b"")
    assert not Path(address).exists() and not Path(address.partition("/")[0]).exists()


@pytest.mark.parametrize("address", FINE)
def test_paths_and_addresses_are_no_slips(address: str) -> None:
    addresses.refuse_slips(address)


def in_section(key: str, value: Any) -> dict[str, Any]:
    return {"schedules": [{"name": "dq", "monitor": "data_quality", key: value}]}


PLACES: dict[str, dict[str, Any]] = {
    "capture": {"capture": {"uri": "s3:/b"}},
    "capture.data": {"capture": {"kind": "batch", "format": "csv", "uri": "/c", "data": "s3:/b"}},
    "output": {"output": "s3:/b"},
    "ground_truth": in_section("ground_truth", {"uri": "s3:/b"}),
    "baseline.dataset": in_section("baseline", {"dataset": "s3:/b"}),
    "baseline.statistics": in_section("baseline", {"statistics": "s3:/b"}),
    "baseline.constraints": in_section("baseline", {"constraints": "s3:/b"}),
    "preprocess": in_section("preprocess", {"script": "s3:/b"}),
    "postprocess": in_section("postprocess", "s3:/b"),
    "expectations": in_section("expectations", "s3:/b"),
    "background": {
        "schedules": [
            {
                "name": "a",
                "monitor": "attribution",
                "explain": {"model": {"url": "http://m/"}, "background": "s3:/b"},
            }
        ]
    },
    "artefact": {
        "schedules": [
            {"name": "a", "monitor": "attribution", "explain": {"model": {"artefact": "s3:/b", "trust": True}}}
        ]
    },
}


@pytest.mark.parametrize("place", PLACES)
def test_every_address_of_an_endpoint_file_is_looked_at(tmp_path: Path, place: str) -> None:
    file = endpoint_file(tmp_path, **PLACES[place])
    assert yaml.safe_load(Path(file).read_text())
    with pytest.raises(ConfigError, match="write s3://b, with two slashes"):
        load(file)


RUN = ["run", "data-quality", "--dataset", "DATA", "--output", "OUT"]
COMMANDS: dict[str, list[str]] = {
    "dataset": ["baseline", "data-quality", "--dataset", "s3:/b", "--output", "OUT"],
    "output": ["baseline", "data-quality", "--dataset", "DATA", "--output", "s3:/b"],
    "run dataset": ["run", "data-quality", "--dataset", "s3:/b", "--output", "OUT"],
    "constraints": [*RUN, "--constraints", "s3:/b"],
    "statistics": [*RUN, "--statistics", "s3:/b"],
    "expectations": [*RUN, "--expectations", "s3:/b"],
    "analysis-config": [*RUN, "--analysis-config", "s3:/b"],
    "labels": [
        *["run", "model-quality", "--dataset", "CAPTURE", "--format", "capture", "--ground-truth", "s3:/b"],
        *["--problem-type", "Regression", "--inference-attribute", "0", "--output", "OUT"],
    ],
    "preprocess": [
        "run",
        "data-quality",
        "--dataset",
        "CAPTURE",
        "--format",
        "capture",
        "--preprocess",
        "s3:/b",
        "--output",
        "OUT",
    ],
    "suite": ["export-suite", "--constraints", "s3:/b", "--output", "OUT"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_address_on_the_command_line_is_looked_at(
    tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data.csv").write_text("a,b\n1,x\n2,y\n")
    (tmp_path / "capture").mkdir()
    (tmp_path / "capture/c.jsonl").write_text("{}\n")
    places = {"DATA": "data.csv", "OUT": "out", "CAPTURE": "capture"}
    assert main([places.get(word, word) for word in COMMANDS[command]]) != 0
    assert re.search("write s3://b.*, with two slashes", capsys.readouterr().err)
    assert not (tmp_path / "s3:").exists()
