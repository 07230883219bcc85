"""What does a person set? The schema of ``include/endpoints/*.yaml``, one file per monitored endpoint."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from model_monitor import advice, formats
from model_monitor import cron as crons
from model_monitor.errors import ConfigError
from model_monitor.named import monitor_of

BASELINE = "-baseline"  # a schedule's baseline has a DAG of its own, of the schedule's name and this

NAME = r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$"
REFERENCE = re.compile(r"\$\{(?P<name>\w+)(:-(?P<default>[^}]*))?\}")

Name = Annotated[str, Field(pattern=NAME)]
Share = Annotated[float, Field(ge=0, le=1)]


def anchored(address: str, info: ValidationInfo) -> str:
    """An address as it is if it is a URI or absolute, else taken from the folder of the file that names it."""
    if re.match(r"s3://[^/]*@", address):
        raise ValueError("credentials belong into the environment (AWS_ACCESS_KEY_ID, ...), not into an address")
    if "://" in address or Path(address).is_absolute():
        return address.rstrip("/")
    folder = (info.context or {}).get("folder", Path.cwd())
    return str((Path(folder) / address).resolve())


Address = Annotated[str, Field(min_length=1), AfterValidator(anchored)]


def readable_cron(expression: str) -> str:
    try:
        crons.standard(expression)
    except ConfigError as error:
        raise ValueError(str(error)) from error
    return expression


Cron = Annotated[str, AfterValidator(readable_cron)]


def written_as_iso(duration: Any) -> Any:
    if isinstance(duration, int | float) and not isinstance(duration, bool):
        raise ValueError(
            f"write the unit: PT{duration}S for seconds, PT{duration}M for minutes, PT{duration}H for hours"
        )
    return duration


Duration = Annotated[timedelta, BeforeValidator(written_as_iso)]


class Settings(BaseModel):
    """Frozen, and refuses keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Capture(Settings):
    """What the endpoint logged of its requests."""

    uri: Address = Field(description="Folder above {endpoint}/{variant}/yyyy/mm/dd/hh/*.jsonl; local or s3://")
    format: Literal["sagemaker"] = "sagemaker"
    straggler_hours: int = Field(
        1, ge=0, le=24, description="How many hour folders before and after a window are searched for its records"
    )


class Columns(Settings):
    """The names of the values in a CSV payload, in their order, and which of them are not judged."""

    outputs: tuple[str, ...] = Field((), description="What the model answers; these columns come first")
    inputs: tuple[str, ...] = Field((), description="What the model is asked")
    exclude: tuple[str, ...] = Field((), description="Names of columns that no monitor judges")
    outputs_last: bool = Field(
        False, description="Put outputs after inputs, as a baseline with its label last has them"
    )

    @property
    def names(self) -> tuple[str, ...]:
        """The names in the order of the columns."""
        return self.inputs + self.outputs if self.outputs_last else self.outputs + self.inputs

    @model_validator(mode="after")
    def _each_once(self) -> Columns:
        if kept := [name for name in self.names if name.startswith("@")]:
            raise ValueError(f"{kept}: names with @ in front are kept for the request; rename them")
        twice = {name for name in self.names if self.names.count(name) > 1}
        if twice:
            raise ValueError(f"{sorted(twice)} named more than once; give each column a name of its own")
        return self


class Baseline(Settings):
    """Where the baseline comes from: a dataset to learn it from, or files that exist already."""

    dataset: Address | None = Field(None, description="A file or folder of rows to learn the baseline from")
    format: Literal["csv", "jsonl", "parquet"] = Field(
        "csv", description="Or as the original describes it, e.g. {csv: {header: true}} or {json: {lines: true}}"
    )
    header: bool = Field(True, description="Whether a CSV dataset starts with the columns' names")
    statistics: Address | None = Field(None, description="An existing statistics.json, instead of a learned one")
    constraints: Address | None = Field(None, description="An existing constraints.json, instead of a suggested one")

    @model_validator(mode="before")
    @classmethod
    def _format_may_be_the_originals(cls, given: Any) -> Any:
        if isinstance(given, dict) and isinstance(given.get("format"), dict):
            try:
                kind, header = formats.described(given["format"])
            except ConfigError as error:
                raise ValueError(str(error)) from error
            return given | {"format": kind, "header": header}
        return given


class Preprocess(Settings):
    """A Python file with preprocess_handler(inference_record[, logger])."""

    script: Address
    on_error: Literal["fail", "drop"] = Field("fail", description="What to do with a record the handler raises on")
    sort_columns: bool = Field(False, description="Order columns by name as text, as the original does")


