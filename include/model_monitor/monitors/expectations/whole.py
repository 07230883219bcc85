"""Rules that need a column, or all rows, at once: judged by Great Expectations on the columns that are held."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from model_monitor.core.measures import Measure, Share, Undefined
from model_monitor.monitors.expectations.library import context, imported, quiet
from model_monitor.monitors.expectations.rowwise import (
    Columns,
    absent,
    groups_of,
    is_hidden,
    messages_of,
    sampled,
    short,
    tallies,
)
from model_monitor.monitors.expectations.rules import QUERY, Rule
from model_monitor.monitors.expectations.state import EXAMPLES, Checked, Problem, Tally
from model_monitor.monitors.expectations.suite import Suite, one_line
from model_monitor.monitors.expectations.values import Readings, frame

if TYPE_CHECKING:
    import pandas as pd

NUMBERS = count()  # of in-memory databases
PAGE = 4096  # bytes of one of SQLite
TABLE = "window_rows"


@dataclass(frozen=True)
class Outcome:
    """What came of a rule: its measure, GX's observed value as JSON can hold it, and a tally if rows were counted."""

    measure: Measure
    observed: Any = None
    tally: Tally | None = None


def outcome_of(rule: Rule, tally: Tally) -> Outcome:
    """A share of rows; undefined if no row had a value to judge."""
    if tally.problem.text:
        return Outcome(Undefined(tally.problem.text), tally=tally)
    if not tally.evaluated:
        reason = f"all {tally.missing} values are missing" if tally.missing else "there is no row to judge"
        return Outcome(Undefined(reason), tally=tally)
    return Outcome(Share(tally.evaluated - tally.unexpected, tally.evaluated), tally=tally)


def outcomes(suite: Suite, places: Sequence[int], state: Checked, hidden: frozenset[str]) -> dict[int, Outcome]:
    """The outcome of each rule at ``places`` that needs a whole column."""
    if not state.rows:
        return {place: Outcome(Undefined("there is no row to judge")) for place in places}
    found: dict[int, Outcome] = {}
    pa.default_memory_pool().release_unused()
    columns = {name: pa.nulls(state.rows) for name in state.names.names} | state.held.columns
    by_rows = [place for place in places if suite.rules[place].how == "column"]
    for place, tally in tallies(suite, by_rows, columns, state.rows, hidden).items():
        found[place] = outcome_of(suite.rules[place], tally)
    rest = [place for place in places if place not in found]
    for place in [place for place in rest if absent(suite, place, columns)]:
        found[place] = Outcome(Undefined(absent(suite, place, columns)))
    names = [place for place in rest if suite.rules[place].how == "names"]
    with quiet():
        if names:
            found |= concluded(suite, names, batch_of(empty_frame(state.names.names)), hidden)
        for how in ("table", "sql"):
            mine = [place for place in rest if suite.rules[place].how == how and place not in found]
            for readings, group in groups_of(suite, mine, list(columns)):
                if how == "table":
                    found |= table(suite, group, frame(columns, readings, state.rows), hidden)
                else:
                    found |= queried(suite, group, columns, readings, state, hidden)
    return found


