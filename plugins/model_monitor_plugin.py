"""The project's Airflow plugin: it registers the timetable."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin

from model_monitor_airflow.timetables import WindowTimetable


class ModelMonitorPlugin(AirflowPlugin):
    """The scheduler reads the timetable of a serialised DAG by its registered class."""

    name = "model_monitor"
    timetables = [WindowTimetable]  # noqa: RUF012 Airflow declares a list
