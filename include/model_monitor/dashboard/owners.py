"""Who looks after an endpoint, and how much does it matter? By its file, and by ``defaults.yaml`` beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from model_monitor.config import Endpoint
from model_monitor.config.alerts import SEVERITIES, Alerts, Severity
from model_monitor.config.defaults import defaults_in
from model_monitor.errors import ConfigError


class Owners:
    """Reads each folder's defaults once."""

    def __init__(self) -> None:
        self.defaults: dict[Path | None, Alerts] = {}

    def owner(self, endpoint: Endpoint) -> str | None:
        """Who looks after an endpoint; of several the one of its first schedule with one."""
        return next((layer.owner for layer in self.layers(endpoint) if layer.owner), None)

    def risk(self, endpoint: Endpoint) -> Severity:
        """How much an endpoint matters: the highest severity of its schedules."""
        risks = [schedule.alerts.severity for schedule in endpoint.schedules if says_severity(schedule.alerts)]
        if len(risks) < len(endpoint.schedules):
            others = (endpoint.alerts, self.common(endpoint))
            risks.append(next((layer.severity for layer in others if says_severity(layer)), Alerts().severity))
        return max(risks, key=SEVERITIES.index)

    def layers(self, endpoint: Endpoint) -> Iterator[Alerts]:
        yield from (schedule.alerts for schedule in endpoint.schedules)
        yield endpoint.alerts
        yield self.common(endpoint)

    def common(self, endpoint: Endpoint) -> Alerts:
        """What the endpoint files of a folder have in common; nothing if that can't be read."""
        if endpoint.folder not in self.defaults:
            try:
                self.defaults[endpoint.folder] = defaults_in(endpoint.folder).alerts
            except ConfigError:  # `model-monitor validate` and the DAG endpoint_files say what is wrong
                self.defaults[endpoint.folder] = Alerts()
        return self.defaults[endpoint.folder]


def says_severity(alerts: Alerts) -> bool:
    return "severity" in alerts.model_fields_set
