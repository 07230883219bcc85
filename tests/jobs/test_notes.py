"""How many values each side of a request has is known, so that columns are not shifted without a word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.captures import at, capture, endpoint_file, record

from model_monitor import jobs
from model_monitor.__main__ import main
from model_monitor.config.execution import Assignment, Execution
from model_monitor.core.window import Window
from model_monitor.results.reading import Report

WINDOW = Window(at(0), at(60))


def values(i: int) -> dict[str, str]:
    return {"score": f"0.{i % 10}", "age": str(20 + i % 40), "calls": str(i % 9), "plan": "ab"[i % 2], "more": "7"}


def judged(root: Path, names: list[str], columns: dict[str, Any] | None = None, **settings: Any) -> dict[str, Any]:
    """A window of a score and three inputs against a baseline with some columns: what its report says."""
    lines = [",".join(values(i)[name] for name in names) for i in range(120)]
    (root / "rows.csv").write_text("\n".join([",".join(names), *lines]) + "\n")
    asked = [values(i) for i in range(120)]
    requests = [f"{row['age']},{row['calls']},{row['plan']}\n" for row in asked]
    capture(root / "capture", [record(f"e{i}", requests[i], asked[i]["score"], at(i / 2)) for i in range(120)])
    own: dict[str, Any] = {"baseline": {"dataset": str(root / "rows.csv")}} | settings
    file = endpoint_file(root, **own, **({"columns": columns} if columns else {}))
    a = Assignment.load(file, "dq")
    jobs.publish_baseline(a, jobs.suggest_constraints(a, jobs.observe_baseline(a), "2026-01-05T00:00:00Z"))
    execution = Execution.of(file, "dq", WINDOW)
    jobs.collect_window(execution)
    jobs.compute_metrics(execution)
    document = Report.at(jobs.evaluate_constraints(execution)).execution
    return document | {"details": jobs.alert(execution)["details"]}


def test_inputs_are_compared_with_a_baseline_of_features_only_and_the_answer_is_not_judged(tmp_path: Path) -> None:
    found = judged(tmp_path, ["age", "calls", "plan"])
    assert (found["status"], found["violations"], found["undefined"]) == ("Completed", 0, 0)
    [note] = found["notes"]
    assert note.startswith("the baseline has no column for the answer (1 value), so the 3 inputs are compared")
    assert note in found["details"]


def test_a_baseline_of_the_answer_and_the_inputs_needs_no_word(tmp_path: Path) -> None:
    found = judged(tmp_path, ["score", "age", "calls", "plan"])
    assert (found["status"], found["violations"], "notes" in found) == ("Completed", 0, False)


@pytest.mark.parametrize("names", [["score", "age"], ["score"], ["score", "age", "calls", "plan", "more"]])
def test_another_number_of_columns_is_said_with_how_they_are_compared(tmp_path: Path, names: list[str]) -> None:
    found = judged(tmp_path, names)
    [note] = found["notes"]
    assert note.startswith("a request has 1 value in the answer and 3 in the input, 4 together, and the baseline has")
    assert found["status"] == "CompletedWithViolations"


def test_sagemakers_places_stay_and_are_said(tmp_path: Path) -> None:
    found = judged(tmp_path, ["age", "calls", "plan"], options={"compatibility": "sagemaker"})
    assert found["status"] == "CompletedWithViolations"
    [note] = found["notes"]
    assert note == (
        "a request has 1 value in the answer and 3 in the input, 4 together, and the baseline has 3 columns: they are "
        "compared by place, the answer's first; name each value under columns: {outputs: [...], inputs: [...]} "
        "(--outputs, --inputs)"
    )


DECLARED = [  # names of outputs and inputs where there are one and three; and whether the sides keep theirs
    ({"inputs": ["age", "calls", "plan"]}, "columns names 0 outputs and 3 inputs"),
    ({"outputs": ["score", "more"], "inputs": ["age", "calls", "plan"]}, "columns names 2 outputs and 3 inputs"),
    ({"outputs": ["score"], "inputs": ["age", "calls"]}, "columns names 1 outputs and 2 inputs"),
    ({"outputs": ["score"], "inputs": ["age", "calls", "plan"]}, None),
    ({"outputs": ["score", "age", "calls", "plan"]}, None),  # over both sides
    ({"inputs": ["score", "age", "calls", "plan"]}, None),
]


@pytest.mark.parametrize(("columns", "said"), DECLARED)
def test_names_stay_on_their_side_where_there_are_not_as_many_as_values(
    tmp_path: Path, columns: dict[str, Any], said: str | None
) -> None:
    found = judged(tmp_path, ["score", "age", "calls", "plan"], columns)
    violated = {f["column"] for f in found["findings"] if f["outcome"] == "violated" and f["column"]}
    assert violated == set()  # nothing is compared with its neighbour
    notes = found.get("notes", [])
    assert [said in note for note in notes] == ([True] if said else [])


def test_the_command_line_prints_the_note(tmp_path: Path, capsys: Any) -> None:
    judged(tmp_path, ["age", "calls", "plan"])
    base, out = str(tmp_path / "base"), str(tmp_path / "report")
    assert main(["baseline", "data-quality", "--dataset", str(tmp_path / "rows.csv"), "--output", base]) == 0
    files = ["--statistics", f"{base}/statistics.json", "--constraints", f"{base}/constraints.json", "--output", out]
    capsys.readouterr()
    assert main(["run", "data-quality", "--dataset", str(tmp_path / "capture"), "--html", *files]) == 0
    assert "note: the baseline has no column for the answer (1 value)" in capsys.readouterr().out
    assert "the baseline has no column for the answer (1 value)" in (Path(out) / "report.html").read_text()
