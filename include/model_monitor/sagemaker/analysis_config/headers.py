"""Which column of a dataset each name, index or path of an analysis configuration is."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from model_monitor.errors import ConfigError
from model_monitor.sagemaker.analysis_config.schema import PREDICTIONS, Config

STRUCTURED = ("application/json", "application/jsonlines")  # the dataset's columns are found by paths


def present(**settings: Any) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if value is not None}


@dataclass(frozen=True)
class Header:
    """The names of a dataset's columns, and which of them are no features.

    ``paths``: those of label and predicted label, where the file gives paths instead of names.
    """

    names: tuple[str, ...] = ()
    label: str | None = None
    predicted: str | None = None
    paths: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, config: Config) -> Header:
        """A label and a predicted label that are paths have the last headers for names, in this order."""
        names = tuple(config.headers or ())
        columns = present(label=config.label, predicted_label=config.predicted_label)
        paths = {
            key: value for key, value in columns.items() if names and isinstance(value, str) and value not in names
        }
        for key, value in paths.items() if config.dataset_type not in STRUCTURED else ():
            if config.dataset_type or key == "predicted_label":  # without a type, a label may be in label records
                raise ConfigError(f"{key}: Headers must contain label. {no_header(value, names)}{elsewhere(config)}")
        if names and len(paths) >= len(names):
            raise ConfigError("headers: Headers must contain label. Name all features, and then the label")
        last = dict(zip(paths, names[len(names) - len(paths) :], strict=True))
        named = {key: last.get(key) or cls(names).name(column, key) for key, column in columns.items()}
        header = cls(names, named.get("label"), named.get("predicted_label"), paths)
        refuse_shared(config, header)
        return header

    def name(self, column: str | int, place: str, unknown: str = "Feature names not found.") -> str:
        """The name of a column that is a name or an index; without headers, its text."""
        if not self.names:
            return str(column)
        if isinstance(column, int):
            if column >= len(self.names):
                raise ConfigError(f"{place}: {unknown} There is no column {column}, headers has {len(self.names)}")
            return self.names[column]
        if column not in self.names:
            raise ConfigError(f"{place}: {unknown} {no_header(column, self.names)}")
        return column

    def name_or_index(self, column: str | int, place: str, unknown: str = "Feature names not found.") -> str | int:
        """The same, but an index stays an index if there are no headers."""
        return self.name(column, place, unknown) if self.names else column

    def without(self, others: Sequence[str]) -> tuple[str, ...]:
        """The features without some columns."""
        return tuple(name for name in self.names if name not in (self.label, self.predicted, *others))


def elsewhere(config: Config) -> str:
    """What to do about predictions that are in a dataset of their own."""
    return f"; {PREDICTIONS}, and to headers" if config.predicted_label_dataset_uri else ""


def refuse_shared(config: Config, header: Header) -> None:
    """Raise ConfigError where label and predicted label are one column, or where one of them that is a path, and so has
    the last header for a name, has one that another key names."""
    if header.label is not None and header.label == header.predicted:
        both = f"label {config.label!r} and predicted_label {config.predicted_label!r}"
        raise ConfigError(f"{both} {one_column(header, header.label)}")
    own = {"label": header.label, "predicted_label": header.predicted}
    taken = {own[key]: f"{key} {path!r}" for key, path in header.paths.items()}
    for key, column in other_columns(config) if taken else ():
        if (name := header.name(column, key)) in taken:
            raise ConfigError(f"{taken[name]} and {key} {column!r} {one_column(header, name)}")


def other_columns(config: Config) -> Iterator[tuple[str, str | int]]:
    """The columns of the dataset that a file names beside label and predicted label, each with its place."""
    for i, facet in enumerate(config.facet or ()):
        if facet.name_or_index not in (config.facet_headers or ()):
            yield f"facet.{i}.name_or_index", facet.name_or_index
    for key in ("group_variable", "joinsource_name_or_index"):
        if (column := getattr(config, key)) is not None:
            yield key, column
    yield from ((f"excluded_columns.{i}", column) for i, column in enumerate(config.excluded_columns or ()))


def one_column(header: Header, name: str) -> str:
    """What is wrong with two keys that name one column, and what to do."""
    moved = " and ".join(header.paths)
    why = f", as {moved} is no header and takes the last" if moved else ""
    return f"are both the column '{name}'{why}; name each in headers, the labels after all features"


def no_header(name: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1)
    return f"'{name}' is none of them" + (f"; did you mean '{near[0]}'?" if near else f": {', '.join(names)}")
