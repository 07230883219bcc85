"""Make a row of each request, whatever was asked and answered: when it came, how it went, and of how many it is one."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from model_monitor.core.batch import FAILED, LATENCY, SAMPLED, STATUS
from model_monitor.rows.captures import Records
from model_monitor.rows.payloads.json_rows import NAMED
from model_monitor.rows.payloads.payload import Rows
from model_monitor.rows.summary import Rejected


def decode(records: Records) -> tuple[list[Rows], list[Rejected]]:
    """A row for each request; a latency or status that is no number is null."""
    columns = {
        LATENCY: number(records.metadata("latencyMs")),
        STATUS: number(records.metadata("statusCode")),
        FAILED: pc.fill_null(records.metadata("failed"), False),
        SAMPLED: pa.array(records.percentages),
    }
    count = len(records)
    return [Rows((NAMED, NAMED), pa.table(columns), np.arange(count), np.ones(count, np.int64))], []


def number(values: pa.Array) -> pa.Array:
    """The same without infinities and NaN."""
    return pc.if_else(pc.is_finite(values), values, pa.scalar(None, values.type))
