"""The project's Airflow plugin: it registers the timetables, what writes the notes of runs, and the pages."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin

from model_monitor_airflow import run_notes
from model_monitor_airflow.dashboard.lazily import Dashboard
from model_monitor_airflow.pages import PANELS, PREFIX, VIEWS
from model_monitor_airflow.timetables import UpcomingTimetable, WindowTimetable


class ModelMonitorPlugin(AirflowPlugin):
    """The scheduler reads the timetable of a serialised DAG by its registered class."""

    name = "model_monitor"
    timetables = [UpcomingTimetable, WindowTimetable]  # noqa: RUF012 Airflow declares a list
    listeners = [run_notes]  # noqa: RUF012
    fastapi_apps = [{"app": Dashboard(), "url_prefix": PREFIX, "name": "Model Monitor"}]  # noqa: RUF012
    external_views = VIEWS
    react_apps = PANELS
