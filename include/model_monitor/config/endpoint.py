"""The schema of ``include/endpoints/*.yaml``: an endpoint and its schedules."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PrivateAttr, TypeAdapter, ValidationError, model_validator

from model_monitor.config import cron as crons
from model_monitor.config.alerts import Alerts
from model_monitor.config.capture import Capture
from model_monitor.config.engine import Engine
from model_monitor.config.expectations import ExpectationList, rules_of
from model_monitor.config.fields import Address, Cron, Day, Days, Duration, Name, Settings, Share, refusing
from model_monitor.config.metrics import Metrics
from model_monitor.config.monitors import attributes_of, monitor_of, traits_of
from model_monitor.config.sections import Baseline, Columns, Explain, GroundTruth, Preprocess
from model_monitor.config.words import all_in_words
from model_monitor.core.monitor import Monitor
from model_monitor.errors import ConfigError
from model_monitor.rows.sources.source import Source

OF_PAYLOADS = ("segments", "preprocess", "ground_truth")  # what judging requests has no use for
REFERENCES = ("baseline", "previous", "same_hour")  # or trailing and a length
DURATION: TypeAdapter[timedelta] = TypeAdapter(Duration)
RULES = "expectations"  # the monitor that is nothing but them


def readable_reference(text: str) -> str:
    """A reference's name, or ``trailing`` and an ISO 8601 length. Raises ValueError."""
    kind, _, length = text.partition(" ")
    if text in REFERENCES:
        return text
    try:
        if kind == "trailing" and DURATION.validate_python(length) > timedelta(0):
            return text
    except ValidationError:
        pass
    raise ValueError(f"'{text}' is no reference; write {', '.join(REFERENCES)}, or trailing and a length: trailing P7D")


