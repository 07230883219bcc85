"""Is what a recorder adds to a capture record understood: sampling, payloads it left out, rows of batch transform?"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.captures import HOUR, NO_SIDE, at, capture, endpoint_file, record, side
from support.decoded_rows import decoded, refused

from model_monitor import jobs, store
from model_monitor.__main__ import main
from model_monitor.config.execution import Execution
from model_monitor.core.window import Window
from model_monitor.jobs import by_hand
from model_monitor.rows.summary import percent, sampling_of

FIRST_HOUR = Window(at(0), at(60))
SECOND = "30-00-000-9c1f2b7e-0000-4adf-a09a-98fd0af79974.jsonl"


def sampled(one: dict[str, Any], percentage: Any) -> dict[str, Any]:
    one["eventMetadata"]["samplingPercentage"] = percentage
    return one


def several(ids: Iterable[int], percentage: Any = None, minute: float = 1) -> list[dict[str, Any]]:
    made = [record(str(i), f"{i},a", f"0.{i % 10}", at(minute)) for i in ids]
    return made if percentage is None else [sampled(one, percentage) for one in made]


def collected(file: str, window: Window = FIRST_HOUR) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(store.read(jobs.collect_window(Execution.of(file, "dq", window))))
    return found


def judged(file: str, window: Window = FIRST_HOUR) -> tuple[dict[str, Any], dict[str, Any]]:
    """``execution.json`` of a window, and what a person is told of it."""
    jobs.collect_window(Execution.of(file, "dq", window))
    jobs.compute_metrics(Execution.of(file, "dq", window))
    report = jobs.evaluate_constraints(Execution.of(file, "dq", window))
    return json.loads(store.read(store.join(report, "execution.json"))), jobs.alert(Execution.of(file, "dq", window))


def test_different_requests_are_counted_and_scaled_by_their_percentage(tmp_path: Path) -> None:
    capture(tmp_path / "capture", [*several(range(1000), 20), *several(range(100), 20)])
    document, told = judged(endpoint_file(tmp_path))
    assert document["capture"] == {"sampling": {"20": 1000}, "requests": 5000}
    assert document["counts"]["duplicates"] == 100
    assert told["capture"] == document["capture"]
    assert "1000 rows captured at 20 %, of about 5000 requests, 0 violations" in told["message"]


@pytest.mark.parametrize("percentage", [None, 100, 100.0])
def test_nothing_is_told_where_every_request_was_captured(tmp_path: Path, percentage: Any) -> None:
    capture(tmp_path / "capture", [sampled(one, percentage) for one in several(range(10))])
    document, told = judged(endpoint_file(tmp_path))
    assert "capture" not in document and "capture" not in told
    assert "10 rows, 0 violations" in told["message"]
    assert collected(endpoint_file(tmp_path))["capture"] == {}


def test_a_percentage_that_changed_is_scaled_part_by_part_and_told(tmp_path: Path) -> None:
    capture(tmp_path / "capture", several(range(30)))
    capture(tmp_path / "capture", several(range(30, 50), 12.5) + several(range(40, 60), 10), name=SECOND)
    capture(tmp_path / "capture", several(range(60, 70), 10, 61), at(60))
    document, told = judged(endpoint_file(tmp_path), Window(at(0), at(120)))
    assert document["capture"]["sampling"] == {"10": 20, "12.5": 20, "100": 30}
    assert list(document["capture"]["sampling"]) == ["10", "12.5", "100"]
    assert document["capture"]["requests"] == 20 * 10 + 20 * 8 + 30
    assert "changed" in document["capture"]["note"]
    assert "70 rows captured at 10 to 100 %, of about 390 requests" in told["message"]


def test_percentages_of_each_request_s_own_are_told_in_groups_and_scaled_one_by_one(tmp_path: Path) -> None:
    own = [round(1 + i * 0.073, 3) for i in range(1000)]
    each = [sampled(record(str(i), f"{i},a", "0.1", at(1)), p) for i, p in enumerate(own)]
    capture(tmp_path / "capture", each)
    told = collected(endpoint_file(tmp_path))["capture"]
    assert len(told["sampling"]) == 20 and sum(told["sampling"].values()) == 1000
    assert told["requests"] == round(sum(100 / p for p in own))
    assert 1 <= float(next(iter(told["sampling"]))) < float(list(told["sampling"])[-1]) <= 100


def test_what_can_not_be_read_stands_for_no_requests(tmp_path: Path) -> None:
    bad = [sampled(record(f"bad {i}", "1,2\n3"), 20) for i in range(3)]
    odd = [sampled(record(f"odd {i}", "1,2,3"), 20) for i in range(3)]
    capture(tmp_path / "capture", [*bad, *several(range(10), 20), *odd])
    document = collected(endpoint_file(tmp_path, max_rejected=1))
    assert (document["rows"], document["rejected"]) == (10, 6)
    assert document["capture"] == {"sampling": {"20": 10}, "requests": 50}


def test_requests_are_counted_and_not_their_rows(tmp_path: Path) -> None:
    capture(tmp_path / "capture", [sampled(record(str(i), "1,a\n2,b\n3,c", "0.1\n0.2\n0.3"), 50) for i in range(4)])
    document = collected(endpoint_file(tmp_path))
    assert document["rows"] == 12
    assert document["capture"] == {"sampling": {"50": 4}, "requests": 8}


def test_a_script_that_drops_requests_does_not_lower_their_number(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(
        "def preprocess_handler(r):\n    return {'x': 1} if int(r.event_metadata.event_id) % 2 else []\n"
    )
    capture(tmp_path / "capture", several(range(10), 20))
    document = collected(endpoint_file(tmp_path, preprocess={"script": str(tmp_path / "script.py")}))
    assert (document["rows"], document["capture"]["requests"]) == (5, 50)


def test_of_a_window_that_is_not_whole_hours_no_number_of_requests_is_told(tmp_path: Path) -> None:
    capture(tmp_path / "capture", several(range(10), 20, 1) + several(range(10, 20), 20, 40))
    document, told = judged(endpoint_file(tmp_path), Window(at(0), at(30)))
    assert document["capture"] == {"sampling": {"20": 20}}
    assert "10 rows captured at 20 %, 0 violations" in told["message"]


def test_by_hand_the_requests_of_exactly_the_window_are_counted(tmp_path: Path) -> None:
    capture(tmp_path / "capture", several(range(10), 20, 1) + several(range(10, 20), 20, 40))
    source = by_hand.Source(str(tmp_path / "capture"), "capture", window=Window(at(0), at(30)))
    document = by_hand.run(by_hand.Question("data_quality", {}), source, (None, None), str(tmp_path / "report"), 0.0)
    assert document["capture"] == {"sampling": {"20": 10}, "requests": 50}


def test_labels_cover_the_same_share_whatever_was_captured(tmp_path: Path) -> None:
    """And the number of requests stays known after labels are merged."""
    labels = tmp_path / "labels/2026/01/05/03/labels.jsonl"
    labels.parent.mkdir(parents=True)
    truth = {"groundTruthData": {"data": "1", "encoding": "CSV"}, "eventVersion": "0"}
    labels.write_text("".join(json.dumps(truth | {"eventMetadata": {"eventId": str(i)}}) + "\n" for i in range(30)))
    shares = {}
    for percentage in (100, 20):
        root = tmp_path / str(percentage)
        capture(root / "capture", several(range(40), percentage))
        options = {"problem_type": "BinaryClassification", "inference_attribute": "_c0", "ground_truth_attribute": "y"}
        file = endpoint_file(
            root,
            monitor="model_quality",
            options=options,
            ground_truth={"uri": str(tmp_path / "labels")},
            window="PT1H",
        )
        jobs.collect_window(Execution.of(file, "dq", FIRST_HOUR))
        jobs.merge_ground_truth(Execution.of(file, "dq", FIRST_HOUR))
        jobs.compute_metrics(Execution.of(file, "dq", FIRST_HOUR))
        report = jobs.evaluate_constraints(Execution.of(file, "dq", FIRST_HOUR))
        document = json.loads(store.read(store.join(report, "execution.json")))
        shares[percentage] = document["labels"]["coverage"]
    assert shares[100] == shares[20] == 0.75
    assert document["capture"]["requests"] == 200


BAD = [0, -0.0, -5, 120, 100.5, float("nan"), float("inf"), "20", "", True, [], {}, 10**400]


@pytest.mark.parametrize("bad", BAD, ids=map(str, [*BAD[:-1], "a long number"]))
def test_a_percentage_that_is_none_sets_its_record_aside_and_no_other(tmp_path: Path, bad: Any) -> None:
    capture(tmp_path / "capture", [*several([0], 20), *several([1], bad), *several([2]), *several([3], 20)])
    document = collected(endpoint_file(tmp_path, max_rejected=1))
    assert (document["records"], document["rows"], document["rejected"]) == (4, 3, 1)
    [reason] = document["reasons"]
    assert "samplingPercentage" in reason and document["kept"][0]["line"] == 2
    assert document["kept"][0]["time"] is not None


@given(
    st.dictionaries(st.floats(1e-6, 100).map(percent), st.integers(1, 10**9), max_size=5),
    st.integers(0, 10**6),
)
def test_each_request_stands_for_as_many_as_it_was_drawn_from(counts: dict[str, int], others: int) -> None:
    counts |= {"100": others} if others else {}
    told = sampling_of([counts])
    if counts.keys() <= {"100"}:
        assert told == {}
        return
    assert told["sampling"] == counts
    wanted = sum(n / (float(p) / 100) for p, n in counts.items())
    assert told["requests"] == pytest.approx(wanted, rel=1e-9, abs=1)
    assert sampling_of([{p: n} for p, n in counts.items()]) == told
    assert ("note" in told) == (len(counts) > 1)


def test_the_smallest_percentage_ends_nothing(tmp_path: Path) -> None:
    capture(tmp_path / "capture", several([1], 5e-324))
    document, told = judged(endpoint_file(tmp_path))
    assert document["capture"]["requests"] > 10**300 and "captured at 5e-324 %" in told["message"]


def test_numbers_of_requests_do_not_depend_on_files_or_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records = [one for i in range(60) for one in several([i % 50], (10, 25, None)[i % 3])]
    found = []
    for size in (8 << 20, 900):
        monkeypatch.setattr("model_monitor.rows.blocks.BLOCK_BYTES", size)
        root = tmp_path / str(size)
        capture(root / "capture", records)
        found.append(collected(endpoint_file(root))["capture"])
    assert found[0] == found[1]
    assert sum(found[0]["sampling"].values()) == 50


def lost(flag: str, **more: Any) -> dict[str, Any]:
    return side(None, "CSV") | {flag: True} | more


def test_a_payload_that_the_recorder_left_out_is_set_aside_with_the_reason() -> None:
    assert "max_payload_bytes" in refused(lost("truncated"), "0.5") == refused("1,2", lost("truncated"))
    assert "privacy" in refused(lost("withheld"), "0.5") == refused(lost("withheld"), lost("withheld"))
    assert "max_payload_bytes" in refused(lost("truncated", withheld=True), NO_SIDE)
    assert refused(lost("other"), NO_SIDE) == "neither input nor output was captured"
    rows, rejected = decoded([record("a"), record("e", lost("truncated")), record("b"), record("f", lost("withheld"))])
    assert (sorted(rows), sorted(rejected)) == (["a", "b"], ["e", "f"])


def test_data_that_is_there_is_read_whatever_the_flags_say() -> None:
    rows, rejected = decoded([record("a", side("1,2") | {"truncated": True, "withheld": True})])
    assert not rejected and rows["a"] == [{"_c0": "0.5", "_c1": "1", "_c2": "2"}]


@pytest.mark.parametrize("flag", ["yes", 1, [], {}])
def test_a_flag_that_is_none_sets_its_record_aside_and_no_other(tmp_path: Path, flag: Any) -> None:
    capture(tmp_path / "capture", [record("a"), record("e", side("1,2") | {"truncated": flag}), record("b")])
    document = collected(endpoint_file(tmp_path, max_rejected=1))
    assert (document["rows"], document["reasons"]) == (
        2,
        {"not a capture record: truncated is neither true nor false": 1},
    )


def test_paths_into_payloads_are_not_followed_where_one_was_left_out(tmp_path: Path) -> None:
    answer = {"predictions": [{"score": 0.5}]}
    records = [
        record("a", {"x": 1}, answer),
        record("b", lost("truncated"), answer),
        record("c", {"x": 1}, lost("withheld")),
    ]
    capture(tmp_path / "capture", records)
    options = {
        "problem_type": "Regression",
        "inference_attribute": "predictions[*].score",
        "ground_truth_attribute": "y",
    }
    file = endpoint_file(
        tmp_path,
        monitor="model_quality",
        options=options,
        ground_truth={"uri": str(tmp_path / "labels")},
        max_rejected=1,
    )
    document = collected(file)
    assert document["rows"] == 1
    assert sorted(reason[:37] for reason in document["reasons"]) == [
        "payload beyond the recorder's limit; ",
        "payload withheld by privacy rules, wh",
    ]


def batch(event: str, data: str, encoding: str = "JSON", **more: Any) -> dict[str, Any]:
    """A record of batch transform (docs/sagemaker-formats.md, Batch transform)."""
    made = record(event, NO_SIDE, NO_SIDE)
    made["captureData"] = {"batchTransformOutput": {"data": data, "encoding": encoding} | more}
    return made


def test_the_output_of_batch_transform_is_the_output() -> None:
    rows, rejected = decoded(
        [
            batch("a", '{"x":1,"score":0.5}'),
            record("b", "1,2", "0.5"),
            batch("c", "1,0.5\n", "CSV"),
            record("d", {"y": 2}, "7"),
        ]
    )
    assert not rejected
    assert rows["a"] == [{"x": "1", "score": "0.5"}]
    assert rows["b"] == [{"_c0": "0.5", "_c1": "1", "_c2": "2"}]
    assert rows["c"] == [{"_c0": "1", "_c1": "0.5"}]
    assert rows["d"] == [{"_c0": "7", "y": "2"}]


def test_paths_lead_into_the_output_of_batch_transform(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    data = json.dumps({"SageMakerOutput": {"predictions": [{"score": 0.25}]}, "features": [1, 2], "sex": "f"})
    capture(tmp_path / "capture", [batch("a", data)])
    path = "SageMakerOutput.predictions[*].score"
    options = {"problem_type": "Regression", "inference_attribute": path, "ground_truth_attribute": "y"}
    file = endpoint_file(
        tmp_path, monitor="model_quality", options=options, ground_truth={"uri": str(tmp_path / "labels")}
    )
    [address] = collected(file)["partitions"]
    [row] = pq.read_table(address).to_pylist()
    assert (row[path], row["sex"], row["@event_time"]) == ("0.25", "f", HOUR)


def test_the_command_line_tells_of_how_many_requests_rows_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capture(tmp_path / "capture", several(range(10), 20))
    asked = ["run", "data-quality", "--dataset", str(tmp_path / "capture"), "--format", "capture"]
    main([*asked, "--output", str(tmp_path / "report")])
    assert "10 rows captured at 20 %, of about 50 requests, 0 violations" in capsys.readouterr().out
