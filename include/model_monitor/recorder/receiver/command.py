"""``model-monitor receive``: what it is told, and the server it starts."""

from __future__ import annotations

import argparse
import os
import tempfile
from typing import TYPE_CHECKING, Any

from model_monitor.errors import ConfigError

if TYPE_CHECKING:
    from model_monitor.recorder.receiver.receive import Receiver

# KServe reads any body as JSON, and curl calls one so that is told nothing else.
JSON_TYPES = ("application/json", "application/x-www-form-urlencoded")
CSV_TYPES = ("text/csv",)
SENDING_SECONDS = 5  # for events that are being sent when the receiver is told to stop; receive.CLOSING_SECONDS follow


def add_to(commands: Any) -> None:
    """Add the command to those of ``model-monitor``."""
    receive = commands.add_parser("receive", help="capture what KServe's and Seldon's payload loggers send")
    add = receive.add_argument
    add("--destination", required=True, metavar="URI", help="where capture files go: a folder, s3://, gs:// or abfs://")
    add("--endpoint", action="append", default=[], metavar="NAME", help="receive only these inference services")
    add("--variant", metavar="NAME", help="instead of what events name, or AllTraffic")
    add("--namespace", metavar="NAME", help="receive only from this namespace (the first that sends)")
    add("--component", action="append", default=[], metavar="NAME", help="e.g. predictor; of Seldon, the model's name")
    add("--sampling-percentage", type=float, default=100.0, metavar="NUMBER", help="of the requests (100)")
    add(
        "--host", default="127.0.0.1", help="address to listen on (127.0.0.1); anyone who reaches it can write captures"
    )
    add("--port", type=int, default=8080, help="(8080)")
    add("--pair-timeout", type=float, default=60.0, metavar="SECONDS", help="wait so long for the other event (60)")
    add("--unpaired", choices=["keep", "drop"], default="keep", help="what becomes of one without the other (keep)")
    add("--max-event-bytes", type=int, default=8 << 20, metavar="BYTES", help="refuse larger events (8388608)")
    add("--max-payload-bytes", type=int, default=1 << 20, metavar="BYTES", help="leave out larger payloads (1048576)")
    add("--max-endpoints", type=int, default=20, metavar="NUMBER", help="services and variants at most (20)")
    add("--csv-content-type", action="append", default=[], metavar="TYPE", help=f"stored as text ({CSV_TYPES[0]})")
    add("--json-content-type", action="append", default=[], metavar="TYPE", help=f"likewise ({', '.join(JSON_TYPES)})")
    add("--kms-key-id", metavar="ID", help="encrypt on S3 with this key")
    add("--gzip", action="store_true", help="compress capture files")
    add("--spool", metavar="DIR", help="local folder for what could not be sent yet")
    add("--allow", action="append", default=[], metavar="FIELD", help="keep only these fields of payloads")
    add("--deny", action="append", default=[], metavar="FIELD", help="leave out these fields")
    add("--hash", action="append", default=[], metavar="FIELD", help="replace these fields by a keyed hash")
    add("--hash-key-from", metavar="VARIABLE", help="the environment variable with the key")
    receive.set_defaults(command=run)


def run(asked: argparse.Namespace) -> int:
    """Serve until told to stop. Raises ConfigError."""
    try:
        import uvicorn
    except ImportError as error:
        raise ConfigError("receive needs uvicorn: pip install uvicorn") from error

    uvicorn.run(
        receiver(asked),
        host=asked.host,
        port=asked.port,
        lifespan="on",
        access_log=False,
        timeout_graceful_shutdown=SENDING_SECONDS,
    )
    return 0


def receiver(asked: argparse.Namespace) -> Receiver:
    """The app that was asked for. Raises ConfigError for what can't be."""
    from model_monitor.recorder import Recorder
    from model_monitor.recorder.receiver.receive import Limits, Receiver

    if asked.pair_timeout <= 0:
        raise ConfigError(f"--pair-timeout is a number of seconds above 0, not {asked.pair_timeout:g}")
    settings: dict[str, Any] = {
        "sampling_percentage": asked.sampling_percentage,
        "max_payload_bytes": asked.max_payload_bytes,
        "csv_content_types": tuple(asked.csv_content_type) or CSV_TYPES,
        "json_content_types": tuple(asked.json_content_type) or JSON_TYPES,
        "kms_key_id": asked.kms_key_id,
        "gzip": asked.gzip,
        "spool": asked.spool,
        "privacy": privacy(asked),
    }

    def make(endpoint: str, variant: str) -> Recorder:
        return Recorder(endpoint, asked.destination, variant=variant, **settings)

    limits = Limits(
        endpoints=tuple(asked.endpoint),
        variant=asked.variant,
        namespace=asked.namespace,
        components=tuple(asked.component),
        pair_timeout=asked.pair_timeout,
        keeps_unpaired=asked.unpaired == "keep",
        max_event_bytes=asked.max_event_bytes,
        max_endpoints=asked.max_endpoints,
    )
    with tempfile.TemporaryDirectory() as spool:  # wrong arguments are told now, and not to whom sends events
        for endpoint in asked.endpoint or ["any"]:
            Recorder(endpoint, asked.destination, variant=asked.variant or "any", **settings | {"spool": spool})
    return Receiver(make, limits)


def privacy(asked: argparse.Namespace) -> Any:
    """The rules for fields; None if there are none. Raises ConfigError."""
    from model_monitor.recorder import Privacy

    if not (asked.allow or asked.deny or asked.hash):
        return None
    key = os.environ.get(asked.hash_key_from or "")
    if asked.hash and not key:
        raise ConfigError("--hash needs a key: name an environment variable that has one with --hash-key-from")
    return Privacy(allow=asked.allow or None, deny=asked.deny, hash=asked.hash, key=key)
