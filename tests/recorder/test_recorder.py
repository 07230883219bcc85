"""Does the recorder write each request once, to the byte, and in the right file?"""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.recorded import ids, recorder_into, records_in, until

from model_monitor import recorder as recorder_room
from model_monitor import store
from model_monitor.errors import ConfigError
from model_monitor.recorder import TRUNCATED, Recorder
from model_monitor.recorder.records import Format, Request, is_sampled, limited
from model_monitor.rows import blocks, captures

NOON = datetime(2022, 4, 18, 12, 20, 48, 871_000, tzinfo=UTC)
CSV: dict[str, Any] = {"input_content_type": "text/csv", "output_content_type": "text/csv; charset=utf-8"}
NAME = re.compile(
    r"churn/AllTraffic/\d{4}/\d\d/\d\d/\d\d/\d\d-\d\d-\d{3}-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.jsonl"
)


def test_a_record_is_sagemakers_to_the_byte(tmp_path: Path) -> None:
    with recorder_into(tmp_path) as recorder:
        recorder.record(
            b"132,25,113.2,96,269.9,107,,0,1\n",
            b"0.01076381653547287",
            **CSV,
            inference_id="order-000123",
            custom_attributes=["trace=abc"],
            event_id="feca1ab1-8025-47e3-8f6a-99e3fdd7b8d9",
            event_time=datetime(2019, 11, 20, 23, 33, 12, 900_000, tzinfo=UTC),
        )
    [file] = store.list_files(str(tmp_path / "capture"))
    assert store.read(file.address).decode() == (
        '{"captureData":{'
        '"endpointInput":{"observedContentType":"text/csv","mode":"INPUT",'
        '"data":"132,25,113.2,96,269.9,107,,0,1\\n","encoding":"CSV"},'
        '"endpointOutput":{"observedContentType":"text/csv; charset=utf-8","mode":"OUTPUT",'
        '"data":"0.01076381653547287","encoding":"CSV"}},'
        '"eventMetadata":{"eventId":"feca1ab1-8025-47e3-8f6a-99e3fdd7b8d9","inferenceId":"order-000123",'
        '"customAttributes":["trace=abc"],"inferenceTime":"2019-11-20T23:33:12Z"},"eventVersion":"0"}\n'
    )


def test_what_sagemaker_does_not_know_comes_last(tmp_path: Path) -> None:
    with recorder_into(tmp_path, sampling_percentage=50) as recorder:
        while not recorder.record("1,2", latency_ms=12.34567, status_code=503, failed=True, inference_id="a"):
            pass
    [record] = records_in(tmp_path)
    assert list(record["eventMetadata"].items())[3:] == [
        ("samplingPercentage", 50.0),
        ("latencyMs", 12.346),
        ("statusCode", 503),
        ("failed", True),
    ]


@pytest.mark.parametrize(
    ("payload", "content_type", "encoding"),
    [
        (b"1,2\n", "text/csv", "CSV"),
        (b"1,2", "TEXT/CSV;charset=utf-8", "CSV"),
        ("1,é", "text/csv", "CSV"),
        (b'{"a": 1.0}', "application/json", "JSON"),
        (b"<p>", "text/html; charset=utf-8", "BASE64"),
        (b"1,2", None, "BASE64"),
        (b"1,2", "", "BASE64"),
        (b"\xff\xfe", "text/csv", "BASE64"),
        ("\ud800", "text/csv", "BASE64"),
        (b"", "text/csv", "CSV"),
    ],
)
def test_only_the_listed_content_types_are_text(payload: Any, content_type: str | None, encoding: str) -> None:
    request = Request("e", 0, limited(payload, 1000), None, content_type, None, None, None, 100)
    side = json.loads(Format(["text/csv"], ["application/json"], None).line(request))["captureData"]["endpointInput"]
    assert (side["encoding"], side["observedContentType"], side["mode"]) == (encoding, content_type, "INPUT")
    raw = payload if isinstance(payload, bytes) else payload.encode("utf-8", "surrogatepass")
    assert (base64.b64decode(side["data"]) if encoding == "BASE64" else side["data"].encode()) == raw