def empty_frame(names: Sequence[str]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame({name: pd.Series(dtype=object) for name in names})


def table(suite: Suite, places: Sequence[int], rows: pd.DataFrame, hidden: frozenset[str]) -> dict[int, Outcome]:
    """Aggregates; undefined of a column without any value, except how much of it is missing."""
    found = {}
    for place in places:
        rule = suite.rules[place]
        empty = [name for name in rule.columns if rows[name].isna().all()]
        if empty and "non_null" not in rule.type:
            found[place] = Outcome(Undefined(f"all {len(rows)} values are missing"))
    judged = [place for place in places if place not in found]
    return found | (concluded(suite, judged, batch_of(rows), hidden) if judged else {})


def batch_of(rows: pd.DataFrame) -> Any:
    """The rows as a batch of GX."""
    source = context().data_sources.add_or_update_pandas("window")
    return source.add_dataframe_asset("rows").add_batch_definition_whole_dataframe("all").get_batch({"dataframe": rows})


def queried(
    suite: Suite, places: Sequence[int], columns: Columns, readings: Readings, state: Checked, hidden: frozenset[str]
) -> dict[int, Outcome]:
    """SQL, on a database in memory with the rows in the table that GX calls ``{batch}``."""
    everything = {name: readings.get(name, "values") for name in columns}
    with database(frame(columns, everything, state.rows), state.held.limit) as batch:
        return concluded(suite, places, batch, hidden)


@contextmanager
def database(rows: pd.DataFrame, limit: int) -> Iterator[Any]:
    name = f"window{next(NUMBERS)}"
    address = f"file:{name}?mode=memory&cache=shared"
    quoted = ", ".join('"{}"'.format(column.replace('"', '""')) for column in rows.columns) or '"-"'
    with closing(sqlite3.connect(address, uri=True)) as connection:
        connection.execute(f"PRAGMA max_page_count = {max(256, 8 * limit // PAGE)}")
        connection.execute(f"CREATE TABLE {TABLE} ({quoted})")
        values = zip(*(map(stored, rows[column].tolist()) for column in rows.columns), strict=True)
        marks = ", ".join("?" * len(rows.columns))
        connection.executemany(f"INSERT INTO {TABLE} VALUES ({marks})", values)
        connection.commit()
        source = context().data_sources.add_sqlite(name, connection_string=f"sqlite:///{address}&uri=true")
        try:
            yield source.add_table_asset(TABLE, table_name=TABLE).add_batch_definition_whole_table("all").get_batch()
        finally:
            source.get_engine().dispose()
            context().data_sources.delete(name)


def stored(value: Any) -> Any:
    """A value that SQLite can hold."""
    if isinstance(value, str | float) or (isinstance(value, int) and abs(value) < 1 << 63):
        return None if value != value else value
    import pandas as pd

    return None if pd.isna(value) is True else str(value)


def concluded(suite: Suite, places: Sequence[int], batch: Any, hidden: frozenset[str]) -> dict[int, Outcome]:
    """What GX says of the rules on a batch."""
    gx = imported()
    tagged = [suite.expectations[place].copy(update={"meta": {"place": place}}) for place in places]
    results = batch.validate(gx.ExpectationSuite("window", expectations=tagged), result_format="SUMMARY").results
    found = {}
    for result in results:
        place = result.expectation_config.meta["place"]
        rule = suite.rules[place]
        found[place] = concluded_one(rule, result, is_hidden(rule, hidden))
    return {place: found.get(place, Outcome(Undefined("GX gave no result"))) for place in places}


def concluded_one(rule: Rule, result: Any, is_private: bool) -> Outcome:
    if problem := raised(result.exception_info):
        return Outcome(Undefined("its values can't be judged" if is_private else one_line(problem)))
    details = result.result
    if "element_count" in details:
        return outcome_of(rule, tally_of(details, is_private))
    observed = None if is_private else plain(details.get("observed_value"))
    if rule.type == QUERY or rule.is_number:
        number = plain(details.get("observed_value"))
        is_number = isinstance(number, int | float) and not isinstance(number, bool)
        return Outcome(float(number) if is_number else Undefined("there is no such number"), observed)
    return Outcome(Share(int(bool(result.success)), 1), observed)


def raised(info: Mapping[str, Any]) -> str:
    """The message of what an expectation raised; "" if it raised nothing."""
    if "raised_exception" in info:
        return str(info.get("exception_message") or "it can't be judged") if info["raised_exception"] else ""
    return min((message for one in info.values() for message in messages_of(one)), default="it can't be judged")


def tally_of(details: Mapping[str, Any], is_private: bool) -> Tally:
    total, missing = details["element_count"] or 0, details.get("missing_count") or 0
    values = [] if is_private else [str(plain(value)) for value in details.get("partial_unexpected_list") or []]
    counted = short(pa.array(values, pa.string())).value_counts()
    examples = sampled(counted.field("values"), counted.field("counts")) if values else Tally().examples
    return Tally(int(details.get("unexpected_count") or 0), total - missing, missing, examples, Problem())


def plain(value: Any) -> Any:
    """A value of NumPy, pandas or Python as JSON can hold it; of long lists the first members."""
    if hasattr(value, "item") and not hasattr(value, "__len__"):
        value = value.item()
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in list(value.items())[:EXAMPLES]}
    if isinstance(value, list | tuple | set) or hasattr(value, "tolist"):
        return [plain(part) for part in list(value)[:EXAMPLES]]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int) else str(value)[:100]
