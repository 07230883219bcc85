"""A schedule with a baseline, and past windows that another baseline would judge otherwise."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from model_monitor import jobs
from model_monitor.config.execution import Assignment
from model_monitor.core.window import Window
from model_monitor.dashboard.baselines import Baselines
from model_monitor.dashboard.visit import Visit
from model_monitor.results.decision import Choice
from model_monitor.rows.sources.datasets import Dataset
from model_monitor.verdicts.published import Published
from support.captures import HOUR, capture, endpoint_file, record
from support.visited import Only, seen, visit

ANN = Only(read=("dq",), edit=("dq",), name="ann")
DQ = {"endpoint": "churn", "schedule": "dq"}
LIMIT = '["monitoring_config", "distribution_constraints", "comparison_threshold"]'


class Place:
    """A schedule whose baseline is learned around 0, and five hours, the last two around 100."""

    def __init__(self, root: Path, judged: bool = False, **about: str) -> None:
        """``about``: the name of the endpoint, and settings of its file; else it is DQ's. ``judged``: each hour is, and
        people are told."""
        endpoint = about.pop("endpoint", "churn")
        self.root, self.file = root, Path(endpoint_file(root, endpoint=endpoint, **about))
        self.assignment = Assignment.load(self.file, about.get("name", "dq"))
        jobs.publish_baseline(self.assignment, self.learn(0), Choice(by="bob", at="2026-01-05T00:00:00Z", why="<b>"))
        for hour in range(5):
            start, around = HOUR + timedelta(hours=hour), 100 if hour > 2 else 0
            asked = [record(f"{hour}-{i}", f"{around + i % 7},{'ab'[i % 2]}\n", "0.5", start) for i in range(60)]
            capture(root / "capture", asked, start, endpoint=endpoint)
            execution = self.assignment.on(Window(start, start + timedelta(hours=1)))
            jobs.collect_window(execution)
            jobs.compute_metrics(execution)
            if judged:
                jobs.evaluate_constraints(execution)
                jobs.alert(execution)

    def learn(self, around: int, created: str = "2026-01-05T00:00:00Z") -> str:
        """The address of a version."""
        rows = "".join(f"0.5,{around + i % 7},{'ab'[i % 2]}\n" for i in range(60))
        (self.root / "rows.csv").write_text("p,n,c\n" + rows)
        state = jobs.observe_baseline(self.assignment, Dataset.at(str(self.root / "rows.csv"), "csv"))
        return jobs.suggest_constraints(self.assignment, state, created)

    @property
    def in_force(self) -> str:
        found = Published.find(self.assignment)
        assert found
        return found.name

    @property
    def files(self) -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in (self.root / "out").rglob("*") if path.is_file()}

    def visit(self, viewer: Only = ANN) -> Visit:
        return visit(self.file, viewer=viewer)

    def page(self, viewer: Only = ANN, **query: str) -> tuple[Baselines, str]:
        shown, html = seen(self.visit(viewer), "baselines", **DQ, **query)
        assert isinstance(shown, Baselines)
        return shown, html
