"""Does the benchmark of false alarms find each kind of check within its budget? Small here, in full by hand."""

from __future__ import annotations

import os
import subprocess
import sys

from support.places import PROJECT


def test_healthy_windows_alarm_no_more_often_than_the_budget() -> None:
    command = "benchmarks/false_alarms.py --trials 20 --baselines 500,2000 --windows 2000 --cases "
    command += "mixed,gaps,rare,chi_squared,segments,bias,model_quality"
    ran = subprocess.run(
        [sys.executable, *command.split()],
        cwd=PROJECT,
        env=os.environ | {"PYTHONPATH": str(PROJECT / "include")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not ran.returncode, ran.stdout + ran.stderr
    assert len(ran.stdout.splitlines()) == 1 + 7 * 2  # seven cases, with two baselines each
