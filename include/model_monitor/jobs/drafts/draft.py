"""An endpoint file from what a person chose: text that the configuration accepts."""

from __future__ import annotations

import re
from calendar import isleap, monthrange
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import takewhile
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

from model_monitor import config, store
from model_monitor.config.endpoint import Endpoint, Schedule
from model_monitor.config.fields import Cron, Name
from model_monitor.core.window import Window
from model_monitor.errors import ConfigError
from model_monitor.jobs.drafts.looking import Look
from model_monitor.jobs.drafts.roles import ONCE
from model_monitor.jobs.drafts.roots import Misfit, Roots

HEADER = "# yaml-language-server: $schema=endpoint.schema.json\n"
MONITORS = {
    "data_quality": "do requests and answers look as usual?",
    "traffic": "do requests come, and are they answered, as usual?",
    "model_quality": "are the answers right? It needs labels",
    "bias": "are they as good for one group as for the rest? It needs labels",
}
NEED_LABELS = ("model_quality", "bias")
QUIET = 0.05  # the part of rows that may move: hours, weekdays and days that differ are no incident
CRONS = {"0 * * * *": "every hour", "0 0 * * *": "every day", "0 0 * * 1": "every week, on Monday"}
NOISES = {
    "": "as past windows varied, once there are 20; before that, as rows alone do",
    "history": "as past windows varied; nothing is judged by chance before there are 20",
    "sampling": "as rows alone do",
}
REFERENCES = {
    "": "the same hour of past days, once there are enough",
    "same_hour": "the same hour of past days, from the first on",
    "previous": "the window before",
    "trailing P7D": "the seven days before",
    "baseline": "nothing else",
}
COLLECTED = ("_rows", "_merged", "_requests")  # folders of rows, of those with labels, and of requests
Problem = Literal["BinaryClassification", "MulticlassClassification", "Regression"]


def day_or_more(span: str) -> str:
    """A year, a month or a day, as yyyy[/mm[/dd]]; or "". Raises ValueError."""
    if span and not re.fullmatch(r"\d{4}(/\d{2}){0,2}", span):
        raise ValueError(f"{span} is no year, month or day")
    date(*map(int, [*span.split("/"), "1", "1"][:3])) if span else None
    return span


