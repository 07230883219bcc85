"""What a person should know of how requests became the columns that were judged, beside what was found."""

from __future__ import annotations

from collections.abc import Iterator

from model_monitor.config.execution import Execution
from model_monitor.jobs.compute_metrics import selection_of
from model_monitor.results.execution import counted
from model_monitor.results.handover import Collected

HOW_TO_NAME = "name each value under columns: {outputs: [...], inputs: [...]} (--outputs, --inputs)"


def notes_of(execution: Execution, collected: Collected) -> list[str]:
    """A sentence for each thing, none of a window without requests, or whose values have names of their own."""
    if len(collected.shape) != 2 or not collected.rows or min(collected.shape) < 0:
        return []
    outputs, inputs = collected.shape
    return list(filter(None, (*of_names(execution, outputs, inputs), of_baseline(execution, collected))))


def of_names(execution: Execution, outputs: int, inputs: int) -> Iterator[str]:
    """Where the endpoint names another number of values than there are."""
    names = execution.names
    if names.are_of_sides(outputs, inputs):
        yield (
            f"a request has {values_of(outputs, inputs)}, and columns names {len(names.outputs)} outputs and "
            f"{len(names.inputs)} inputs: each side takes its own names, and what is left is called by its place (_c0, "
            f"...); {HOW_TO_NAME}"
        )


def of_baseline(execution: Execution, collected: Collected) -> str:
    """Where values without names meet a baseline with another number of columns; "" elsewhere."""
    selection = selection_of(execution, collected)
    outputs, inputs = collected.shape
    if execution.endpoint.columns.names or len(selection.names) in (0, selection.width):
        return ""
    if selection.lacks_answer:
        return (
            f"the baseline has no column for the answer ({counted(outputs, 'value')}), so the {inputs} inputs are "
            f"compared with its {len(selection.names)} columns, and the answer is not judged; to have it judged, learn "
            f"the baseline with it, in front of the inputs"
        )
    return (
        f"a request has {values_of(outputs, inputs)}, {outputs + inputs} together, and the baseline has "
        f"{counted(len(selection.names), 'column')}: they are compared by place, the answer's first; {HOW_TO_NAME}"
    )


def values_of(outputs: int, inputs: int) -> str:
    return f"{counted(outputs, 'value')} in the answer and {inputs} in the input"
