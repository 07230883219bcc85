"""What does Kernel SHAP cost beside the model that it asks?

Explains rows of 20 features against 5 background rows with 2,088 coalitions each, and times how much of that the model
takes (every call of ``predict``): the rest is Kernel SHAP's own. Three models: a logistic regression, which costs next
to nothing, so that it is the worst case; boosted trees in this process; and the same trees behind a real HTTP server in
another process, where the model's time includes writing and reading CSV. The ``shap`` library's own
``KernelExplainer`` explains some of the rows in the same run, with as many coalitions.

    python benchmarks/attribution.py [--rows 50]
"""

from __future__ import annotations

import argparse
import csv
import io
import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np

FEATURES, BACKGROUND, TREES, LIBRARY_ROWS = 20, 5, 100, 10
ALLOWED = 0.30  # of the model's time

Predict = Callable[[np.ndarray], np.ndarray]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=50)
    count = arguments.parse_args().rows
    chance = np.random.default_rng(7)
    rows, background = chance.normal(size=(count, FEATURES)), chance.normal(size=(BACKGROUND, FEATURES))
    print(f"{count:,} rows x {BACKGROUND} background x {samples():,} coalitions, {FEATURES} features")
    print(f"{'model':<22} {'seconds':>8} {'of these model':>15} {'own, of model':>14} {'library: own, of model':>24}")
    report("logistic regression", logistic, rows, background)
    report("boosted trees", boosted, rows, background)
    with served() as predict:
        report("boosted trees, HTTP", predict, rows, background)


def samples() -> int:
    from model_monitor.rows.explanations.kernel_shap import default_samples

    return default_samples(FEATURES)


def logistic(rows: np.ndarray) -> np.ndarray:
    answers: np.ndarray = 1 / (1 + np.exp(-rows @ np.linspace(1, -1, FEATURES)))
    return answers[:, None]


@cache
def trees() -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor

    rows = np.random.default_rng(1).normal(size=(5000, FEATURES))
    return HistGradientBoostingRegressor(max_iter=TREES).fit(rows, logistic(rows)[:, 0])


def boosted(rows: np.ndarray) -> np.ndarray:
    answers: np.ndarray = trees().predict(rows)
    return answers[:, None]


def report(name: str, predict: Predict, rows: np.ndarray, background: np.ndarray) -> None:
    ours(predict, rows[:1], background)  # once before, so that nothing is imported while time is taken
    total, model = ours(predict, rows, background)
    theirs, their_model = library(predict, rows[:LIBRARY_ROWS], background)
    own, their_own = (total - model) / model, (theirs - their_model) / their_model
    verdict = "" if own <= ALLOWED else f"  above {ALLOWED:.0%}"
    print(f"{name:<22} {total:8.2f} {model:15.2f} {own:14.1%} {their_own:24.1%}{verdict}", flush=True)


def timed(predict: Predict) -> tuple[Predict, list[float]]:
    """The model, and how long each call of it took."""
    spent: list[float] = []

    def call(rows: np.ndarray) -> np.ndarray:
        began = time.perf_counter()
        answers = predict(rows)
        spent.append(time.perf_counter() - began)
        return answers

    return call, spent


def ours(predict: Predict, rows: np.ndarray, background: np.ndarray) -> tuple[float, float]:
    """Seconds in all, and in the model."""
    from model_monitor.rows.explanations.kernel_shap import KernelShap

    call, spent = timed(predict)
    began = time.perf_counter()
    explainer = KernelShap(call, background, np.full(len(background), 1 / len(background)), samples())
    explainer.attributions(rows, explainer.expected())
    return time.perf_counter() - began, sum(spent)


def library(predict: Predict, rows: np.ndarray, background: np.ndarray) -> tuple[float, float]:
    from shap import KernelExplainer

    call, spent = timed(predict)
    began = time.perf_counter()
    KernelExplainer(call, background).shap_values(rows, nsamples=samples(), l1_reg=False, silent=True)
    return time.perf_counter() - began, sum(spent)


@contextmanager
def served() -> Iterator[Predict]:
    """The boosted trees behind HTTP, as the project asks such a model."""
    from model_monitor.rows.explanations.models import Exchange, ModelAt
    from model_monitor.rows.explanations.opening import model_at

    ours_end, servers_end = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(servers_end,), daemon=True)
    server.start()
    try:
        exchange = Exchange(batch_rows=5000, concurrency=2)
        model = model_at(ModelAt(url=f"http://127.0.0.1:{ours_end.recv()}/", exchange=exchange))
        yield partial(model.predict, features=[f"f{i}" for i in range(FEATURES)])
    finally:
        server.terminate()


def serve(port: Any) -> None:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            rows = np.array(list(csv.reader(io.StringIO(body))), float)
            content = "\n".join(map(repr, boosted(rows)[:, 0].tolist())).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None: ...

    trees()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    port.send(server.server_port)
    server.serve_forever()


if __name__ == "__main__":
    main()
