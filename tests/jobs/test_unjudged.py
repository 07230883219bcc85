"""Is a user told which columns' drift is not judged, and why, wherever they look?"""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support.captures import at, capture, endpoint_file, record
from support.visited import seen, visit

from model_monitor import jobs
from model_monitor.__main__ import main
from model_monitor.config.execution import Assignment, Execution
from model_monitor.core.window import Window, iso
from model_monitor.dashboard.column import Column
from model_monitor.results.reading import Report

WINDOW = Window(at(0), at(60))
N = 300
DAY = timedelta(days=1)


def values(name: str, i: int, is_window: bool) -> Any:
    """Of each column in the baseline, and in the window."""
    number = round((i * 37 % 100) / 7, 3)
    columns = {
        "empty": number if is_window else None,
        "mostly_text": number if is_window or i % 3 == 0 else ["NA", "1,234"][i % 2],
        "became_words": "ann" if is_window else number,
        "when": (at(0) + (i % 25 + 30 * is_window) * DAY).date().isoformat(),
        "seen_at": 1000 * int(at(i).timestamp()) + 90 * 86_400_000 * is_window,
        "same": number,
    }
    return columns[name]


NAMES = ["empty", "mostly_text", "became_words", "when", "seen_at", "same"]
WHY = {
    "empty": "the baseline has no value there",
    "became_words": "none of its values here is a number, as the baseline's are ('ann')",
    "when": "dates and times are not compared with the baseline's, as new ones come with each window",
    "seen_at": "numbers that are dates and times (milliseconds since 1970) are not compared with the baseline's, as "
    "new ones come with each window; options: {numbers: [...]} has them compared",
}


