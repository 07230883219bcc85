"""Write capture files in tests as an endpoint does (docs/sagemaker-formats.md, Capture files)."""

from __future__ import annotations

import csv
import gzip
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

HOUR = datetime(2026, 1, 5, 3, tzinfo=UTC)
NO_SIDE: Any = object()


def at(minutes: float) -> datetime:
    """A time so many minutes after the hour that most tests are about."""
    return HOUR + timedelta(minutes=minutes)


def side(
    data: str | None, encoding: str | None = "CSV", content_type: str | None = None, mode: str = "INPUT"
) -> dict[str, Any]:
    kind = content_type or {"CSV": "text/csv", "JSON": "application/json"}.get(encoding or "")
    return {"observedContentType": kind, "mode": mode, "data": data, "encoding": encoding}


def record(
    event: str,
    given: Any = "1,a\n",
    output: Any = "0.5",
    time: datetime | str | None = HOUR,
    inference: str | None = None,
) -> dict[str, Any]:
    """One captured request. A side is CSV text, an object or list to be JSON, or what ``side`` made; NO_SIDE: none."""
    sides = {}
    for name, mode, content in (("endpointInput", "INPUT", given), ("endpointOutput", "OUTPUT", output)):
        if content is NO_SIDE:
            continue
        if isinstance(content, str):
            content = side(content, mode=mode)
        elif not (isinstance(content, dict) and "encoding" in content):
            content = side(json.dumps(content), "JSON", mode=mode)
        sides[name] = content
    metadata: dict[str, Any] = {"eventId": event}
    if inference is not None:
        metadata["inferenceId"] = inference
    if time is not None:
        metadata["inferenceTime"] = time if isinstance(time, str) else written(time)
    return {"captureData": sides, "eventMetadata": metadata, "eventVersion": "0"}


def written(time: datetime) -> str:
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def line(one: Any) -> bytes:
    return one if isinstance(one, bytes) else json.dumps(one, separators=(",", ":"), ensure_ascii=False).encode()


def lines(records: Any) -> bytes:
    """Records (or bytes, for what is no record) one per line, each ended by a newline."""
    return b"".join(line(one) + b"\n" for one in records)


def folder(root: Path | str, hour: datetime, endpoint: str = "churn", variant: str = "AllTraffic") -> Path:
    return Path(root) / endpoint / variant / hour.strftime("%Y/%m/%d/%H")


def capture(
    root: Path | str,
    records: Any,
    hour: datetime = HOUR,
    name: str = "00-00-000-0b7bfd33-c8a7-4adf-a09a-98fd0af79974.jsonl",
    endpoint: str = "churn",
) -> Path:
    """Write a capture file into an hour's folder; gzip if its name says so."""
    path = folder(root, hour, endpoint) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    content = lines(records)
    path.write_bytes(gzip.compress(content, mtime=0) if name.endswith(".gz") else content)
    return path


def endpoint_file(root: Path, name: str = "endpoint.yaml", /, **settings: Any) -> str:
    """An endpoint file with one schedule, called dq; ``schedules`` instead gives them all. YAML reads JSON."""
    own = {
        key: settings.pop(key)
        for key in ("endpoint", "columns", "capture", "schedules", "output", "retention_days")
        if key in settings
    }
    schedule = {"name": "dq", "monitor": "data_quality", "cron": "0 * * * *"} | settings
    document = {
        "endpoint": "churn",
        "capture": {"uri": str(root / "capture")},
        "output": str(root / "out"),
        "schedules": [schedule],
    }
    path = root / name
    path.write_text(json.dumps(document | own))
    return str(path)


def churn_capture(churn_run: Path, folder: Path) -> Path:
    """The published traffic: 1,977 requests, seven of them the poisoned row, with the output before the input."""
    inputs = (churn_run / "test-dataset-input-cols.csv").read_text().splitlines()
    with (churn_run / "test_scores.csv").open() as lines:
        scores = [row["probability"] for row in csv.DictReader(lines)]
    order = [*range(180), *list(range(334)) * 5, *range(127)]
    path = folder / "churn/AllTraffic/2022/04/18/00/20-48-871-0b7bfd33.jsonl"
    path.parent.mkdir(parents=True)
    with path.open("w") as lines:
        for k, i in enumerate(order):
            sides = {
                "endpointInput": {"observedContentType": "text/csv", "data": inputs[i], "encoding": "CSV"},
                "endpointOutput": {"observedContentType": "text/csv", "data": scores[i], "encoding": "CSV"},
            }
            about = {"eventId": f"e{k}", "inferenceTime": f"2022-04-18T00:{20 + k // 60:02d}:{k % 60:02d}Z"}
            lines.write(json.dumps({"captureData": sides, "eventMetadata": about, "eventVersion": "0"}) + "\n")
    return folder


def without_sketches(content: bytes) -> bytes:
    """A report's statistics without the sketches of numbers, which retention takes out; other files as they are."""
    if b'"sketch"' not in content:
        return content
    text = re.sub(rb', "sketch": {"parameters": {[^}]*}, "data": \[[^}]*\]}', b"", content)
    assert json.loads(text) and b'"sketch"' not in text
    return text
