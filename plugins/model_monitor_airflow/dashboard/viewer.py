"""What may a user of Airflow see and change? Its auth manager decides, by the permissions on DAGs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails


@dataclass(frozen=True)
class AirflowViewer:
    """A user as Airflow's auth manager knows them. Each question is asked at most once in a request."""

    user: Any

    @property
    def name(self) -> str:
        return str(self.user.get_name())

    def may_read(self, dag_id: str) -> bool:
        return dag_id in self._readable

    def may_edit(self, dag_id: str) -> bool:
        return dag_id in self._editable

    def may_run(self, dag_id: str) -> bool:
        """Whether they may start runs of a DAG, as Airflow asks for runs by hand and backfills."""
        entity = DagAccessEntity.RUN
        details = DagDetails(id=dag_id)
        allowed = get_auth_manager().is_authorized_dag(
            method="POST", user=self.user, access_entity=entity, details=details
        )
        return dag_id in self._readable and bool(allowed)

    @cached_property
    def may_add(self) -> bool:
        """Whether they may edit DAGs whichever: a new one has no name yet by which it could be asked about, and who may
        edit each may have each look at what the new one would."""
        return bool(get_auth_manager().is_authorized_dag(method="PUT", user=self.user))

    @cached_property
    def _readable(self) -> set[str]:
        return set(get_auth_manager().get_authorized_dag_ids(user=self.user, method="GET"))

    @cached_property
    def _editable(self) -> set[str]:
        return self._readable & set(get_auth_manager().get_authorized_dag_ids(user=self.user, method="PUT"))


class Nobody:
    """Who has not logged in."""

    name = ""
    may_add = False

    def may_read(self, dag_id: str) -> bool:
        return False

    def may_edit(self, dag_id: str) -> bool:
        return False

    def may_run(self, dag_id: str) -> bool:
        return False
