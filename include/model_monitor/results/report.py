"""A report: a folder of files, the last of which says that it is complete."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

import msgspec

from model_monitor import store
from model_monitor.errors import ConfigError, DataError
from model_monitor.results import execution
from model_monitor.results.data_docs import DATA_DOCS
from model_monitor.results.documents.protocol import (
    ANALYSIS,
    CONSTRAINTS,
    EXECUTION,
    STATISTICS,
    VIOLATIONS,
    Document,
    encode,
)
from model_monitor.results.handover import Evidence
from model_monitor.results.html import REPORT
from model_monitor.results.measured import MEASURES
from model_monitor.results.sealed import digest_of, sealed

REJECTED = "rejected/records.jsonl"


def write_report(
    folder: str,
    files: Mapping[str, Document],
    evidence: Evidence,
    execution: Document,
    pages: Mapping[str, bytes] = MappingProxyType({}),
) -> dict[str, bytes]:
    """Write the files of a report, ``execution.json`` last, with the digest of the violations; their contents by name.

    The records that were set aside are a file of their own, absent if there are none. ``pages`` are HTML.
    """
    contents = {name: encode(content) for name, content in files.items()} | dict(pages)
    for name in {DATA_DOCS, REPORT} - pages.keys():
        store.delete(store.join(folder, name))
    if evidence.kept:
        lines = (json.dumps(record, ensure_ascii=False) + "\n" for record in msgspec.to_builtins(evidence.kept))
        contents[REJECTED] = "".join(lines).encode()
    else:
        store.delete(store.join(folder, REJECTED))
    digests = {name: digest_of(contents[name]) for name in (VIOLATIONS, MEASURES) if name in contents}
    contents[EXECUTION] = sealed(encode(execution | {"digests": digests}))
    for name, content in contents.items():
        store.write(store.join(folder, name), content)
    return contents


@contextmanager
def reporting_failure(folder: str, about: Document) -> Iterator[None]:
    """On a ConfigError or DataError, replace the report by one that says why nothing was judged, and raise again."""
    try:
        yield
    except (ConfigError, DataError) as error:
        evidence = error.evidence if isinstance(error, DataError) else None
        if not isinstance(evidence, Evidence):
            evidence = Evidence()
        for name in (STATISTICS, CONSTRAINTS, ANALYSIS, VIOLATIONS, MEASURES):
            store.delete(store.join(folder, name))
        write_report(folder, {}, evidence, execution.execution(about, execution.FAILED, str(error), evidence, None))
        raise
