"""What the baseline says nothing of is told, not passed over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from model_monitor import store
from model_monitor.core.constraints import Finding
from model_monitor.core.observed import Observed
from model_monitor.core.segments import By, Segmented
from model_monitor.monitors.attribution import Attribution
from model_monitor.monitors.bias import Bias, Facet
from model_monitor.results.documents import documents_of
from model_monitor.results.documents.protocol import encode
from model_monitor.verdicts.baseline import Baseline
from model_monitor.verdicts.verdict import judge


def judged(folder: Path, monitor: Any, before: pa.RecordBatch, after: pa.RecordBatch) -> list[Finding]:
    analysis = store.write(
        str(folder / "analysis.json"), encode(documents_of(monitor).suggested(monitor.observe(before)))
    )
    observed = Observed(after.num_rows, monitor.observe(after))
    verdict = judge(monitor, Baseline.at(None, analysis), observed)
    return [finding for finding in verdict.findings if finding.constraint.measure == "baseline"]


def people(groups: str) -> pa.RecordBatch:
    n = 600
    return pa.record_batch(
        {
            "group": [groups[i % len(groups)] for i in range(n)],
            "label": [str(int(i % 7 < 3)) for i in range(n)],
            "predicted": [str(int(i % 5 < 2)) for i in range(n)],
        }
    )


def test_a_group_that_appears_only_now_is_an_undefined_finding(tmp_path: Path) -> None:
    monitor = Bias((Facet("group"),), inference_attribute="predicted", sample_rows=0)
    findings = judged(tmp_path, monitor, people("ab"), people("abc"))
    assert [f.reason for f in findings] == ["the baseline says nothing of group = c"]
    assert judged(tmp_path, monitor, people("ab"), people("ab")) == []


def test_a_segment_in_which_the_baseline_had_too_few_rows_is_an_undefined_finding(tmp_path: Path) -> None:
    def regions(small: int) -> pa.RecordBatch:
        table = people("ab")
        return table.append_column("region", pa.array(["south" if i < small else "north" for i in range(600)]))

    whole = Bias((Facet("group", values=("a",)),), inference_attribute="predicted", sample_rows=0)
    findings = judged(tmp_path, Segmented(whole, (By("region", whole),)), regions(20), regions(300))
    assert [f.reason for f in findings] == ["the baseline says nothing of group = a [region=south]"]


def test_an_output_of_the_model_that_appears_only_now_is_an_undefined_finding(tmp_path: Path) -> None:
    def explained(*labels: str) -> pa.RecordBatch:
        columns = {f"{label}|{name}": [(i % 9 + 1) * w for i in range(90)] for label in labels for name, w in WEIGHTS}
        return pa.record_batch(columns | {f"@expected|{label}": [0.5] * 90 for label in labels})

    findings = judged(tmp_path, Attribution(), explained("label0"), explained("label0", "label1"))
    assert [(f.outcome, f.reason) for f in findings] == [("undefined", "the baseline says nothing of label1")]


WEIGHTS = [("age", 0.3), ("income", 0.2), ("calls", 0.1)]
