"""The world of endpoint files as Airflow sees it: whatever is in one file, the DAGs of the others stay."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from pathlib import Path
from typing import Any

from support.faults.commands import build_files
from support.faults.outcomes import Outcome
from support.faults.worlds import World
from support.places import PROJECT

GOOD = {"good-dq", "other-dq", "good-dq-baseline", "other-dq-baseline"}


def bag() -> Any:
    """The DAGs of the project; Airflow looks for a home when it is imported."""
    os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="faults-"))
    os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        from airflow.dag_processing.dagbag import DagBag

        return DagBag(PROJECT / "dags")


def judge(root: Path, outcome: Outcome, name: str) -> None:
    os.environ["MODEL_MONITOR_ENDPOINTS"] = str(root)
    for task in (None, "good-dq", "good-dq-baseline"):  # in the DAG processor, and in workers
        os.environ.pop("_AIRFLOW_PARSING_CONTEXT_DAG_ID", None)
        if task:
            os.environ["_AIRFLOW_PARSING_CONTEXT_DAG_ID"] = task
        found = outcome.call(bag)
        if found is None:
            continue
        missing = ({task} if task else GOOD) - set(found.dags)
        outcome.expect("harm", not missing, f"no DAG {missing} for {task}: {str(found.import_errors)[:1000]}")
        outcome.refused += found.import_errors.values()
        for error in found.import_errors.values():
            outcome.expect("told", "bad.yaml" in error, f"no file is named: {error[:1000]}")


WORLDS = [World("endpoint files in Airflow", build_files, judge, ("good.yaml", "other.yaml"), swapped=False)]
