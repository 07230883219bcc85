"""Write reports as a run does, without rows: for tests of what reads reports."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from model_monitor.config.execution import Assignment, Execution
from model_monitor.core.constraints import Between, Constraint, Finding, Near, Unlearned
from model_monitor.core.distributions import Categories
from model_monitor.core.measures import EVERYTHING, Estimate, Measures, Share, Subject
from model_monitor.core.monitor import Traits
from model_monitor.core.window import Window
from model_monitor.results import charts
from model_monitor.results import execution as executions
from model_monitor.results.documents.protocol import VIOLATIONS
from model_monitor.results.handover import Collected, Evidence, Labels, Merged
from model_monitor.results.html import REPORT, report_page
from model_monitor.results.html.pictures import Pictures
from model_monitor.results.measured import MEASURES, measured
from model_monitor.results.reading import Report
from model_monitor.results.report import write_report
from support.captures import HOUR, endpoint_file

ACCURACY = Constraint("LessThanThreshold", EVERYTHING, "accuracy", Between(low=0.8))
AGE = Subject("age", (("country", "AT"),))
COMPLETE = Constraint("completeness_check", AGE, "completeness", Between(low=0.99))
DRIFT = Constraint("baseline_drift_check", AGE, "distribution", Near(Categories({"a": 1}), "l_infinity", 0.1))
NEW = Constraint("new_segment", Subject(None, (("country", "a rare text"),)), "baseline", Unlearned("new"))
FINDINGS = (
    Finding(ACCURACY, "violated", 0.7, 0.05),
    Finding(COMPLETE, "holds", 1.0),
    Finding(DRIFT, "violated", 0.4, 0.02),
    Finding(NEW, "undefined", reason="the baseline says nothing of it"),
)
MEASURES_OF_ALL: Measures = {
    (EVERYTHING, "accuracy"): Estimate(0.7, 0.1, 50),
    (AGE, "completeness"): Share(50, 50),
    (EVERYTHING, "rows"): 50,
}


def window(hour: int) -> Window:
    """The window of so many hours after the hour that most tests are about."""
    return Window(HOUR + timedelta(hours=hour), HOUR + timedelta(hours=hour + 1))


def execution_of(root: Path, hour: int = 0, schedule: str = "dq") -> Execution:
    """The execution of an endpoint file, which is written if there is none."""
    file = root / "endpoint.yaml"
    return Assignment.load(file if file.exists() else endpoint_file(root), schedule).on(window(hour))


def write(
    execution: Execution,
    findings: Sequence[Finding] = FINDINGS,
    measures: Measures = MEASURES_OF_ALL,
    labels: Labels | None = None,
    folder: str | None = None,
) -> str:
    """Write the report of a window, by default into its folder, and return that."""
    status = executions.WITH_VIOLATIONS if any(f.outcome == "violated" for f in findings) else executions.COMPLETED
    evidence = Evidence(collected=Collected(records=60, rows=50, duplicates=3, rejected=7), merged=merged(labels))
    baseline = f"{execution.baselines}/0c1d"
    files = {"statistics": f"{baseline}/statistics.json", "constraints": f"{baseline}/constraints.json"}
    document = executions.execution(execution.about | {"baseline": files}, status, "", evidence, 50, findings)
    numbers = measured(measures, [finding.constraint for finding in findings], Traits())
    contents = {VIOLATIONS: {"violations": []}, MEASURES: numbers}
    write_report(folder or execution.report, contents, evidence, document)
    return folder or execution.report


def picture() -> str:
    """A chart as it is in pages."""
    return charts.svg(charts.overlay([charts.Category("<b>", 0.5, 0.2)], "plan"))


def write_page(folder: str, pictures: Sequence[str]) -> None:
    """The page of a written report."""
    page = report_page(Report.at(folder).execution, [], ["execution.json"], Pictures(changed=pictures))
    (Path(folder) / REPORT).write_bytes(page)


def merged(labels: Labels | None) -> Merged | None:
    return Merged(labels=labels) if labels else None


def labels_of(state: str, as_of: str) -> Labels:
    """Labels of half the requests."""
    counts = {"requests": 50, "matched": 25, "unmatched": 25, "records": 25, "duplicates": 0, "late": 0}
    more = {"mismatched": 0, "rejected": 0, "coverage": 0.5, "minimum_coverage": 0.1, "final_after": "P7D"}
    return Labels(**counts, **more, state=state, over=False, as_of=as_of, source="labels", files=1)
