"""Does the live data still look like the baseline: same columns, types, completeness, values and spread?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, ClassVar, Literal

from model_monitor.core import batch as batches
from model_monitor.core.constraints import Between, Constraint, Near, Within
from model_monitor.core.distributions import Categories, Distribution, Numbers
from model_monitor.core.measures import EVERYTHING, Measure, Measures, Share, Subject
from model_monitor.core.monitor import Monitor
from model_monitor.core.states import Keyed, Record
from model_monitor.monitors import columns
from model_monitor.monitors.columns import FRACTIONAL, INTEGRAL, STRING, UNKNOWN, Column
from model_monitor.monitors.moments import MOMENT, MOST, share_of_moments, with_moments
from model_monitor.monitors.numbered_moments import (
    KINDS_OF_UNITS,
    is_named_as_moments,
    kind_in,
    unit_of,
    unit_of_some,
    with_units,
)
from model_monitor.monitors.options import SharedOptions, problem_of_generation, shares
from model_monitor.monitors.traits import BUILT_IN

if TYPE_CHECKING:
    import pyarrow as pa

# Names of the checks in reports, which are SageMaker's.
DATA_TYPE = "data_type_check"
COMPLETENESS = "completeness_check"
BASELINE_DRIFT = "baseline_drift_check"
CATEGORICAL_VALUES = "categorical_values_check"
MISSING_COLUMN = "missing_column_check"
EXTRA_COLUMN = "extra_column_check"
NON_NEGATIVE = "non_negative_check"

MAX_DOMAIN = 120  # deequ's rule for a categorical range: so many categories at most,
MAX_SINGLETONS = 0.1  # and at most this share of them seen only once

PARTS = {BASELINE_DRIFT: 6, COMPLETENESS: 2, CATEGORICAL_VALUES: 1, DATA_TYPE: 1}  # of the budget: drift is most kinds

USUAL_THRESHOLD = 0.1  # SageMaker's largest distance
CHI_SQUARED_LEVEL = 0.05  # the usual level of a test, unless a smaller threshold is set


@dataclass(frozen=True)
class Table(Record):
    """The State: how many rows, and the State of each column, in the order in which columns were first seen."""

    rows: int = 0
    columns: Keyed[Column] = field(default_factory=lambda: Keyed(Column()))

    def missing(self, name: str) -> int:
        """How many rows have no value in a column."""
        return self.rows - self.columns.items[name].present


@dataclass(frozen=True)
class Rules:
    """How strictly a column is checked: SageMaker's ``monitoring_config``, whose defaults these are.

    numeric_threshold, categorical_threshold: the largest distance; None: the monitor's ``effect_threshold``, or
        SageMaker's 0.1 where chance is not weighed.
    """

    evaluate: bool = True
    compare: bool = True
    datatype_threshold: float = 1.0
    domain_threshold: float = 1.0
    numeric_threshold: float | None = None
    categorical_threshold: float | None = None
    robust: bool = True
    categorical_method: Literal["LInfinity", "ChiSquared"] = "LInfinity"


@dataclass(frozen=True)
class Expectation:
    """What a baseline says of one column; ``domain`` and ``spread`` are None where it has none. ``present``: the rows
    that its ``completeness`` was learned from; None if unknown, or if a person has set another."""

    name: str
    inferred_type: str
    completeness: float | None = None
    present: Share | None = None
    is_non_negative: bool = False
    domain: tuple[str, ...] | None = None
    spread: Distribution | None = None
    rules: Rules = Rules()


@dataclass(frozen=True)
class Conventions:
    """How a mode compares a column with its baseline.

    numbers, categories, chi_squared: names of distances; ``{style}`` stands for robust or simple.
    weighs_chance: whether a drift must also exceed what chance allows.
    needs_same_type: whether a column is compared only while it keeps its type; SageMaker does not even compare
        Integral with Fractional.
    spelling_counts: whether a value that is spelt otherwise, such as ``59.0`` for ``59``, is another one.
    """

    numbers: str = "kolmogorov_smirnov"
    categories: str = "largest_share_change"
    chi_squared: str = "chi_squared"
    weighs_chance: bool = True
    needs_same_type: bool = False
    spelling_counts: bool = False

    def distance(self, spread: Distribution, robust: bool) -> str:
        name = self.numbers if isinstance(spread, Numbers) else self.categories
        return name.format(style="robust" if robust else "simple")


CALIBRATED = Conventions()
SAGEMAKER = Conventions(
    numbers="sagemaker_numbers_{style}",
    categories="sagemaker_categories_{style}",
    chi_squared="sagemaker_chi_squared",
    weighs_chance=False,
    needs_same_type=True,
    spelling_counts=True,
)


@dataclass(frozen=True)
class DataQuality(SharedOptions, Monitor[Table]):
    """Completeness, types, domains and drift of every column against a baseline.

    check_non_negative: whether a column that was never negative must stay so. SageMaker writes this constraint but
        never evaluates it.
    strict_types: whether whole numbers violate an expected Fractional.
    rules: how strictly ``suggest`` checks the columns.
    effect_threshold: a distance (0..1) up to which even a change beyond chance is none (calibrated only). With 0 a
        large window sees whatever a small one sees.
    numbers, texts: columns that are compared as numbers, or as texts, whatever most of their values are; the baseline
        tells it of the others (calibrated only).
    moments: columns of numbers that are dates or times, and so are not compared; None: those whose names and values
        tell it, but for ``numbers`` (calibrated only).
    generation: 2020 or 2024, the containers whose form of files is written (sagemaker only); None: the baseline's.
    """

    check_non_negative: bool = False
    strict_types: bool = False
    rules: Rules = Rules()
    effect_threshold: float = 0.0
    numbers: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    moments: tuple[str, ...] | None = None
    generation: int | None = None

    traits: ClassVar = BUILT_IN["data_quality"]

    @property
    def conventions(self) -> Conventions:
        return {"calibrated": CALIBRATED, "sagemaker": SAGEMAKER}[self.compatibility]

    def problems(self) -> Iterator[str]:
        yield from super().problems()
        yield from problem_of_generation(self.generation, self.compatibility)
        yield from shares(effect_threshold=self.effect_threshold)

    def with_thresholds(self, rules: Rules) -> Rules:
        """The rules with the thresholds that nobody set."""
        default = self.effect_threshold if self.conventions.weighs_chance and rules.robust else USUAL_THRESHOLD
        numeric, categorical = (
            default if threshold is None else threshold
            for threshold in (rules.numeric_threshold, rules.categorical_threshold)
        )
        return replace(rules, numeric_threshold=numeric, categorical_threshold=categorical)

    def of_segment(self) -> DataQuality:
        """SageMaker has no segments, so that its mode judges them as it does all rows."""
        options = {field.name: getattr(self, field.name) for field in fields(self)}
        return DataQualityOfSegment(**options) if self.conventions.weighs_chance else self

    @property
    def empty(self) -> Table:
        return Table()

    def kind_of(self, name: str, column: Column) -> str:
        """The type by which a column is learned and compared."""
        if self.conventions.spelling_counts:
            return column.inferred_type
        if name in self.texts:
            return STRING if column.present else UNKNOWN
        if name in self.numbers and column.present:
            return column.numeric_type or FRACTIONAL
        return column.prevailing_type

    def is_of_moments(self, name: str, column: Column) -> bool:
        """Whether most values of a column are dates or times; never in SageMaker's mode."""
        if self.kind_of(name, column) in columns.NUMERIC:
            return self.are_moments(name, columns.spread(column, 0, self.kind_of(name, column)))
        moments = self.types_of(name, column).get(MOMENT, 0)
        return self.kind_of(name, column) == STRING and moments > MOST * column.present

    def may_be_moments(self, name: str) -> bool:
        """Whether the numbers of a column may be dates or times."""
        if self.conventions.spelling_counts:
            return False
        return name in self.moments if self.moments is not None else self.is_named_as_moments(name)

    def is_named_as_moments(self, name: str) -> bool:
        return name not in self.numbers and is_named_as_moments(name)

    def are_moments(self, name: str, spread: Distribution | None) -> bool:
        """Whether numbers are dates or times: because a person says so, or their names and values."""
        if not isinstance(spread, Numbers) or not self.may_be_moments(name):
            return False
        return self.moments is not None or unit_of(spread) is not None

    def unit_of_unnamed(self, column: Expectation) -> str | None:
        """The unit in which numbers that are compared may be dates or times; None if nothing hints at it."""
        is_asked = not self.conventions.spelling_counts and self.moments is None and column.name not in self.numbers
        return unit_of_some(column.spread) if is_asked and isinstance(column.spread, Numbers) else None

    def observe(self, batch: pa.RecordBatch) -> Table:
        as_written = self.conventions.spelling_counts
        observed = {name: columns.observe(batch.column(name), as_written) for name in batches.columns(batch)}
        return Table(batch.num_rows, Keyed(Column(), observed))

    def kept(self, state: Table) -> Table:
        if self.conventions.spelling_counts:  # whose files have SageMaker's own sketches
            return state
        items = {name: column.kept() for name, column in state.columns.items.items()}
        return replace(state, columns=replace(state.columns, items=items))

    def measure(self, state: Table) -> Measures:
        """By column: ``completeness``, ``types``, ``values``, ``minimum``, ``spread`` and the same as ``spread as`` the
        column's type; of everything: ``rows`` and ``columns`` (None in an empty window, whose columns are unknown)."""
        measures: dict[tuple[Subject, str], Measure] = {
            (EVERYTHING, "rows"): state.rows,
            (EVERYTHING, "columns"): Categories(dict.fromkeys(state.columns.items, 1)) if state.rows else None,
        }
        for name, column in state.columns.items.items():
            subject, missing, kind = Subject(name), state.missing(name), self.kind_of(name, column)
            spread = columns.spread(column, missing, kind, self.conventions.spelling_counts)
            measures |= {
                (subject, "completeness"): Share(column.present, state.rows),
                (subject, "types"): Categories(self.types_of(name, column), 0, missing),
                (subject, "values"): Categories.of(column.values, missing),
                (subject, "spread"): spread,
                (subject, f"spread as {kind}"): spread,
                (subject, "minimum"): column.numbers.minimum,
            }
        return measures

    def types_of(self, name: str, column: Column) -> Mapping[str, int]:
        """How many values of each type there are; dates and times are one, or one of each unit of numbers, but in
        SageMaker's mode."""
        kinds = column.kinds.values
        if self.conventions.spelling_counts:
            return kinds
        if self.may_be_moments(name) and column.numbers.n:
            kinds = with_units(kinds, columns.NUMERIC, Numbers.of(column.quantiles))
        return with_moments(kinds, STRING, column.words.values)

    def suggest(self, baseline: Table) -> Iterator[Constraint]:
        return self.constraints(self.expectations(baseline))

    def expectations(self, baseline: Table) -> list[Expectation]:
        """What a baseline says of each of its columns."""
        return [self.expectation(name, column, baseline) for name, column in baseline.columns.items.items()]

    def expectation(self, name: str, column: Column, baseline: Table) -> Expectation:
        kind, kinds = self.kind_of(name, column), self.types_of(name, column)
        of_moments = self.is_of_moments(name, column)
        spread = columns.spread(column, baseline.missing(name), kind, self.conventions.spelling_counts)
        unit = unit_of(spread) if of_moments and isinstance(spread, Numbers) else None
        # A column of mixed types must satisfy its own suggestion, so its share of the type is the threshold.
        accepted = self.accepted(kind_in(unit) if unit else MOMENT if of_moments and kind == STRING else kind)
        own = sum(kinds.get(k, 0) for k in accepted) / column.present if column.present else 1.0
        present = Share(column.present, baseline.rows)
        return Expectation(
            name,
            kind,
            present.value,
            present,
            kind in columns.NUMERIC and (column.numbers.minimum or 0.0) >= 0,
            domain(column) if kind == STRING and not of_moments else None,
            spread,
            replace(self.rules, datatype_threshold=min(own, self.rules.datatype_threshold)),
        )

    def constraints(self, expected: list[Expectation]) -> Iterator[Constraint]:
        """The constraints that hold columns to their baseline."""
        expectations = [self.as_moments(column) for column in expected if column.rules.evaluate]
        if expectations:
            yield from self.of_columns(frozenset(column.name for column in expected))
        budget = self.budget_of_one(expectations)
        for column in expectations:
            yield from self.of_values(column, budget)
            if is_compared(column):
                yield self.of_spread(column, level_of(BASELINE_DRIFT, budget))

    def as_moments(self, column: Expectation) -> Expectation:
        """A column of dates or times as one whose values are not compared, as new ones come with each window; any other
        as it is."""
        if self.are_moments(column.name, numbers := column.spread):
            assert isinstance(numbers, Numbers)
            unit = unit_of(numbers)
            return replace(column, inferred_type=kind_in(unit) if unit else column.inferred_type, spread=None)
        share = share_of_moments(column.spread.counts) if isinstance(column.spread, Categories) else 0.0
        if share <= MOST or self.conventions.spelling_counts:
            return column
        rules = replace(column.rules, datatype_threshold=min(share, column.rules.datatype_threshold))
        return replace(column, inferred_type=MOMENT, domain=None, spread=None, rules=rules)

    def budget_of_one(self, expectations: list[Expectation]) -> float | None:
        """The false-alarm budget, split among the checks that chance can trip by their ``PARTS``: what one part has;
        None if chance is not weighed."""
        parts = sum(PARTS[check] for column in expectations for check in self.checks_by_chance(column))
        return self.false_alarm_budget / max(1, parts) if self.conventions.weighs_chance else None

    def checks_by_chance(self, column: Expectation) -> Iterator[str]:
        """The checks of a column that chance can trip."""
        if is_compared(column):
            yield BASELINE_DRIFT
        if column.completeness is not None:
            yield COMPLETENESS
        if column.domain is not None:
            yield CATEGORICAL_VALUES
        if odd_values_of(column) is not None:
            yield DATA_TYPE

    def of_columns(self, names: frozenset[str]) -> Iterator[Constraint]:
        """The constraints on which columns there are."""
        yield Constraint(MISSING_COLUMN, EVERYTHING, "columns", Within(names, len(names), counted=True))
        yield Constraint(EXTRA_COLUMN, EVERYTHING, "columns", Within(names))

    def of_values(self, column: Expectation, budget: float | None) -> Iterator[Constraint]:
        """The constraints on the values of a column."""
        subject, rules = Subject(column.name), column.rules
        if column.inferred_type != UNKNOWN:
            yield Constraint(DATA_TYPE, subject, "types", self.of_types(column, level_of(DATA_TYPE, budget)))
        if column.completeness is not None:
            complete = of_completeness(column.completeness, column.present, level_of(COMPLETENESS, budget))
            yield Constraint(COMPLETENESS, subject, "completeness", complete)
        if column.domain is not None:
            known = Within(frozenset(column.domain), rules.domain_threshold, missing_is_inside=True)
            level = level_of(CATEGORICAL_VALUES, budget)
            yield Constraint(CATEGORICAL_VALUES, subject, "values", by_chance(known, column.spread, level))
        if column.is_non_negative and self.check_non_negative:
            yield Constraint(NON_NEGATIVE, subject, "minimum", Between(low=0.0))

    def of_types(self, column: Expectation, level: float | None) -> Within:
        """The bound on the types of a column's values: an exact rule, as types do not change by chance, but for odd
        values that the baseline has as well."""
        bound = Within(self.accepted(column.inferred_type), column.rules.datatype_threshold)
        drawn = odd_values_of(column)
        return replace(bound, level=level, drawn=drawn) if level and drawn else bound

    def accepted(self, expected_type: str) -> frozenset[str]:
        """The types of values that a column of a type may hold."""
        if expected_type == STRING:
            return frozenset({*columns.KINDS, MOMENT, *KINDS_OF_UNITS})
        if expected_type == FRACTIONAL and not self.strict_types:
            return frozenset({FRACTIONAL, INTEGRAL, *KINDS_OF_UNITS})
        return frozenset({INTEGRAL, *KINDS_OF_UNITS} if expected_type == INTEGRAL else {expected_type})

    def of_spread(self, column: Expectation, level: float | None) -> Constraint:
        """The constraint on a column's distance from its baseline."""
        rules, spread = self.with_thresholds(column.rules), column.spread
        assert spread is not None
        if isinstance(spread, Categories) and rules.categorical_method == "ChiSquared":
            # A p-value needs no noise floor: its threshold is the probability of a false alarm.
            threshold = min(CHI_SQUARED_LEVEL, rules.categorical_threshold or 1.0, level or 1.0)
            bound = Near(spread, self.conventions.chi_squared, threshold)
        else:
            distance = self.conventions.distance(spread, rules.robust)
            most = rules.numeric_threshold if isinstance(spread, Numbers) else rules.categorical_threshold
            bound = Near(spread, distance, most or 0.0, level if rules.robust else None)
        measure = f"spread as {column.inferred_type}" if self.conventions.needs_same_type else "spread"
        return Constraint(BASELINE_DRIFT, Subject(column.name), measure, bound)


