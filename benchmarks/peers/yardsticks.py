"""Read the captured lines, and decode each by one library. Only what is measured is imported."""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path

from timing import measured

DECODERS = {"json": "json.loads", "orjson": "orjson.loads", "msgspec": "msgspec.json.decode"}


def files(folder: Path) -> list[Path]:
    return sorted((folder / "capture").rglob("*.jsonl"))


def read_bytes(folder: Path) -> int:
    return sum(len(path.read_bytes()) for path in files(folder))


def decode_lines(decode: Callable[[bytes], object]) -> Callable[[Path], int]:
    def work(folder: Path) -> int:
        count = 0
        for path in files(folder):
            with path.open("rb") as lines:
                for line in lines:
                    decode(line)
                    count += 1
        return count

    return work


def decode_arrow(folder: Path) -> int:
    return sum(modules["pyarrow.json"].read_json(path).num_rows for path in files(folder))


def decode_polars(folder: Path) -> int:
    return sum(len(modules["polars"].read_ndjson(path)) for path in files(folder))


argument = sys.argv[2]
modules = {}
for name in {"pyarrow": ["pyarrow.json"], "polars": ["polars"], "simdjson": ["simdjson"]}.get(argument, []):
    modules[name] = importlib.import_module(name)
if argument in DECODERS:
    module, _, function = DECODERS[argument].rpartition(".")
    measured(decode_lines(getattr(importlib.import_module(module), function)))
elif argument == "simdjson":
    parser = modules["simdjson"].Parser()
    measured(decode_lines(lambda line: parser.parse(line).as_dict()))
else:
    measured({"bytes": read_bytes, "pyarrow": decode_arrow, "polars": decode_polars}[argument])
