"""Many small files in an object store: which are listed, how many are read at once, and how far ahead."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from support.refusing_s3 import Bucket, serving

from model_monitor.core.window import HOUR, Window
from model_monitor.rows import blocks
from model_monitor.rows.sources.source import CaptureFiles
from model_monitor.store.ahead import AT_ONCE

START = datetime(2026, 1, 1, tzinfo=UTC)
OF_AN_HOUR = 40
LINE = b'{"eventMetadata":{}}\n'


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """A bucket with the small files of two days."""
    for name, value in (("AWS_ACCESS_KEY_ID", "key"), ("AWS_SECRET_ACCESS_KEY", "secret")):
        monkeypatch.setenv(name, value)
    with serving() as one:
        for hour in range(48):
            folder = f"capture/churn/AllTraffic/{START + timedelta(hours=hour):%Y/%m/%d/%H}"
            one.objects |= {f"{folder}/{i:02}.jsonl": LINE * 10 for i in range(OF_AN_HOUR)}
        yield one


def test_only_the_hours_that_can_hold_the_window_are_listed_and_their_files_are_read_side_by_side(
    bucket: Bucket,
) -> None:
    source, window = CaptureFiles(bucket.at("capture"), "churn", "AllTraffic"), Window(START + HOUR, START + 3 * HOUR)
    files = source.listed(window)
    asked = {prefix.rstrip("/") for prefix in bucket.listed}
    assert asked == {f"capture/churn/AllTraffic/2026/01/01/{hour:02}" for hour in range(4)}
    assert len(files) == 4 * OF_AN_HOUR
    bucket.seconds = 0.02
    lines = [line for block in source.blocks(files) for line in block.lines]
    assert len(lines) == 10 * len(files)
    assert 1 < bucket.most_at_once <= AT_ONCE
    assert len(bucket.read) == len(files)


def test_files_are_read_only_a_few_ahead_of_the_blocks_that_they_fill(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 5 * 10 * len(LINE))
    source = CaptureFiles(bucket.at("capture"), "churn", "AllTraffic")
    files = source.listed(Window(START, START + HOUR))
    first = next(reading := source.blocks(files))
    assert len(first.pieces) == 5
    assert len(bucket.read) <= len(first.pieces) + AT_ONCE + 2 < len(files)
    assert sum(len(block.pieces) for block in reading) == len(files) - 5