@dataclass(frozen=True)
class DataQualityOfSegment(DataQuality):
    """The same for a segment, whose baseline may have a few rows only: so its types are learned by chance as well, and
    a column that all rows have may not occur in it, which is for the monitor of all rows to tell."""

    def checks_by_chance(self, column: Expectation) -> Iterator[str]:
        yield from super().checks_by_chance(column)
        if column.inferred_type != UNKNOWN and odd_values_of(column) is None:
            yield DATA_TYPE

    def of_columns(self, names: frozenset[str]) -> Iterator[Constraint]:
        return iter(())

    def of_types(self, column: Expectation, level: float | None) -> Within:
        if odd_values_of(column):
            return super().of_types(column, level)
        present = column.present.inside if column.present else 0
        drawn = Categories({column.inferred_type: present}) if present else None
        return by_chance(super().of_types(column, level), drawn, level)


def level_of(check: str, budget: float | None) -> float | None:
    """The probability with which chance alone may trip a check, given the budget of one part."""
    return None if budget is None else PARTS[check] * budget


def of_completeness(share: float, drawn: Share | None, level: float | None) -> Between:
    """The bound on the share of rows with a value: with a ``level``, in both directions if it was learned."""
    if level is None or drawn is None:
        return Between(low=share, level=level)
    return Between(low=share, high=share if share < 1 else None, level=level, drawn=drawn)


