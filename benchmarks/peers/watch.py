"""The peak memory of a process and of all below it, such as Spark's Java."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE") / 2**20  # MiB
EVERY = 0.05  # seconds


def peak_of(process: subprocess.Popen[bytes]) -> float:
    """MiB; waits until the process has ended."""
    peak = 0.0
    while process.poll() is None:
        peak = max(peak, sum(map(resident, below(process.pid))))
        time.sleep(EVERY)
    return peak


def below(pid: int) -> list[int]:
    """A process and its descendants."""
    found = [pid]
    for process in found:
        try:
            children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
        except OSError:
            continue
        found += map(int, children)
    return found


def resident(pid: int) -> float:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
    except (OSError, IndexError):
        return 0.0
