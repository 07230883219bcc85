"""Great Expectations (GX), imported when a task first needs it: quietly, and without telemetry.

Only this package imports it. Nothing here makes a project folder: contexts are ephemeral.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from threading import RLock
from typing import Any

from model_monitor.errors import ConfigError

LOCK = RLock()  # GX keeps its context and its registry in globals
MISSING = "expectations need Great Expectations: install the package with its extra 'expectations'"


@contextmanager
def quiet() -> Iterator[None]:
    """One thread at a time uses GX, whose warnings are about its own future and whose log repeats its results."""
    with LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@cache
def imported() -> Any:
    """The package ``great_expectations``. Raises ConfigError if it is not installed."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    show = warnings.showwarning
    try:
        with quiet():
            import great_expectations
    except ModuleNotFoundError as error:
        raise ConfigError(f"{MISSING} ({error})") from error
    if warnings.showwarning is not show:  # GX sends the whole process' warnings to the log
        logging.captureWarnings(False)
    logging.getLogger("great_expectations").setLevel(logging.CRITICAL + 1)
    return great_expectations


def installed_version() -> str:
    """The version of GX. Raises ConfigError if it is not installed."""
    try:
        return version("great_expectations")
    except PackageNotFoundError as error:
        raise ConfigError(MISSING) from error


@cache
def context() -> Any:
    """GX's context, in memory only, without a progress bar."""
    gx = imported()
    with quiet():
        ephemeral = gx.get_context(mode="ephemeral")
        ephemeral.variables.progress_bars = {"globally": False, "metric_calculations": False}
    return ephemeral
