"""Write learned constraints as a suite of Great Expectations: ``model-monitor export-suite``."""

from __future__ import annotations

import json
from pathlib import Path

from model_monitor import config, store
from model_monitor.config.execution import Assignment
from model_monitor.core.constraints import Constraint
from model_monitor.errors import ConfigError
from model_monitor.monitors.data_quality import DataQuality
from model_monitor.results.documents.expectations import suite_document
from model_monitor.results.suites import exported
from model_monitor.verdicts.baseline import Baseline

WITHOUT_STATISTICS = (
    "without --statistics no distribution is known, so that no drift is in the suite, and nothing of the baseline's "
    "chance, so that each limit is exact"
)


def run(constraints: str | None, statistics: str | None, schedule: str | None, files: str, output: str) -> list[str]:
    """Write a suite of two files' constraints, or of the baseline in force of a schedule in an endpoint file or in a
    folder of them; what to tell, line by line. Raises ConfigError."""
    if constraints:
        learned = Baseline.at(statistics, constraints).constraints(DataQuality())
        remarks = [] if statistics else [WITHOUT_STATISTICS]
        return export_suite(learned, "model-monitor", output) + remarks
    if statistics:
        raise ConfigError("--statistics goes with --constraints; a schedule has its own")
    return export_suite(in_force(assignment_of(schedule or "", files)), schedule or "model-monitor", output)


def export_suite(constraints: list[Constraint], name: str, output: str) -> list[str]:
    """Write the suite; what was written, and which constraints have no counterpart, a line each."""
    suite = exported(constraints)
    meta = {"model_monitor": {"without_counterpart": suite.without}} if suite.without else {}
    document = suite_document(name, suite.rules, meta)
    store.write(output, (json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode())
    lines = [f"{output}: {len(suite.rules)} expectations"]
    if suite.without:
        lines += [f"{len(suite.without)} constraints have no counterpart:", *(f"  {text}" for text in suite.without)]
    return lines


def in_force(assignment: Assignment) -> list[Constraint]:
    """The constraints of a schedule's baseline. Raises ConfigError if there is none."""
    learner, baseline, name = assignment.learner, Baseline.of(assignment), assignment.schedule.name
    if not baseline.exists:
        raise ConfigError(f"schedule '{name}' has no baseline yet; run the DAG {name}-baseline first")
    return baseline.constraints(learner)


def assignment_of(schedule: str, files: str) -> Assignment:
    """The schedule of a name, in one endpoint file or in any of a folder. Raises ConfigError."""
    if not Path(files).is_dir():
        return Assignment.load(files, schedule)
    endpoints, _ = config.load_all(config.files_in(Path(files)))
    for endpoint in endpoints.values():
        if any(one.name == schedule for one in endpoint.schedules):
            return Assignment(endpoint, endpoint.schedule(schedule))
    raise ConfigError(f"there is no schedule '{schedule}' in {files}; name its file with --file")
