"""Check that a model's answers can be used."""

from __future__ import annotations

from typing import Any

import numpy as np

from model_monitor.errors import DataError


def checked(name: str, answers: Any, count: int, first: int = 0) -> np.ndarray:
    """A model's answers to ``count`` rows from number ``first`` on: float64, rows x outputs.

    Raises DataError unless each row has at least one finite number, and all rows equally many.
    """
    where = f"rows {first:,} to {first + count - 1:,}" if count > 1 else f"row {first:,}"
    try:
        numbers = np.asarray(answers, np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"model {name} does not answer {where} with numbers ({error}); name where they are as probability or label"
        ) from error
    numbers = numbers[:, None] if numbers.ndim == 1 else numbers
    if numbers.ndim != 2 or len(numbers) != count or not numbers.shape[1]:
        raise DataError(
            f"model {name} gives answers of shape {numbers.shape} for the {count:,} rows asked ({where}); it must give "
            "one for each row: look at its content type and templates, and at what the endpoint logged"
        )
    if not np.isfinite(numbers).all():
        row = first + int(np.flatnonzero(~np.isfinite(numbers).all(axis=1))[0])
        raise DataError(
            f"model {name} answers NaN or infinity for row {row:,} of those asked ({where}); look at what it makes of "
            "missing values, or give background rows that it can answer"
        )
    return numbers