class Schedule(Settings):
    """Which monitor, how often, over which window, against which baseline."""

    name: Name = Field(description="Also the name of its DAG; unique among all endpoint files")
    monitor: str = Field(description="A monitor of this project, e.g. data_quality, or a dotted path to a class")
    options: dict[str, Any] = Field(default_factory=dict, description="The monitor's own settings")
    cron: Cron = Field("0 * * * *", description="Five fields in UTC, SageMaker's cron(...), or NOW for by hand only")
    window: Duration | None = Field(
        None, gt=timedelta(0), description="ISO 8601 length, e.g. PT24H; the time since the last tick if absent"
    )
    delay: Duration = Field(
        timedelta(minutes=5),
        ge=timedelta(0),
        description="Wait after a window's end for its last captures, ISO 8601",
    )
    start_date: Day = Field(date(2020, 1, 1), description="Windows before this day can't be backfilled")
    end_date: Day | None = Field(None, description="No window after this day is run, e.g. of a retired endpoint")
    also: tuple[Annotated[Duration, Field(gt=timedelta(0))], ...] = Field(
        (),
        description="Trailing spans that end with each window, e.g. [P1D, P7D]: judged too, from the States of their "
        "windows, within the same false-alarm budget",
    )
    noise: Literal["auto", "history", "sampling"] = Field(
        "auto",
        description="What chance may do: what it does with rows (sampling), or also what past windows did (history; "
        "nothing is judged by chance before there are enough of them); auto: history once there are enough",
    )
    reference: Annotated[str, AfterValidator(readable_reference)] | None = Field(
        None,
        description="What a window is compared with beside its baseline: previous, same_hour or trailing P7D; baseline "
        "for nothing else; if absent, same_hour once there are enough past windows",
    )
    baseline: Baseline = Baseline()
    ground_truth: GroundTruth | None = Field(
        None, description="Labels to merge with the captures; overrides the endpoint's"
    )
    explain: Explain | None = Field(None, description="For attribution: the model, and how its answers are explained")
    expectations: ExpectationList = ()
    data_docs: bool = Field(False, description="Whether GX's Data Docs page of the expectations lies beside the report")
    segments: tuple[str, ...] = Field((), description="Columns; the rows of each value are also judged separately")
    sampling: Share = Field(1.0, gt=0, description="Share of requests that are judged, chosen by event id")
    preprocess: Preprocess | None = None
    postprocess: Address | None = Field(None, description="A Python file with postprocess_handler()")
    max_rejected: Share = Field(0.01, description="Share of unreadable records above which a run fails")
    fail_on_violation: bool = Field(False, description="Whether violations fail the run")
    tasks: Literal["each", "one"] = Field(
        "each", description="A task for each step up to the report, or one for all of them: fewer waits for Airflow"
    )
    alerts: Alerts = Field(Alerts(), description="Who is told, and when; overrides the endpoint's")
    metrics: Metrics = Field(Metrics(), description="Where its numbers go; overrides the endpoint's")

    @model_validator(mode="after")
    def _contradicts_nothing(self) -> Schedule:
        if self.end_date and self.end_date < self.start_date:
            raise ValueError(f"end_date {self.end_date} is before start_date {self.start_date}")
        offset = self.ground_truth and self.ground_truth.offset
        if offset and self.window:
            raise ValueError("window and ground_truth.offset both say how long a window is; leave one out")
        if offset and self.timetable is None:
            raise ValueError("ground_truth.offset counts from a tick, and NOW has none; give the window in the form")
        for problem in filter(None, (self._problem_with_spans(), self._problem_with_history())):
            raise ValueError(problem)
        if traits_of(self.monitor).needs_explanations != (self.explain is not None):
            raise ValueError("monitor attribution and explain: {model: ...} go together")
        if self.explain and self.ground_truth:
            raise ValueError("monitor attribution needs no labels; leave its ground_truth out")
        if self.judges_requests and (odd := [name for name in OF_PAYLOADS if getattr(self, name)]):
            raise ValueError(f"monitor {self.monitor} judges requests, not what they ask; leave {odd[0]} out")
        if not self.expectations and (self.is_of_rules or self.data_docs):
            raise ValueError("expectations is missing; list rules there, or name a suite file")
        if self.is_of_rules and self.baseline != Baseline():
            raise ValueError("monitor expectations needs no baseline; leave it out")
        return self

    def _problem_with_spans(self) -> str | None:
        """What is wrong with ``also``."""
        if not self.also:
            return None
        if self.is_of_rules:
            return "also: rules see each row in its own window; leave it out"
        if self.options.get("compatibility") == "sagemaker":
            return "also: SageMaker judges windows only; leave it out, or judge by compatibility: calibrated"
        if len(set(self.also)) < len(self.also):
            return "also: a span is there twice; remove one"
        if self.timetable is None:
            return "also: spans sum the windows of a timetable, and NOW has none; leave it out"
        tick = crons.previous(self.timetable, self.earliest)
        shortest = self.length or crons.period_before(self.timetable, tick)
        return None if min(self.also) > shortest else "also: a span must be longer than the window; write e.g. [P1D]"

    def _problem_with_history(self) -> str | None:
        """What is wrong with ``noise`` and ``reference``."""
        setting = "noise" if self.noise != "auto" else "reference" if self.reference else ""
        if not setting:
            return None
        if self.options.get("compatibility") == "sagemaker":
            return f"{setting}: SageMaker knows no past windows; leave it out, or judge by compatibility: calibrated"
        if self.is_of_rules or self.judges_requests:
            return f"{setting}: monitor {self.monitor} does not compare distributions; leave it out"
        if self.timetable is None:
            return f"{setting}: past windows are those of a timetable, and NOW has none; leave it out"
        return None

    @property
    def has_past_windows(self) -> bool:
        """Whether past windows can say anything of the next one."""
        is_sagemaker = self.options.get("compatibility") == "sagemaker"
        return not (is_sagemaker or self.is_of_rules or self.judges_requests or self.timetable is None)

    @property
    def learns_from_windows(self) -> bool:
        """Whether past windows do say something of the next one."""
        return self.has_past_windows and (self.noise != "sampling" or self.reference not in (None, "baseline"))

    @property
    def trailing(self) -> timedelta | None:
        """How long before a window the rows are that it is compared with; None if it is not with such."""
        kind, _, length = (self.reference or "").partition(" ")
        return DURATION.validate_python(length) if kind == "trailing" else None

    @property
    def is_of_rules(self) -> bool:
        """Whether its monitor is nothing but its expectations."""
        return self.monitor.replace("-", "_") == RULES

    @property
    def length(self) -> timedelta | None:
        """The length of its windows; None for the time since the previous tick."""
        offset = self.ground_truth and self.ground_truth.offset
        return offset.end - offset.start if offset else self.window

    @property
    def lag(self) -> timedelta:
        """How long before its tick a window ends, to have its labels by then."""
        offset = self.ground_truth and self.ground_truth.offset
        return -offset.end if offset else timedelta(0)

    @property
    def timetable(self) -> str | None:
        """The five-field cron expression; None if it only runs by hand."""
        return crons.standard(self.cron)

    @property
    def earliest(self) -> datetime:
        """The first moment that may be judged."""
        return midnight(self.start_date)

    @property
    def latest(self) -> datetime | None:
        """The first moment that is no longer judged; None if there is none."""
        return midnight(self.end_date) + timedelta(days=1) if self.end_date else None

    @property
    def paths(self) -> list[str]:
        """The paths into JSON payloads whose values the monitor needs as columns, sorted."""
        from model_monitor.rows.payloads.jsonpaths import is_path

        return sorted({str(attribute) for attribute in attributes_of(self.options) if is_path(attribute)})

    @property
    def needs_labels(self) -> bool:
        """Whether the monitor judges nothing without labels."""
        return traits_of(self.monitor).needs_labels

    @property
    def scripts_merged(self) -> bool:
        """Whether its script gets requests together with their labels."""
        return self.preprocess is not None and self.ground_truth is not None

    @property
    def judges_requests(self) -> bool:
        """Whether its rows are requests, rather than what was asked and answered."""
        return traits_of(self.monitor).judges_requests

    @property
    def groups(self) -> set[str]:
        """The columns by whose values it judges rows apart."""
        facets = self.options.get("facets", ())
        names = [facet["name"] for facet in facets if isinstance(facet, dict) and "name" in facet]
        parts = [part for name in names for part in (name if isinstance(name, list | tuple) else [name])]
        return {*self.segments, *map(str, parts)}

    def build_monitor(self, private: Sequence[str] = ()) -> Monitor[Any]:
        """The monitor with its options and segments, and its expectations beside it; of ``private`` columns they keep
        no value. Raises ConfigError if there is no such class or option."""
        if not self.expectations:
            return self.build_learner()
        own = self.options if self.is_of_rules else {}
        if "rules" in own:
            raise ConfigError("option 'rules': rules are written in expectations, or in a suite file that it names")
        columns = own.get("private", ())
        hidden = [*private, *columns] if isinstance(columns, list | tuple) else columns
        rules = monitor_of(RULES, own | {"rules": rules_of(self.expectations), "private": hidden}, self.segments)
        if self.is_of_rules:
            return rules
        from model_monitor.monitors.expectations import Joined

        return Joined(self.build_learner(), rules)

    def build_learner(self) -> Monitor[Any]:
        """The monitor without its expectations, which learn nothing. Raises ConfigError."""
        return monitor_of(self.monitor, self.options, self.segments)


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


