"""Write files whole or not at all: to a local folder, ``s3://``, ``gs://`` or ``abfs://``."""

from __future__ import annotations

import gzip
import os
from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import parse_qsl
from uuid import uuid4

from model_monitor.errors import ConfigError
from model_monitor.recorder.spool.disk import sync_folder
from model_monitor.store import addresses
from model_monitor.store.unfinished import PART

if TYPE_CHECKING:
    from botocore.client import BaseClient

CONNECT_SECONDS, READ_SECONDS = 5, 60
# The options of an S3 address. PyArrow, which later reads from the address, knows them all.
OPTIONS = {"region", "scheme", "endpoint_override", "allow_bucket_creation", "allow_bucket_deletion"}


class Destination(Protocol):
    """Where files go."""

    def put(self, key: str, content: bytes) -> None:
        """Store a file under a key below the destination. May raise anything: it is retried."""


def upload(file: Path, destination: Destination, key: str, compress: bool) -> int:
    """Store a local file under a key, with gzip if ``compress``; the bytes written. Raises anything."""
    content = file.read_bytes()
    if compress:
        content = gzip.compress(content, 6, mtime=0)
    destination.put(f"{key}.gz" if compress else key, content)
    return len(content)


def destination_at(address: str, kms_key_id: str | None = None) -> Destination:
    """The destination of an address. Raises ConfigError for one that can't be written to."""
    scheme, separator, rest = address.partition("://")
    if kms_key_id and scheme != "s3":
        raise ConfigError(f"kms_key_id encrypts on s3:// only, not at {address}")
    if not separator or scheme == "file":
        addresses.refuse_slips(address)
        return Folder(Path(rest if separator else address).absolute())
    addresses.check(address)
    if scheme == "s3":
        place, _, query = rest.partition("?")
        bucket, _, prefix = place.partition("/")
        options = dict(parse_qsl(query))
        if unknown := options.keys() - OPTIONS:
            raise ConfigError(f"{sorted(unknown)[0]!r} is not known in {address}; {', '.join(sorted(OPTIONS))} are")
        return Bucket(bucket, prefix.strip("/"), options, kms_key_id)
    if scheme in addresses.GOOGLE + addresses.AZURE:
        if find_spec("pyarrow") is None:
            raise ConfigError(f"{scheme}:// is written by PyArrow, which is not installed: pip install pyarrow")
        return Cloud(address)
    raise ConfigError(f"captures go to a folder, s3://, gs:// or abfs://, not {address}")


@dataclass(frozen=True)
class Folder:
    """A local or mounted folder."""

    root: Path

    def put(self, key: str, content: bytes) -> None:
        target = self.root / key
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.parent / f"{PART}{uuid4().hex}"
        try:
            with part.open("wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            part.replace(target)
            sync_folder(target.parent)
        finally:
            part.unlink(missing_ok=True)


@dataclass(frozen=True)
class Bucket:
    """A prefix in an S3 bucket, written by boto3, which finds every kind of credentials and knows KMS keys. ``options``
    may hold region, scheme and endpoint_override."""

    name: str
    prefix: str
    options: dict[str, str] = field(default_factory=dict)
    kms_key_id: str | None = None

    @cached_property
    def client(self) -> BaseClient:
        import boto3
        from botocore.config import Config

        endpoint = self.options.get("endpoint_override")
        if endpoint and "://" not in endpoint:
            endpoint = f"{self.options.get('scheme', 'https')}://{endpoint}"
        is_custom = endpoint or "AWS_ENDPOINT_URL" in os.environ or "AWS_ENDPOINT_URL_S3" in os.environ
        region = self.options.get("region") or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
        if not region and is_custom:
            region = "us-east-1"  # a server that is not Amazon's has no regions, but boto3 requires one
        config = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"total_max_attempts": 1},  # the sender retries, in order
            s3={"addressing_style": "path"} if is_custom else {},
        )
        # A session of its own: the default one is not safe to share between threads.
        return boto3.session.Session().client("s3", region_name=region, endpoint_url=endpoint, config=config)

    def put(self, key: str, content: bytes) -> None:
        encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self.kms_key_id} if self.kms_key_id else {}
        path = f"{self.prefix}/{key}" if self.prefix else key
        answer = self.client.put_object(Bucket=self.name, Key=path, Body=content, **encryption)
        about = answer["ResponseMetadata"]
        has_body = about["HTTPHeaders"].get("content-length", "0") != "0" or "transfer-encoding" in about["HTTPHeaders"]
        if not answer.get("ETag") and (has_body or about["HTTPStatusCode"] != 200):
            raise OSError(f"{path}: the answer is a page and no store's; is a proxy in between?")


@dataclass(frozen=True)
class Cloud:
    """Google's and Microsoft's stores, by PyArrow."""

    address: str

    def put(self, key: str, content: bytes) -> None:
        from model_monitor import store

        store.write(store.join(self.address, key), content)
