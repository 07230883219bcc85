"""Who takes part: the yardsticks, ours and the peers, each with the environment that it needs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Participant:
    """A script of this folder with its argument; ``environment`` is that of a peer, or None for the project's own.
    ``needs``: a variable without which it can't run, and what it is."""

    name: str
    script: str
    argument: str = ""
    environment: str | None = None
    needs: tuple[str, str] | None = None


YARDSTICKS = [
    Participant("read the bytes", "yardsticks.py", "bytes"),
    Participant("json.loads", "yardsticks.py", "json"),
    Participant("pyarrow.json", "yardsticks.py", "pyarrow"),
    Participant("msgspec", "yardsticks.py", "msgspec"),
    Participant("orjson", "yardsticks.py", "orjson", "decoders"),
    Participant("simdjson", "yardsticks.py", "simdjson", "decoders"),
    Participant("polars", "yardsticks.py", "polars", "decoders"),
]
OURS = [Participant("ours, Parquet", "ours.py", "parquet"), Participant("ours, raw capture", "ours.py", "capture")]
PEERS = [
    Participant("NannyML", "peer_nannyml.py", environment="nannyml"),
    Participant("Evidently", "peer_evidently.py", environment="evidently"),
    Participant("whylogs", "peer_whylogs.py", environment="whylogs"),
    Participant("Great Expectations", "peer_expectations.py", environment="expectations"),
    Participant(
        "PyDeequ on Spark local[2]",
        "peer_deequ.py",
        environment="deequ",
        needs=("DEEQU_JAR", "the address of deequ-2.0.21-spark-3.5.jar, which no Python package holds"),
    ),
]
