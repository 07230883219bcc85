"""Models behind endpoints, over HTTP or through SageMaker's runtime."""

from __future__ import annotations

import csv
import json
import os
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError
from urllib3.util import Retry

from model_monitor.errors import A_PAGE, ConfigError, DataError, StoreError, is_page, without_secrets
from model_monitor.rows.explanations.exchange import Translator
from model_monitor.rows.explanations.models import Exchange, ModelAt
from model_monitor.store.ahead import ahead

FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.5, 60  # between two tries
PIECE, MOST_BYTES = 1 << 16, 1 << 26  # of an answer
SHOWN = 300  # characters of an unusable answer in a message
TOO_MANY = 429
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
HEADER_VALUE = re.compile(r"(?:[!-~\xa0-\xff](?:[\t -~\xa0-\xff]*[!-~\xa0-\xff])?)?")


class Endpoint(ABC):
    """A model that answers batches of rows, a bounded number of them at once."""

    def __init__(self, name: str, exchange: Exchange) -> None:
        self.name = name
        self.exchange = exchange

    def predict(self, rows: np.ndarray, features: Sequence[str]) -> np.ndarray:
        translator = Translator(self.exchange, features)
        size = self.exchange.batch_rows

        def ask(first: int) -> np.ndarray:
            return self.answers(translator, rows[first : first + size], first)

        parts = list(ahead(ask, range(0, len(rows), size), self.exchange.concurrency))
        if widths := {part.shape[1] for part in parts} - {parts[0].shape[1]}:
            raise DataError(f"model {self.name} gives now {parts[0].shape[1]}, now {widths.pop()} numbers for a row")
        return np.concatenate(parts)

    def answers(self, translator: Translator, rows: np.ndarray, first: int) -> np.ndarray:
        body = self.sent(translator.question(rows), self.exchange.content_type, translator.accept)
        if is_page(body):
            raise self.unreachable(A_PAGE)
        try:
            numbers = translator.answers(body, len(rows))
        except (ValueError, OverflowError, RecursionError, csv.Error) as error:  # nested too deep, or no double
            raise DataError(
                f"what model {self.name} answers to rows {first:,} to {first + len(rows) - 1:,} of those asked can't "
                f"be read as {translator.accept}: {error}; set accept_type, and probability or label"
            ) from error
        return checked(self.name, numbers, len(rows), first)

    @abstractmethod
    def sent(self, body: bytes, content_type: str, accept: str) -> bytes:
        """The answer to one request. Raises DataError, StoreError."""

    def unreachable(self, why: object) -> StoreError:
        return StoreError(
            f"model {self.name} did not answer; asked {self.exchange.retries + 1} times, the last time: {why}; see "
            "whether it is up, or allow it more timeout_seconds or smaller batch_rows"
        )

    def refused(self, status: object, answer: str) -> DataError:
        return DataError(
            f"model {self.name} refuses a batch with status {status}: {answer[:SHOWN]}; look at content_type, the "
            "templates, the features, and at the headers that headers_from names"
        )


class HttpEndpoint(Endpoint):
    """A model behind a URL that takes POST."""

    def __init__(self, url: str, exchange: Exchange, headers: Mapping[str, str]) -> None:
        super().__init__(url.partition("?")[0], exchange)
        self.url = url
        self.session = requests.Session()
        self.session.headers.update(headers)
        self.session.auth = lambda request: request  # else a .netrc would replace the headers
        for scheme in ("http://", "https://"):
            self.session.mount(scheme, HTTPAdapter(pool_maxsize=exchange.concurrency))

    def sent(self, body: bytes, content_type: str, accept: str) -> bytes:
        headers = {"Content-Type": content_type, "Accept": accept}
        # Retry 429, 5xx and incomplete answers only. Asking a model twice is safe.
        for tried in range(self.exchange.retries + 1):
            wait = FIRST_WAIT_SECONDS * 2.0 ** min(tried, 30)
            try:
                status, content, seconds = self.once(body, headers)
            except (requests.RequestException, HTTPError, TimeoutError) as error:
                why: object = error
            else:
                if status != TOO_MANY and status < 500 and not (status < 300 and is_page(content)):
                    break
                why, wait = f"status {status}: {text_of(content)}", wait if seconds is None else seconds
            if tried == self.exchange.retries:
                raise self.unreachable(why)
            time.sleep(min(wait, LONGEST_WAIT_SECONDS))
        if status >= 300:
            raise self.refused(status, text_of(content))
        return content

    def once(self, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes, float | None]:
        """The status, the content, and the seconds that ``Retry-After`` asks for. Raises RequestException, HTTPError,
        TimeoutError, and DataError for an endless answer."""
        seconds = self.exchange.timeout_seconds
        how: dict[str, Any] = {"timeout": seconds, "allow_redirects": False, "stream": True}
        with self.session.post(self.url, body, headers=headers, **how) as answer:
            until, content = time.monotonic() + seconds, bytearray()
            while piece := answer.raw.read1(PIECE, decode_content=True):  # so that the deadline is checked
                content += piece
                if len(content) > MOST_BYTES:
                    raise DataError(
                        f"model {self.name} answers a batch with more than {MOST_BYTES >> 20} MiB; look at what it "
                        "answers, or set smaller batch_rows"
                    )
                if time.monotonic() > until:
                    raise TimeoutError(f"its answer took longer than {seconds:g} s")
            return answer.status_code, bytes(content), Retry().get_retry_after(answer.raw)


