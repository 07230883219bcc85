"""Which errors of a verb are tried again, and what is logged of them."""

from __future__ import annotations

import traceback
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from model_monitor.errors import ConfigError, DataError, StoreError
from model_monitor_airflow.operators import EndpointOperator


class Failing(EndpointOperator):
    """A task whose verb fails because of a library's error, which quotes a header."""

    def __init__(self, *, error: type[Exception], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.error = error

    def verb(self, jobs: Any, context: Any) -> None:
        try:
            raise ValueError("Authorization: Bearer SECRET")
        except ValueError as error:
            raise self.error(f"s3://lake/a: {error}") from error


@pytest.mark.parametrize(
    ("error", "raised"),
    [(StoreError, StoreError), (DataError, AirflowFailException), (ConfigError, AirflowFailException)],
)
def test_only_a_store_is_tried_again_and_no_log_has_what_a_library_quoted(
    error: type[Exception], raised: type[Exception]
) -> None:
    task = Failing(task_id="t", endpoint_file="churn.yaml", error=error)
    with pytest.raises(raised, match="s3://lake/a") as failure:
        task.execute({})
    assert "SECRET" not in "".join(traceback.format_exception(failure.value))