def test_other_content_types_can_be_listed(tmp_path: Path) -> None:
    kinds = {"csv_content_types": ["application/csv"], "json_content_types": ["application/x-ndjson"]}
    with recorder_into(tmp_path, **kinds) as recorder:
        recorder.record(b"1", b"{}", input_content_type="application/csv", output_content_type="application/x-ndjson")
        recorder.record(b"1", b"1", input_content_type="text/csv", output_content_type="application/csv")
    written = [[side["encoding"] for side in line["captureData"].values()] for line in records_in(tmp_path)]
    assert written == [["CSV", "JSON"], ["BASE64", "CSV"]]


PAYLOADS = st.binary(max_size=200) | st.text(max_size=50)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.binary(max_size=200) | st.text(max_size=50), st.text(max_size=50)), min_size=1, max_size=20)
)
def test_what_was_recorded_is_read_back_byte_for_byte(said: list[tuple[bytes | str, str]]) -> None:
    """By the reader that ``collect_window`` uses."""

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with recorder_into(folder) as recorder:
            for i, (asked, answered) in enumerate(said):
                recorder.record(asked, answered, **CSV, event_id=f"e{i}", event_time=NOON)
        [block] = blocks.blocks(store.list_files(str(folder / "capture"), blocks.SUFFIXES))
        records = captures.parse(block)
        assert not records.rejected
        for name, place in (("endpointInput", 0), ("endpointOutput", 1)):
            sides = zip(records.side(name, "data").to_pylist(), records.side(name, "encoding").to_pylist(), strict=True)
            read = [base64.b64decode(data) if encoding == "BASE64" else data.encode() for data, encoding in sides]
            told = [one[place] for one in said]
            assert read == [one if isinstance(one, bytes) else one.encode("utf-8", "surrogatepass") for one in told]
        assert records.times.to_pylist() == [NOON.replace(microsecond=0)] * len(said)


def test_the_hour_of_the_event_decides_the_folder_and_the_first_record_the_name(tmp_path: Path) -> None:
    moments = [NOON, NOON + timedelta(minutes=3), NOON + timedelta(minutes=45), NOON + timedelta(hours=20)]
    with recorder_into(tmp_path) as recorder:
        for i, moment in enumerate(moments):
            recorder.record(b"1", b"2", event_id=f"e{i}", event_time=moment)
    below = [Path(f.address).relative_to(tmp_path / "capture") for f in store.list_files(str(tmp_path / "capture"))]
    assert all(NAME.fullmatch(str(name)) for name in below)
    assert [str(name)[: len("churn/AllTraffic/2022/04/18/12/20-48-871")] for name in below] == [
        "churn/AllTraffic/2022/04/18/12/20-48-871",
        "churn/AllTraffic/2022/04/18/13/05-48-871",
        "churn/AllTraffic/2022/04/19/08/20-48-871",
    ]
    assert list(ids(tmp_path / "capture").elements()) == ["e0", "e1", "e2", "e3"]


def test_times_before_1970_without_a_zone_and_in_other_zones_have_their_hour_in_utc(tmp_path: Path) -> None:
    east = NOON.astimezone().tzinfo
    moments = [datetime(1969, 12, 31, 23, 59, 59, 500_000), NOON.replace(tzinfo=None), NOON.astimezone(east)]
    with recorder_into(tmp_path) as recorder:
        for moment in moments:
            recorder.record(b"1", b"2", event_time=moment)
    hours = sorted(line["eventMetadata"]["inferenceTime"] for line in records_in(tmp_path))
    assert hours == ["1969-12-31T23:59:59Z", "2022-04-18T12:20:48Z", "2022-04-18T12:20:48Z"]


