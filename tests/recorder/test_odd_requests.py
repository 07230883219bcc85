"""Is an odd request kept as far as possible, and does it affect no other?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.recorded import data_of, recorder_into, records_in

from model_monitor.errors import ConfigError
from model_monitor.recorder.records import limited, milliseconds
from model_monitor.recorder.sending.destinations import Bucket, destination_at

CSV: dict[str, Any] = {"input_content_type": "text/csv", "output_content_type": "text/csv"}


def metadata(record: dict[str, Any]) -> dict[str, Any]:
    about: dict[str, Any] = record["eventMetadata"]
    return about


def test_text_is_measured_in_bytes(tmp_path: Path) -> None:
    with recorder_into(tmp_path, max_payload_bytes=10) as recorder:
        recorder.record("é" * 5, "é" * 6, **CSV)
        recorder.record(bytearray(11), memoryview(bytes(44)).cast("i"), **CSV)
        recorder.record(memoryview(b"0123456789abcdefghij")[::2], "x" * 11, **CSV)
    said = [data_of(record) for record in records_in(tmp_path)]
    assert said == [("é" * 5, None), (None, None), ("02468acegi", None)]


@given(st.text() | st.binary(), st.integers(1, 20))
def test_what_is_kept_is_never_more_than_the_limit(payload: str | bytes, most: int) -> None:
    content = limited(payload, most)
    raw = payload if isinstance(payload, bytes) else payload.encode("utf-8", "surrogatepass")
    assert content == raw if len(raw) <= most else not isinstance(content, bytes)


@pytest.mark.parametrize("event_id", ["x" * 100_000, "a\nb\0\x7f\u2028", "\ud800", 5, UUID(int=1), "é"])
def test_any_event_id_is_written_as_text_and_sampled_the_same_way_by_all_who_ask(tmp_path: Path, event_id: Any) -> None:
    for percentage in (100, 50):
        folder = tmp_path / str(percentage)
        with recorder_into(folder, sampling_percentage=percentage) as recorder:
            taken = recorder.record(b"1", b"2", event_id=event_id)
            recorder.record(b"1", b"2", event_id="")
            assert (taken is not None) == recorder.wants(event_id)
        found = [metadata(record)["eventId"] for record in records_in(folder)]
        expected = str(event_id).encode("utf-8", "replace").decode()
        assert (expected in found) == (taken is not None) and all(isinstance(one, str) and one for one in found)


def test_ids_and_attributes_of_other_types_are_written_as_text(tmp_path: Path) -> None:
    attributes: Any = ["trace=1", 5, None]
    number: Any = 17
    with recorder_into(tmp_path) as recorder:
        recorder.record(b"1\n2\r\n", b"\xe2\x80\xa8", **CSV, inference_id=number, custom_attributes=attributes)
        recorder.record(b"1", b"2", input_content_type="text/csv; a=\ud800", output_content_type="text/csv")
    first, second = records_in(tmp_path)
    assert data_of(first) == ("1\n2\r\n", "\u2028") and data_of(second) == ("1", "2")
    assert metadata(first)["inferenceId"] == "17" and metadata(first)["customAttributes"] == ["trace=1", "5", "None"]


EAST, WEST = timezone(timedelta(hours=14)), timezone(-timedelta(hours=12))


def test_times_at_the_ends_of_the_calendar_are_written_or_counted(tmp_path: Path) -> None:
    moments = [
        datetime.max,
        datetime.min,
        datetime(987, 6, 5, 4, 3, 2, tzinfo=UTC),
        datetime.max.replace(tzinfo=WEST),
        datetime.min.replace(tzinfo=EAST),
        datetime(2022, 4, 18),
    ]
    with recorder_into(tmp_path) as recorder:
        for moment in moments:
            recorder.record(b"1", b"2", event_time=moment)
        assert recorder.flush()
        counters = recorder.counters()
    assert (counters["sent"], counters["dropped_disk"]) == (4, 2)
    times = {metadata(record)["inferenceTime"] for record in records_in(tmp_path)}
    assert times == {"9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "0987-06-05T04:03:02Z", "2022-04-18T00:00:00Z"}
    folders = {path.parent.relative_to(tmp_path / "capture/churn/AllTraffic") for path in tmp_path.rglob("*.jsonl")}
    assert Path("0987/06/05/04") in folders and all(len(folder.parts) == 4 for folder in folders)


@given(st.datetimes(timezones=st.just(UTC) | st.none()))
def test_milliseconds_are_exact(moment: datetime) -> None:
    since = moment.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    assert milliseconds(moment) == (since.days * 86_400_000) + since.seconds * 1000 + since.microseconds // 1000


def test_what_callers_send_beside_payloads_counts_towards_the_bound(tmp_path: Path) -> None:
    with recorder_into(tmp_path, max_queue_bytes=10_000) as recorder:
        recorder.start()
        with recorder._spool.lock:  # type: ignore[union-attr]
            for _ in range(50):
                recorder.record(b"1", b"2", custom_attributes=["x" * 1000], inference_id="y" * 1000)
            assert recorder.counters()["dropped_queue"] > 30


def test_a_misspelt_setting_of_an_address_is_not_taken_for_amazons_own_server() -> None:
    with pytest.raises(ConfigError, match="endpoint_overide"):
        destination_at("s3://bucket/a?endpoint_overide=localhost:8333")


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
def test_another_server_by_the_environment_has_a_region_and_its_buckets_in_paths(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for other in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv(name, "http://store.example:8333")
    bucket = destination_at("s3://bucket/a")
    assert isinstance(bucket, Bucket)
    assert (
        bucket.client.meta.endpoint_url == "http://store.example:8333" and bucket.client.meta.region_name == "us-east-1"
    )
    assert bucket.client.meta.config.s3["addressing_style"] == "path"
