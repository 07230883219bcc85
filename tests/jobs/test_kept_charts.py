"""A chart that a person keeps is a sealed file of the store under a name, whoever reads it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from support.captures import endpoint_file

from model_monitor import config
from model_monitor.config.endpoint import Endpoint
from model_monitor.errors import ConfigError, DataError
from model_monitor.jobs.kept_charts import (
    LONGEST,
    MOST,
    KeptChart,
    Series,
    address_of,
    delete_chart,
    keep_chart,
    kept_charts,
)

AUC = Series(schedule="mq", metric="auc", segment='{"origin": "EWR"}')
CHART = KeptChart(name="AUC of Newark", by="ann", at="2026-02-01T10:00:00Z", series=[AUC], statistic="mean", days=28)


@pytest.fixture
def endpoint(tmp_path: Path) -> Endpoint:
    return config.load(endpoint_file(tmp_path))


def test_a_chart_is_kept_replaced_listed_by_name_and_deleted(endpoint: Endpoint) -> None:
    assert kept_charts(endpoint) == []
    keep_chart(endpoint, CHART)
    other = msgspec.structs.replace(CHART, name="a <script> ../../etc/passwd")
    keep_chart(endpoint, other)
    assert kept_charts(endpoint) == [other, CHART]
    weekly = msgspec.structs.replace(CHART, period="week")
    keep_chart(endpoint, weekly)
    assert kept_charts(endpoint) == [other, weekly]
    delete_chart(endpoint, other.name)
    assert kept_charts(endpoint) == [weekly]
    with pytest.raises(ConfigError, match="no chart of this name"):
        delete_chart(endpoint, other.name)


def test_all_files_of_charts_are_in_the_endpoint_s_folder_of_the_store(endpoint: Endpoint, tmp_path: Path) -> None:
    keep_chart(endpoint, msgspec.structs.replace(CHART, name="../../../escaped"))
    [file] = [path for path in tmp_path.rglob("*.json") if path.is_file()]
    assert file.parent == tmp_path / "out/_alerts/churn/AllTraffic/charts"


def test_nobody_replaces_the_chart_of_another_person(endpoint: Endpoint) -> None:
    keep_chart(endpoint, CHART)
    with pytest.raises(ConfigError, match="ann keeps a chart of this name"):
        keep_chart(endpoint, msgspec.structs.replace(CHART, by="bob"))


@pytest.mark.parametrize("name", ["", " ", "x" * (LONGEST + 1), "two\nlines", "a\x00b"])
def test_a_name_is_a_line(endpoint: Endpoint, name: str) -> None:
    with pytest.raises(ConfigError, match="needs a name"):
        keep_chart(endpoint, msgspec.structs.replace(CHART, name=name))


@pytest.mark.parametrize("count", [0, MOST + 1])
def test_a_chart_has_some_metrics_and_not_too_many(endpoint: Endpoint, count: int) -> None:
    with pytest.raises(ConfigError, match=f"not {count}"):
        keep_chart(endpoint, msgspec.structs.replace(CHART, series=[AUC] * count))


def test_a_damaged_chart_says_what_to_do(endpoint: Endpoint) -> None:
    keep_chart(endpoint, CHART)
    address = Path(address_of(endpoint, CHART.name))
    address.write_bytes(address.read_bytes().replace(b"ann", b"eve"))
    with pytest.raises(DataError, match="remove it, and keep the chart again"):
        kept_charts(endpoint)