def text_of(content: bytes) -> str:
    """The start of an unusable answer, without what may be a secret in it."""
    return A_PAGE if is_page(content) else without_secrets(content[:PIECE].decode(errors="replace"))[:SHOWN]


class SageMakerEndpoint(Endpoint):
    """A model behind a SageMaker endpoint, with the environment's region and credentials."""

    def __init__(self, at: ModelAt) -> None:
        import boto3  # slow to import
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError

        super().__init__(str(at.sagemaker_endpoint), at.exchange)
        more = {"TargetModel": at.target_model, "CustomAttributes": at.custom_attributes}
        self.more = {name: value for name, value in more.items() if value is not None}
        config = Config(
            connect_timeout=at.exchange.timeout_seconds,
            read_timeout=at.exchange.timeout_seconds,
            retries={"total_max_attempts": at.exchange.retries + 1, "mode": "standard"},
            max_pool_connections=at.exchange.concurrency,
        )
        try:
            self.client: Any = boto3.client("sagemaker-runtime", config=config)
        except BotoCoreError as error:
            raise ConfigError(f"SageMaker can't be asked: {error}; set AWS_DEFAULT_REGION and credentials") from error

    def sent(self, body: bytes, content_type: str, accept: str) -> bytes:
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError

        try:
            answer = self.client.invoke_endpoint(
                EndpointName=self.name, Body=body, ContentType=content_type, Accept=accept, **self.more
            )
            return bytes(answer["Body"].read())
        except (NoCredentialsError, PartialCredentialsError) as error:
            raise ConfigError(
                f"model {self.name} can't be asked: {error}; give credentials in the environment"
            ) from error
        except BotoCoreError as error:
            raise self.unreachable(error) from error
        except ClientError as error:
            response = error.response
            http = response.get("ResponseMetadata", {})
            # SageMaker reports a failing model as 424, with the model's own status.
            status = response.get("OriginalStatusCode") or http.get("HTTPStatusCode", 500)
            if status == TOO_MANY or status >= 500 or response["Error"]["Code"] == "ThrottlingException":
                raise self.unreachable(error) from error
            raise self.refused(status, str(error)) from error


def headers_of(exchange: Exchange, headers: Mapping[str, str] | None) -> dict[str, str]:
    """These headers, and those in the environment. Raises ConfigError, without the value, if HTTP can't carry one."""
    every = {**named_headers(exchange), **(headers or {})}
    for name, value in every.items():
        if not (HEADER_NAME.fullmatch(name) and HEADER_VALUE.fullmatch(value)):
            raise ConfigError(
                f"HTTP can't carry the header {name!r} of the model: a value has letters of Latin-1, no control codes, "
                "and no space around them; correct it where headers_from, or connection, names it"
            )
    return every


def named_headers(exchange: Exchange) -> dict[str, str]:
    """The headers in the environment; {} if the exchange names none. Raises ConfigError."""
    if exchange.headers_from is None:
        return {}
    advice = f'set it to a JSON object of texts, e.g. {exchange.headers_from}=\'{{"Authorization": "Bearer ..."}}\''
    try:
        named = json.loads(os.environ[exchange.headers_from])
    except KeyError:
        where = "which is not in the environment"
        raise ConfigError(f"headers_from names {exchange.headers_from}, {where}; {advice}") from None
    except (ValueError, RecursionError):
        raise ConfigError(f"{exchange.headers_from} is not JSON; {advice}") from None  # the text itself is a secret
    if not isinstance(named, dict) or not all(isinstance(value, str) for value in named.values()):
        raise ConfigError(f"{exchange.headers_from} is not an object of texts; {advice}")
    return named


def checked(name: str, answers: Any, count: int, first: int = 0) -> np.ndarray:
    """A model's answers to ``count`` rows from number ``first`` on: float64, rows x outputs. Raises DataError unless
    each row has at least one finite number, and all rows equally many."""
    where = f"rows {first:,} to {first + count - 1:,}" if count > 1 else f"row {first:,}"
    try:
        numbers = np.asarray(answers, np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"model {name} does not answer {where} with numbers ({error}); name where they are as probability or label"
        ) from error
    numbers = numbers[:, None] if numbers.ndim == 1 else numbers
    if numbers.ndim != 2 or len(numbers) != count or not numbers.shape[1]:
        raise DataError(
            f"model {name} gives answers of shape {numbers.shape} for the {count:,} rows asked ({where}); it must give "
            "one for each row: look at its content type and templates, and at what the endpoint logged"
        )
    if not np.isfinite(numbers).all():
        row = first + int(np.flatnonzero(~np.isfinite(numbers).all(axis=1))[0])
        raise DataError(
            f"model {name} answers NaN or infinity for row {row:,} of those asked ({where}); look at what it makes of "
            "missing values, or give background rows that it can answer"
        )
    return numbers
