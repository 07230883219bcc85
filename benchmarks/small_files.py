"""What do many small files cost, on an object store and on the disk?

Writes capture files of some 50 KB, spread over a day's hours, to a folder and to a real S3 server (SeaweedFS) on this
machine, and collects the day from each, in a process of its own:

    python benchmarks/small_files.py [--files 10000] [--records-of-a-file 110]

The server shares the cores with who reads, which on a cluster it does not.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import numpy as np
from data_quality import ENDPOINT, INPUTS, LINE, SCHEDULE, payloads
from stages import START

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

HOURS = 24


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--records-of-a-file", type=int, default=110)
    parser.add_argument("--collect", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.collect:
        print(json.dumps(collect(arguments.collect)))
        return
    from support.seaweed import BUCKET, running

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "weed").mkdir()
        size = generate(folder, arguments.files, arguments.records_of_a_file)
        print(f"{arguments.files:,} files of {size / arguments.files / 1000:.0f} KB, {HOURS} hours")
        print(f"{'':<8}{'seconds':>9}{'of the disk':>13}{'processor':>11}{'peak MiB':>10}", flush=True)
        with running(folder / "weed") as server:
            uri = f"s3://{BUCKET}/capture?{server.query}"
            upload(folder / "capture", server.filesystem(), f"{BUCKET}/capture")
            report(folder, {"disk": str(folder / "capture"), "S3": uri})


def generate(folder: Path, files: int, records: int) -> int:
    """The capture files; their bytes."""
    chance, size = np.random.default_rng(7), 0
    (folder / "baseline.csv").touch()
    for i in range(files):
        at = START + timedelta(seconds=HOURS * 3600 * i / files)
        path = folder / "capture/load/AllTraffic" / at.strftime(f"%Y/%m/%d/%H/%M-%S-000-{i:032x}.jsonl")
        path.parent.mkdir(parents=True, exist_ok=True)
        second = at.strftime("%Y-%m-%dT%H:%M:%SZ")
        rows = enumerate(payloads(chance, records))
        size += path.write_text("".join(LINE % (text, out, i * records + k, second) for k, (out, text) in rows))
    return size


def upload(folder: Path, system: object, target: str) -> None:
    from pyarrow import fs

    fs.copy_files(str(folder), target, fs.LocalFileSystem(), system)


def report(folder: Path, places: dict[str, str]) -> None:
    first = 0.0
    for name, uri in places.items():
        file = folder / f"{name}.yaml"
        text = ENDPOINT.format(folder=folder, hours=HOURS, inputs=", ".join(INPUTS))
        file.write_text(text.replace(f"{folder}/capture", f'"{uri}"').replace(f"{folder}/out", f"{folder}/{name}"))
        command = [sys.executable, sys.argv[0], "--collect", str(file)]
        printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        seconds, processor, peak = json.loads(printed)
        first = first or seconds
        print(f"{name:<8}{seconds:9.2f}{seconds / first:13.2f}{processor:11.2f}{peak:10.0f}", flush=True)


def collect(file: Path) -> tuple[float, float, float]:
    """Seconds, seconds of the processor, and MiB at the peak."""
    from model_monitor import jobs
    from model_monitor.config.execution import Execution
    from model_monitor.core.window import Window

    execution = Execution.of(file, SCHEDULE, Window(START, START + timedelta(hours=HOURS)))
    began, used = time.perf_counter(), time.process_time()
    jobs.collect_window(execution)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return time.perf_counter() - began, time.process_time() - used, peak


if __name__ == "__main__":
    main()
