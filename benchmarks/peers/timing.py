"""What each participant prints: how long its imports took, and its work beyond them. Only the standard library."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path


def measured(work: Callable[[Path], object]) -> None:
    """Do the work in the folder of rows that the command line names; print the seconds of imports and of the work."""
    imports, imported, used = age(), time.perf_counter(), time.process_time()
    result = work(Path(sys.argv[1]))
    seconds, processor = time.perf_counter() - imported, time.process_time() - used
    figures = {"imports": imports, "seconds": seconds, "processor": processor, "peak": high_water()}
    print("\n" + json.dumps(figures | {"result": str(result)[:200]}))


def high_water() -> float:
    """MiB that this process held at its peak; what is sampled from outside misses one that ends between two samples."""
    said = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in said if line.startswith("VmHWM")).split()[1]) / 1024


def age() -> float:
    """Seconds since this process began."""
    began = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
    return time.clock_gettime(time.CLOCK_BOOTTIME) - began
