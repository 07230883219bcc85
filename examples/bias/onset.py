"""Is a bias found when it sets in, and not before? Seven weeks of job applications, made up, with a known onset.

A model scores each application; above 0.5 it recommends an interview. People read all of them anyway, and decide five
days later: that is the label. The model is not given the sex, which is captured beside. Until 29 March it goes by
experience and test. The release of 30 March also counts months of leave against an applicant. Women took more of them,
and for the decisions they don't matter: from that day on fewer women are recommended.

    python examples/bias/onset.py [--store DIR] [--seed N]

writes baseline, captures and labels, judges each week as ``endpoint.yaml`` says, and prints what is found.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from model_monitor import jobs
from model_monitor.config.execution import Assignment, Execution
from model_monitor.core.window import Window

HERE = Path(__file__).resolve().parent
ENDPOINT_FILE, SCHEDULE = HERE / "endpoint.yaml", "applications-bias"
STORE = HERE.parents[1] / ".demo/bias"

FIRST_DAY, ONSET = datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 30, tzinfo=UTC)
BASELINE_WEEKS, WEEKS = 4, 7
PER_DAY, OPEN, CLOSED = 400, 9, 17  # applications a day, between these hours
DECIDED_AFTER = timedelta(days=5)
COLUMNS = ["score", "sex", "age", "years_of_experience", "test_points", "months_of_leave", "invited"]


@dataclass(frozen=True)
class Application:
    """One request: when, its id, and COLUMNS as texts."""

    time: datetime
    id: str
    values: dict[str, str]


def applications(first: datetime, weeks: int, seed: int) -> list[Application]:
    """Those of some weeks, in the order of time; the same ones for the same seed."""
    days = [applications_of(first + timedelta(days=day), seed) for day in range(7 * weeks)]
    return [one for day in days for one in day]


def applications_of(day: datetime, seed: int) -> Iterator[Application]:
    """Those of a day, whatever other days are asked for."""
    chance = np.random.default_rng([seed, day.toordinal()])
    female = chance.random(PER_DAY) < 0.45
    age = chance.integers(22, 65, PER_DAY)
    experience = np.minimum(chance.gamma(2, 4, PER_DAY).round(), age - 21)
    points = chance.normal(60, 15, PER_DAY).clip(0, 100).round()
    on_leave = chance.random(PER_DAY) < np.where(female, 0.6, 0.1)
    leave = np.where(on_leave, chance.integers(3, 25, PER_DAY), 0)
    worth = (experience - 8) / 6 + (points - 60) / 15 - 0.5
    invited = worth + chance.normal(0, 0.7, PER_DAY) > 0
    score = 1 / (1 + np.exp(-2 * (worth - (day >= ONSET) * leave / 6)))
    seconds = np.sort(chance.integers(OPEN * 3600, CLOSED * 3600, PER_DAY)).tolist()
    columns = [
        [f"{one:.4f}" for one in score],
        ["F" if one else "M" for one in female],
        *([str(int(one)) for one in column] for column in (age, experience, points, leave, invited)),
    ]
    for i, values in enumerate(zip(*columns, strict=True)):
        time = day + timedelta(seconds=seconds[i])
        yield Application(time, f"{day:%Y%m%d}-{i:03d}", dict(zip(COLUMNS, values, strict=True)))


def write(store: Path, seed: int) -> None:
    """The baseline, which is the four weeks before; the captures; and the labels, in the hours when they were told."""
    store.mkdir(parents=True, exist_ok=True)
    before = applications(FIRST_DAY - timedelta(weeks=BASELINE_WEEKS), BASELINE_WEEKS, seed)
    with (store / "baseline.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(one.values for one in before)
    live = applications(FIRST_DAY, WEEKS, seed)
    write_hours(store / "capture/applications/AllTraffic", ((one.time, captured(one)) for one in live))
    write_hours(store / "labels", ((one.time + DECIDED_AFTER, decided(one)) for one in live))


def write_hours(folder: Path, records: Iterable[tuple[datetime, dict[str, Any]]]) -> None:
    """A file for each hour of records in the order of time."""
    for hour, some in groupby(records, lambda record: f"{record[0]:%Y/%m/%d/%H}"):
        (folder / hour).mkdir(parents=True)
        (folder / hour / "records.jsonl").write_text("".join(f"{json.dumps(record)}\n" for _, record in some))


def captured(one: Application) -> dict[str, Any]:
    score, *inputs, _ = one.values.values()
    sides = {"endpointInput": ("INPUT", ",".join(inputs)), "endpointOutput": ("OUTPUT", score)}
    return {
        "captureData": {
            side: {"observedContentType": "text/csv", "mode": mode, "data": data, "encoding": "CSV"}
            for side, (mode, data) in sides.items()
        },
        "eventMetadata": {"eventId": one.id, "inferenceTime": f"{one.time:%Y-%m-%dT%H:%M:%SZ}"},
        "eventVersion": "0",
    }


def decided(one: Application) -> dict[str, Any]:
    return {
        "groundTruthData": {"data": one.values["invited"], "encoding": "CSV"},
        "eventMetadata": {"eventId": one.id},
        "eventVersion": "0",
    }


def judge() -> list[dict[str, Any]]:
    """Learn the baseline, then judge each week; what was found of each (``execution.json``)."""
    file = str(ENDPOINT_FILE)
    assignment = Assignment.load(file, SCHEDULE)
    version = jobs.suggest_constraints(assignment, jobs.observe_baseline(assignment), created="2026-01-01T00:00:00Z")
    jobs.publish_baseline(assignment, version)
    return [judge_week(file, FIRST_DAY + timedelta(weeks=week)) for week in range(WEEKS)]


def judge_week(file: str, start: datetime) -> dict[str, Any]:
    """The tasks of a run, one after the other."""
    execution = Execution.of(file, SCHEDULE, Window(start, start + timedelta(weeks=1)))
    for task in (jobs.collect_window, jobs.merge_ground_truth, jobs.compute_metrics):
        task(execution)
    report = Path(jobs.evaluate_constraints(execution))
    found: dict[str, Any] = json.loads((report / "execution.json").read_text())
    return found


def run(store: Path = STORE, seed: int = 2026) -> list[dict[str, Any]]:
    """Write everything into a folder, in place of what an earlier run left there, and judge it."""
    os.environ["MODEL_MONITOR_STORE"] = str(store)
    for name in ("capture", "labels", "monitoring"):
        shutil.rmtree(store / name, ignore_errors=True)
    write(store, seed)
    return judge()


def show(executions: list[dict[str, Any]]) -> None:
    """A line for each week, and below it one for each violation."""
    print(f"{'week from':<11} {'group':<8} {'metric':<6} {'observed, and by chance':<25} allowed")
    for execution in executions:
        findings = execution["findings"]
        violated = [finding for finding in findings if finding["outcome"] == "violated"]
        holds = sum(finding["outcome"] == "holds" for finding in findings)
        print(
            f"{execution['window']['start'][:10]:<11} {execution['status']}, {holds} of {len(findings)} findings hold"
        )
        for f in violated:
            value, noise = f["observed"], f["noise_floor"]
            observed = f"{value:.3f} ({value - noise:.3f} to {value + noise:.3f})"
            print(
                f"{'':<11} {f['column']:<8} {f['measure']:<6} {observed:<25} {' to '.join(map(short, f['threshold']))}"
            )


def short(number: float) -> str:
    return f"{number:.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Judge made-up job applications whose bias has a known onset.")
    parser.add_argument("--store", type=Path, default=STORE, help="folder to write into")
    parser.add_argument("--seed", type=int, default=2026)
    asked = parser.parse_args()
    show(run(asked.store.resolve(), asked.seed))


if __name__ == "__main__":
    main()
