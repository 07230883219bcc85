"""A task's log is about the task: other libraries' lines for their own developers stay out of it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

# The names of the loggers of libraries that a verb may use. A level that a person has set for one stays.
LIBRARIES = (
    *("adlfs", "aiobotocore", "aiohttp", "alembic", "altair", "apprise", "asyncio", "azure", "backoff"),
    *("bcdocs", "boto3", "botocore", "charset_normalizer", "concurrent", "croniter", "cryptography", "dask"),
    *("datasketches", "deltalake", "fsspec", "gcsfs", "google", "great_expectations", "grpc", "h2", "hpack"),
    *("httpcore", "httpx", "jinja2", "jmespath", "jsonpath", "jsonschema", "lightgbm", "mako", "marshmallow"),
    *("matplotlib", "mlflow", "moto", "msal", "msgspec", "multipart", "numba", "numexpr", "numpy"),
    *("onnxruntime", "opentelemetry", "packaging", "pandas", "PIL", "pkg_resources", "posthog", "psycopg"),
    *("psycopg2", "py4j", "pyarrow", "pyathena", "pydantic", "pyspark", "requests", "requests_oauthlib", "s3fs"),
    *("s3transfer", "scipy", "shap", "sklearn", "slack_sdk", "sqlalchemy", "tensorboardX", "torch", "tornado"),
    *("tqdm", "tzlocal", "urllib3", "uvicorn", "vegafusion", "vl_convert", "watchfiles", "xgboost", "yaml"),
)


@contextmanager
def quiet() -> Iterator[None]:
    """Let libraries log warnings and errors only, at whatever level Airflow logs."""
    unset = [logger for logger in map(logging.getLogger, LIBRARIES) if logger.level == logging.NOTSET]
    for logger in unset:
        logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        for logger in unset:
            logger.setLevel(logging.NOTSET)