def by_chance(bound: Within, drawn: Distribution | None, level: float | None) -> Within:
    """A bound on categories that weighs the chance of unseen ones, if the baseline's own distribution is known and lies
    within the bound. If a person took a category out, each row of it violates."""
    if level is None or not isinstance(drawn, Categories) or not drawn.n:
        return bound
    known = not drawn.rest and drawn.counts.keys() <= bound.categories
    return replace(bound, level=level, drawn=drawn) if known else bound


def odd_values_of(column: Expectation) -> Categories | None:
    """How many of a baseline's values were of the column's type, and how many were odd; None if none was, or that is
    unknown."""
    present, share = column.present, column.rules.datatype_threshold
    if column.inferred_type not in (*columns.NUMERIC, MOMENT, *KINDS_OF_UNITS) or not present or not 0 < share < 1:
        return None
    inside = round(share * present.inside)
    odd = present.inside - inside
    return Categories({column.inferred_type: inside, STRING: odd}) if odd else None


def is_compared(column: Expectation) -> bool:
    """Whether a column's spread is compared with its baseline."""
    return column.rules.compare and column.spread is not None


def domain(column: Column) -> tuple[str, ...] | None:
    """The values of a text column, most frequent first, if they look like a closed set (deequ's rule); else None."""
    values = column.values
    different = len(values.values)
    if values.rest or not 0 < different <= MAX_DOMAIN:
        return None
    if sum(n == 1 for n in values.values.values()) > MAX_SINGLETONS * different:
        return None
    return tuple(value for value, _ in values.most_frequent(different))
