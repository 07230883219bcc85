"""Labels are read as the baseline's were: which is the positive one, and which are none of the model's."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from support.quality_files import files, monitor, rows

from model_monitor.core.measures import Undefined
from model_monitor.core.segments import By, Segmented
from model_monitor.errors import ConfigError
from model_monitor.monitors.model_quality import ModelQuality
from model_monitor.results.documents import documents_of
from model_monitor.verdicts.baseline import Baseline


def table(truth: list[str], answers: list[str] | None = None) -> pa.RecordBatch:
    scores = [0.9 if label in ("yes", "b") else 0.2 for label in truth]
    return pa.record_batch({"score": scores, "prediction": answers or truth, "label": truth})


BASELINE = table(["no", "yes"] * 50)
LABELLED = ModelQuality("MulticlassClassification", inference_attribute="prediction")


def informed(m: Any, statistics: dict[str, Any] | None) -> Any:
    return Baseline(statistics).inform(m)


def knowing(m: Any, batch: pa.RecordBatch = BASELINE) -> Any:
    return informed(m, files(m, batch)[0])


def test_a_window_of_other_labels_is_not_judged_by_its_own() -> None:
    m = knowing(monitor())
    assert m.classes == ("no", "yes")
    found = m.metrics_of(m.observe(table(["no", "n/a"] * 50)))
    assert set(found.values()) == {Undefined("labels are n/a, no, but the classes are no, yes")}


def test_a_window_of_one_class_knows_the_other() -> None:
    for mode in ("calibrated", "sagemaker"):
        m = knowing(monitor(compatibility=mode))
        assert m.confusion_matrix(m.observe(table(["no"] * 5))) == {
            "no": {"no": 5, "yes": 0},
            "yes": {"no": 0, "yes": 0},
        }


def test_a_window_all_of_whose_answers_are_wrong_is_as_bad_as_it_is() -> None:
    wrong = table(["b"] * 20, ["a"] * 20)
    baseline = table(["a", "b"] * 20)
    assert isinstance(LABELLED.metrics_of(LABELLED.observe(wrong))["accuracy"], Undefined)
    for m in (LABELLED, ModelQuality("BinaryClassification", inference_attribute="prediction")):
        m = knowing(m, baseline)
        assert m.metrics_of(m.observe(wrong))["accuracy"].value == 0


def test_a_few_labels_that_are_none_of_the_classes_are_set_aside() -> None:
    m = knowing(monitor())
    odd = m.observe(table([*["no", "yes"] * 50, "?", "unknown"]))
    sound = m.observe(BASELINE)
    assert m.metrics_of(odd) == m.metrics_of(sound)
    assert m.unusable(odd) == {"label or prediction is none of no, yes": 2}
    assert documents_of(m).statistics(odd)["dataset"]["item_count"] == 100
    many = m.observe(table(["no", "yes", "?"] * 50))
    assert set(m.metrics_of(many).values()) == {Undefined("labels are ?, no, yes, but the classes are no, yes")}
    assert m.unusable(many) == {}


def test_segments_read_labels_as_all_rows_do() -> None:
    m = Segmented(monitor(), (By("prediction", monitor()),))
    known = knowing(m)
    assert {known.whole.classes, known.by[0].monitor.classes} == {("no", "yes")}


@pytest.mark.parametrize("batch", [table(["yes"] * 5), rows("Regression")], ids=["one class", "regression"])
def test_a_baseline_that_does_not_show_two_classes_informs_of_none(batch: pa.RecordBatch) -> None:
    m = monitor("Regression") if "score" not in batch.schema.names else monitor(positive_label="yes")
    assert knowing(m, batch) == m


def test_classes_that_the_options_name_are_the_last_word() -> None:
    m = monitor(class_names=("no", "yes"))
    assert informed(m, files(monitor(), table(["a", "b"] * 5))[0]) == m
    assert informed(monitor(), None) == monitor()


def test_a_positive_label_that_the_baseline_does_not_have_is_told_with_the_file() -> None:
    statistics, _ = files(monitor(), BASELINE)
    baseline = Baseline(statistics, None, "here/statistics.json")
    told = r"here/statistics.json: positive_label 'maybe' is none of the baseline's labels, no, yes: correct"
    with pytest.raises(ConfigError, match=told):
        baseline.inform(monitor(positive_label="maybe"))
