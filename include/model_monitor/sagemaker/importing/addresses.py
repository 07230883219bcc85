"""Where on S3 is what a document of the original names?"""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

from model_monitor.errors import ConfigError

BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")
PATH_STYLE = re.compile(r"s3([.-][a-z0-9-]+)*\.amazonaws\.com(\.cn)?")
BUCKET_STYLE = re.compile(r"(?P<bucket>.+)\.s3([.-][a-z0-9-]+)*\.amazonaws\.com(\.cn)?")


def on_s3(uri: str, place: str) -> str:
    """An s3:// address without slashes that mean nothing; of https:// that of the same object. Raises ConfigError.

    >>> on_s3("s3://my-bucket/capture//", "x"), on_s3("https://s3.eu-west-1.amazonaws.com/my-bucket/a", "x")
    ('s3://my-bucket/capture', 's3://my-bucket/a')
    """
    bucket, key = bucket_and_key(uri)
    if not BUCKET.fullmatch(bucket):
        raise ConfigError(f"{place} '{uri}' is no address of something on S3; s3://bucket/key is expected")
    if "?" in key or not key.isprintable():
        raise ConfigError(f"{place} '{uri}': a key with ? or characters that can't be shown can't be addressed here")
    return "/".join(["s3:/", bucket, *(part for part in key.split("/") if part)])


def bucket_and_key(uri: str) -> tuple[str, str]:
    """Both; "" for the bucket if it is not on S3."""
    scheme, _, rest = uri.partition("://")
    host, _, key = rest.partition("/")
    if scheme == "s3":
        return host, key
    if scheme != "https":
        return "", ""
    key = unquote(urlsplit(f"https://host/{key.replace('[', '%5B').replace(']', '%5D')}").path.removeprefix("/"))
    if PATH_STYLE.fullmatch(host):
        bucket, _, key = key.partition("/")
        return bucket, key
    match = BUCKET_STYLE.fullmatch(host)
    return (match["bucket"], key) if match else ("", "")
