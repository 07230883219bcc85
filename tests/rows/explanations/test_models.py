"""Models by address: over real sockets, from files, and by the path of a function."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from support.served_models import Served, csv_model, json_model, serving

from model_monitor.errors import ConfigError, DataError, MonitorError, StoreError
from model_monitor.rows.explanations.models import Exchange, ModelAt
from model_monitor.rows.explanations.opening import model_at

NUMBERS = np.arange(14.0).reshape(7, 2) / 4
NAMES = ("a", "b c")


def total(rows: np.ndarray) -> np.ndarray:
    return rows.sum(axis=1)


@pytest.fixture()
def served() -> Iterator[Served]:
    with serving(csv_model(total)) as one:
        yield one


def asked(served: Served, rows: np.ndarray = NUMBERS, **exchange: Any) -> np.ndarray:
    options = {"batch_rows": 3, "retries": 1, "timeout_seconds": 0.5} | exchange
    return model_at(ModelAt(url=served.url, exchange=Exchange(**options))).predict(rows, NAMES)


def test_rows_are_asked_in_batches_and_answered_in_their_order(served: Served) -> None:
    np.testing.assert_array_equal(asked(served), total(NUMBERS)[:, None])
    assert sorted(body.count(b"\n") for body in served.bodies) == [1, 3, 3]


def test_no_more_requests_run_at_once_than_allowed(served: Served) -> None:
    def slowly(body: bytes) -> tuple[int, bytes]:
        time.sleep(0.05)
        return csv_model(total)(body)

    served.answer = slowly
    asked(served, np.ones((30, 2)), concurrency=3)
    assert 2 <= served.most_at_once <= 3


def test_an_endpoint_that_is_busy_is_asked_again(served: Served) -> None:
    statuses = [503, 429, 500]

    def busy(body: bytes) -> tuple[int, bytes]:
        return (statuses.pop(), b"busy") if statuses else csv_model(total)(body)

    served.answer = busy
    np.testing.assert_array_equal(asked(served, batch_rows=100, retries=3), total(NUMBERS)[:, None])
    assert len(served.bodies) == 4


def dropped(_: bytes) -> tuple[int, bytes]:
    raise ConnectionResetError


def slow(body: bytes) -> tuple[int, bytes]:
    time.sleep(1.0)
    return csv_model(total)(body)


@pytest.mark.parametrize("answer", [dropped, slow, lambda _: (503, b"no")], ids=["drops", "slow", "503"])
def test_an_endpoint_that_never_answers_is_a_store_error_as_trying_later_may_help(
    served: Served, answer: Callable[[bytes], tuple[int, bytes]]
) -> None:
    served.answer = answer
    with pytest.raises(StoreError, match=r"model http://127.* did not answer; asked 2 times") as error:
        asked(served, batch_rows=100)
    assert "timeout_seconds" in str(error.value)
    assert len(served.bodies) == 2


PAGE = b"<!DOCTYPE html>\n<html><title>Sign in</title><input type=hidden name=csrf value=SECRET></html>"


@pytest.mark.parametrize("status", [200, 201, 403, 502])
@pytest.mark.parametrize("kind", ["text/csv", "application/json"])
def test_a_page_of_html_is_no_answer_and_is_not_quoted(served: Served, kind: str, status: int) -> None:
    served.answer = lambda body: (status, PAGE)
    with pytest.raises(DataError if status == 403 else StoreError, match=r"a page of HTML instead of") as raised:
        asked(served, accept_type=kind, batch_rows=100)
    assert "SECRET" not in str(raised.value)
    assert len(served.bodies) == (1 if status == 403 else 2)


def test_what_a_model_answers_is_quoted_without_secrets(served: Served) -> None:
    for status, body in ((400, b'{"error": "no", "token": "SECRET"}'), (200, b"token=SECRET"), (503, b"sig=SECRET&a")):
        served.answer = lambda _, status=status, body=body: (status, body)
        with pytest.raises(MonitorError) as raised:
            asked(served, batch_rows=100)
        assert "SECRET" not in str(raised.value)


@pytest.mark.parametrize(
    "value", ["SECRET\n", " SECRET", "SECRET\x00", "SECRET\ud800", "SECRET\u20ac", "a\r\nSECRET: b"]
)
def test_a_header_that_http_can_not_carry_is_refused_without_telling_it(served: Served, value: str) -> None:
    with pytest.raises(ConfigError, match="HTTP can't carry the header 'X-Key'") as raised:
        model_at(ModelAt(url=served.url), {"X-Key": value})
    assert "SECRET" not in str(raised.value) and not served.bodies


def test_an_endpoint_that_is_not_there_is_a_store_error() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/"
    with pytest.raises(StoreError, match="did not answer"):
        model_at(ModelAt(url=url, exchange=Exchange(retries=0))).predict(NUMBERS, NAMES)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda _: (200, b"1\n2\n"), r"shape \(2, 1\) for the 3 rows asked \(rows 0 to 2\)"),
        (lambda body: (200, b"1\n" * (body.count(b"\n") - 1) + b"nan\n"), "answers NaN or infinity for row 2"),
        (lambda _: (200, b"yes\nno\nno\n"), "has no number for each row.*set accept_type, and probability or label"),
        (lambda _: (200, b"\xff\xfe"), "can't be read as text/csv"),
        (lambda _: (200, b""), "it is empty"),
        (lambda _: (415, b"only JSON here"), "refuses a batch with status 415: only JSON here; look at content_type"),
        (lambda _: (302, b""), "refuses a batch with status 302"),
    ],
    ids=["too few", "NaN", "texts", "no text", "empty", "refused", "redirect"],
)
def test_answers_that_can_not_be_used_are_data_errors(
    served: Served, answer: Callable[[bytes], tuple[int, bytes]], told: str
) -> None:
    served.answer = answer
    with pytest.raises(DataError, match=told) as error:
        asked(served, concurrency=1)
    assert served.url in str(error.value)


def test_an_answer_without_what_the_path_names_is_a_data_error(served: Served) -> None:
    served.answer = json_model(lambda rows: {"scores": [1] * len(rows)})
    with pytest.raises(DataError, match="there is nothing at 'score' in"):
        asked(served, content_type="application/json", probability="score")


def test_answers_of_different_widths_are_a_data_error(served: Served) -> None:
    served.answer = lambda body: (200, b"1,2\n" * 3 if body.count(b"\n") == 3 else b"1\n")
    with pytest.raises(DataError, match="gives now 2, now 1 numbers for a row"):
        asked(served)


def test_headers_come_from_the_environment_and_from_who_calls(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHURN_HEADERS", '{"Authorization": "Bearer s3cret", "X-Team": "churn"}')
    at = ModelAt(url=served.url, exchange=Exchange(headers_from="CHURN_HEADERS"))
    model_at(at, {"X-Team": "fraud"}).predict(NUMBERS, NAMES)
    assert served.headers[0]["Authorization"] == "Bearer s3cret"
    assert served.headers[0]["X-Team"] == "fraud"
    assert (served.headers[0]["Content-Type"], served.headers[0]["Accept"]) == ("text/csv", "text/csv")


@pytest.mark.parametrize("content", [None, "Bearer s3cret", '["s3cret"]', '{"Authorization": 1}'])
def test_headers_that_can_not_be_read_are_refused_without_telling_them(
    content: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CHURN_HEADERS", raising=False)
    if content is not None:
        monkeypatch.setenv("CHURN_HEADERS", content)
    with pytest.raises(ConfigError, match="CHURN_HEADERS") as error:
        model_at(ModelAt(url="http://localhost/", exchange=Exchange(headers_from="CHURN_HEADERS")))
    assert "s3cret" not in str(error.value)


@pytest.mark.parametrize(
    ("at", "advice"),
    [
        (ModelAt(), "given: none"),
        (ModelAt(url="http://x/", callable="a.b"), "given: url, callable"),
        (ModelAt(url="http://me:s3cret@x/"), "credentials belong into the environment"),
        (ModelAt(url="ftp://x/"), "'ftp' is not http"),
        (ModelAt(url="http://x/", exchange=Exchange(batch_rows=0)), "at least 1"),
        (ModelAt(artefact="model.onnx"), "ends in one of .json, .ubj"),
        (ModelAt(artefact="model.pkl"), "runs whatever code is in it.*trust: true"),
        (ModelAt(artefact="mlflow:models:/churn/1"), "trust: true"),
        (ModelAt(artefact="nowhere.joblib", trust=True), "there is no model at"),
        (ModelAt(callable="nowhere.at_all"), "there is no function at 'nowhere.at_all'"),
        (ModelAt(callable="math.pi"), "is no function"),
    ],
)
def test_a_model_that_can_not_be_found_says_what_to_edit(at: ModelAt, advice: str) -> None:
    with pytest.raises(ConfigError, match=advice) as error:
        model_at(at)
    assert "s3cret" not in str(error.value)


def saved(folder: Path, model: Any) -> ModelAt:
    joblib.dump(model, folder / "model.joblib")
    return ModelAt(artefact=str(folder / "model.joblib"), trust=True)


def test_a_classifier_answers_with_the_second_of_two_probabilities_or_with_all(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(60, 2))
    two = LogisticRegression().fit(rows, rows[:, 0] > 0)
    found = model_at(saved(tmp_path, two)).predict(rows, NAMES)
    np.testing.assert_array_equal(found, two.predict_proba(rows)[:, 1:])
    three = RandomForestClassifier(5).fit(rows, np.digitize(rows[:, 0], [-0.5, 0.5]))
    found = model_at(saved(tmp_path, three)).predict(rows, NAMES)
    np.testing.assert_array_equal(found, three.predict_proba(rows))


def test_a_regression_that_learned_names_gets_columns_by_name(tmp_path: Path) -> None:
    import pandas as pd

    rows = np.random.default_rng(0).normal(size=(60, 2))
    model = LinearRegression().fit(pd.DataFrame(rows, columns=["b c", "a"]), rows[:, 0] - 2 * rows[:, 1])
    found = model_at(saved(tmp_path, model)).predict(rows[:, ::-1], NAMES)
    np.testing.assert_allclose(found[:, 0], rows[:, 0] - 2 * rows[:, 1])


def test_a_damaged_pickle_is_a_config_error(tmp_path: Path) -> None:
    (tmp_path / "model.pkl").write_bytes(b"not a pickle")
    with pytest.raises(ConfigError, match=r"model.pkl can't be loaded"):
        model_at(ModelAt(artefact=str(tmp_path / "model.pkl"), trust=True))


def test_a_booster_gives_the_scores_that_sagemaker_published(churn_run: Path) -> None:
    pytest.importorskip("xgboost")
    rows = np.loadtxt(churn_run / "test-dataset-input-cols.csv", delimiter=",")
    scores = np.loadtxt(churn_run / "test_scores.csv", delimiter=",", skiprows=1)[:, 1]
    model = model_at(ModelAt(artefact=str(churn_run / "xgb-churn-model.json")))
    np.testing.assert_allclose(model.predict(rows, [str(i) for i in range(69)])[:, 0], scores, atol=1e-6)
    with pytest.raises(DataError, match="learned other features"):
        model.predict(rows[:, 1:], [str(i) for i in range(68)])


def sums(rows: np.ndarray, features: list[str]) -> np.ndarray:
    assert features == list(NAMES)
    return total(rows)


def broken(rows: np.ndarray, features: list[str]) -> list[float]:
    raise KeyError("speed")


def test_a_function_is_a_model_and_its_failure_a_data_error() -> None:
    found = model_at(ModelAt(callable="test_models.sums")).predict(NUMBERS, NAMES)
    np.testing.assert_array_equal(found, total(NUMBERS)[:, None])
    with pytest.raises(DataError, match=r"model test_models.broken failed on 7 rows: KeyError: 'speed'"):
        model_at(ModelAt(callable="test_models.broken")).predict(NUMBERS, NAMES)


@pytest.fixture()
def sagemaker(served: Served, monkeypatch: pytest.MonkeyPatch) -> ModelAt:
    """An endpoint at a server that speaks as SageMaker's runtime does."""
    settings = {"ACCESS_KEY_ID": "x", "SECRET_ACCESS_KEY": "y", "DEFAULT_REGION": "eu-west-1"}
    for name, value in settings.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", served.url.removesuffix("/model"))
    exchange = Exchange(batch_rows=4, retries=0, timeout_seconds=0.5)
    return ModelAt(sagemaker_endpoint="churn", target_model="a.tar.gz", exchange=exchange)


