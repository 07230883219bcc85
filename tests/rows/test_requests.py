"""Are requests read one by one, also those that failed, and does no other monitor see these?"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from support.captures import NO_SIDE, at, capture, endpoint_file, record, side

from model_monitor import config, jobs, store
from model_monitor.config.execution import Execution
from model_monitor.core import Counts, Monitor, Traits, Window
from model_monitor.errors import ConfigError


@dataclass(frozen=True)
class Mine(Monitor[Counts]):
    """A monitor of one's own that judges requests."""

    traits = Traits(judges_requests=True)
    empty = Counts()
    observe = measure = suggest = None  # type: ignore[assignment]


HOUR = Window(at(0), at(60))


def told(event: str, *sides: Any, **more: Any) -> dict[str, Any]:
    """A record whose metadata tells more."""
    one = record(event, *sides)
    one["eventMetadata"] |= more
    return one


MIXED = [
    told("a", "1,2", "0.5", latencyMs=12.5, statusCode=200),
    told("b", "1,2", NO_SIDE, latencyMs=900, statusCode=500, failed=True),
    told("c", "1,2\n3,4", "0.1\n0.2", samplingPercentage=20),
    told("d", side("<p>", "XML"), "0.5", statusCode=200),
    told("e", "1,2", "0.5", latencyMs="quick", statusCode=None),
    told("a", "1,2", "0.5", latencyMs=12.5, statusCode=200),
]


def collected(tmp_path: Path, monitor: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    file = endpoint_file(tmp_path, monitor=monitor, max_rejected=1)
    document: dict[str, Any] = json.loads(store.read(jobs.collect_window(Execution.of(file, "dq", HOUR))))
    return [row for address in document["partitions"] for row in pq.read_table(address).to_pylist()], document


def test_each_request_is_a_row_whatever_was_asked_and_answered(tmp_path: Path) -> None:
    capture(tmp_path / "capture", MIXED)
    rows, document = collected(tmp_path, "test_requests.Mine")
    names = ("@event_id", "@latency_ms", "@status_code", "@failed", "@sampled_percent")
    assert [tuple(row[name] for name in names) for row in rows] == [
        ("a", 12.5, 200.0, False, 100.0),
        ("b", 900.0, 500.0, True, 100.0),
        ("c", None, None, False, 20.0),
        ("d", None, 200.0, False, 100.0),
        ("e", None, None, False, 100.0),
    ]
    assert all(name.startswith("@") for name in rows[0])
    assert (document["records"], document["rows"], document["duplicates"], document["rejected"]) == (6, 5, 1, 0)


def test_no_other_monitor_sees_a_request_that_failed(tmp_path: Path) -> None:
    capture(tmp_path / "capture", MIXED)
    rows, document = collected(tmp_path, "data_quality")
    assert [row["@event_id"] for row in rows] == ["a", "c", "c", "e"]
    assert (document["records"], document["rejected"]) == (5, 1)
    assert not any(name in rows[0] for name in ("@latency_ms", "@status_code", "@failed", "@sampled_percent"))
    [address] = document["partitions"]
    assert json.loads(pq.read_metadata(address).metadata[b"model_monitor"])["failed"] == 1


def test_a_mark_that_is_none_sets_its_record_aside(tmp_path: Path) -> None:
    capture(tmp_path / "capture", [told("a", failed="yes"), told("b")])
    _, document = collected(tmp_path, "test_requests.Mine")
    assert document["reasons"] == {"not a capture record: failed is neither true nor false": 1}


@pytest.mark.parametrize("setting", [{"segments": ["a"]}, {"preprocess": {"script": "a.py"}}])
def test_what_is_about_payloads_is_refused(tmp_path: Path, setting: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=f"Mine judges requests, not what they ask; leave {next(iter(setting))} out"):
        config.load(endpoint_file(tmp_path, monitor="test_requests.Mine", **setting))