def endpoint(root: Path, **columns: Any) -> str:
    rows = [{name: values(name, i, False) for name in NAMES} for i in range(N)]
    (root / "base.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    asked = [{name: values(name, i, True) for name in NAMES[1:]} for i in range(N)]
    answers = [{"empty": values("empty", i, True)} for i in range(N)]
    capture(root / "capture", [record(f"e{i}", asked[i], answers[i], at(i / 6)) for i in range(N)])
    file = endpoint_file(root, baseline={"dataset": str(root / "base.jsonl")}, columns=columns)
    a = Assignment.load(file, "dq")
    jobs.publish_baseline(a, jobs.suggest_constraints(a, jobs.observe_baseline(a), iso(at(0))))
    return file


def test_a_report_its_page_the_message_and_the_log_say_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    execution = Execution.of(endpoint(tmp_path), "dq", WINDOW)
    with caplog.at_level(logging.INFO, "model_monitor.jobs"):
        report = Report.at(jobs.judge_window(execution))
    assert report.execution["unjudged"] == WHY
    details, page = jobs.alert(execution)["details"], Path(report.folder, "report.html").read_text()
    for name, reason in WHY.items():
        sentence = f"drift is not judged of {name}: {reason}"
        assert sentence in report.execution["notes"]
        assert sentence in details
        assert f"Note: {sentence}" in caplog.text
        assert sentence.replace("'", "&#39;") in page
    assert "became_words: there is no spread to judge" in str(jobs.alert(execution)["message"])


def test_the_pages_of_the_window_and_of_the_column_say_so(tmp_path: Path) -> None:
    file = endpoint(tmp_path)
    execution = Execution.of(file, "dq", WINDOW)
    jobs.judge_window(execution)
    jobs.alert(execution)
    looks = visit(Path(file))
    _, page = seen(looks, "execution", endpoint="churn", schedule="dq", start=WINDOW.start, end=WINDOW.end)
    for name, reason in WHY.items():
        written = reason.replace("'", "&#39;")
        assert f"drift is not judged of {name}: {written}" in page
        shown, html = seen(looks, "column", endpoint="churn", column=name)
        assert isinstance(shown, Column) and shown.unjudged == reason
        assert f"Drift is not judged: {written}" in html
    shown, html = seen(looks, "column", endpoint="churn", column="same")
    assert isinstance(shown, Column) and shown.unjudged is None
    assert "Drift is not judged" not in html


def test_by_hand_says_so_and_so_does_learning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    endpoint(tmp_path)
    assert main(["baseline", "data-quality", "--dataset", f"{tmp_path}/base.jsonl", "--output", f"{tmp_path}/b"]) == 0
    out = capsys.readouterr().out
    assert (
        "mostly_text is learned as text, because 200 of its 300 values are no numbers: '1,234' (100 rows), 'NA'" in out
    )
    for name in ("when", "seen_at"):
        assert f"{name}: {WHY[name]}" in out
    files = ["--statistics", f"{tmp_path}/b/statistics.json", "--constraints", f"{tmp_path}/b/constraints.json"]
    assert main(["run", "data-quality", "--dataset", f"{tmp_path}/capture", *files, "--output", f"{tmp_path}/r"]) == 3
    out = capsys.readouterr().out
    for name, reason in WHY.items():
        assert f"note: drift is not judged of {name}: {reason}" in out


@pytest.mark.parametrize(
    ("options", "is_told"), [([], True), (["numbers=[t]"], False), (["moments=[]"], False), (["moments=[t]"], False)]
)
def test_numbers_that_may_be_moments_are_told_with_what_to_write(
    options: list[str], is_told: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, start in (("base", at(0)), ("window", at(0) + 60 * DAY)):
        lines = [f"{int((start + i * timedelta(minutes=1)).timestamp())},{i % 7}" for i in range(N)]
        (tmp_path / f"{name}.csv").write_text("\n".join(["t,age", *lines]))
    own = [word for option in options for word in ("--option", option)]
    base, files = ["--dataset", f"{tmp_path}/base.csv"], ["--statistics", f"{tmp_path}/b/statistics.json"]
    files += ["--constraints", f"{tmp_path}/b/constraints.json"]
    assert main(["baseline", "data-quality", *base, "--output", f"{tmp_path}/b", *own]) == 0
    window = ["--dataset", f"{tmp_path}/window.csv", "--output", f"{tmp_path}/r"]
    code = main(["run", "data-quality", *window, *files, *own])
    assert code == (0 if options == ["moments=[t]"] else 3)
    out = capsys.readouterr().out
    assert out.count("t: the numbers may be dates and times (seconds since 1970)") == 2 * is_told
    assert out.count("If they are moments, name them in options: {moments: [...]}") == 2 * is_told


def baseline_of(statistics: dict[str, Any], root: Path) -> list[str]:
    """A baseline as another tool may have written it: one value made a text of a column of numbers."""
    constraints = {"version": 0.0, "features": [{"name": "x", "inferred_type": "String", "completeness": 1.0}]}
    names = ["statistics", "constraints"]
    for name, document in zip(names, [{"version": 0.0, "features": [statistics]}, constraints], strict=True):
        (root / f"{name}.json").write_text(json.dumps(document))
    return [word for name in names for word in (f"--{name}", f"{root}/{name}.json")]


@pytest.mark.parametrize(
    ("odd", "named"),
    [
        ({"NA": 1, "1,234": 2}, "because of 3 of its 303 values ('1,234', 'NA')"),
        ({"no": 12}, "because of 12 of its 312 values ('no')"),
        ({"ann@example.org": 1}, "because of 1 of its 301 values;"),
        ({"": 1, "50%": 1, "inf": 1}, "because of 1 of its 302 values ('50%')"),
    ],
)
def test_numbers_that_a_baseline_has_as_texts_are_told_with_the_values_that_made_it_so(
    odd: dict[str, int], named: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    counts = {str(i / 7): 1 for i in range(N)} | odd
    total = sum(counts.values())
    buckets = [{"value": value, "count": n} for value, n in counts.items()]
    text = {"common": {"num_present": total, "num_missing": 0}, "distribution": {"categorical": {"buckets": buckets}}}
    files = baseline_of({"name": "x", "inferred_type": "String", "string_statistics": text}, tmp_path)
    rows = "".join(f'"{value}",1\n' * n for value, n in counts.items())
    (tmp_path / "w.csv").write_text(f"x,y\n{rows}")
    main(["run", "data-quality", "--dataset", f"{tmp_path}/w.csv", *files, "--output", f"{tmp_path}/r"])
    out = capsys.readouterr().out
    assert f"note: drift is not judged of x: the baseline learned it as text {named}" in out
    assert "its numbers are compared as texts: learn the baseline again" in out


def test_a_baseline_without_distributions_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = baseline_of({}, tmp_path)[2:]
    (tmp_path / "w.csv").write_text("x,y\n" + "a,1\n" * N)
    main(["run", "data-quality", "--dataset", f"{tmp_path}/w.csv", *files, "--output", f"{tmp_path}/r"])
    assert "drift is not judged of x: the baseline does not say how values are spread" in capsys.readouterr().out


def test_no_value_of_a_private_column_is_named(tmp_path: Path) -> None:
    report = Report.at(jobs.judge_window(Execution.of(endpoint(tmp_path, private=["became_words"]), "dq", WINDOW)))
    assert "ann" not in report.execution["unjudged"]["became_words"]


def test_sagemaker_mode_has_no_such_words(tmp_path: Path) -> None:
    endpoint(tmp_path)
    file = endpoint_file(
        tmp_path, "s.yaml", baseline={"dataset": f"{tmp_path}/base.jsonl"}, options={"compatibility": "sagemaker"}
    )
    a = Assignment.load(file, "dq")
    jobs.publish_baseline(a, jobs.suggest_constraints(a, jobs.observe_baseline(a), iso(at(0))))
    assert "unjudged" not in Report.at(jobs.judge_window(Execution.of(file, "dq", WINDOW))).execution
