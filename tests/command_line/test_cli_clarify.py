"""The command line of bias and attribution, with SageMaker's configuration and in SageMaker's files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.captures import HOUR, at, capture, record
from support.clarify_files import (
    ATTRIBUTION,
    BACKGROUND,
    BIAS,
    FEATURES,
    HEADERS,
    people,
    read,
    run,
    texts,
    violations,
    written,
)
from support.served_models import Served, csv_model, json_model, serving
from support.truths import collect, truth

from model_monitor.__main__ import main

WEIGHTS = np.array([1.0, 0.2, 0.05])


class OfBias:
    """A baseline's dataset and captured requests with labels, and the commands over them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        features, score, label = people(2000, seed=1)
        lines = [f"{line},{y},{int(s > 0.5)}" for line, s, y in zip(texts(features), score, label, strict=True)]
        (root / "data.csv").write_text("\n".join([",".join([*HEADERS, "answer"]), *lines]) + "\n")
        self.config = written(root, "analysis_config.json", BIAS)

    def traffic(self, handicap: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        features, score, label = people(600, seed=2, handicap=handicap)
        sides = zip(texts(features), score.tolist(), strict=True)
        asked = [record(f"e{i}", f"{line}\n", f"{int(s > 0.5)},{s}", at(i / 20)) for i, (line, s) in enumerate(sides)]
        capture(self.root / "captures", asked)
        truths = [truth(f"e{i}", str(one)) for i, one in enumerate(label)]
        collect(self.root / "labels", truths, HOUR + timedelta(hours=1))
        return features, score, label

    def learn(self, *more: object) -> int:
        common = ["--dataset", self.root / "data.csv", "--format", "csv", "--inference-attribute", "answer"]
        asked = ["--analysis-config", self.config, "--output", self.root / "base"]
        return run("baseline", "bias", *common, *asked, *more)

    def judge(self, *more: object) -> int:
        common = ["--dataset", self.root / "captures", "--format", "capture", "--ground-truth", self.root / "labels"]
        asked = ["--analysis-config", self.config, "--constraints", self.root / "base/analysis.json"]
        return run("run", "bias", *common, *asked, "--output", self.root / "out", *more)


@pytest.fixture
def bias(tmp_path: Path) -> OfBias:
    return OfBias(tmp_path)


def test_data_are_judged_before_there_is_a_model(bias: OfBias) -> None:
    """A dataset with labels and no predictions, then one in which nobody of the group has the label."""
    head, *lines = (line.rpartition(",")[0] for line in (bias.root / "data.csv").read_text().splitlines())
    harmed = [",".join([*row[:-1], "0" if float(row[1]) else row[-1]]) for row in (line.split(",") for line in lines)]
    for name, rows in (("before.csv", lines), ("after.csv", harmed)):
        (bias.root / name).write_text("\n".join([head, *rows]) + "\n")
    of, base = ["--analysis-config", bias.config, "--format", "csv"], bias.root / "base"
    assert run("baseline", "bias", *of, "--dataset", bias.root / "before.csv", "--output", base) == 0
    assert {"pre_training_bias_metrics"} == {name for name in read(base) if name.endswith("_metrics")}
    judged = [*of, "--constraints", base / "analysis.json", "--output", bias.root / "out"]
    assert run("run", "bias", *judged, "--dataset", bias.root / "before.csv") == 0
    assert run("run", "bias", *judged, "--dataset", bias.root / "after.csv") == 3
    assert {entry["metric_name"] for entry in violations(bias.root / "out")} >= {"DPL"}


def test_a_baseline_of_bias_is_sagemakers_analysis(bias: OfBias) -> None:
    assert bias.learn("--compatibility", "sagemaker") == 0
    document = read(bias.root / "base")
    assert list(document) == ["version", "post_training_bias_metrics", "pre_training_bias_metrics"]
    features, score, label = people(2000, seed=1)
    d, metrics = features[:, 1] == 1, {}
    for stage in list(document)[1:]:
        assert document[stage]["label"] == "target"
        assert document[stage]["label_value_or_threshold"] == "1"
        [entry] = document[stage]["facets"]["feature_1"]
        assert (entry.keys(), entry["value_or_threshold"]) == ({"value_or_threshold", "metrics"}, "1")
        metrics |= {one["name"]: one.get("value") for one in entry["metrics"]}
    assert len(metrics) == 21
    assert metrics["DPPL"] == pytest.approx((score > 0.5)[~d].mean() - (score > 0.5)[d].mean())
    assert metrics["DPL"] == pytest.approx(label[~d].mean() - label[d].mean())


@pytest.mark.parametrize(
    "attributes",
    [["--inference-attribute", "0"], ["--probability-attribute", "1", "--probability-threshold-attribute", "0.5"]],
)
def test_a_fair_window_holds_and_an_unfair_one_is_violated(bias: OfBias, attributes: list[str]) -> None:
    bias.learn()
    bias.traffic()
    assert bias.judge(*attributes) == 0
    assert violations(bias.root / "out") == []
    bias.traffic(handicap=0.4)
    assert bias.judge(*attributes) == 3
    found = violations(bias.root / "out")
    assert {"DPPL", "DI", "DPL"} <= {one["metric_name"] for one in found}
    assert {(one["facet"], one["facet_value"], one["constraint_check_type"]) for one in found} == {
        ("feature_1", "1", "bias_drift_check")
    }


def test_sagemakers_decision_and_words_are_there_to_ask_for(bias: OfBias) -> None:
    bias.learn("--compatibility", "sagemaker")
    features, score, _ = bias.traffic(handicap=0.4)
    assert bias.judge("--compatibility", "sagemaker", "--inference-attribute", "0") == 3
    d, positive = features[:, 1] == 1, score > 0.5
    [told] = [one for one in violations(bias.root / "out") if one["metric_name"] == "DPPL"]
    before = {
        one["name"]: one["value"]
        for one in read(bias.root / "base")["post_training_bias_metrics"]["facets"]["feature_1"][0]["metrics"]
    }
    prefix, middle = "Metric value ", " doesn't meet the baseline constraint requirement "
    now, was = told["description"].removeprefix(prefix).split(middle)
    assert float(now) == pytest.approx(positive[~d].mean() - positive[d].mean())
    assert float(was) == before["DPPL"]


def test_what_a_configuration_of_bias_asks_and_does_not_get_is_told(bias: OfBias, capsys: Any) -> None:
    bias.config = written(
        bias.root, "full.json", BIAS | {"methods": {"report": {"name": "r"}}, "predictor": {"model_name": "m"}}
    )
    assert bias.learn() == 0
    told = capsys.readouterr()
    assert [line.partition(": ")[2].partition(": ")[2].split(":")[0] for line in told.err.splitlines()] == [
        *("methods.report", "predictor.model_name", "predictor")
    ]
    assert "baseline of 2000 rows\n" in told.out


ROWS = [[30.0 + i % 30, i % 2, 50.0 + i % 7, 1.0, i % 3 % 2, i % 5 % 2] for i in range(300)]
OWN = [*HEADERS, "answer"]


def stored(folder: Path, form: str, names: list[str], rows: list[list[Any]]) -> list[object]:
    """A dataset in a form, and how the command line is told of it."""
    folder.mkdir(exist_ok=True)
    if form == "parquet":
        path = folder / "data.parquet"
        pq.write_table(pa.table({name: [row[i] for row in rows] for i, name in enumerate(names)}), path)
    elif form == "jsonl":
        path = folder / "data.jsonl"
        path.write_text("\n".join(json.dumps(dict(zip(names, row, strict=True))) for row in rows) + "\n")
    else:
        path = folder / "data.csv"
        head = [",".join(names)] if form == "csv" else []
        path.write_text("\n".join([*head, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return ["--dataset", path, "--format", form.split()[0], *(["--no-header"] if form == "csv without header" else [])]


MISMATCHES = {  # of headers and the columns of a dataset: the headers, and what is said of both
    "one too few": (HEADERS, r"answer is not among the headers|6 values a row, but 5 headers"),
    "one too many": ([*OWN, "more"], r"7 names .* 6 columns .* more is not among these|6 values a row, but 7 headers"),
    "another name": (["feature_x", *OWN[1:]], r"feature_x is not among these|feature_0 is not among the headers"),
    "another order": ([OWN[2], OWN[1], OWN[0], *OWN[3:]], r"another order \(feature_2, .*\) than it has itself \(feat"),
}


@pytest.mark.parametrize("form", ["csv", "csv without header", "jsonl", "parquet"])
@pytest.mark.parametrize("mismatch", MISMATCHES)
def test_headers_that_are_not_the_datasets_columns_are_refused_and_both_named(
    tmp_path: Path, capsys: Any, form: str, mismatch: str
) -> None:
    headers, told = MISMATCHES[mismatch]
    if mismatch.startswith("another") and (
        form == "csv without header" or (mismatch, form) == ("another order", "jsonl")
    ):
        pytest.skip("a file without names takes any, and members of JSON have no order")
    config = written(tmp_path, "config.json", BIAS | {"headers": headers})
    data = stored(tmp_path / "rows", form, OWN, ROWS)
    assert run("baseline", "bias", *data, "--analysis-config", config, "--output", tmp_path / "base") == 1
    assert re.search(told, capsys.readouterr().err)


@pytest.mark.parametrize("form", ["csv", "csv without header", "jsonl", "parquet"])
def test_headers_that_are_the_datasets_columns_are_those_of_all_forms(tmp_path: Path, form: str) -> None:
    config = written(tmp_path, "config.json", BIAS | {"headers": OWN, "predicted_label": "answer"})
    data = stored(tmp_path / "rows", form, OWN, ROWS)
    assert run("baseline", "bias", *data, "--analysis-config", config, "--output", tmp_path / "base") == 0
    assert "post_training_bias_metrics" in read(tmp_path / "base")


@pytest.mark.parametrize("named", [["--inference-attribute", "answer"], ["--exclude", "answer"]])
def test_a_dataset_may_have_a_column_more_that_is_named_beside_the_configuration(
    tmp_path: Path, named: list[str]
) -> None:
    config = written(tmp_path, "config.json", BIAS)
    data = stored(tmp_path / "rows", "csv", OWN, ROWS)
    assert run("baseline", "bias", *data, "--analysis-config", config, *named, "--output", tmp_path / "base") == 0


@pytest.mark.parametrize("key", ["label", "probability"])
def test_an_index_into_the_answer_is_no_column_of_a_dataset(tmp_path: Path, capsys: Any, key: str) -> None:
    config = written(tmp_path, "config.json", BIAS | {"predictor": {key: 0}})
    data = stored(tmp_path / "rows", "csv", HEADERS, [row[:-1] for row in ROWS])
    assert run("baseline", "bias", *data, "--analysis-config", config, "--output", tmp_path / "base") == 1
    assert f"predictor.{key}: 0 counts the values of the model's answer" in capsys.readouterr().err


class OfAttribution:
    """A baseline's dataset, captured requests and a model's server, and the commands over them."""

    def __init__(self, root: Path, served: Served) -> None:
        self.root, self.served = root, served
        self.features = np.random.default_rng(1).normal(size=(120, 3)).round(4)
        lines = texts(self.features)
        (root / "data.csv").write_text("\n".join(["feature_1,feature_2,feature_3", *lines]) + "\n")
        asked = [record(f"e{i}", line + "\n", "0.5", at(i / 4)) for i, line in enumerate(lines)]
        capture(root / "captures", asked)
        self.config = written(root, "analysis_config.json", ATTRIBUTION)

    def learn(self, *more: object, dataset: str = "data.csv") -> int:
        asked = ["--dataset", self.root / dataset, "--format", "csv", "--output", self.root / "base"]
        return self.explained("baseline", "attribution", *asked, *more)

    def judge(self, *more: object) -> int:
        asked = ["--dataset", self.root / "captures", "--format", "capture", "--output", self.root / "out"]
        asked += ["--constraints", self.root / "base/analysis.json"]
        return self.explained("run", "attribution", *asked, *more)

    def explained(self, *arguments: object) -> int:
        return run(*arguments, "--analysis-config", self.config, "--model", self.served.url)


def linear(rows: np.ndarray) -> np.ndarray:
    return rows @ WEIGHTS


@pytest.fixture
def attribution(tmp_path: Path) -> Iterator[OfAttribution]:
    with serving(csv_model(linear)) as served:
        yield OfAttribution(tmp_path, served)


def test_a_baseline_of_attributions_is_sagemakers_analysis(attribution: OfAttribution, capsys: Any) -> None:
    assert attribution.learn("--compatibility", "sagemaker") == 0
    found = read(attribution.root / "base")
    [(label, values)] = found["explanations"]["kernel_shap"].items()
    assert (found.keys(), label) == ({"version", "explanations"}, "label0")
    expected = np.abs((attribution.features - BACKGROUND) * WEIGHTS).mean(axis=0)
    shap = values.pop("global_shap_values")
    assert shap == pytest.approx(dict(zip(FEATURES, expected, strict=True)))
    assert values == {"expected_value": pytest.approx(np.array(BACKGROUND) @ WEIGHTS)}
    told = capsys.readouterr()
    assert "predictor.instance_type: no shadow endpoint is made" in told.err
    assert "baseline of 120 rows\n" in told.out


def test_the_report_names_the_dataset_that_was_given_and_how_much_was_explained(attribution: OfAttribution) -> None:
    attribution.learn()
    once = (attribution.root / "base/execution.json").read_bytes()
    execution = read(attribution.root / "base", "execution.json")
    assert [one["file"] for one in execution["inputs"]] == [str(attribution.root / "data.csv")]
    assert execution["explained"] == {"rows": 120, "of": 120}
    attribution.learn()
    assert (attribution.root / "base/execution.json").read_bytes() == once


def test_the_same_model_holds_and_another_one_is_violated(attribution: OfAttribution) -> None:
    attribution.learn()
    assert attribution.judge() == 0
    assert violations(attribution.root / "out") == []
    assert read(attribution.root / "out", "execution.json")["explained"] == {"rows": 120, "of": 120}
    attribution.served.answer = csv_model(lambda rows: rows @ WEIGHTS[::-1])
    assert attribution.judge() == 3
    [told] = violations(attribution.root / "out")
    assert (told["label"], told["metric_name"]) == ("label0", "shap")
    assert "is below threshold 0.9" in told["description"]
    assert "feature_1 1 -> 3" in told["description"]
    attribution.learn("--compatibility", "sagemaker")
    attribution.served.answer = csv_model(linear)
    assert attribution.judge("--compatibility", "sagemaker") == 3
    [told] = violations(attribution.root / "out")
    assert told["description"].startswith("Feature attribution drift 0.")
    assert told["description"].endswith(" exceeds threshold 0.9")


def test_a_model_that_speaks_json_is_asked_by_the_configurations_templates(attribution: OfAttribution) -> None:
    def scores(body: Any) -> Any:
        return {"predictions": [{"score": float(np.array(one["features"]) @ WEIGHTS)} for one in body["instances"]]}

    predictor = {"content_type": "application/json", "accept_type": "application/json"}
    predictor |= {"content_template": '{"instances":$records}', "record_template": '{"features":$features}'}
    predictor |= {"probability": "predictions[*].score", "label_headers": ["loan"]}
    attribution.config = written(attribution.root, "json.json", ATTRIBUTION | {"predictor": predictor})
    attribution.served.answer = json_model(scores)
    assert attribution.learn() == 0
    assert list(read(attribution.root / "base")["explanations"]["kernel_shap"]) == ["loan"]


def test_the_background_may_be_a_file_or_for_a_baseline_its_own_rows(attribution: OfAttribution, capsys: Any) -> None:
    short = {"headers": FEATURES, "methods": {"shap": {}}}
    attribution.config = written(attribution.root, "short.json", short)
    lines = (attribution.root / "data.csv").read_text().splitlines()
    (attribution.root / "ten.csv").write_text("\n".join(lines[:11]) + "\n")
    assert attribution.learn("--background", attribution.root / "ten.csv") == 0
    of_file = read(attribution.root / "base")["explanations"]["kernel_shap"]["label0"]
    assert of_file["expected_value"] == pytest.approx((attribution.features[:10] @ WEIGHTS).mean())
    assert attribution.learn(dataset="ten.csv") == 0
    own = read(attribution.root / "base")["explanations"]["kernel_shap"]["label0"]
    assert own["expected_value"] == of_file["expected_value"]
    assert attribution.judge("--background", attribution.root / "ten.csv") in (0, 3)
    capsys.readouterr()
    assert attribution.judge() == 1
    assert "nothing stands for an unknown feature" in capsys.readouterr().err


def test_without_requests_the_model_is_not_asked_and_nothing_is_judged(attribution: OfAttribution) -> None:
    attribution.learn()
    asked = len(attribution.served.bodies)
    assert attribution.judge("--start", "2030-01-01", "--end", "2030-01-02") == 4
    assert read(attribution.root / "out", "execution.json")["status"] == "NoData"
    assert len(attribution.served.bodies) == asked


def test_a_model_that_is_wrong_fails_with_a_report_in_one_line(attribution: OfAttribution, capsys: Any) -> None:
    attribution.served.answer = lambda body: (200, b"1\n2\n")
    assert attribution.learn() == 1
    *_, error = capsys.readouterr().err.splitlines()
    execution = read(attribution.root / "base", "execution.json")
    assert (execution["status"], f"model-monitor: {execution['reason']}") == ("Failed", error)
    assert not (attribution.root / "base/analysis.json").exists()


@pytest.mark.parametrize(
    ("monitor", "more", "told"),
    [
        ("attribution", ["--analysis-config", "nowhere.json", "--model", "http://m"], "there is no nowhere.json"),
        ("attribution", ["--model", "http://m"], "nobody says what the model's features are"),
        ("attribution", ["--analysis-config", "{attribution}"], "names no running model; give --model"),
        ("attribution", ["--analysis-config", "{attribution}", "--model", "ftp://m"], "ftp://m"),
        ("attribution", ["--analysis-config", "{attribution}", "--model", "http://u:p@m"], "credentials belong"),
        ("attribution", ["--analysis-config", "{attribution}", "--model", "python:nowhere.at_all"], "nowhere"),
        (
            "attribution",
            ["--analysis-config", "{bias}", "--model", "http://m"],
            "nobody says what the model's features are",
        ),
        ("attribution", ["--analysis-config", "{odd}", "--model", "http://m"], "headerz"),
        ("bias", ["--analysis-config", "{attribution}"], "has no 'facet'; name the column to compare"),
        ("bias", ["--analysis-config", "{bias}"], "feature_0, target are not among these"),
        ("bias", [], "facets"),
        ("data-quality", ["--analysis-config", "{bias}"], "is for bias and attribution, not for data-quality"),
    ],
)
def test_what_makes_no_sense_is_told_in_one_line(
    tmp_path: Path, monitor: str, more: list[str], told: str, capsys: Any
) -> None:
    files = {"attribution": written(tmp_path, "a.json", ATTRIBUTION), "bias": written(tmp_path, "b.json", BIAS)}
    files["odd"] = written(tmp_path, "o.json", ATTRIBUTION | {"headerz": []})
    (tmp_path / "data.csv").write_text("feature_1,feature_2,feature_3\n1,2,3\n4,5,6\n")
    common = ["--dataset", tmp_path / "data.csv", "--format", "csv", "--output", tmp_path / "out"]
    assert run("baseline", monitor, *common, *(word.format(**files) for word in more)) == 1
    *notes, error = capsys.readouterr().err.splitlines()
    assert told in error
    assert error.startswith("model-monitor: ")
    assert all("predictor." in note for note in notes)


def test_a_dataset_without_a_header_has_the_names_of_the_configuration(tmp_path: Path) -> None:
    config = {"headers": ["sex", "label", "pred"], "label": "label", "label_values_or_threshold": [1]}
    config |= {"facet": [{"name_or_index": "sex", "value_or_threshold": [0]}]}
    (tmp_path / "config.json").write_text(json.dumps(config))
    rows = [f"{i % 2},{int(i % 3 > 0)},{int(i % 5 > 1)}\n" for i in range(600)]
    (tmp_path / "data.csv").write_text("".join(rows))
    common = ["--dataset", str(tmp_path / "data.csv"), "--format", "csv", "--no-header"]
    asked = ["--analysis-config", str(tmp_path / "config.json"), "--inference-attribute", "pred"]
    output = ["--output", str(tmp_path / "out"), "--option", "sample_rows=0"]
    assert main(["baseline", "bias", *common, *asked, *output]) == 0
    written = json.loads((tmp_path / "out/analysis.json").read_text())
    assert list(written["pre_training_bias_metrics"]["facets"]) == ["sex"]


def test_a_captured_request_of_another_width_is_told_rather_than_shifted(tmp_path: Path, capsys: Any) -> None:
    config = {"headers": ["score", "sex", "age", "label"], "label": "label", "label_values_or_threshold": [1]}
    config |= {"facet": [{"name_or_index": "sex", "value_or_threshold": ["F"]}]}
    (tmp_path / "config.json").write_text(json.dumps(config))
    capture(tmp_path / "captures", [record(f"e{i}", "F,30\n", "0.5", at(i)) for i in range(9)])
    collect(tmp_path / "labels", [truth(f"e{i}", "1") for i in range(9)], HOUR)
    source = [
        "--dataset",
        str(tmp_path / "captures"),
        "--format",
        "capture",
        "--ground-truth",
        str(tmp_path / "labels"),
    ]
    asked = ["--analysis-config", str(tmp_path / "config.json"), "--probability-attribute", "0"]
    assert main(["run", "bias", *source, *asked, "--output", str(tmp_path / "out")]) == 1
    assert "a captured request has 2 values, but 3 are named: score, sex, age" in capsys.readouterr().err
