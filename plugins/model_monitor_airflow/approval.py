"""Does a person agree with a new version of a baseline? The task waits for the answer without a worker."""

from __future__ import annotations

import json
from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import Param
from airflow.sdk.exceptions import AirflowSkipException

from model_monitor.core.window import iso
from model_monitor_airflow.operators import ScheduleOperator

try:
    from airflow.sdk.exceptions import TaskAwaitingInput as Waiting
except ImportError:  # Airflow 3.2 waits in its triggerer
    from airflow.sdk.exceptions import TaskDeferred as Waiting  # type: ignore[assignment]

if TYPE_CHECKING:
    from airflow.sdk import Context, XComArg

APPROVE, REJECT = "Approve", "Reject"
LONGEST = 64 * 1024  # bytes of a constraints file that the form holds
WHY = "Kept beside the version, with your name and the time."
EDIT = "Change what shall be judged otherwise. An edit is published as a version of its own."
ELSEWHERE = "To edit, change the file in the version's folder and clear this task, and those after it."


class ApproveBaseline(ScheduleOperator, HITLOperator):
    """Asks a person about a version, and shows what it would change; returns the answer and what it is about.

    It is skipped where nobody has to be asked. Its form holds a reason and, where they are short and no column is
    private, the constraints to edit.
    """

    template_fields: Sequence[str] = ("version",)  # nothing that users wrote is rendered as a template

    def __init__(self, *, version: str | XComArg, **kwargs: Any) -> None:
        form = {
            "why": Param("", type=["string", "null"], title="Reason", description=WHY, source="task"),
            "constraints": Param(None, type=["object", "null"], title="Constraints", description=EDIT, source="task"),
        }
        own = {
            "subject": f"Judge {kwargs['schedule']} by another baseline?",
            "options": [APPROVE, REJECT],
            "params": form,
            "execution_timeout": None,  # a person may take any time
        }
        super().__init__(**kwargs | own)  # the DAG's own params are about the dataset
        self.version = version

    def verb(self, jobs: ModuleType, context: Context) -> Any:
        assignment = self.assignment()
        proposal = jobs.propose_baseline(assignment, self.version)
        if proposal.settled:
            raise AirflowSkipException(proposal.settled)
        self.log.info(proposal.text)
        self.subject = f"Judge {self.schedule} by version {proposal.version.name}?"
        self.body = proposal.markdown
        constraints = proposal.version.constraints(assignment)
        if assignment.private or len(json.dumps(constraints)) > LONGEST:
            self.body = f"{self.body}\n\n{ELSEWHERE}"
        else:
            self.params["constraints"] = constraints
        shown = {"digests": proposal.version.digests, "in_force": proposal.replaces}
        try:
            HITLOperator.execute(self, context)
        except Waiting as waiting:
            waiting.method_name, waiting.kwargs = "answered", {"shown": shown}
            raise

    def answered(self, context: Context, event: dict[str, Any], shown: dict[str, Any]) -> dict[str, Any]:
        """Runs once the answer is there. It touches no store, so that no failure asks the person again."""
        answer = self.execute_complete(context, event)
        form, user = answer["params_input"], answer["responded_by_user"] or {}
        return {
            "decision": "approved" if APPROVE in answer["chosen_options"] else "rejected",
            "by": user.get("name") or user.get("id"),
            "at": iso(answer["responded_at"]),
            "why": form.get("why") or "",
            "constraints": form.get("constraints"),
            "shown": shown,
        }


class PublishBaseline(ScheduleOperator):
    """Makes the schedule judge by a version from now on, or keeps that it was rejected; returns the pointer's address.

    What the version was learned from is in the log, and the XCom ``learned``: rows, columns with their types, declared
    columns that it lacks, and columns with numbers and other values.

    ``answer`` is what *approve* returned; None where it was skipped. After a rejection the task is skipped, and the
    version in force stays.
    """

    template_fields: Sequence[str] = ("version", "answer")

    def __init__(self, *, version: str | XComArg, answer: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.version = version
        self.answer = answer

    def verb(self, jobs: ModuleType, context: Context) -> Any:
        asked_at, assignment = iso(context["dag_run"].run_after), self.assignment()
        pointer = jobs.decide_baseline(assignment, self.version, self.answer, asked_at)
        if pointer is None:
            raise AirflowSkipException(f"{self.version} was rejected; the version in force stays")
        learned = jobs.learned_in(assignment, self.version)
        in_force = f"{self.schedule} is judged by {self.version} from now on, as {pointer} says"
        self.log.info("\n".join([in_force, *learned.sentences]))
        context["ti"].xcom_push("learned", learned.summary)
        return pointer
