"""What the plugin registers: importing the application takes seconds, and only Airflow's web server needs it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastapi import FastAPI


class Dashboard:
    """The application, built when it is first asked: every Airflow process imports the plugin, one serves it."""

    @cached_property
    def app(self) -> FastAPI:
        from model_monitor_airflow.dashboard.app import application

        return application()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)
