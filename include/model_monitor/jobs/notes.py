"""What a person should know of how requests became the columns that were judged, beside what was found."""

from __future__ import annotations

from collections.abc import Iterator

from model_monitor.config.execution import Execution
from model_monitor.core.observed import Observed
from model_monitor.jobs.compute_metrics import selection_of
from model_monitor.jobs.learned import of_all_rows
from model_monitor.monitors.data_quality import Table
from model_monitor.results.execution import counted
from model_monitor.results.handover import Collected

HOW_TO_NAME = "name each value under columns: {outputs: [...], inputs: [...]} (--outputs, --inputs)"


def notes_of(execution: Execution, collected: Collected, observed: Observed) -> list[str]:
    """A sentence for each thing; none of a window without requests."""
    notes = list(of_headers(execution, collected, observed)) if collected.rows else []
    if len(collected.shape) == 2 and collected.rows and min(collected.shape) >= 0:  # values without names
        notes += [*of_names(execution, *collected.shape), *of_baseline(execution, collected)]
    return notes


def of_headers(execution: Execution, collected: Collected, observed: Observed) -> Iterator[str]:
    """Where requests name their columns in a first line of CSV, or rows hold the names of all columns as values."""
    if collected.headed:
        kept = ", and counts as a row, as SageMaker reads it" if execution.names.keeps_headers else ", and is no row"
        yield f"in {counted(collected.headed, 'request')} the first line of CSV names its columns{kept}"
        return
    _, state = of_all_rows(execution.monitor, observed.state)
    items = state.columns.items if isinstance(state, Table) else {}
    if headed := min((column.words.values.get(name, 0) for name, column in items.items()), default=0):
        yield (
            f"{counted(headed, 'row')} may be a first line of CSV with names, as each column holds its own name as a "
            f"value; {HOW_TO_NAME}, and such a line is no row"
        )


def of_names(execution: Execution, outputs: int, inputs: int) -> Iterator[str]:
    """Where the endpoint names another number of values than there are."""
    names = execution.names
    if names.are_of_sides(outputs, inputs):
        yield (
            f"a request has {values_of(outputs, inputs)}, and columns names {len(names.outputs)} outputs and "
            f"{len(names.inputs)} inputs: each side takes its own names, and what is left is called by its place (_c0, "
            f"...); {HOW_TO_NAME}"
        )


def of_baseline(execution: Execution, collected: Collected) -> Iterator[str]:
    """Where values without names meet a baseline with another number of columns."""
    selection = selection_of(execution, collected)
    outputs, inputs = collected.shape
    if execution.endpoint.columns.names or len(selection.names) in (0, selection.width):
        return
    if selection.lacks_answer:
        yield (
            f"the baseline has no column for the answer ({counted(outputs, 'value')}), so the {inputs} inputs are "
            f"compared with its {len(selection.names)} columns, and the answer is not judged; to have it judged, learn "
            "the baseline with it, in front of the inputs"
        )
        return
    yield (
        f"a request has {values_of(outputs, inputs)}, {outputs + inputs} together, and the baseline has "
        f"{counted(len(selection.names), 'column')}: they are compared by place, the answer's first; {HOW_TO_NAME}"
    )


def values_of(outputs: int, inputs: int) -> str:
    return f"{counted(outputs, 'value')} in the answer and {inputs} in the input"
