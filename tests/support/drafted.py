"""Captures and tables that a person points the form *New monitor* at."""

from __future__ import annotations

import csv
import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

START = datetime(2026, 1, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)


def capture(root: Path, hours: int = 12, shift_from: int = 99, endpoint: str = "churn") -> Path:
    """Captures of an endpoint: 60 requests an hour, whose second input is another from some hour on."""
    rng = random.Random(7)
    for hour in range(hours):
        at = START + hour * HOUR
        folder = root / endpoint / "AllTraffic" / f"{at:%Y/%m/%d/%H}"
        folder.mkdir(parents=True, exist_ok=True)
        lines = []
        for minute in range(60):
            amount = rng.gauss(100, 10) + (80 if hour >= shift_from else 0)
            lines.append(
                record(f"{hour}-{minute}", at + timedelta(minutes=minute), rng.random(), amount, rng.choice("ab"))
            )
        (folder / "part.jsonl").write_text("\n".join(lines) + "\n")
    return root


def record(name: str, at: datetime, answer: float, amount: float, group: str) -> str:
    def side(data: str) -> dict[str, str]:
        return {"data": data, "encoding": "CSV", "observedContentType": "text/csv", "mode": "x"}

    return json.dumps(
        {
            "captureData": {
                "endpointInput": side(f"{amount:.2f},{group}"),
                "endpointOutput": side(f"{answer:.4f}"),
            },
            "eventMetadata": {"eventId": name, "inferenceTime": f"{at:%Y-%m-%dT%H:%M:%SZ}"},
            "eventVersion": "0",
        }
    )


def table(folder: Path, form: str = "csv", hours: int = 12) -> Path:
    """The same as a table of one file."""
    rng = random.Random(7)
    rows = [
        {
            "request_time": f"{START + hour * HOUR + timedelta(minutes=minute):%Y-%m-%dT%H:%M:%SZ}",
            "request_id": f"r{hour}-{minute}",
            "amount": f"{rng.gauss(100, 10):.2f}",
            "country": rng.choice(["AT", "DE"]),
            "score": f"{rng.random():.3f}",
            "target": str(rng.randrange(2)),
        }
        for hour in range(hours)
        for minute in range(60)
    ]
    folder.mkdir(parents=True, exist_ok=True)
    if form == "csv":
        with (folder / "log.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    elif form == "jsonl":
        (folder / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.Table.from_pylist(rows), folder / "log.parquet")
    return folder
