"""What Airflow itself has to know of the project: its timetables."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin

from model_monitor_airflow.timetables import WindowTimetable


class ModelMonitorPlugin(AirflowPlugin):
    """Lets Airflow's scheduler read the timetable from a serialised DAG."""

    name = "model_monitor"
    timetables = (WindowTimetable,)
