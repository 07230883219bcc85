"""Open JSON payloads of well-known model servers into rows.

Forms: KServe V1 and TensorFlow Serving (``instances``, ``predictions``; ``inputs`` and ``outputs`` by
column), of the Open Inference Protocol (``inputs`` and ``outputs`` of tensors: KServe V2, Triton, MLServer, Seldon 2),
of Seldon V1 (``data`` with ``ndarray`` or ``tensor``), of MLflow (``dataframe_split``, ``dataframe_records``) and of
SageMaker's own algorithms (``features``), objects of lists of one length (a table by column, as pandas'
``to_dict("list")``), and lists and single values without any names.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

Row = dict[str, Any] | list[Any]

RAGGED = "rows of one payload differ in their number of values"


@dataclass(frozen=True)
class Opened:
    """The rows of a payload: objects, or lists of values without names. A ``vector`` was written as one list of single
    values, or one for each name: as many rows, or one row if the other side of the request has one."""

    rows: list[Row]
    vector: bool = False


def as_one_row(rows: Sequence[Any]) -> Any:
    """The rows of a vector as one: of values by position, or of names with the value's position.

    >>> as_one_row([[1], [2]]), as_one_row([{"p": 1}, {"p": 2}])
    ([1, 2], {'p_0': 1, 'p_1': 2})
    """
    if len(rows) == 1:
        return rows[0]
    if rows and isinstance(rows[0], dict):
        return {f"{name}_{i}": row[name] for name in rows[0] for i, row in enumerate(rows)}
    return [value for row in rows for value in row]


def opened(document: Any) -> Opened:
    """The rows of a JSON document; an object in none of the forms is a row. Raises ValueError with a short reason.

    >>> opened({"instances": [[1, 2], [3, 4]]}).rows
    [[1, 2], [3, 4]]
    >>> opened({"data": {"names": ["a", "b"], "ndarray": [[1, 2]]}}).rows
    [{'a': 1, 'b': 2}]
    """
    if isinstance(document, list):
        return listed(document)
    if document is None:
        raise ValueError("the payload is null")
    if not isinstance(document, dict):
        return Opened([[document]])
    for name, form in FORMS.items():
        value = None if name == "outputs" and only_asks(document) else document.get(name)
        if isinstance(value, dict | list) and (rows := form(value)) is not None:
            return rows
    return by_column(document) or Opened([bare(document)])


def by_column(document: dict[str, Any]) -> Opened | None:
    """The rows of an object of lists of one length; None for any other object."""
    columns = list(document.items())
    if not all(isinstance(items, list) and items for _, items in columns) or list(document) == ["features"]:
        return None
    if len({len(items) for _, items in columns}) != 1:
        return None
    if any(isinstance(item, dict) for _, items in columns for item in items):
        return None
    rows = side_by_side(columns).rows
    return Opened(rows, vector=all(is_plain_list(items) for _, items in columns))


def only_asks(document: dict[str, Any]) -> bool:
    """Whether a document is a request whose ``outputs`` only name the wanted outputs."""
    outputs = document.get("outputs")
    if "inputs" not in document or not isinstance(outputs, list):
        return False
    return all(isinstance(o, str) or (isinstance(o, dict) and "name" in o and "data" not in o) for o in outputs)


def lines_opened(documents: Sequence[Any]) -> Opened:
    """The rows of several documents, one per line; a list of values is one row."""
    return Opened([row for line in documents for row in ([line] if is_plain_list(line) else opened(line).rows)])


def is_plain_list(document: Any) -> bool:
    return isinstance(document, list) and not any(isinstance(value, dict | list) for value in document)


def listed(items: list[Any]) -> Opened:
    """Rows that are all objects, all lists, or all single values."""
    if all(isinstance(item, dict) for item in items):
        return Opened([bare(item) for item in items])
    if all(isinstance(item, list) for item in items):
        return Opened(items)
    if not is_plain_list(items):
        raise ValueError("some rows are objects, lists or single values where others are not")
    return Opened([[item] for item in items], vector=True)


def bare(row: dict[str, Any]) -> Row:
    """The row, or its list ``features`` if it has nothing else."""
    return row["features"] if list(row) == ["features"] and isinstance(row["features"], list) else row


def of_values(value: Any) -> Opened | None:
    """The rows, columns or tensors of ``instances``, ``predictions``, ``inputs`` or ``outputs``."""
    if isinstance(value, list):
        known = (
            isinstance(v, dict) and {"name", "datatype"} <= v.keys() and isinstance(v.get("shape"), list) for v in value
        )
        return of_tensors(value) if value and all(known) else listed(value)
    if not any(isinstance(column, dict | list) for column in value.values()):
        return Opened([value])
    if not all(isinstance(column, list) for column in value.values()):
        return None
    return side_by_side(list(value.items()))


def of_tensors(tensors: Sequence[dict[str, Any]]) -> Opened:
    columns = []
    for tensor in tensors:
        name = str(tensor["name"])
        if not isinstance(tensor.get("data"), list):
            raise ValueError(f"the values of tensor '{name}' are not in the JSON; send them as JSON, not as binary")
        columns.append((name, in_shape(name, tensor["data"], tensor["shape"])))
    return side_by_side(columns)


def in_shape(name: str, values: Sequence[Any], shape: Any) -> list[Any]:
    """Values in row-major order, flat or nested as the shape is: single values of one dimension, lists of two."""
    try:
        sizes = [int(size) for size in shape]
    except (ValueError, TypeError):
        raise ValueError(f"the shape of '{name}' is not a list of whole numbers") from None
    if len(sizes) not in (1, 2):
        raise ValueError(f"'{name}' has {len(sizes)} dimensions; rows of values have 1 or 2")
    flat = [item for value in values for item in (value if isinstance(value, list) else [value])]
    if min(sizes) < 0 or len(flat) != prod(sizes) or (not flat and sizes[0]):
        raise ValueError(f"'{name}' has {len(flat)} values, which is not what its shape says")
    width = sizes[-1]
    return flat if len(sizes) == 1 else [flat[i : i + width] for i in range(0, len(flat), width or 1)]


def side_by_side(columns: Sequence[tuple[str, list[Any]]]) -> Opened:
    """Rows of named columns, each with an item per row. A column of vectors becomes ``name_0``, ``name_1``, ..., or has
    no names if it is the only one."""
    counts = {name: len(items) for name, items in columns}
    if len(set(counts.values())) > 1:
        numbers = ", ".join(f"{count} in '{name}'" for name, count in counts.items())
        raise ValueError(f"columns differ in their number of rows: {numbers}")
    names: list[str] = []
    parts: list[list[list[Any]]] = []
    for name, items in columns:
        rows = listed(items).rows
        widths = {len(row) for row in rows if isinstance(row, list)}
        if len(widths) > 1:
            raise ValueError(RAGGED)
        if any(isinstance(row, dict) for row in rows):
            raise ValueError(f"'{name}' is nested; a preprocessing script can flatten it")
        width = widths.pop() if widths else 1
        if width != 1 and len(columns) == 1:
            return Opened(rows)
        names += [name] if width == 1 else [f"{name}_{i}" for i in range(width)]
        parts.append([list(row) for row in rows])
    return Opened([called(names, [value for part in row for value in part]) for row in zip(*parts, strict=True)])


def called(names: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
    """One row's values by name."""
    if len(names) != len(values):
        raise ValueError(f"{len(names)} names for {len(values)} values")
    if twice := [name for i, name in enumerate(names) if name in names[:i]]:
        raise ValueError(f"'{twice[0]}' is the name of two columns")
    return dict(zip(names, values, strict=True))