class Assigned(BaseModel):
    """A column with the role that a person gave it; ``name`` is what it is called from now on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    role: Literal["input", "prediction", "probability", "time", "event_id", "inference_id", "label", "ignore"] = "input"
    side: Literal["output", "input", ""] = ""
    private: bool = False


class Draft(BaseModel):
    """What a person chose in the form *New monitor*. Addresses count as they are typed; ``${NAME}`` is refused, as it
    would tell what the server's environment holds.

    name: of the file; names of schedules start with it. labels: of ground-truth records, or of a table whose column
    ``label_id`` has the request's id; "" where the requests' own table has labels. learn_from: a span of the traffic
    as a folder yyyy[/mm[/dd]], from which a schedule learns that has no ``dataset``. noise, reference: "" leaves the
    schedule's setting out.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    output: str
    columns: tuple[Assigned, ...]
    monitors: tuple[Literal["data_quality", "traffic", "model_quality", "bias"], ...] = ("data_quality",)
    cron: Cron = "0 0 * * *"
    labels: str = ""
    label: str = "label"
    label_id: str = ""
    problem: Problem = "BinaryClassification"
    threshold: float = Field(0.5, ge=0, le=1)
    facet: str = ""
    positive: str = "1"
    dataset: str = ""
    learn_from: Annotated[str, AfterValidator(day_or_more)] = ""
    noise: Literal["", "history", "sampling"] = ""
    reference: Literal["", "same_hour", "previous", "trailing P7D", "baseline"] = ""
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

    @property
    def truth(self) -> str:
        """The column of the label: where the requests' own table has it, that one."""
        own = self.named("label") if not self.labels else []
        return own[0] if own else self.label

    @property
    def in_need(self) -> list[str]:
        """The monitors that need labels, in words."""
        return [name.replace("_", " ") for name in self.monitors if name in NEED_LABELS]

    def misfits(self, look: Look) -> Iterator[Misfit]:
        """What does not go together."""
        if not self.monitors:
            yield Misfit("monitor", "choose at least one monitor")
        if self.in_need:
            yield from self.misfits_of_labels()
        if "bias" in self.monitors and self.facet not in self.named("input", "ignore"):
            yield Misfit("facet", "bias compares groups; choose the column that tells them apart")
        if "traffic" in self.monitors and not self.learn_from:
            yield Misfit("learn_from", "traffic learns from a span of itself: 2026, 2026/01 or 2026/01/31")
        if self.monitors and not (self.dataset or self.learn_from):
            yield Misfit("dataset", "there is nothing to learn from; name a dataset, or a span of the traffic")
        if look.kind == "table" and not self.named("time"):
            yield Misfit("role", "choose the column that says when a request came")
        for role in ONCE:
            if len(self.named(role)) > 1:
                yield Misfit("role", f"{' and '.join(self.named(role)[:2])} can't both be the {role.replace('_', ' ')}")

    def misfits_of_labels(self) -> Iterator[Misfit]:
        if not (self.labels or self.named("label")):
            yield Misfit("labels", f"{' and '.join(self.in_need)} need labels; say where they are")
        elif not (self.labels or self.named("inference_id", "event_id")):
            yield Misfit("role", "labels are joined by an id; say which column is the request's")
        if not self.named("prediction", "probability"):
            yield Misfit("role", "say which column is the model's answer: a prediction or a probability")

    def settled(self, look: Look, readable: Roots, writable: Roots) -> tuple[Draft, list[Misfit]]:
        """The same with addresses that are permitted, and what is wrong with the others and with the choices."""
        given = {name: getattr(self, name) for name in ("labels", "dataset", "output")}
        addresses, wrong = permitted(given, readable, writable)
        return self.model_copy(update=addresses), [*self.misfits(look), *wrong]


def permitted(given: Mapping[str, str], readable: Roots, writable: Roots) -> tuple[dict[str, str], list[Misfit]]:
    """The addresses that may be named, by field, and what is wrong with the others."""
    addresses, wrong = {}, []
    for name, address in given.items():
        roots = writable if name == "output" else readable
        try:
            if address or name == "output":
                addresses[name] = roots.permitted(address)
        except ConfigError as error:
            wrong.append(Misfit(name, str(error) if address else "say where rows and reports go"))
    return addresses, wrong


def text_of(draft: Draft, look: Look) -> str:
    """The text of the endpoint file."""
    document: dict[str, Any] = {"endpoint": endpoint_of(draft, look)}
    if look.variant != "AllTraffic":
        document["variant"] = look.variant
    document |= {"capture": capture_of(draft, look)} | columns_of(draft, look)
    if draft.in_need:
        document["ground_truth"] = labels_of(draft, look)
    document["output"] = draft.output
    if draft.owner:
        document["alerts"] = {"owner": draft.owner}
    document["schedules"] = [schedule_of(draft, look, monitor) for monitor in draft.monitors]
    return HEADER + yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)


def endpoint_of(draft: Draft, look: Look) -> str:
    """The endpoint's name: of captures, that of their folder."""
    return look.endpoint if look.kind == "endpoint" else draft.name


def capture_of(draft: Draft, look: Look) -> dict[str, Any]:
    if look.kind == "endpoint":
        return {"uri": look.uri}
    mapping: dict[str, Any] = {"event_time": next(iter(draft.named("time")), "")}
    for role in ("event_id", "inference_id"):
        if found := draft.named(role):
            mapping[role] = found[0]
    mapping |= {"inputs": draft.named("input"), "outputs": draft.named("prediction", "probability")}
    return {"kind": "table", "uri": look.uri, "format": look.format, "mapping": {k: v for k, v in mapping.items() if v}}


def labels_of(draft: Draft, look: Look) -> dict[str, Any]:
    """The section ``ground_truth``."""
    if not draft.labels:
        ids = [*draft.named("inference_id"), *draft.named("event_id")]
        return {"uri": look.uri, "mapping": {"id": ids[0], "label": draft.truth}}
    mapping = {"mapping": {"id": draft.label_id, "label": draft.label}} if draft.label_id else {}
    return {"uri": draft.labels} | mapping


