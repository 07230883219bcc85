"""``model-monitor run ENDPOINT_FILE SCHEDULE`` finds what Airflow's run would find, and leaves only its report."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.captures import at, capture, endpoint_file, record

from model_monitor import jobs
from model_monitor.__main__ import main
from model_monitor.config.execution import Assignment, Execution
from model_monitor.core.window import Window
from model_monitor.rows.sources.datasets import Dataset

WINDOW = ["--start", "2026-01-05T03:00Z", "--end", "2026-01-05T04:00Z"]
SCRIPT = "def preprocess_handler(record):\n    return {'a': 1, 'b': 'x'}\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """An endpoint file with an hour of captures and a published baseline."""
    given = endpoint_file(tmp_path)
    assignment = Assignment.load(given, "dq")
    rows = "".join(f"{i % 10 / 10},{i % 7},{'ab'[i % 2]}\n" for i in range(60))
    (tmp_path / "rows.csv").write_text("p,n,c\n" + rows)
    state = jobs.observe_baseline(assignment, Dataset.at(str(tmp_path / "rows.csv"), "csv"))
    jobs.publish_baseline(assignment, jobs.suggest_constraints(assignment, state, "2026-01-05T00:00:00Z"))
    lines = [record(f"e{i}", f"{i % 7},{'ab'[i % 2]}\n", str(i % 10 / 10), at(i)) for i in range(60)]
    capture(tmp_path / "capture", lines)
    return Path(given)


def run(*arguments: object) -> int:
    return main(["run", *map(str, arguments)])


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_it_finds_what_airflows_run_finds_and_leaves_only_the_report(file: Path, tmp_path: Path) -> None:
    before = everything(tmp_path)
    assert run(file, "dq", *WINDOW, "--output", tmp_path / "tried") == 0
    after = everything(tmp_path)
    assert {name for name in after if not name.startswith("tried/")} == before.keys()
    assert before.items() <= after.items()
    execution = Execution.of(file, "dq", Window(at(0), at(60)))
    report = Path(jobs.judge_window(execution))
    same = {path.name for path in report.iterdir()} - {"execution.json", "report.html"}
    assert same and all((tmp_path / "tried" / name).read_bytes() == (report / name).read_bytes() for name in same)
    tried, real = (json.loads((folder / "execution.json").read_text()) for folder in (tmp_path / "tried", report))
    assert tried == real


def test_judging_a_healthy_window_imports_no_library_that_it_does_not_need(file: Path, tmp_path: Path) -> None:
    """Each task is a process of its own, and pays for its imports again."""
    spared = ("scipy.stats", "altair", "great_expectations", "shap", "sklearn", "boto3")
    arguments = ["run", str(file), "dq", *WINDOW, "--output", str(tmp_path / "tried")]
    code = f"import sys; from model_monitor.__main__ import main; assert not main({arguments!r}); "
    code += f"print([name for name in {spared!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_script_is_tried_by_hand(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "pre.py").write_text(SCRIPT)
    endpoint_file(tmp_path, preprocess={"script": "pre.py"})
    assert run(file, "dq", *WINDOW, "--output", tmp_path / "tried") in (0, 3)
    columns = json.loads((tmp_path / "tried/statistics.json").read_text())["features"]
    assert {"a", "b"} <= {column["name"] for column in columns}
    assert "60 rows" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["dq"], "needs --start and --end"),
        ([*WINDOW], "too: dq"),
        (["nope", *WINDOW], "has no schedule 'nope', only dq"),
        (
            ["dq", *WINDOW, "--labels-until", "noon"],
            "--labels-until: 'noon' is no time; write it as 2026-01-31T04:00:00Z",
        ),
        (["dq", "--start", "noon", "--end", "2026-01-05"], "'noon' is no time; write it as"),
        (["dq", "--start", "0001-01-01T00:00+14:00", "--end", "2026-01-05"], "is no time; write it as"),
        (["dq", "--start", "2026-01-06", "--end", "2026-01-05"], "not 2026-01-06T00:00:00Z to 2026-01-05T00:00:00Z"),
        (["dq", *WINDOW, "--dataset", "x"], "--dataset is not for a schedule"),
        (["dq", *WINDOW, "--option", "a=1"], "--option is not for a schedule"),
        (["dq", *WINDOW, "--no-header"], "--header is not for a schedule"),
    ],
)
def test_what_makes_no_sense_is_refused(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    assert run(file, *arguments, "--output", tmp_path / "tried") == 1
    assert says in capsys.readouterr().err
    assert not (tmp_path / "tried").exists()


@pytest.mark.parametrize("inside", ["store/x", "capture/x"])
def test_a_report_among_the_endpoints_own_files_is_refused(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], inside: str
) -> None:
    assignment: Any = Assignment.load(file, "dq")
    output = {"store/x": assignment.endpoint.output, "capture/x": assignment.endpoint.capture.uri}[inside]
    assert run(file, "dq", *WINDOW, "--output", f"{output}/x") == 1
    assert "where the endpoint's own files are" in capsys.readouterr().err


def test_rows_without_their_place_are_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("data-quality", "--output", "out") == 1
    assert "give --dataset, or an endpoint file and a schedule" in capsys.readouterr().err