def of_frame(frame: Any) -> Opened | None:
    """``{"columns": [...], "data": [[...]]}``, where the names may be absent."""
    return with_names(frame.get("columns"), frame.get("data")) if isinstance(frame, dict) else None


def of_seldon(data: Any) -> Opened | None:
    """``{"names": [...], "ndarray": [[...]]}``, or a ``tensor`` with shape and values; the names may be absent."""
    if not isinstance(data, dict):
        return None
    tensor = data.get("tensor")
    if isinstance(tensor, dict) and isinstance(tensor.get("values"), list):
        return with_names(data.get("names"), in_shape("tensor", tensor["values"], tensor.get("shape")))
    return with_names(data.get("names"), data.get("ndarray"))


def with_names(names: Any, items: Any) -> Opened | None:
    """Rows whose values take names by position, if there are names; None if these are not rows."""
    if not isinstance(items, list):
        return None
    result = listed(items)
    if not names:
        return result
    if not is_plain_list(names):
        raise ValueError("the names of columns are not a list of texts")
    rows: list[Row] = [items] if result.vector and len(names) == len(items) else result.rows
    texts = [str(name) for name in names]
    return Opened([called(texts, row) if isinstance(row, list) else row for row in rows])


FORMS: dict[str, Callable[[Any], Opened | None]] = {
    "predictions": of_values,
    "instances": of_values,
    "outputs": of_values,  # before inputs, which an answer may repeat
    "inputs": of_values,
    "dataframe_split": of_frame,
    "dataframe_records": of_values,
    "data": of_seldon,
}