def columns_of(draft: Draft, look: Look) -> dict[str, Any]:
    """The section ``columns``: names for CSV captures, what is not judged, and what is private. A table leaves out what
    it ignores."""
    section: dict[str, list[str]] = {}
    judged = draft.columns
    if look.kind == "endpoint":
        if not all(one.has_own_name for one in look.columns):
            for side in ("output", "input"):
                section[f"{side}s"] = [one.name for one in draft.columns if one.side == side]
        section["exclude"] = draft.named("ignore", "label")
    else:
        judged = tuple(one for one in judged if one.role in ("input", "prediction", "probability"))
    section["private"] = [one.name for one in judged if one.private]
    kept = {key: names for key, names in section.items() if names}
    return {"columns": kept} if kept else {}


def schedule_of(draft: Draft, look: Look, monitor: str) -> dict[str, Any]:
    name = f"{draft.name}-{monitor.replace('_', '-')}"
    schedule: dict[str, Any] = {"name": name, "monitor": monitor}
    if options := options_of(draft, monitor):
        schedule["options"] = options
    schedule["cron"] = draft.cron
    if monitor != "traffic":
        schedule |= {name: text for name in ("noise", "reference") if (text := getattr(draft, name))}
    if baseline := baseline_of(draft, look, monitor, name):
        schedule["baseline"] = baseline
    return schedule


def options_of(draft: Draft, monitor: str) -> dict[str, Any]:
    if monitor == "data_quality":
        return {"effect_threshold": QUIET}
    if monitor not in NEED_LABELS:
        return {}
    probabilities, predictions = draft.named("probability"), draft.named("prediction")
    options: dict[str, Any] = {"ground_truth_attribute": draft.truth}
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
        return {"dataset": draft.dataset}
    if not draft.learn_from:
        return {}
    return {"dataset": collected(draft, look, monitor, schedule, draft.output), "format": "parquet"}


def collected(draft: Draft, look: Look, monitor: str, schedule: str, output: str) -> str:
    """The folder of collected rows that a monitor judges."""
    rows, merged, requests = COLLECTED
    kind, last = (merged, schedule) if monitor in NEED_LABELS else (rows, look.variant)
    kind = requests if monitor == "traffic" else kind
    return store.join(output, kind, endpoint_of(draft, look), last, *filter(None, [draft.learn_from]))


def span_to_collect(endpoint: Endpoint, schedule: Schedule) -> Window | None:
    """The window whose rows have to be collected before a schedule can learn from them; None if it learns from a
    dataset of its own."""
    dataset = schedule.baseline.dataset or ""
    if not any(f"/{kind}/" in dataset for kind in COLLECTED) or not store.is_below(dataset, endpoint.output):
        return None
    parts = list(takewhile(str.isdecimal, reversed(dataset.partition("?")[0].split("/"))))
    if not 1 <= len(parts) <= 3:
        return None
    year, month, day = [int(part) for part in reversed(parts)] + [1] * (3 - len(parts))
    start = datetime(year, month, day, tzinfo=UTC)
    days = {1: 366 if isleap(year) else 365, 2: monthrange(year, month)[1], 3: 1}[len(parts)]
    return Window(start, start + timedelta(days=days))


def endpoint_in(text: str, name: str, taken: Mapping[str, Path], suffixes: Sequence[str] = ()) -> Endpoint:
    """The endpoint of a text, if it can stand beside others, whose names are ``taken``. Raises ConfigError that says
    what is wrong."""
    with store.WorkingFolder() as folder:
        path = Path(folder) / f"{name}.yaml"
        path.write_text(text, encoding="utf-8")
        try:
            endpoint = config.load(path)
            _, problems = config.load_all([path], taken, suffixes)
            if ours := [*problems, *config.problems_in(path, endpoint)]:
                raise ConfigError("\n".join(ours))
        except ConfigError as error:
            raise ConfigError(str(error).replace(f"{folder}/", "")) from error
    return endpoint