def test_a_file_is_closed_when_it_is_large_or_old_enough(tmp_path: Path) -> None:
    with recorder_into(tmp_path / "a", roll_bytes=20_000) as recorder:
        for _ in range(200):
            recorder.record(b"x" * 1000, b"2", **CSV, event_time=NOON)
    sizes = [file.size for file in store.list_files(str(tmp_path / "a/capture"))]
    assert len(sizes) >= 4 and max(sizes) < 60_000 and len(records_in(tmp_path / "a")) == 200
    with recorder_into(tmp_path / "b", roll_seconds=0.2, flush_interval=0.05) as recorder:
        recorder.record(b"1", b"2")
        until(lambda: recorder.counters()["sent"] == 1)
        assert len(records_in(tmp_path / "b")) == 1


def test_a_queue_that_is_half_full_is_written_down_before_its_time(tmp_path: Path) -> None:
    with recorder_into(tmp_path, max_queue_bytes=200_000, when_full="drop_newest") as recorder:
        for _ in range(60):
            recorder.record(b"x" * 10_000, b"2", **CSV)
            time.sleep(0.01)
        assert recorder.counters()["dropped"] == 0
    assert len(records_in(tmp_path)) == 60


def test_gzip_is_read_as_well(tmp_path: Path) -> None:
    with recorder_into(tmp_path, gzip=True) as recorder:
        for i in range(10):
            recorder.record(b"1", b"2", **CSV, event_id=f"e{i}")
    files = store.list_files(str(tmp_path / "capture"), blocks.SUFFIXES)
    assert [file.address.endswith(".jsonl.gz") for file in files] == [True]
    [block] = blocks.blocks(files)
    assert captures.parse(block).metadata("eventId").to_pylist() == [f"e{i}" for i in range(10)]


def test_only_the_wanted_sides_are_kept(tmp_path: Path) -> None:
    for capture_, sides in ((("input",), ["endpointInput"]), (("output",), ["endpointOutput"])):
        with recorder_into(tmp_path / sides[0], capture=capture_) as recorder:
            recorder.record(b"1", b"2", **CSV)
        assert [list(line["captureData"]) for line in records_in(tmp_path / sides[0])] == [sides]


def test_a_payload_beyond_the_limit_is_said_to_be_truncated(tmp_path: Path) -> None:
    with recorder_into(tmp_path, max_payload_bytes=10) as recorder:
        recorder.record(b"x" * 11, b"y" * 10, **CSV)
        recorder.record(TRUNCATED, b"y", **CSV)
    for line in records_in(tmp_path):
        side = line["captureData"]["endpointInput"]
        assert side == {
            "observedContentType": "text/csv",
            "mode": "INPUT",
            "data": None,
            "encoding": "CSV",
            "truncated": True,
        }
        assert "truncated" not in line["captureData"]["endpointOutput"]


@given(st.text(min_size=1), st.floats(0, 100), st.floats(0, 100))
def test_what_a_lower_percentage_takes_a_higher_one_takes_too(event: str, one: float, other: float) -> None:
    lower, higher = sorted((one, other))
    assert not is_sampled(event, lower) or is_sampled(event, higher)
    assert is_sampled(event, 100) and not is_sampled(event, 0)


def test_the_share_that_is_captured_is_the_percentage_and_recorded(tmp_path: Path) -> None:
    with recorder_into(tmp_path, sampling_percentage=20) as recorder:
        for i in range(5000):
            recorder.record(b"1", b"2", **CSV, event_id=f"e{i}")
        counters = recorder.counters()
        assert counters["recorded"] + counters["sampled_out"] == 5000
        assert abs(counters["recorded"] - 1000) < 150  # five standard deviations
        recorder.sampling_percentage = 100
        recorder.record(b"1", b"2", **CSV, event_id="last")
    found = {
        line["eventMetadata"]["eventId"]: line["eventMetadata"].get("samplingPercentage")
        for line in records_in(tmp_path)
    }
    assert Counter(found.values()) == {20.0: counters["recorded"], None: 1} and found["last"] is None
    assert set(found) == {f"e{i}" for i in range(5000) if is_sampled(f"e{i}", 20)} | {"last"}


