"""What a schedule needs is asked of its monitor, of this project or a user's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from model_monitor import config
from model_monitor.config.monitors import class_of, traits_of
from model_monitor.errors import ConfigError
from model_monitor.monitors.traits import BUILT_IN

ENDPOINT = """\
endpoint: shop
capture: {uri: captures}
output: out
ground_truth: {uri: labels}
schedules:
  - {name: shop-mine, monitor: MODULE.Mine}
"""
MONITOR = """\
from dataclasses import dataclass

from model_monitor.core import Counts, Monitor, Traits

@dataclass(frozen=True)
class Mine(Monitor[Counts]):
    traits = Traits(needs_labels=NEEDS_LABELS)
"""
VERBS = "empty = observe = measure = suggest = None"


@pytest.fixture
def endpoint_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], config.Endpoint]:
    monkeypatch.syspath_prepend(str(tmp_path))

    def endpoint(module: str, content: str) -> config.Endpoint:
        (tmp_path / f"{module}.py").write_text(content)
        (tmp_path / "shop.yaml").write_text(ENDPOINT.replace("MODULE", module))
        return config.load(tmp_path / "shop.yaml")

    return endpoint


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_class_has_the_traits_that_its_name_is_known_by(name: str) -> None:
    assert class_of(name).traits == traits_of(name) == traits_of(name.replace("_", "-"))


@pytest.mark.parametrize("needs", [True, False])
def test_labels_of_the_endpoint_reach_a_monitor_of_ones_own_that_needs_them(needs: bool, endpoint_of: Callable) -> None:
    content = MONITOR.replace("NEEDS_LABELS", str(needs)) + f"    {VERBS}\n"
    [schedule] = endpoint_of(f"of_ones_own_{needs}", content).schedules
    assert bool(schedule.ground_truth) == needs


def test_a_module_that_can_not_be_imported_is_told_by_validate_and_loading_goes_on(endpoint_of: Callable) -> None:
    [schedule] = endpoint_of("broken_module", "1 / 0").schedules
    assert schedule.ground_truth is None
    with pytest.raises(ConfigError, match="division by zero"):
        schedule.build_monitor()


def test_a_monitor_without_a_verb_is_refused_by_its_name(endpoint_of: Callable) -> None:
    [schedule] = endpoint_of("half_a_monitor", MONITOR.replace("NEEDS_LABELS", "False")).schedules
    with pytest.raises(ConfigError, match="lacks empty, measure, observe, suggest"):
        schedule.build_monitor()
