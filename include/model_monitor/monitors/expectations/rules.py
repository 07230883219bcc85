"""A rule: an expectation of Great Expectations by name, with its arguments, as in GX's own suite files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from model_monitor.core.constraints import Between
from model_monitor.core.measures import Subject

Severity = Literal["critical", "warning", "info"]
How = Literal["rows", "column", "names", "table", "sql"]

# Judged row by row, but by what other rows hold: these need the whole column.
WHOLE_COLUMN = (
    "expect_column_values_to_be_unique",
    "expect_column_values_to_be_increasing",
    "expect_column_values_to_be_decreasing",
    "expect_column_value_z_scores_to_be_less_than",
    "expect_column_values_to_not_be_outliers",
    "expect_compound_columns_to_be_unique",
)
TYPES = ("expect_column_values_to_be_of_type", "expect_column_values_to_be_in_type_list")
NAMES = (
    "expect_column_to_exist",
    "expect_table_column_count_to_be_between",
    "expect_table_column_count_to_equal",
    "expect_table_columns_to_match_ordered_list",
    "expect_table_columns_to_match_set",
)
QUERY = "unexpected_rows_expectation"
SQL = (QUERY, "expect_query_results_to_match_comparison", "expect_table_row_count_to_equal_other_table")
LIKE = "like_pattern"  # GX's pandas engine has no LIKE

TEXT_WORDS = ("value_length", "regex", LIKE, "strftime", "json", "dateutil")
DOMAIN = ("column", "column_A", "column_B", "column_list")
LIMITS = ("min_value", "max_value")


@dataclass(frozen=True)
class Rule:
    """One expectation. ``kwargs`` are GX's arguments, among them ``mostly``; ``meta`` is handed on."""

    type: str
    kwargs: dict[str, Any] = field(default_factory=dict)
    severity: Severity = "critical"
    description: str | None = None
    notes: Any = None
    meta: dict[str, Any] = field(default_factory=dict)

    @property
    def columns(self) -> list[str]:
        """The columns that it judges; [] if it is about the table."""
        named = [self.kwargs[name] for name in DOMAIN if name in self.kwargs]
        listed = [column for part in named for column in (part if isinstance(part, list | tuple) else [part])]
        return [column for column in listed if isinstance(column, str)]

    @property
    def subject(self) -> Subject:
        of_table = self.type.startswith("expect_table") or self.type in SQL
        return Subject(None if of_table else ", ".join(self.columns) or None)

    @property
    def mostly(self) -> float:
        return float(self.kwargs.get("mostly", 1.0))

    @property
    def how(self) -> How:
        """What it is judged by: chunks of rows, the rows of a whole column, names of columns, a table, or SQL."""
        if self.type in SQL or LIKE in self.type:
            return "sql"
        if self.type in NAMES:
            return "names"
        if self.type in WHOLE_COLUMN:
            return "column"
        return "table" if self.is_aggregate else "rows"

    @property
    def is_aggregate(self) -> bool:
        is_of_rows = self.type.startswith(("expect_column_value", "expect_column_pair_v", "expect_multicolumn"))
        return self.type in TYPES or not (is_of_rows or self.type.startswith("expect_select_column_values"))

    @property
    def condition(self) -> Any:
        return self.kwargs.get("row_condition")

    def bound(self) -> Between:
        """What its measure must keep to: a share of the rows, or a number between GX's own limits."""
        if self.type == QUERY:
            return Between(high=0.0)
        if not self.is_number:
            return Between(low=self.mostly, **self.chance)
        if "value" in self.kwargs:
            return Between(low=self.kwargs["value"], high=self.kwargs["value"])
        return Between(low=self.kwargs.get("min_value"), high=self.kwargs.get("max_value"))

    @property
    def is_number(self) -> bool:
        """Whether a number is compared with numbers, so that the number itself is its measure. A bound that must not
        be reached is not: only GX's verdict is exact there."""
        if self.how not in ("table", "names"):
            return False
        if "threshold" in self.kwargs or self.kwargs.get("strict_min") or self.kwargs.get("strict_max"):
            return False
        limits = [self.kwargs[name] for name in (*LIMITS, "value") if self.kwargs.get(name) is not None]
        return bool(limits) and all(isinstance(limit, int | float) and not isinstance(limit, bool) for limit in limits)

    @property
    def chance(self) -> Mapping[str, Any]:
        return {}


def measure_names(rules: Sequence[Rule]) -> list[str]:
    """The name of each rule's measure: its type, numbered where one subject has several of a type."""
    seen: dict[tuple[Subject, str], int] = {}
    names = []
    for rule in rules:
        key = (rule.subject, rule.type)
        seen[key] = seen.get(key, 0) + 1
        names.append(rule.type if seen[key] == 1 else f"{rule.type} ({seen[key]})")
    return names


def texts_in(value: Any) -> Iterator[type]:
    """The types of the single values of an argument, however it nests them."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple | set):
        for part in value:
            yield from texts_in(part)
    elif value is not None:
        yield type(value)
