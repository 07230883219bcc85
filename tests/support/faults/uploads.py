"""Every step of an upload by every answer of a store: a write that was refused is told as an error."""

from __future__ import annotations

from model_monitor import store
from model_monitor.errors import StoreError
from support.faults.mutations import PAGE
from support.refusing_s3 import Bucket, Refusal

OLD, NEW = b"old", b"new"
ERROR = Refusal.body
ANSWERS: dict[str, tuple[int | None, bytes]] = {  # None: the connection is closed
    "200 with an error": (200, ERROR),  # as S3 answers a completion that fails late
    "200 with a page": (200, PAGE),  # as a proxy answers that wants a log-in
    "200 without a body": (200, b""),
    "204": (204, b""),
    "302": (302, b""),
    "400": (400, ERROR),
    "403": (403, ERROR),
    "403 with a page": (403, PAGE),
    "404": (404, ERROR),
    "500": (500, ERROR),
    "503": (503, ERROR),
    "503 with a page": (503, PAGE),
    "507": (507, ERROR),
    "reset": (None, b""),
    "timeout": (200, b""),
}
TIMEOUT = 5  # seconds, longer than PyArrow waits
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "id",
    "AWS_SECRET_ACCESS_KEY": "key",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_DEFAULT_REGION": "us-east-1",
}


def refusal(step: str, answer: str) -> Refusal:
    status, body = ANSWERS[answer]
    return Refusal(step, status, body=body, seconds=TIMEOUT if answer == "timeout" else 0)


def outcome(bucket: Bucket, step: str, answer: str) -> list[str]:
    """What is wrong after a write of which a step was refused; [] if all is well."""
    address, key = bucket.at("report/execution.json"), "report/execution.json"
    bucket.refusal, bucket.refused = None, 0
    store.write(address, OLD)
    bucket.refusal = refusal(step, answer)
    wrong = []
    try:
        store.write(address, NEW)
        wrong += ["the write was told as success"]
    except StoreError as error:
        if key not in str(error):
            wrong.append(f"the error does not name the file: {error}")
    if not bucket.refused:
        wrong.append("the step was never asked for")
    # A store that says yes to a part that it does not keep is asked to complete the upload without it.
    if bucket.objects[key] != OLD and not (step == "part" and answer.startswith(("20", "timeout"))):
        wrong.append("the old object is gone")
    bucket.refusal = None
    return wrong
