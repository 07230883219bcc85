"""Rules that each row keeps or breaks: tallies of some rows, by Great Expectations' pandas engine.

``engine_of`` makes the engine of a frame: GX's engine for Spark would be another function of this kind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from model_monitor.core.hashing import combine, hash_coded, hash_values
from model_monitor.core.states import Sample
from model_monitor.monitors.expectations.library import quiet
from model_monitor.monitors.expectations.rules import Rule
from model_monitor.monitors.expectations.state import CHARACTERS, EXAMPLES, Problem, Tally
from model_monitor.monitors.expectations.suite import Suite, one_line
from model_monitor.monitors.expectations.values import Readings, as_texts, conditions_of, frame, readings_of

if TYPE_CHECKING:
    import pandas as pd

MANY = 1000  # hashes
AT_ONCE = 32  # rules whose masks of rows are in memory together

Columns = Mapping[str, pa.Array]


def engine_of(rows: pd.DataFrame) -> Any:
    from great_expectations.execution_engine.pandas_execution_engine import PandasExecutionEngine

    return PandasExecutionEngine(batch_data_dict={"window": rows})


def tallies(
    suite: Suite, places: Sequence[int], columns: Columns, rows: int, hidden: frozenset[str]
) -> dict[int, Tally]:
    """The tally of each rule at ``places``; of ``hidden`` columns no value is kept."""
    found = {}
    shown = Shown(columns)
    with quiet():
        for readings, group in groups_of(suite, places, list(columns)):
            judged = []
            for place in group:
                if problem := absent(suite, place, columns):
                    found[place] = Tally(problem=Problem(problem))
                else:
                    judged.append(place)
            engine = engine_of(frame(columns, readings, rows)) if judged else None
            for start in range(0, len(judged), AT_ONCE):
                found |= conditions(suite, judged[start : start + AT_ONCE], engine, shown, rows, hidden)
    return found


def groups_of(suite: Suite, places: Sequence[int], columns: list[str]) -> list[tuple[Readings, list[int]]]:
    """The rules that can share a frame, because they read each column alike."""
    groups: list[tuple[Readings, list[int]]] = []
    for place in places:
        own = readings_of(suite.rules[place], condition_of(suite.expectations[place]), columns)
        for readings, group in groups:
            if all(readings.get(name, how) == how for name, how in own.items()):
                readings |= own
                group.append(place)
                break
        else:
            groups.append((dict(own), [place]))
    return groups


def condition_of(expectation: Any) -> Any:
    return getattr(expectation, "row_condition", None)


def absent(suite: Suite, place: int, columns: Columns) -> str:
    """Which column a rule needs and the rows lack, in words; "" if none."""
    rule, condition = suite.rules[place], condition_of(suite.expectations[place])
    if rule.how == "names":
        return ""
    needed = [*rule.columns, *(name for name, _ in conditions_of(condition) if name is not None)]
    missing = next((name for name in needed if name not in columns), None)
    return "" if missing is None else f"there is no column '{missing}'"


def conditions(
    suite: Suite, places: Sequence[int], engine: Any, shown: Shown, rows: int, hidden: frozenset[str]
) -> dict[int, Tally]:
    from great_expectations.validator.metrics_calculator import MetricsCalculator

    metrics = {place: suite.conditions[place] for place in places}
    resolved, aborted = MetricsCalculator(engine).compute_metrics(list(metrics.values()), runtime_configuration=None)
    found = {}
    for place, metric in metrics.items():
        rule = suite.rules[place]
        if metric.id not in resolved:
            found[place] = Tally(problem=Problem(why(aborted, metric, is_hidden(rule, hidden))))
            continue
        mask = resolved[metric.id][0]
        condition = condition_of(suite.expectations[place])
        there = rows if condition is None else len(engine.get_domain_records({"row_condition": condition}))
        broken = np.asarray(mask.array, bool)
        unexpected = np.asarray(mask.index)[broken]
        examples = Sample(EXAMPLES) if is_hidden(rule, hidden) else shown.examples(rule.columns, unexpected)
        found[place] = Tally(int(broken.sum()), len(mask), there - len(mask), examples)
    resolved.clear()  # GX's objects hold each other, so masks would stay until the next collection
    return found


def is_hidden(rule: Rule, hidden: frozenset[str]) -> bool:
    return not hidden.isdisjoint(rule.columns) or "*" in hidden


def why(aborted: Mapping[Any, Any], metric: Any, is_private: bool) -> str:
    """Why GX could not compute a metric; without the text of an error that may quote values of a private column."""
    infos = [aborted[metric.id]] if metric.id in aborted else list(aborted.values())
    messages = sorted(message for info in infos for message in messages_of(info.get("exception_info")))
    return "its values can't be judged" if is_private or not messages else one_line(messages[0])


def messages_of(info: Any) -> Iterator[str]:
    for one in info if isinstance(info, set | list | tuple) else [info]:
        message = one.get("exception_message") if isinstance(one, dict) else getattr(one, "exception_message", None)
        if message:
            yield str(message)


class Shown:
    """The columns of some rows as texts and as hashes of them, each made once, when a rule first needs it."""

    def __init__(self, columns: Columns) -> None:
        self.columns = columns
        self.known: dict[str, tuple[pa.StringArray, np.ndarray]] = {}

    def of(self, name: str) -> tuple[pa.StringArray, np.ndarray]:
        if name not in self.known:
            texts = as_texts(self.columns[name])
            self.known[name] = texts, hash_coded(texts.dictionary_encode())
        return self.known[name]

    def examples(self, names: Sequence[str], places: np.ndarray) -> Sample:
        """Some of the different values at some rows: those of the lowest hashes, in any order of the rows."""
        if len(names) == 1:  # of a missing value there is nothing to show
            places = places[np.asarray(self.columns[names[0]].is_valid())[places]]
        if not len(places) or not names:
            return Sample(EXAMPLES)
        parts = [self.of(name) for name in names]
        hashes = [part[places] for _, part in parts]
        lowest, first, counts = lowest_of(hashes[0] if len(hashes) == 1 else combine(hashes, len(places), 31))
        texts = [short(texts.take(pa.array(places[first]))).to_pylist() for texts, _ in parts]
        rows = list(zip(*texts, strict=True))
        words = [row[0] if len(row) == 1 else ", ".join(map("=".join, zip(names, row, strict=True))) for row in rows]
        keys = zip(lowest.tolist(), words, strict=True)
        return Sample(EXAMPLES).adding(dict(zip(keys, counts.tolist(), strict=True)))


def lowest_of(hashes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The lowest different hashes, where each is first, and how often it is there."""
    places = np.arange(len(hashes))
    if len(hashes) > MANY:  # the lowest many are enough, unless they are few that repeat
        different = np.unique(np.partition(hashes, MANY)[:MANY])
        if len(different) > EXAMPLES:
            places = np.flatnonzero(hashes <= different[EXAMPLES - 1])
    values, first, counts = np.unique(hashes[places], return_index=True, return_counts=True)
    return values[:EXAMPLES], places[first[:EXAMPLES]], counts[:EXAMPLES]


def sampled(texts: pa.StringArray, counts: pa.Array) -> Sample:
    hashes = hash_values(texts)
    lowest = np.argsort(hashes, kind="stable")[:EXAMPLES]
    listed = zip(
        hashes[lowest].tolist(),
        texts.take(pa.array(lowest)).to_pylist(),
        counts.take(pa.array(lowest)).to_pylist(),
        strict=True,
    )
    return Sample(EXAMPLES).adding({(number, text): n for number, text, n in listed})


def short(texts: pa.StringArray) -> pa.StringArray:
    """The texts; of a long one the beginning, and an ellipsis."""
    cut = pc.binary_join_element_wise(pc.utf8_slice_codeunits(texts, 0, CHARACTERS), "…", "")
    return pc.if_else(pc.greater(pc.utf8_length(texts), CHARACTERS), cut, texts)
