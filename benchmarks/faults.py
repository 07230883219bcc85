"""A campaign of faults: mutated inputs, killed processes, doubled runs, refused uploads. A fault found ends it with 1.

    .venv/bin/python benchmarks/faults.py --part mutations --count 5000 --seed 1

docs/reliability.md says what is counted, and has the figures.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(PROJECT / "include"), str(PROJECT / "plugins"), str(PROJECT / "tests")]
os.environ["PYTHONPATH"] = os.pathsep.join(sys.path[:3])


def of_mutations(count: int, seed: int, only: str, workers: int) -> int:
    from support.faults.campaign import mutations

    found = mutations(count, seed, workers, only)
    by_world: dict[str, list[int]] = {}
    for (world, kind), cases in found.cases.items():
        row = by_world.setdefault(world, [0, 0, 0])
        row[0], row[1], row[2] = row[0] + cases, row[1] + found.refused[world, kind], row[2] + 1
    print("| input | cases | refused with a sentence | kinds of files |\n|---|---:|---:|---:|")
    for world, numbers in sorted(by_world.items()):
        print(f"| {world} | {' | '.join(map(str, numbers))} |")
    kinds = ("traceback", "uncounted", "harm", "told", "hang", "crash")
    print(f"\n{sum(found.cases.values())} mutations: " + ", ".join(f"{found.of_kind(kind)} {kind}" for kind in kinds))
    groups = Counter((fault[0], fault[1].rpartition(" at ")[2][:200]) for *_, fault in found.faults)
    for group, number in groups.most_common():
        world, case, kind, fault = next(
            f for f in found.faults if (f[3][0], f[3][1].rpartition(" at ")[2][:200]) == group
        )
        print(f"  {number} x {fault[0]}: {world} ({kind}), case {case}: {fault[1][:500]}")
    return len(found.faults)


def of_processes(names: tuple[str, ...]) -> Callable[..., int]:
    def part(count: int, seed: int, only: str, workers: int) -> int:
        from support.faults import processes

        wrong = []
        for name in names:
            modes = ("early", "late") if name == "late" else ("",)
            found = processes.campaign(getattr(processes, name), count, seed, workers, modes)
            print(f"{count} x {name}: {len(found)} with other bytes, or something left over")
            wrong += found
        for number, words in wrong:
            print(f"  case {number}: {words}")
        return len(wrong)

    return part


def of_uploads(count: int, seed: int, only: str, workers: int) -> int:
    from support.faults import uploads
    from support.refusing_s3 import STEPS, serving

    os.environ |= uploads.ENVIRONMENT
    wrong = 0
    with serving() as bucket:
        for step in STEPS:
            for answer in uploads.ANSWERS:
                found = uploads.outcome(bucket, step, answer)
                wrong += bool(found)
                print(f"  {step}, {answer}: {'; '.join(found) or 'told as an error'}", flush=True)
    print(f"{len(STEPS)} steps x {len(uploads.ANSWERS)} answers: {wrong} told as success")
    return wrong


PARTS: dict[str, Callable[..., int]] = {
    "mutations": of_mutations,
    "kills": of_processes(("kill",)),
    "pairs": of_processes(("twice", "late")),
    "uploads": of_uploads,
}
COUNTS = {"mutations": 5000, "kills": 200, "pairs": 200, "uploads": 0}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=list(PARTS), help="else all of them")
    parser.add_argument("--count", type=int, help=f"of cases; {COUNTS}")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="inputs whose name contains this")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    faults = 0
    for part in [asked.part] if asked.part else PARTS:
        begun = time.monotonic()
        faults += PARTS[part](asked.count or COUNTS[part], asked.seed, asked.only, asked.workers)
        print(f"{part}: {time.monotonic() - begun:.0f} s, seed {asked.seed}\n", flush=True)
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