class Schedule(Settings):
    """Which monitor, how often, over which window, against which baseline."""

    name: Name = Field(description="Also the name of its DAG; unique among all endpoints")
    monitor: str = Field(description="A monitor of this project, e.g. data_quality, or a dotted path to a class")
    options: dict[str, Any] = Field(default_factory=dict, description="The monitor's own settings")
    cron: Cron = Field("0 * * * *", description="Five fields in UTC, SageMaker's cron(...), or NOW for by hand only")
    window: Duration | None = Field(
        None, gt=timedelta(0), description="ISO 8601 length, e.g. PT24H; the time since the last tick if absent"
    )
    delay: Duration = Field(
        timedelta(minutes=5), ge=timedelta(0), description="How long to wait after a window's end for its last captures"
    )
    start_date: date = Field(date(2020, 1, 1), description="Windows before this day can't be backfilled")
    end_date: date | None = Field(None, description="No window after this day is run, e.g. of a retired endpoint")
    baseline: Baseline = Baseline()
    sampling: Share = Field(1.0, gt=0, description="Share of requests that is judged, chosen by event id")
    preprocess: Preprocess | None = None
    postprocess: Address | None = Field(None, description="A Python file with postprocess_handler()")
    max_rejected: Share = Field(0.01, description="Share of unreadable records beyond which an execution fails")
    fail_on_violation: bool = Field(False, description="Whether violations fail the alert task")

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Schedule:
        if self.end_date and self.end_date < self.start_date:
            raise ValueError(f"end_date {self.end_date} is before start_date {self.start_date}")
        return self

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
        """The first moment that is not judged any more; None if there is none."""
        return midnight(self.end_date) + timedelta(days=1) if self.end_date else None

    def build_monitor(self) -> Any:
        """The monitor with its options. Raises ConfigError if there is no such class or option."""
        return monitor_of(self.monitor, self.options)


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


class Endpoint(Settings):
    """A deployed model and variant whose traffic is captured, and its schedules."""

    endpoint: Name
    variant: Name = "AllTraffic"
    capture: Capture
    columns: Columns = Columns()
    output: Address = Field(description="Folder for rows, states, baselines and reports; local or s3://")
    schedules: tuple[Schedule, ...] = Field(min_length=1)

    def schedule(self, name: str) -> Schedule:
        """The schedule of this name; ConfigError if there is none."""
        for schedule in self.schedules:
            if schedule.name == name:
                return schedule
        raise ConfigError(
            f"endpoint '{self.endpoint}' has no schedule '{name}', only {[s.name for s in self.schedules]}"
        )


def load(path: Path | str) -> Endpoint:
    """The endpoint of one YAML file. Raises ConfigError that names the file, the line and what to write instead."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: can't be read: {error}") from error
    try:
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
        advice.refuse_repeated_keys(path, tree)
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not YAML: {error}") from error
    try:
        return Endpoint.model_validate(with_environment(content), context={"folder": path.parent})
    except ValidationError as error:
        raise ConfigError(advice.on(error, path, tree, Endpoint.model_json_schema())) from error
    except KeyError as error:
        raise ConfigError(
            f"{path}: environment variable {error} is not set; set it or write ${{NAME:-default}}"
        ) from error


def load_all(paths: Iterable[Path]) -> tuple[dict[Path, Endpoint], list[str]]:
    """The endpoints of the files that can be read together, and what is wrong with the others, a text each.

    No two may have a schedule, or a schedule and a baseline, of one name, nor collect the same rows.
    """
    found: dict[Path, Endpoint] = {}
    wrong: list[str] = []
    owners: dict[str, Path] = {}  # of names of DAGs, and of rows
    for path in paths:
        try:
            endpoint = load(path)
        except ConfigError as error:
            wrong.append(str(error))
            continue
        names = [name for schedule in endpoint.schedules for name in (schedule.name, schedule.name + BASELINE)]
        names.append(f"{endpoint.output}/{endpoint.endpoint}/{endpoint.variant}")
        if taken := [name for name in names if name in owners]:
            wrong.append(f"{path}: '{taken[0]}' is also in {owners[taken[0]]}; rename one")
        elif twice := [name for name in names if names.count(name) > 1]:
            wrong.append(f"{path}: '{twice[0]}' is there twice; rename one")
        else:
            owners |= dict.fromkeys(names, path)
            found[path] = endpoint
    return found, wrong


def beyond_the_schema(path: Path, endpoint: Endpoint) -> list[str]:
    """What is wrong with a file that its schema can't see: monitors, their options, scripts that are not there."""
    tree = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    problems = []
    for i, schedule in enumerate(endpoint.schedules):
        place = f"{path}:{{line}}: schedules.{i}"
        try:
            schedule.build_monitor()
        except ConfigError as error:
            at = "options" if schedule.options else "monitor"
            line = advice.line_of(tree, ("schedules", i, at))
            problems.append(f"{place.format(line=line)}.{at}: {error}")
        scripts = {
            "preprocess": schedule.preprocess and schedule.preprocess.script,
            "postprocess": schedule.postprocess,
        }
        for at, script in scripts.items():
            if script and "://" not in script and not Path(script).is_file():
                line = advice.line_of(tree, ("schedules", i, at))
                problems.append(f"{place.format(line=line)}.{at}: there is no script at {script}")
    return problems


def with_environment(content: Any) -> Any:
    """The same with ``${NAME}`` and ``${NAME:-default}`` in texts replaced. Raises KeyError."""
    if isinstance(content, dict):
        return {key: with_environment(value) for key, value in content.items()}
    if isinstance(content, list):
        return [with_environment(value) for value in content]
    return REFERENCE.sub(environment_value, content) if isinstance(content, str) else content


def environment_value(reference: re.Match[str]) -> str:
    name, default = reference["name"], reference["default"]
    return os.environ[name] if default is None else os.environ.get(name) or default
