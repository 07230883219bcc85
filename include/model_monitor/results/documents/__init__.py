"""Which files does a monitor read and write? SageMaker's where it has such a monitor, plain ones otherwise."""

from model_monitor.results.documents.protocol import (
    ANALYSIS,
    CONSTRAINTS,
    EXECUTION,
    STATISTICS,
    VIOLATIONS,
    Document,
    Documents,
    decode,
    encode,
    in_front,
    number,
)

__all__ = [
    "ANALYSIS",
    "CONSTRAINTS",
    "EXECUTION",
    "STATISTICS",
    "VIOLATIONS",
    "Document",
    "Documents",
    "decode",
    "encode",
    "in_front",
    "number",
]
