"""``model-monitor receive``: its options, and the server it starts."""

from __future__ import annotations

import argparse
import os
import tempfile
from dataclasses import fields
from functools import partial
from typing import TYPE_CHECKING, Any

from model_monitor.errors import ConfigError

if TYPE_CHECKING:
    from model_monitor.recorder.privacy import Privacy
    from model_monitor.recorder.receiver.receiver import Receiver
    from model_monitor.recorder.recorder import Recorder

# KServe parses every body as JSON, and curl sends the second type by default.
JSON_TYPES = ("application/json", "application/x-www-form-urlencoded")
CSV_TYPES = ("text/csv",)
SENDING_SECONDS = 5  # at shutdown, for requests in progress; receiver.CLOSING_SECONDS follow


def add_to(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command to those of ``model-monitor``."""
    parser = commands.add_parser("receive", help="capture what KServe's and Seldon's payload loggers send")
    add, add_all = parser.add_argument, partial(parser.add_argument, action="append", default=[])
    add("--destination", required=True, metavar="URI", help="where capture files go: a folder, s3://, gs:// or abfs://")
    add_all("--endpoint", dest="endpoints", metavar="NAME", help="receive only these inference services")
    add("--variant", metavar="NAME", help="instead of the one in events, or AllTraffic")
    add("--namespace", metavar="NAME", help="receive only from this namespace (the first that sends)")
    add_all("--component", dest="components", metavar="NAME", help="e.g. predictor; of Seldon, the model's name")
    add("--sampling-percentage", type=float, default=100.0, metavar="NUMBER", help="of the requests (100)")
    add("--host", default="127.0.0.1", help="address to listen on (127.0.0.1); all who reach it can write captures")
    add("--port", type=int, default=8080, help="(8080)")
    add("--pair-timeout", type=float, default=60.0, metavar="SECONDS", help="how long to wait for the other event (60)")
    words = "events without the other: keep, drop, or count requests as failed (keep)"
    add("--unpaired", choices=["keep", "drop", "failed"], default="keep", help=words)
    add("--max-event-bytes", type=int, default=8 << 20, metavar="BYTES", help="refuse larger events (8388608)")
    add("--max-payload-bytes", type=int, default=1 << 20, metavar="BYTES", help="leave out larger payloads (1048576)")
    add("--max-endpoints", type=int, default=20, metavar="NUMBER", help="services and variants at most (20)")
    add_all("--csv-content-type", dest="csv_content_types", metavar="TYPE", help=f"stored as text ({CSV_TYPES[0]})")
    add_all("--json-content-type", dest="json_content_types", metavar="TYPE", help=f"also ({', '.join(JSON_TYPES)})")
    add("--kms-key-id", metavar="ID", help="encrypt on S3 with this key")
    add("--gzip", action="store_true", help="compress capture files")
    add("--spool", metavar="DIR", help="local folder for what could not be sent yet")
    add_all("--allow", metavar="FIELD", help="keep only these fields of payloads")
    add_all("--deny", metavar="FIELD", help="leave out these fields")
    add_all("--hash", metavar="FIELD", help="replace these fields by a keyed hash")
    add("--hash-key-from", metavar="VARIABLE", help="the environment variable with the key")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Serve until stopped. Raises ConfigError."""
    try:
        import uvicorn
    except ImportError as error:
        raise ConfigError("receive needs uvicorn: pip install uvicorn") from error
    from model_monitor.recorder.receiver.connections import SERVER

    uvicorn.run(
        receiver(options),
        host=options.host,
        port=options.port,
        **SERVER,
        timeout_graceful_shutdown=SENDING_SECONDS,
    )
    return 0


def receiver(options: argparse.Namespace) -> Receiver:
    """The app for these options. Raises ConfigError if they are invalid."""
    from model_monitor.recorder.receiver.receiver import Limits, Receiver
    from model_monitor.recorder.recorder import Recorder

    if options.pair_timeout <= 0:
        raise ConfigError(f"--pair-timeout is a number of seconds above 0, not {options.pair_timeout:g}")
    same = ("sampling_percentage", "max_payload_bytes", "kms_key_id", "gzip", "spool")
    settings: dict[str, Any] = {name: getattr(options, name) for name in same}
    settings["csv_content_types"] = options.csv_content_types or CSV_TYPES
    settings["json_content_types"] = options.json_content_types or JSON_TYPES
    settings["privacy"] = privacy(options)

    def make(endpoint: str, variant: str) -> Recorder:
        return Recorder(endpoint, options.destination, variant=variant, **settings)

    with tempfile.TemporaryDirectory() as spool:  # report invalid options now, and not to the first sender
        for endpoint in options.endpoints or ["any"]:
            Recorder(endpoint, options.destination, variant=options.variant or "any", **settings | {"spool": spool})
    return Receiver(make, Limits(**{limit.name: getattr(options, limit.name) for limit in fields(Limits)}))


def privacy(options: argparse.Namespace) -> Privacy | None:
    """The rules for fields; None if there are none. Raises ConfigError."""
    from model_monitor.recorder.privacy import Privacy

    if not (options.allow or options.deny or options.hash):
        return None
    key = os.environ.get(options.hash_key_from or "")
    if options.hash and not key:
        raise ConfigError("--hash needs a key: name an environment variable that has one with --hash-key-from")
    return Privacy(allow=options.allow or None, deny=options.deny, hash=options.hash, key=key)