def test_a_schedule_samples_captured_requests_as_if_all_had_been_captured() -> None:
    """Two independent draws: were they the same hash, a fifth of a fifth would be the whole fifth."""
    import pyarrow as pa

    from model_monitor.core.batch import EVENT_ID
    from model_monitor.rows.select import Selection

    events = [f"e{i}" for i in range(20_000)]
    captured = [event for event in events if is_sampled(event, 20)]
    batch = pa.RecordBatch.from_pydict({EVENT_ID: captured, "x": captured})
    chosen = sum(part.num_rows for part in Selection(None, 0.2).of([batch]))
    assert abs(chosen / len(captured) - 0.2) < 0.04


def test_threads_record_everything_once(tmp_path: Path) -> None:
    with recorder_into(tmp_path) as recorder:

        def work(thread: int) -> None:
            for i in range(1000):
                recorder.record(b"1,2", b"3", **CSV, event_id=f"{thread}-{i}")

        threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert ids(tmp_path / "capture") == Counter(f"{n}-{i}" for n in range(8) for i in range(1000))


def test_a_request_that_can_not_be_written_as_text_costs_nobody_else(tmp_path: Path) -> None:
    with recorder_into(tmp_path) as recorder:
        recorder.record(b"1", b"2", **CSV, inference_id="\ud800", custom_attributes="\udfff", event_id="odd")
        with pytest.raises(TypeError, match="bytes or text, not dict"):
            recorder.record({"a": 1})  # type: ignore[arg-type]
        recorder.record(bytearray(b"1"), memoryview(b"2"), **CSV, event_id="good")
    assert list(ids(tmp_path / "capture").elements()) == ["odd", "good"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"variant": "../x"}, "no name of an endpoint or variant"),
        ({"sampling_percentage": 101}, "from 0 to 100"),
        ({"sampling_percentage": float("nan")}, "from 0 to 100"),
        ({"capture": ()}, "capture is"),
        ({"capture": "input"}, "capture is"),
        ({"when_full": "wait"}, "when_full is one of"),
        ({"flush_interval": 0}, "above 0"),
        ({"kms_key_id": "alias/x"}, "s3:// only"),
    ],
)
def test_settings_that_can_not_be_meant_are_refused(tmp_path: Path, more: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        recorder_into(tmp_path, **more)


@pytest.mark.parametrize("address", ["ftp://a/b", "s3://", "s3://key:secret@bucket/a"])
def test_addresses_that_can_not_be_written_to_are_refused(tmp_path: Path, address: str) -> None:
    with pytest.raises(ConfigError):
        Recorder("churn", address, spool=tmp_path)


LIGHT = """
import sys

HEAVY = "airflow numpy pandas pyarrow scipy sklearn pydantic yaml shap".split()

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in HEAVY:
            raise ImportError(name)

sys.meta_path.insert(0, Absent())
from model_monitor.recorder import Recorder
assert not {"boto3", "opentelemetry", "asyncio", "pyarrow"} & set(sys.modules), sorted(sys.modules)
recorder = Recorder("churn", sys.argv[1] + "/capture", spool=sys.argv[1] + "/spool")
recorder.record(b"1", b"2", event_id="light")
"""


IMPORT = """
import sys
before = set(sys.modules)
import model_monitor.recorder
print(len(set(sys.modules) - before))
"""


def test_its_import_brings_few_modules() -> None:
    """140 with Python 3.11, of which 27 are ours; ``benchmarks/capture.py`` tells how long that takes."""
    assert int(subprocess.check_output([sys.executable, "-c", IMPORT], timeout=60)) <= 160


def test_its_public_names_are_few_and_all_there() -> None:
    names = {"AsgiCaptureMiddleware", "Privacy", "Recorder", "TRUNCATED", "WsgiCaptureMiddleware", "captured"}
    assert set(recorder_room.__all__) == names and all(hasattr(recorder_room, name) for name in names)


def test_it_needs_none_of_what_the_analysis_needs_and_sends_at_exit(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", LIGHT, str(tmp_path)], check=True, timeout=60)
    assert list(ids(tmp_path / "capture").elements()) == ["light"] and not list((tmp_path / "spool").rglob("*.ready"))
