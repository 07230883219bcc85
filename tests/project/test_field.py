"""Cases that users met, each a folder with commands and what is right; skipped where the folder is absent.

A line for each case: the exit status of its last command, patterns that what it prints must have, and a pattern that
it must not have.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

FIELD = Path(__file__).parents[3] / "shared" / "field"
ROOT = Path(__file__).parents[2]
TRACEBACK = r"Traceback \(most recent call last\)"

CASES: dict[str, tuple[int, list[str], str]] = {
    "one-json-nan-in-baseline": (3, [r"x: median .*distance 0.8"], TRACEBACK),
    "all-infinite": (3, [r"ratio: median .* → infinity"], TRACEBACK),
    "baseline-of-features-only": (0, ["200 rows, 0 violations", "no column for the answer .1 value"], TRACEBACK),
    "bool-spelling": (0, ["Completed, 500 rows, 0 violations"], TRACEBACK),
    "csv-payload-with-header": (0, [r"both: Completed, 50 rows, 0 v", r"input: Completed, 50 rows, 0 v"], TRACEBACK),
    "dataset-from-a-pipe": (1, [r"/dev/stdin: a pipe or a device", r"/dev/zero: a pipe or a device"], TRACEBACK),
    "decimal-drift": (0, ["Completed, 1000 rows, 0 violations"], TRACEBACK),
    "new-category-not-named": (3, [r"city: .*'city 7 ' \(46 rows\), 'City 9' \(42 rows\)"], TRACEBACK),
    "not-a-csv": (1, ["a: baseline of 300 rows", r"a\.csv\.zip is a ZIP archive.*unpack it"], TRACEBACK),
    "pandas-index": (0, ["__index_level_0__ is pandas' index", "Completed, 1000 rows, 0 violations"], TRACEBACK),
    "predictions-missing": (3, [r"rows that can't be used 0 % → 99 % \(990 of 1,000\), beyond chance"], TRACEBACK),
    "semicolon": (0, ["a: baseline of 300 rows", "b: baseline of 300 rows"], TRACEBACK),
    "script-dry-run": (0, ["BaselineMissing, 20 rows"], TRACEBACK),
    "labels-name-the-other-id": (4, ["40 labels were read", r"is ride-0\): write the inferenceId"], TRACEBACK),
    "cron-that-aws-keeps": (
        0,
        [r"cron: 0 \* \* \* \*", r"LOOK: ScheduleExpression cron\(0 \* \* \* \? \*\)"],
        TRACEBACK,
    ),
    "payload-by-column": (0, ["BaselineMissing, 60 rows"], TRACEBACK),
    "base64-of-another-type": (0, ["json_content_types", "endpoint shop, schedules shop-dq"], TRACEBACK),
    "probability-columns": (0, ["base: baseline of 1000 rows"], TRACEBACK),
    "deep-json-traceback": (1, ["nested too deeply"], TRACEBACK),
    "whole-numbers-as-double": (0, ["Completed, 500 rows, 0 violations"], TRACEBACK),
    "script-reads-ground-truth": (0, ["BaselineMissing, 24 rows", "mae [0-9.]+; mse [0-9.]+", "r2 [0-9.]+"], TRACEBACK),
    "table-time-message": (1, ["when: '01/05/2026 10:00:01' is no ISO 8601 time"], f"inferenceTime|{TRACEBACK}"),
    "excluded-column-nested": (
        0,
        ["learned from 500 rows, 2 columns: score .*, age", "report: Completed, 300 rows, 0 violations"],
        f"set aside|{TRACEBACK}",
    ),
    "link-in-captures": (0, ["BaselineMissing, 30 rows"], TRACEBACK),
    "reports-keep-what-users-sent": (0, ["0 e-mail addresses"], TRACEBACK),
    "forged-log-lines": (0, [], TRACEBACK),
}

NOW: dict[str, str] = {  # the commands of today, where a case has those of an older version
    "script-reads-ground-truth": """
        $MM run rent.yaml rent-mq --start 2026-01-05T03:00Z --end 2026-01-05T04:00Z --output report || exit
        $PY -c "import json; m = json.load(open('report/statistics.json'))['regression_metrics']
        print('; '.join(name + ' ' + str(metric['value']) for name, metric in m.items()))"
    """,
    "table-time-message": """
        $PY make.py
        $MM run endpoint.yaml dq --start 2026-01-05T10:00Z --end 2026-01-05T11:00Z --output report
    """,
    "excluded-column-nested": """
        $PY make.py
        $MM validate endpoint.yaml || exit
        $MM baseline data-quality --dataset base.parquet --exclude tags --output base || exit
        sed -i 's/dataset: base.parquet, format: parquet/statistics: base\\/statistics.json/' endpoint.yaml
        $MM run endpoint.yaml dq --start 2026-01-05T10:00Z --end 2026-01-05T11:00Z --output report
    """,
}

ELSEWHERE = {  # of processes that are killed, idle connections, full disks and many keys: the tests that hold them
    "disk-full-traceback": "jobs/test_full_disk.py",
    "end-date-forever": "airflow/test_hostile_files.py",
    "killed-leaves-captured-rows": "jobs/test_retention.py",
    "many-keys": "rows/test_breadth.py",
    "late-and-scheduled-at-once": "jobs/test_waiting_for_labels.py",
    "receive-idle-connections": "recorder/test_slow_senders.py",
    "rows-bit-flip": "jobs/test_damaged_files.py",
    "s3-upload-refused-says-ok": "store/test_uploads.py",
    "yaml-large": "airflow/test_hostile_files.py",
    "yaml-values": "airflow/test_hostile_files.py",
}


def test_each_case_is_tried() -> None:
    if not FIELD.is_dir():
        pytest.skip(f"{FIELD} is not there")
    assert {folder.name for folder in FIELD.iterdir() if folder.is_dir()} == CASES.keys() | ELSEWHERE.keys()
    assert [test for test in ELSEWHERE.values() if not (ROOT / "tests" / test).is_file()] == []


@pytest.mark.parametrize("name", CASES)
def test_what_users_met_comes_out_right(name: str, tmp_path: Path) -> None:
    if not (FIELD / name).is_dir():
        pytest.skip(f"{FIELD / name} is not there")
    status, wanted, unwanted = CASES[name]
    shutil.copytree(FIELD / name, tmp_path / name)
    command = tmp_path / "model-monitor"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m model_monitor "$@"\n')
    command.chmod(0o755)
    paths = os.pathsep.join(str(ROOT / folder) for folder in ("include", "plugins"))
    if name in NOW:
        (tmp_path / name / "cmd").write_text(dedent(NOW[name]))
    done = subprocess.run(
        ["bash", "cmd"],
        cwd=tmp_path / name,
        env=os.environ | {"MM": str(command), "PY": sys.executable, "PYTHONPATH": paths},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == status, done.stdout
    assert [pattern for pattern in wanted if not re.search(pattern, done.stdout)] == [], done.stdout
    assert not re.search(unwanted, done.stdout), done.stdout
