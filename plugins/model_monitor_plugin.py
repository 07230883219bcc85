"""The project's Airflow plugin: it registers the timetables."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin

from model_monitor_airflow.timetables import UpcomingTimetable, WindowTimetable


class ModelMonitorPlugin(AirflowPlugin):
    """The scheduler reads the timetable of a serialised DAG by its registered class."""

    name = "model_monitor"
    timetables = [UpcomingTimetable, WindowTimetable]  # noqa: RUF012 Airflow declares a list
