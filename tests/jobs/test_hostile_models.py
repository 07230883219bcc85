"""Does whatever a model's server does end, in time and in memory, with a stated outcome and nothing lost?"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from support.served_models import csv_model, serving

from model_monitor.config.sections import Explain
from model_monitor.core.constraints import Between, Constraint, Finding, Unlearned
from model_monitor.core.evaluation import evaluate
from model_monitor.core.importances import Importances, ndcg, ndcg_interval
from model_monitor.core.measures import Estimate, Subject
from model_monitor.errors import ConfigError, DataError, StoreError
from model_monitor.monitors.attribution import ATTRIBUTIONS, Attribution
from model_monitor.monitors.bias import Bias, Entry, Facet
from model_monitor.results.documents.attribution import AttributionDocuments
from model_monitor.results.execution import written
from model_monitor.rows.explanations.kernel_shap import KernelShap
from model_monitor.rows.explanations.models import Exchange, ModelAt
from model_monitor.rows.explanations.opening import model_at

ROWS = np.ones((3, 2))


@contextmanager
def talking(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that says what it likes to each connection; its address."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve(connection: socket.socket) -> None:
        with connection:
            connection.recv(1 << 16)
            try:
                talk(connection)
            except OSError:
                return

    def listen() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=listen, daemon=True).start()
    with server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/model"


def head(length: int) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n".encode()


def predicted(url: str, **exchange: Any) -> np.ndarray:
    at = ModelAt(url=url, exchange=Exchange(**{"retries": 0, "timeout_seconds": 0.5} | exchange))
    return model_at(at).predict(ROWS, ["a", "b"])


def test_an_answer_that_comes_byte_by_byte_ends_in_time() -> None:
    def drip(connection: socket.socket) -> None:
        connection.sendall(head(1000))
        for _ in range(1000):
            connection.sendall(b"1")
            time.sleep(0.1)

    begun = time.monotonic()
    with talking(drip) as url, pytest.raises(StoreError, match=r"took longer than 0.5 s; .* timeout_seconds"):
        predicted(url)
    assert time.monotonic() - begun < 5


def test_an_answer_without_end_ends_in_memory() -> None:
    def flood(connection: socket.socket) -> None:
        connection.sendall(head(1 << 40))
        while True:
            connection.sendall(b"1," * 500_000)

    with talking(flood) as url, pytest.raises(DataError, match=r"more than 64 MiB; .* batch_rows"):
        predicted(url, timeout_seconds=30)


def test_an_answer_that_breaks_off_is_asked_for_again() -> None:
    asked: list[int] = []

    def broken_once(connection: socket.socket) -> None:
        asked.append(1)
        connection.sendall(head(6) + (b"1\n" if len(asked) == 1 else b"1\n2\n3\n"))

    with talking(broken_once) as url:
        assert predicted(url, retries=1).tolist() == [[1.0], [2.0], [3.0]]
    assert len(asked) == 2


@pytest.mark.parametrize("answer", [b"[" * 100_000, json.dumps([10**400] * 3).encode()], ids=["deep", "huge"])
def test_json_that_no_number_can_be_read_from_is_a_data_error(answer: bytes) -> None:
    with serving(lambda _: (200, answer)) as served, pytest.raises(DataError, match="can't be read as"):
        predicted(served.url, accept_type="application/json")


def test_a_model_that_always_answers_the_same_attributes_nothing() -> None:
    with serving(csv_model(lambda rows: rows[:, 0] * 0 + 0.5)) as served:
        model = model_at(ModelAt(url=served.url))
        weights = np.array([0.1, 0.3, 0.6])  # 0.5 weighed by these is not 0.5
        shap = KernelShap(lambda rows: model.predict(rows, ["a", "b"]), np.arange(6.0).reshape(3, 2), weights, 4)
        assert not shap.attributions(ROWS * 9, shap.expected()).any()


def explained(**values: list[float]) -> pa.RecordBatch:
    n = len(next(iter(values.values())))
    return pa.record_batch({**{f"l|{k}": v for k, v in values.items()}, "@expected|l": [0.5] * n})


def findings(base: pa.RecordBatch, live: pa.RecordBatch, **options: Any) -> list[Finding]:
    monitor = Attribution(**options)
    found = evaluate(monitor.suggest(monitor.observe(base)), monitor.measure(monitor.observe(live)))
    return [finding for finding in found if finding.constraint.measure == ATTRIBUTIONS]


def test_attributions_that_are_all_zero_are_in_no_order() -> None:
    base, zero = explained(a=[1.0, 2.0], b=[0.9, 0.8]), explained(a=[0.0, 0.0], b=[0.0, 0.0])
    [found] = findings(base, zero)
    assert (found.outcome, found.reason) == (
        "undefined",
        "no feature moves the model's answers, so they come in no order",
    )
    [found] = findings(zero, base)
    assert found.reason == "the baseline has no order of features: no feature moved the answers"
    [found] = findings(explained(a=[1.0, 2.0]), explained(a=[1.0, 2.0]))
    assert found.reason == "the baseline has no order of features: a single feature is always in order"
    assert findings(base, zero, compatibility="sagemaker")[0].outcome == "holds"  # as SageMaker


def test_ties_without_an_error_have_no_chance_to_be_better() -> None:
    live = Importances(("a", "b", "c"), np.zeros(3), np.zeros((3, 3)), 30)
    baseline = Importances.of({"a": 0.1, "b": 2.0, "c": 0.5})
    score = ndcg(live, baseline)
    assert score is not None and score < 0.9
    assert ndcg_interval(live, baseline, 0.01) == pytest.approx((score, score))


@pytest.mark.parametrize("agg_method", ["mean_abs", "mean_sq", "median"])
def test_enormous_attributions_are_unusable_and_counted(agg_method: Any) -> None:
    monitor = Attribution(agg_method=agg_method)
    state = monitor.observe(explained(a=[1e308, 1e308, 1.0], b=[1.0, 1e200, 2.0]))
    assert monitor.unusable(state) == {"an attribution is missing or beyond 1e+70": 2}
    assert monitor.rows(state) == 1


@pytest.mark.parametrize(
    ("member", "value"), [("global_shap_values", 10**400), ("global_shap_values", 1e308), ("standard_errors", -1)]
)
def test_an_edited_number_that_can_not_be_judged_by_is_told(member: str, value: Any) -> None:
    label = {"global_shap_values": {"a": 1.0, "b": 2.0}, "standard_errors": {"a": 0.1, "b": 0.1}}
    label[member]["a"] = value
    with pytest.raises(ConfigError, match=f"'{member}': 'a' needs a number"):
        AttributionDocuments(Attribution()).constraints(None, {"explanations": {"kernel_shap": {"l": label}}})


@pytest.mark.parametrize("wrong", [{"seed": -1}, {"features": ["a", "a"]}])
def test_settings_that_no_explainer_can_use_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"seed|'a' twice"):
        Explain.model_validate({"model": {"url": "http://127.0.0.1/"}} | wrong)


def entry(rows_d: int, **metrics: float) -> Entry:
    measures: Any = {name: Estimate(value, 0.1, 400) for name, value in metrics.items()}
    return Entry("sex", "F", {}, measures, 300, rows_d)


def test_a_baseline_of_too_few_rows_on_a_side_asks_nothing() -> None:
    bias = Bias((Facet("sex", ("F",)),), probability_attribute="score")
    assert list(bias.constraints([entry(49, DPPL=0.1, GE=0.1)])) == []
    found = list(bias.constraints([entry(49, DPPL=0.1), entry(50, DPPL=0.1)]))
    assert [isinstance(one.bound, Unlearned) for one in found] == [True, False]


def test_a_ratio_near_zero_has_a_bound() -> None:
    bias = Bias((Facet("sex", ("F",)),), probability_attribute="score")
    [found] = bias.constraints([entry(100, DI=1e-300)])
    assert isinstance(found.bound, Between)


def test_an_infinite_bound_is_written_as_no_threshold() -> None:
    bound = Between(low=-np.inf, high=np.inf)
    finding = Finding(Constraint("bias_drift_check", Subject("sex = F"), "TE", bound), "holds", 1.0)
    assert written(finding)["threshold"] is None