class Endpoint(Settings):
    """A deployed model and variant whose traffic is captured, and its schedules."""

    endpoint: Name = Field(description="Name of the endpoint, as in its capture folder")
    variant: Name = Field("AllTraffic", description="Name of the variant, as in its capture folder")
    capture: Capture
    columns: Columns = Columns()
    ground_truth: GroundTruth | None = Field(None, description="Labels, for the schedules whose monitor needs them")
    metrics: Metrics = Field(Metrics(), description="Where the numbers of all its schedules go")
    output: Address = Field(
        description="Folder for rows, states, baselines and reports; local, s3://, gs:// or abfs://"
    )
    retention_days: Days | None = Field(
        None,
        description="Days after which capture files (SageMaker's own too), rows, states and records set aside are "
        "deleted; reports lose the values of single rows and stay, as do baselines, labels and the sources of kinds "
        "batch and table. None: all stays",
    )
    alerts: Alerts = Field(Alerts(), description="Who is told, and when; overrides that of defaults.yaml")
    engine: Engine | None = Field(
        None,
        description="What reads and observes rows: {spark: CONNECTION}; overrides that of defaults.yaml. None: the "
        "process of each task",
    )
    tags: tuple[str, ...] = Field((), description="Words to find the endpoint by in the dashboard, e.g. a team's name")
    schedules: tuple[Schedule, ...] = Field(min_length=1, description="One DAG each")

    _folder: Path | None = PrivateAttr(None)

    def model_post_init(self, context: Any, /) -> None:
        self._folder = (context or {}).get("folder")

    @property
    def folder(self) -> Path | None:
        """The folder of its file; None if it was not read from one."""
        return self._folder

    @model_validator(mode="after")
    def _passes_settings_on(self) -> Endpoint:
        """The source orders columns (batch transform writes the input first), and schedules share ground truth."""
        if self.source.outputs_last and "outputs_last" not in self.columns.model_fields_set:
            self.__dict__["columns"] = self.columns.model_copy(update={"outputs_last": True})
        schedules = map(self._with_ground_truth, self.schedules)
        self.__dict__["schedules"] = tuple(
            s.model_copy(update={"metrics": s.metrics.under(self.metrics)}) for s in schedules
        )
        for schedule in self.schedules:
            if named := sorted(set(self.columns.private) & schedule.groups):
                raise ValueError(
                    f"schedule '{schedule.name}' names the values of '{named[0]}', as a segment or facet, in its "
                    "reports, and columns.private withholds them; leave one out"
                )
        return self

    def _with_ground_truth(self, schedule: Schedule) -> Schedule:
        if schedule.ground_truth is None and not schedule.needs_labels:
            return schedule
        truths = filter(None, (self.ground_truth, schedule.ground_truth))
        merged = {key: value for truth in truths for key, value in truth.model_dump(exclude_unset=True).items()}
        if not merged.get("uri"):
            raise ValueError(f"schedule '{schedule.name}' needs labels; set ground_truth: {{uri: ...}}, their folder")
        has_index = any(str(attribute).isdecimal() for attribute in attributes_of(schedule.options))
        if has_index and self.columns.outputs_last and not self.source.outputs_last:
            raise ValueError(
                f"schedule '{schedule.name}': an index counts columns from the model's outputs on, and "
                "columns.outputs_last puts those last; give the attribute's name"
            )
        try:
            truth = GroundTruth(**merged)
            with refusing("ground_truth: "):
                truth.check()
            return Schedule.model_validate(dict(schedule) | {"ground_truth": truth})
        except ValidationError as error:
            raise ValueError(f"schedule '{schedule.name}': {all_in_words(error.errors())}") from error

    @property
    def source(self) -> Source:
        """The source of the endpoint's requests."""
        return self.capture.source(self.endpoint, self.variant)

    @property
    def keeps_records(self) -> bool:
        """Whether rows keep their captured lines, because labels are merged with both."""
        return any(schedule.ground_truth for schedule in self.schedules)

    def schedule(self, name: str) -> Schedule:
        """The schedule of a name. Raises ConfigError if there is none."""
        schedules = {schedule.name: schedule for schedule in self.schedules}
        if name not in schedules:
            raise ConfigError(f"endpoint '{self.endpoint}' has no schedule '{name}', only {', '.join(schedules)}")
        return schedules[name]
