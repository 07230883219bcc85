"""The names of a captured request's values, and which of them are not judged."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from model_monitor.config.monitors import attributes_of
from model_monitor.rows.payloads.jsonpaths import is_path
from model_monitor.sagemaker.analysis_config import Analysis
from model_monitor.sagemaker.importing.definition import Definition
from model_monitor.sagemaker.importing.document import OfSchedule, Remarks
from model_monitor.sagemaker.importing.shapes import Json

MOST_OUTPUTS = 1000  # that are named without knowing them
SAGEMAKERS_OWN = re.compile(r"(instances(\[\*\])?\.)?features")  # forms that captured requests are read in anyway
INDEX = re.compile(r"[0-9]{1,6}")


@dataclass(frozen=True)
class Used:
    """What one schedule knows of columns.

    inputs: names of a request's values, in order; () if unknown. outputs: those of the answer's first values, likewise.
    needs: names that its monitor can't do without. judges_inputs: False if excluded columns don't concern it.
    """

    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    judges_inputs: bool = True


def used_by(definition: Definition, settings: Json, analysis: Analysis | None, about: OfSchedule) -> Used:
    """What a schedule (its entry is ``settings``) knows of columns."""
    analysis = analysis or Analysis()
    inputs = analysis.columns.get("inputs", ())
    if definition.kind == "ModelExplainability":
        inputs = analysis.explain.get("features", inputs)
    options = settings.get("options", {})
    bias_columns = [facet["name"] for facet in options.get("facets", [])] + [options.get("group_variable")]
    features = definition.input.get("FeaturesAttribute")
    if features and definition.is_of_clarify and not SAGEMAKERS_OWN.fullmatch(features):
        about.look(
            "monitor",
            f"FeaturesAttribute is {features}; values without names are found in {{features: [...]}} or "
            "{instances: [...]}, anything else needs a preprocess script that returns them by name",
        )
    return Used(
        inputs,
        outputs_of(options, definition, len(inputs)) if inputs else (),
        analysis.columns.get("exclude", ()) + excluded(definition, inputs, about),
        tuple(str(name) for name in bias_columns if name is not None),
        definition.kind != "ModelQuality",
    )


def outputs_of(options: Json, definition: Definition, inputs: int) -> tuple[str, ...]:
    """Names for the values of a CSV answer, up to the last that an attribute names; () of JSON.

    An index counts the answer's values; of batch transforms, those of the joined line.
    """
    attributes = [str(attribute) for attribute in attributes_of(options)]
    if definition.kind == "ModelExplainability":
        names = ("InferenceAttribute", "ProbabilityAttribute")
        attributes = [definition.input[name] for name in names if name in definition.input]
    if any(is_path(attribute) for attribute in attributes):
        return ()
    if named := [attribute for attribute in attributes if not INDEX.fullmatch(attribute)]:
        return tuple(dict.fromkeys(named))
    count = max([*map(int, attributes), -1]) + 1 - (inputs if definition.is_batch else 0)
    return tuple(f"output{i}" for i in range(min(count, MOST_OUTPUTS)))


def excluded(definition: Definition, inputs: Sequence[str], about: OfSchedule) -> tuple[str, ...]:
    """The names in ExcludeFeaturesAttribute; an index counts the request's values, and needs their names."""
    columns = [column.strip() for column in definition.input.get("ExcludeFeaturesAttribute", "").split(",")]
    names = []
    for column in filter(None, columns):
        if INDEX.fullmatch(column) and int(column) >= len(inputs):
            about.look(
                "name",
                f"ExcludeFeaturesAttribute leaves out value {column} of the request (from 0 on); name it in columns: "
                "{exclude: [...]} as the baseline calls it",
            )
        else:
            names.append(inputs[int(column)] if INDEX.fullmatch(column) else column)
    return tuple(names)


def columns_of(used: Sequence[Used], remarks: Remarks) -> Json:
    """``columns`` for all schedules together; {} if none knows of any."""
    inputs = next((use.inputs for use in used if use.inputs), ())
    outputs = next((use.outputs for use in used if use.outputs), ())
    if any(use.inputs not in ((), inputs) for use in used):
        remarks.look(("columns",), "the analysis configurations name different inputs; the first one's are taken")
    if inputs:
        remarks.look(
            ("columns",),
            "values of CSV take these names by position, the answer's before the request's: name every value of both, "
            "as a baseline of data quality does",
        )
    columns = {
        "outputs": [name for name in outputs if name not in inputs],
        "inputs": list(inputs),
        "exclude": excluded_by_all(used, remarks),
    }
    return {key: value for key, value in columns.items() if value}


def excluded_by_all(used: Sequence[Used], remarks: Remarks) -> list[str]:
    """What every schedule that would judge it leaves out, as the file excludes it from all of them."""
    needed = {name for use in used for name in use.needs}
    excluded = []
    for name in dict.fromkeys(name for use in used for name in use.exclude):
        if name not in needed and all(name in use.exclude or not use.judges_inputs for use in used):
            excluded.append(name)
        else:
            remarks.look(
                ("columns",),
                f"only some schedules leave out '{name}', and what is excluded here is excluded from all; it is judged",
            )
    return excluded