def test_a_sagemaker_endpoint_is_asked_through_its_runtime(served: Served, sagemaker: ModelAt) -> None:
    np.testing.assert_array_equal(model_at(sagemaker).predict(NUMBERS, NAMES), total(NUMBERS)[:, None])
    assert set(served.paths) == {"/endpoints/churn/invocations"}
    assert served.headers[0]["X-Amzn-SageMaker-Target-Model"] == "a.tar.gz"
    assert sorted(body.count(b"\n") for body in served.bodies) == [3, 4]


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, {"__type": "ValidationError", "message": "Endpoint churn not found"}, DataError),
        (424, {"__type": "ModelError", "message": "bad row", "OriginalStatusCode": 400}, DataError),
        (424, {"__type": "ModelError", "message": "crashed", "OriginalStatusCode": 500}, StoreError),
        (400, {"__type": "ThrottlingException", "message": "Rate exceeded"}, StoreError),
        (503, {"__type": "ServiceUnavailable", "message": "later"}, StoreError),
    ],
)
def test_what_sagemaker_refuses_is_told_apart_from_what_it_can_not_do_now(
    served: Served, sagemaker: ModelAt, status: int, body: dict[str, Any], kind: type[Exception]
) -> None:
    served.answer = lambda _: (status, json.dumps(body).encode())
    with pytest.raises(kind, match=body["message"]):
        model_at(sagemaker).predict(NUMBERS, NAMES)


def test_a_slow_sagemaker_endpoint_is_a_store_error(served: Served, sagemaker: ModelAt) -> None:
    served.answer = slow
    with pytest.raises(StoreError, match="did not answer"):
        model_at(sagemaker).predict(NUMBERS, NAMES)
