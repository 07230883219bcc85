"""An endpoint file from what a person chose: text that the configuration accepts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator

from model_monitor import config, store
from model_monitor.config.endpoint import Endpoint
from model_monitor.errors import ConfigError
from model_monitor.jobs.drafts.looking import Look
from model_monitor.jobs.drafts.roots import Roots

HEADER = "# yaml-language-server: $schema=endpoint.schema.json\n"
MONITORS = {
    "data_quality": "do requests and answers look as usual?",
    "traffic": "do requests come, and are they answered, as usual?",
    "model_quality": "are the answers right? It needs labels",
    "bias": "are they as good for one group as for the rest? It needs labels",
}
NEED_LABELS = ("model_quality", "bias")
CRONS = {"0 * * * *": "every hour", "0 0 * * *": "every day", "0 0 * * 1": "every week, on Monday"}
Problem = Literal["BinaryClassification", "MulticlassClassification", "Regression"]


class Assigned(BaseModel):
    """A column with the role that a person gave it; ``name`` is what it is called from now on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    role: Literal["input", "prediction", "probability", "time", "event_id", "inference_id", "ignore"] = "input"
    side: Literal["output", "input", ""] = ""


class Draft(BaseModel):
    """What a person chose in the form *New monitor*. Addresses count as they are typed; ``${NAME}`` is refused, as it
    would tell what the server's environment holds.

    ``learn_from``: a dataset's address, or a span of the traffic as a folder yyyy[/mm[/dd]].
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    endpoint: str
    output: str
    columns: tuple[Assigned, ...]
    monitors: tuple[Literal["data_quality", "traffic", "model_quality", "bias"], ...] = ("data_quality",)
    cron: str = "0 0 * * *"
    labels: str = ""
    label: str = "label"
    problem: Problem = "BinaryClassification"
    threshold: float = Field(0.5, ge=0, le=1)
    facet: str = ""
    positive: str = "1"
    dataset: str = ""
    dataset_format: Literal["csv", "jsonl", "parquet"] = "csv"
    learn_from: str = Field("", pattern=r"^(\d{4}(/\d{2}){0,2})?$")
    owner: str = ""

    @field_validator("*")
    @classmethod
    def _refers_to_no_environment(cls, value: Any) -> Any:
        parts = value if isinstance(value, tuple) else (value,)
        texts = [part.name if isinstance(part, Assigned) else str(part) for part in parts]
        if any("${" in text for text in texts):
            raise ValueError("${ would be replaced by the environment's values; write it otherwise")
        return value

    def named(self, *roles: str) -> list[str]:
        """The columns of these roles."""
        return [one.name for one in self.columns if one.role in roles]

    def checked(self, readable: Roots, writable: Roots) -> Draft:
        """The same with addresses that are permitted. Raises ConfigError."""
        if not self.monitors:
            raise ConfigError("choose at least one monitor")
        if not (self.labels or not set(self.monitors) & set(NEED_LABELS)):
            raise ConfigError(f"{self.monitors[-1]} needs labels; name the folder that they arrive in")
        if "bias" in self.monitors and self.facet not in self.named("input", "ignore"):
            raise ConfigError("bias compares groups; choose the column that tells them apart")
        if "traffic" in self.monitors and not self.learn_from:
            raise ConfigError("traffic learns from a span of the traffic; name one, as 2026 or 2026/01 or 2026/01/31")
        if not (self.dataset or self.learn_from):
            raise ConfigError("there is nothing to learn from; name a dataset, or a span of the traffic")
        given = {name: getattr(self, name) for name in ("labels", "dataset") if getattr(self, name)}
        allowed = {name: readable.permitted(address) for name, address in given.items()}
        return self.model_copy(update={"output": writable.permitted(self.output), **allowed})


def text_of(draft: Draft, look: Look) -> str:
    """The text of the endpoint file."""
    document: dict[str, Any] = {"endpoint": draft.endpoint}
    if look.variant != "AllTraffic":
        document["variant"] = look.variant
    document |= {"capture": capture_of(draft, look)} | columns_of(draft, look)
    if draft.labels:
        document["ground_truth"] = {"uri": draft.labels}
    document["output"] = draft.output
    if draft.owner:
        document["alerts"] = {"owner": draft.owner}
    document["schedules"] = [schedule_of(draft, look, monitor) for monitor in draft.monitors]
    return HEADER + yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)


def capture_of(draft: Draft, look: Look) -> dict[str, Any]:
    if look.kind == "endpoint":
        return {"uri": look.uri}
    times = draft.named("time")
    if not times:
        raise ConfigError("choose the column that says when a request came")
    mapping: dict[str, Any] = {"event_time": times[0]}
    for role in ("event_id", "inference_id"):
        if found := draft.named(role):
            mapping[role] = found[0]
    mapping |= {"inputs": draft.named("input"), "outputs": draft.named("prediction", "probability")}
    return {"kind": "table", "uri": look.uri, "format": look.format, "mapping": {k: v for k, v in mapping.items() if v}}


def columns_of(draft: Draft, look: Look) -> dict[str, Any]:
    """The section ``columns``: names for CSV captures, and what is not judged. A table leaves out what it ignores."""
    if look.kind != "endpoint":
        return {}
    section: dict[str, list[str]] = {}
    if not all(one.has_own_name for one in look.columns):
        for side in ("output", "input"):
            section[f"{side}s"] = [one.name for one in draft.columns if one.side == side]
    section["exclude"] = draft.named("ignore")
    kept = {key: names for key, names in section.items() if names}
    return {"columns": kept} if kept else {}


def schedule_of(draft: Draft, look: Look, monitor: str) -> dict[str, Any]:
    name = f"{draft.endpoint}-{monitor.replace('_', '-')}"
    schedule: dict[str, Any] = {"name": name, "monitor": monitor}
    if options := options_of(draft, monitor):
        schedule["options"] = options
    schedule["cron"] = draft.cron
    if baseline := baseline_of(draft, look, monitor, name):
        schedule["baseline"] = baseline
    return schedule


def options_of(draft: Draft, monitor: str) -> dict[str, Any]:
    if monitor not in NEED_LABELS:
        return {}
    probabilities, predictions = draft.named("probability"), draft.named("prediction")
    options: dict[str, Any] = {"ground_truth_attribute": draft.label}
    if monitor == "model_quality":
        options["problem_type"] = draft.problem
    is_scored = probabilities and draft.problem == "BinaryClassification"
    if is_scored:
        options["probability_attribute"] = probabilities[0]
        options["probability_threshold_attribute"] = draft.threshold
    elif predictions or probabilities:
        options["inference_attribute"] = (predictions or probabilities)[0]
    if monitor == "bias":
        positive: str | int = int(draft.positive) if draft.positive.isdecimal() else draft.positive
        options |= {"facets": [{"name": draft.facet}], "label_values_or_threshold": [positive]}
    return options


def baseline_of(draft: Draft, look: Look, monitor: str, schedule: str) -> dict[str, Any]:
    """Where the schedule learns what is normal: a dataset, or rows that were collected of a span of the traffic."""
    if draft.dataset and monitor != "traffic":
        return {"dataset": draft.dataset, "format": draft.dataset_format}
    if not draft.learn_from:
        return {}
    return {"dataset": collected(draft, look, monitor, schedule, draft.output), "format": "parquet"}


def collected(draft: Draft, look: Look, monitor: str, schedule: str, output: str) -> str:
    """The folder of collected rows that a monitor judges."""
    kind, last = ("_merged", schedule) if monitor in NEED_LABELS else ("_rows", look.variant)
    kind = "_requests" if monitor == "traffic" else kind
    return store.join(output, kind, draft.endpoint, last, *filter(None, [draft.learn_from]))


def endpoint_in(
    text: str,
    name: str,
    others: Sequence[Path] = (),
    reserved: Mapping[str, Path] | None = None,
    suffixes: Sequence[str] = (),
) -> Endpoint:
    """The endpoint of a text, if it can stand beside other files. Raises ConfigError that says what is wrong."""
    with store.WorkingFolder() as folder:
        path = Path(folder) / f"{name}.yaml"
        path.write_text(text, encoding="utf-8")
        try:
            endpoint = config.load(path)
            _, problems = config.load_all([*others, path], reserved or {}, suffixes)
            ours = [problem for problem in (*problems, *config.problems_in(path, endpoint)) if folder in problem]
            if ours:
                raise ConfigError("\n".join(ours))
        except ConfigError as error:
            raise ConfigError(str(error).replace(f"{folder}/", "")) from error
    return endpoint
