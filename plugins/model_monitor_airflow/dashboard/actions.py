"""What can be done in the pages. Who does it must be allowed to edit the DAGs of the schedules that it concerns."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from model_monitor.dashboard import alert_acts, marking
from model_monitor.dashboard.new_choices import Asked
from model_monitor.dashboard.visit import NoSuchPage, NotAllowed, Visit
from model_monitor_airflow.dashboard import adding, deciding, keeping


@dataclass(frozen=True)
class Action:
    """A form that is sent to ``path``, or the same as JSON to ``/api`` and the path.

    ``schedules`` are those whose DAGs the user must be allowed to edit; None: the user must be allowed to add DAGs.
    ``act`` does it, and says at which address the browser goes on.
    """

    path: str
    form: type[BaseModel]
    schedules: Callable[[Visit, Any], Collection[str]] | None
    act: Callable[[Visit, Any], str]

    def __call__(self, visit: Visit, form: BaseModel) -> str:
        """Raises NoSuchPage for what the user may not see, NotAllowed for what they may not change."""
        if self.schedules is None:
            allowed = visit.viewer.may_add
        else:
            names = self.schedules(visit, form)
            if not names or not visit.may_read_all(names):
                raise NoSuchPage("there is nothing of this name, or you may not see it")
            allowed = all(map(visit.viewer.may_edit, names))
        if not allowed:
            raise NotAllowed("this needs the permission to edit the DAG")
        return self.act(visit, form)


ACTIONS: tuple[Action, ...] = (
    Action("/baselines/preview", deciding.Trial, deciding.schedules, deciding.preview),
    Action("/baselines/decide", deciding.Decided, deciding.schedules, deciding.decide),
    Action("/alerts/snooze", alert_acts.Snooze, alert_acts.concerned, alert_acts.snooze),
    Action("/alerts/close", alert_acts.Close, alert_acts.concerned, alert_acts.close_incident),
    Action("/alerts/mute", alert_acts.Mute, alert_acts.all_schedules, alert_acts.mute),
    Action("/executions/mark", marking.Marking, marking.concerned, marking.mark),
    Action("/charts/keep", keeping.Chart, keeping.schedules_in, keeping.keep),
    Action("/charts/delete", keeping.Named, keeping.schedules_of, keeping.delete),
    Action("/new/save", Asked, None, adding.save_file),
)
