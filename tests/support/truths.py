"""Write ground truth in tests as a labelling job does (docs/sagemaker-formats.md, Ground truth)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any


def truth(event: str, data: Any, encoding: str | None = "CSV") -> dict[str, Any]:
    """One label record; anything but text is put into JSON, unless an encoding is given with it."""
    return {
        "groundTruthData": {"data": data, "encoding": encoding},
        "eventMetadata": {"eventId": event},
        "eventVersion": "0",
    }


def collect(root: Path, records: Iterable[Any], hour: datetime, name: str = "labels.jsonl") -> Path:
    """Write label records into the folder of the hour in which they were collected."""
    path = Path(root) / hour.strftime("%Y/%m/%d/%H") / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path
