"""An endpoint whose four monitors have judged a window, and whose numbers can be published."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from model_monitor import jobs
from model_monitor.config.execution import Execution
from support.judged import WINDOW, Endpoint

SCHEDULES = ("dq", "mq", "bias", "why")
BIAS = {
    "name": "bias",
    "monitor": "bias",
    "options": {"facets": [{"name": "c", "values": ["1"]}], "probability_attribute": "score", "sample_rows": 0},
}


class Published(Endpoint):
    """The endpoint; ``file`` has a section ``metrics``."""

    def __init__(self, root: Path, **metrics: Any) -> None:
        super().__init__(root)
        header, *rows = (root / "b.csv").read_text().splitlines()
        (root / "b.csv").write_text("\n".join([header, *rows * 6]) + "\n")  # enough for bias
        document = json.loads(Path(self.file).read_text())
        truth, baseline = document["schedules"][1]["ground_truth"], document["schedules"][0]["baseline"]
        document["schedules"].insert(2, BIAS | {"ground_truth": truth, "baseline": baseline})
        self.write(document | {"metrics": metrics})

    def write(self, document: dict[str, Any]) -> None:
        Path(self.file).write_text(json.dumps(document))

    def edit(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Change the endpoint file."""
        document = json.loads(Path(self.file).read_text())
        change(document)
        self.write(document)

    def turn_on(self, **metrics: Any) -> None:
        """Replace the section ``metrics``."""
        self.edit(lambda document: document.update(metrics=metrics))

    def merge(self, name: str) -> None:
        if name in ("mq", "bias"):
            jobs.merge_ground_truth(self.on(name))

    def judge(self, *names: str) -> None:
        """Learn a baseline, and judge the window by it."""
        for name in names:
            for verb in (self.learn, self.collect, self.merge, self.explain, self.compute, self.evaluate):
                verb(name)

    def publish(self, name: str, **arguments: Any) -> dict[str, Any]:
        return jobs.publish_metrics(self.on(name), **arguments)

    def version(self, name: str) -> Path:
        """The folder of the baseline that a schedule's window was judged by."""
        return Path(self.read(name, "execution.json")["baseline"]["constraints"]).parent

    def report(self, name: str) -> Path:
        return Path(Execution.of(self.file, name, WINDOW).report)

    def read(self, name: str, file: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((self.report(name) / file).read_text())
        return document

    def copied(self, root: Path) -> Published:
        """The same endpoint somewhere else, as what one test does to it is nothing to others."""
        shutil.copytree(Path(self.file).parent, root, dirs_exist_ok=True)
        copy = object.__new__(Published)
        copy.out, copy.file = root / "out", str(root / Path(self.file).name)
        text = Path(copy.file).read_text().replace(str(Path(self.file).parent), str(root))
        Path(copy.file).write_text(text)
        return copy
