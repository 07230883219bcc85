"""Code and scripts of users rely on these names: adding one is a choice, and dropping one breaks somebody."""

from __future__ import annotations

import importlib
import re

import pytest

from model_monitor.__main__ import main

PUBLIC = {
    "model_monitor.recorder": """
        AsgiCaptureMiddleware Privacy Recorder TRUNCATED WsgiCaptureMiddleware captured
    """,
    "model_monitor.core": """
        Between By Comoments Constraint Counts Distinct EVERYTHING Estimate Finding Keyed Measures Moments Monitor Near
        Quantiles Record Sample Scores Segmented Share State Subject Traits Undefined Unlearned Window Within evaluate
        fold laws
    """,
    "model_monitor.jobs": """
        alert alert_failure collect_window compute_metrics dataset_of decide_baseline delete_expired deliver
        evaluate_constraints explain_window grown_windows judge_window learned_in merge_ground_truth observe_baseline
        observe_window propose_baseline publish_baseline publish_metrics reasons_against_retraining rehearse
        reject_baseline replay_windows suggest_constraints
    """,
}
COMMANDS = [
    "alarms",
    "alerts",
    "baseline",
    "baselines",
    "dashboard",
    "export-suite",
    "history",
    "import-sagemaker",
    "mark",
    "power",
    "publish",
    "receive",
    "reindex",
    "replay",
    "retention",
    "run",
    "schema",
    "self-test",
    "validate",
]


@pytest.mark.parametrize("module", PUBLIC)
def test_a_module_exports_exactly_these_names(module: str) -> None:
    exported = importlib.import_module(module)
    assert sorted(exported.__all__) == sorted(PUBLIC[module].split())
    for name in exported.__all__:
        assert getattr(exported, name) is not None


def test_the_command_line_has_exactly_these_verbs(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    assert sorted(re.findall(r"^    ([a-z-]+)(?: |$)", capsys.readouterr().out, re.MULTILINE)) == COMMANDS
