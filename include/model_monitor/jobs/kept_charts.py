"""Charts that people keep under a name: which metrics, over which span, by which statistic.

A chart is a sealed file in the store, as other acts of people are.
"""

from __future__ import annotations

import hashlib
from typing import Literal

import msgspec

from model_monitor import store
from model_monitor.config.endpoint import Endpoint
from model_monitor.errors import ConfigError, DataError
from model_monitor.jobs.people import folder_of
from model_monitor.results.sealed import sealed, unsealed

FOLDER = "charts"
LONGEST = 200  # characters of a name
MOST = 6  # metrics of a chart
Statistic = Literal["value", "mean", "minimum", "maximum", "median"]
Period = Literal["window", "day", "week", "month"]


class Series(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A metric of a schedule, as the history numbers it; ``segment`` is a JSON object."""

    schedule: str
    metric: str
    column: str | None = None
    segment: str | None = None


class KeptChart(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A chart of one endpoint's metrics, each window's or a statistic of those of each period.

    ``since`` and ``until`` are ISO 8601; ``days`` before now instead, if they are absent. All windows if neither is
    there.
    """

    name: str
    by: str
    at: str
    series: list[Series]
    version: int = 1
    statistic: Statistic = "value"
    period: Period = "window"
    days: int | None = None
    since: str | None = None
    until: str | None = None


def address_of(endpoint: Endpoint, name: str) -> str:
    """The file of a chart. Names are people's, so that it is called by their digest."""
    file = f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.json"
    return store.join(folder_of(endpoint, FOLDER), file)


def keep_chart(endpoint: Endpoint, chart: KeptChart) -> str:
    """Write a chart; its address. One of the same name is replaced if it is the same person's. Raises ConfigError."""
    if not chart.name.strip() or len(chart.name) > LONGEST or not chart.name.isprintable():
        raise ConfigError(f"a chart needs a name of 1 to {LONGEST} characters in one line")
    if not 1 <= len(chart.series) <= MOST:
        raise ConfigError(f"a chart has 1 to {MOST} metrics, not {len(chart.series)}")
    known = {other.name: other for other in kept_charts(endpoint)}
    if chart.name in known and known[chart.name].by != chart.by:
        raise ConfigError(f"{known[chart.name].by} keeps a chart of this name; choose another name, or delete that one")
    content = msgspec.json.format(msgspec.json.encode(chart), indent=1) + b"\n"
    return store.write(address_of(endpoint, chart.name), sealed(content))


def kept_charts(endpoint: Endpoint) -> list[KeptChart]:
    """The charts of an endpoint, by name. Raises DataError if a file is damaged."""
    files = store.list_files(folder_of(endpoint, FOLDER), (".json",))
    charts = [chart_at(file.address) for file in files]
    return sorted(charts, key=lambda chart: (chart.name.casefold(), chart.name))


def chart_at(address: str) -> KeptChart:
    content = unsealed(store.read(address), address, "remove it, and keep the chart again")
    try:
        return msgspec.json.decode(content, type=KeptChart)
    except msgspec.DecodeError as error:
        raise DataError(f"{address} can't be read: {error}; remove it, and keep the chart again") from error


def delete_chart(endpoint: Endpoint, name: str) -> None:
    """Delete a chart by name. Raises ConfigError if there is none."""
    if all(chart.name != name for chart in kept_charts(endpoint)):
        raise ConfigError(f"{endpoint.endpoint} has no chart of this name")
    store.delete(address_of(endpoint, name))
