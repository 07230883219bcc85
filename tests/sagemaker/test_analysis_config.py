"""SageMaker's analysis_config.json is read as it is: what it asks for, what is refused, what is left out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_monitor.config.monitors import monitor_of
from model_monitor.errors import ConfigError
from model_monitor.monitors.attribution import Attribution
from model_monitor.monitors.bias import Bias, Facet
from model_monitor.monitors.bias.metrics import POST, PRE
from model_monitor.sagemaker import analysis_config
from model_monitor.sagemaker.analysis_config import Analysis, read
from model_monitor.sagemaker.analysis_config import schema as analysis_schema
from model_monitor.sagemaker.analysis_config.schema import Config

NAMES = [
    *("Age", "Workclass", "fnlwgt", "Education", "Education-Num", "Marital Status", "Occupation", "Relationship"),
    *("Ethnic group", "Sex", "Capital Gain", "Capital Loss", "Hours per week", "Country"),
]
FULL = {  # a published baseline's configuration
    "dataset_type": "application/json",
    "features": "instances[*].features",
    "headers": [*NAMES, "Target"],
    "label": "instances[*].label",
    "label_values_or_threshold": [1],
    "facet": [{"name_or_index": "Sex", "value_or_threshold": [0]}],
    "group_variable": "Age",
    "methods": {
        "report": {"name": "report", "title": "Analysis Report"},
        "pre_training_bias": {"methods": "all"},
        "post_training_bias": {"methods": "all"},
    },
    "predictor": {
        "model_name": "a-model",
        "instance_type": "ml.m5.xlarge",
        "initial_instance_count": 1,
        "accept_type": "application/json",
        "content_type": "application/json",
        "content_template": '{"instances":$records}',
        "record_template": '{"features":$features}',
        "label": "predictions[*].predicted_label",
        "probability": "predictions[*].score",
    },
}
FEATURES = ["feature_0", "feature_1", "feature_2", "feature_3"]
OF_CSV = {  # the documentation's configuration of a bias monitor
    "headers": [*FEATURES, "target"],
    "label": "target",
    "label_values_or_threshold": [1],
    "facet": [{"name_or_index": "feature_1", "value_or_threshold": [1]}],
}
EXPLAINED = {  # the documentation's configuration of an attribution monitor
    "headers": ["feature_1", "feature_2", "feature_3"],
    "methods": {
        "shap": {
            "baseline": [[0.4441164946610942, 0.5190374448171748, 0.20722795300473712]],
            "num_samples": 100,
            "agg_method": "mean_abs",
        }
    },
    "predictor": {"model_name": "my_model", "instance_type": "ml.m5.xlarge", "initial_instance_count": 1},
}


def shap(**more: Any) -> dict[str, Any]:
    return {"methods": {"shap": more}}


def test_a_published_baselines_configuration_is_understood() -> None:
    found = read(FULL)
    assert found.options("bias") == {
        "facets": [{"name": "Sex", "value_or_threshold": [0]}],
        "ground_truth_attribute": "Target",
        "inference_attribute": "predictions[*].predicted_label",
        "probability_attribute": "predictions[*].score",
        "label_values_or_threshold": [1],
        "group_variable": "Age",
    }
    assert found.columns == {"inputs": tuple(NAMES)}
    assert [sentence.partition(":")[0] for sentence in found.ignored] == [
        *("methods.report", "predictor.instance_type", "predictor.initial_instance_count"),
        *("predictor.model_name", "predictor"),
    ]


def test_the_documentations_configuration_of_a_bias_monitor_is_understood() -> None:
    assert read(OF_CSV) == Analysis(
        headers=("feature_0", "feature_1", "feature_2", "feature_3", "target"),
        bias={
            "facets": [{"name": "feature_1", "value_or_threshold": [1]}],
            "ground_truth_attribute": "target",
            "label_values_or_threshold": [1],
        },
        columns={"inputs": tuple(FEATURES)},
    )


def test_a_label_that_is_a_path_into_ground_truth_is_called_as_the_last_header() -> None:
    found = read(OF_CSV | {"label": "label"})
    assert found.bias["ground_truth_attribute"] == "label"
    assert found.columns == {"inputs": tuple(FEATURES)}


def test_headers_of_json_end_with_the_label_and_the_predicted_label() -> None:
    lines = {"dataset_type": "application/jsonlines", "features": "f", "label": "y", "predicted_label": "p"}
    found = read(OF_CSV | lines | {"headers": [*FEATURES, "target", "answer"]})
    assert found.bias["ground_truth_attribute"] == "target"
    assert found.bias["inference_attribute"] == "answer"
    assert found.columns == {"inputs": tuple(FEATURES)}


def test_the_documentations_configuration_of_an_attribution_monitor_is_understood() -> None:
    found = read(EXPLAINED)
    assert found.options("attribution") == {"agg_method": "mean_abs"}
    assert found.explain == {
        "baseline": EXPLAINED["methods"]["shap"]["baseline"],
        "num_samples": 100,
        "features": ("feature_1", "feature_2", "feature_3"),
    }
    assert found.bias == {}
    assert found.columns == {"inputs": ("feature_1", "feature_2", "feature_3")}


def test_a_model_keeps_all_that_tells_how_to_ask_it() -> None:
    predictor = {
        "endpoint_name": "live",
        "target_model": "a.tar.gz",
        "content_type": "application/jsonlines",
        "accept_type": "application/json",
        "content_template": '{"features":$features}',
        "label": 0,
        "probability": "scores",
        "custom_attributes": "trace",
    }
    explain = read(EXPLAINED | {"predictor": predictor | {"label_headers": ["no", 1]}}).explain
    assert explain["model"] == predictor
    assert explain["label_headers"] == ("no", "1")


@pytest.mark.parametrize(
    "baseline",
    [
        [[1, 2, 3], [4, 5, 6]],
        [{"features": [1, 2, 3]}, {"features": [4, 5, 6]}],
        {"instances": [{"features": [1, 2, 3]}, {"features": [4, 5, 6], "label": 0}]},
        [{"feature_1": 1, "feature_2": 2, "feature_3": 3}, {"feature_3": 6, "feature_2": 5, "feature_1": 4, "x": 0}],
    ],
)
def test_background_rows_are_found_however_they_are_written(baseline: Any) -> None:
    found = read({"headers": EXPLAINED["headers"], **shap(baseline=baseline)})
    assert found.explain["baseline"] == [[1, 2, 3], [4, 5, 6]]


def test_a_background_may_be_an_address_or_clusters() -> None:
    assert read(shap(baseline="s3://bucket/rows.csv")).explain == {"baseline": "s3://bucket/rows.csv"}
    assert read(shap(num_clusters=3, seed=0, use_logit=True)).explain == {
        "num_clusters": 3,
        "seed": 0,
        "use_logit": True,
    }


def test_indices_become_names() -> None:
    found = read(
        OF_CSV
        | {"label": 4, "predicted_label": 0, "group_variable": 2, "excluded_columns": [1, 3, "feature_2"]}
        | {"facet": [{"name_or_index": 1}], "probability_threshold": 0.6}
    )
    assert found.bias == {
        "facets": [{"name": "feature_1"}],
        "ground_truth_attribute": "target",
        "inference_attribute": "feature_0",
        "probability_threshold_attribute": 0.6,
        "label_values_or_threshold": [1],
        "group_variable": "feature_2",
    }


def test_what_the_model_is_not_given_may_still_be_judged_for_bias() -> None:
    found = read(OF_CSV | {"excluded_columns": ["feature_0", "feature_1"], "joinsource_name_or_index": 3})
    assert found.columns == {"inputs": ("feature_2",), "exclude": ("feature_0", "feature_3")}


def test_without_headers_an_index_stays_one() -> None:
    found = read({"label": 4, "predicted_label": 5, "facet": [{"name_or_index": 1, "value_or_threshold": ["a", 2.5]}]})
    assert found == Analysis(
        bias={
            "facets": [{"name": 1, "value_or_threshold": ["a", 2.5]}],
            "ground_truth_attribute": 4,
            "inference_attribute": "5",
        },
    )


def test_null_is_as_if_the_key_were_absent() -> None:
    nothing = dict.fromkeys(Config.model_fields)
    assert read(nothing) == read({}) == Analysis()
    assert read({"methods": {"shap": {"seed": None}}}) == Analysis()


IGNORED = [
    ({"segment_config": [{"name_or_index": 0, "segments": [[1]]}]}, "segment_config: segments are the schedule's own"),
    ({"facet_dataset_uri": "s3://b/f"}, "facet_dataset_uri: facets are columns of the same rows"),
    ({"facet_headers": ["a"]}, "facet_headers: facets are columns of the same rows"),
    ({"predicted_label_dataset_uri": "s3://b/p"}, "predicted_label_dataset_uri: predictions are a column"),
    ({"predicted_label_headers": ["p"]}, "predicted_label_headers: predictions are a column"),
    ({"joinsource_name_or_index": "id"}, "joinsource_name_or_index: no other datasets are joined"),
    ({"time_series_data_config": {}}, "time_series_data_config: time series are not analysed"),
    ({"dataset_type": "application/x-image"}, "dataset_type: images are not explained"),
    ({"methods": {"pdp": {"grid_resolution": 2}}}, "methods.pdp: partial dependence is not drawn"),
    ({"methods": {"report": {}}}, "methods.report: the report's files have names of their own"),
    ({"methods": {"asymmetric_shapley_value": {}}}, "methods.asymmetric_shapley_value: time series"),
    ({"methods": {"pre_training_bias": {"methods": ["CI"]}}}, "methods.pre_training_bias.methods: all 8 metrics"),
    ({"methods": {"post_training_bias": {"methods": ["DI"]}}}, "methods.post_training_bias.methods: all 13 metrics"),
    (shap(features_to_explain=[1]), "methods.shap.features_to_explain: all features are explained"),
    (shap(save_local_shap_values=False), "methods.shap.save_local_shap_values: local values are always kept"),
    (shap(text_config={}), "methods.shap.text_config: texts are not explained word by word"),
    (shap(image_config={}), "methods.shap.image_config: images are not explained"),
    ({"predictor": {"model_name": "m"}}, "predictor.model_name: no shadow endpoint is made of a model"),
    ({"predictor": {"model_name": "m", "endpoint_name": "e"}}, "predictor.model_name: endpoint_name takes precedence"),
    ({"predictor": {"endpoint_name_prefix": "p"}}, "predictor.endpoint_name_prefix: no shadow endpoint"),
    ({"predictor": {"instance_type": "ml.m5.large"}}, "predictor.instance_type: no shadow endpoint"),
    ({"predictor": {"initial_instance_count": 2}}, "predictor.initial_instance_count: no shadow endpoint"),
    ({"predictor": {"accelerator_type": "x"}}, "predictor.accelerator_type: no shadow endpoint"),
    ({"predictor": {"time_series_predictor_config": {}}}, "predictor.time_series_predictor_config: time series"),
    ({"predictor": {"content_type": "image/png"}}, "predictor.content_type: images are not explained"),
]


@pytest.mark.parametrize(("more", "sentence"), IGNORED, ids=[sentence.partition(":")[0] for _, sentence in IGNORED])
def test_what_has_no_counterpart_is_told(more: dict[str, Any], sentence: str) -> None:
    [told] = read(more).ignored
    assert told.startswith(sentence)


def test_that_bias_calls_no_model_is_told() -> None:
    some = {"predictor": {"endpoint_name": "e", "probability": 0, "label_headers": ["no", "yes"]}}
    told = read(OF_CSV | some).ignored
    assert [sentence.partition(":")[0] for sentence in told] == ["predictor", "predictor.label_headers"]
    assert read(OF_CSV | some | {"predicted_label": "feature_0"}).ignored == told[1:]


WRONG = [
    ({"facets": []}, "facets: unknown key 'facets'; did you mean 'facet'?"),
    ({"xyz": 1}, "xyz: unknown key 'xyz'; known keys are version, dataset_type, "),
    (
        {"facet": [{"name": "Sex"}]},
        "facet.0.name: unknown key 'name'; known keys are name_or_index, value_or_threshold",
    ),
    ({"facet": [{"name": "Sex"}]}, "facet.0.name_or_index: 'name_or_index' is missing; add it"),
    (
        {"facet": [{"name_or_index": True}]},
        "facet.0.name_or_index: a name or an index (0, 1, ...) is expected, not True",
    ),
    ({"facet": [{"name_or_index": -1}]}, "facet.0.name_or_index: a name or an index (0, 1, ...) is expected, not -1"),
    ({"facet": {}}, "facet: Input should be a valid list, not {}"),
    ({"version": "2.0"}, "version: Input should be '1.0', not '2.0'"),
    ({"headers": ["a", "b", "a"]}, "file: headers has 'a' twice; give each column a name of its own"),
    ({"headers": "a"}, "headers: Input should be a valid list, not 'a'"),
    (
        {"label_values_or_threshold": [True]},
        "label_values_or_threshold.0: a text or a finite number is expected, not T",
    ),
    (
        {"label_values_or_threshold": [float("nan")]},
        "label_values_or_threshold.0: a text or a finite number is expected, not nan",
    ),
    ({"probability_threshold": "half"}, "probability_threshold: Input should be a valid number, not 'half'"),
    ({"methods": []}, "methods: Input should be"),
    (shap(num_sample=5), "methods.shap.num_sample: unknown key 'num_sample'; did you mean 'num_samples'?"),
    (shap(num_samples="5"), "methods.shap.num_samples: Input should be a valid integer, not '5'"),
    (shap(num_samples=0), "methods.shap.num_samples: Input should be greater than or equal to 1, not 0"),
    (shap(agg_method="mean"), "methods.shap.agg_method: Input should be 'mean_abs', 'median' or 'mean_sq', not 'mean'"),
    (shap(use_logit=1), "methods.shap.use_logit: Input should be a valid boolean, not 1"),
    (shap(baseline=[1, 2]), "methods.shap.baseline: a list of rows (lists or objects), an object or the address"),
    (shap(baseline=[[1]], num_clusters=2), "methods.shap: baseline and num_clusters both say what the background is"),
    ({"methods": {"pre_training_bias": {}}}, "methods.pre_training_bias.methods: 'methods' is missing; add it"),
    (
        {"methods": {"pre_training_bias": {"methods": ["CI", "DI"]}}},
        'methods.pre_training_bias.methods: "all" or a list of some of CDDL, CI, DPL, JS, KL, KS, LP, TVD is expected',
    ),
    ({"predictor": {"content_template": 5}}, "predictor.content_template: a text or an object of texts is expected"),
    (
        {"predictor": {"content_type": "application/jsonlines", "content_template": "{}"}},
        "predictor: content_type application/jsonlines needs a content_template with $features in it",
    ),
    (
        {"predictor": {"content_type": "application/json", "content_template": "$records"}},
        "predictor: content_type application/json needs a content_template and a record_template",
    ),
]


@pytest.mark.parametrize(("document", "message"), WRONG)
def test_what_the_schema_does_not_know_is_refused_with_its_place(document: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        read(document)
    assert str(error.value).startswith("Analysis configuration schema validation error. ")
    assert message in str(error.value)


LOST = [
    (
        {"facet": [{"name_or_index": "Feature_1"}]},
        "facet.0.name_or_index: Unable to locate the facet. 'Feature_1' is none of them; did you mean 'feature_1'?",
    ),
    (
        {"facet": [{"name_or_index": 9}]},
        "facet.0.name_or_index: Unable to locate the facet. There is no column 9, headers has 5",
    ),
    ({"group_variable": "zzz"}, "group_variable: Feature names not found. 'zzz' is none of them: feature_0, "),
    ({"excluded_columns": [7]}, "excluded_columns.0: Feature names not found. There is no column 7, headers has 5"),
    ({"label": 5}, "label: Feature names not found. There is no column 5, headers has 5"),
    (
        {"label": "targt", "dataset_type": "text/csv"},
        "label: Headers must contain label. 'targt' is none of them; did you mean 'target'?",
    ),
    ({"label": "y", "headers": ["target"]}, "headers: Headers must contain label. Name all features, and then"),
    (
        shap(baseline=[[1, 2, 3, 4], [1, 2, 3]]),
        "methods.shap.baseline: row 1 has 3 values, and there are 4 features: feature_0, feature_1, ",
    ),
    (shap(baseline=[{"a": [1], "b": [2]}]), "methods.shap.baseline: can't tell where a row's features are"),
]


@pytest.mark.parametrize(("more", "message"), LOST)
def test_a_column_that_headers_do_not_have_is_refused_with_its_place(more: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        read(OF_CSV | more)
    assert str(error.value).startswith(message)


COLUMNS: dict[str, Any] = {  # each key that names a column of the dataset, and how it names one
    "label": lambda column: {"label": column},
    "predicted_label": lambda column: {"predicted_label": column},
    "facet.0.name_or_index": lambda column: {"facet": [{"name_or_index": column}]},
    "group_variable": lambda column: {"group_variable": column},
    "excluded_columns.0": lambda column: {"excluded_columns": [column]},
    "joinsource_name_or_index": lambda column: {"joinsource_name_or_index": column},
}


def test_all_keys_that_name_columns_are_tried() -> None:
    named = {name for name, kind in Config.__annotations__.items() if "NameOrIndex" in str(kind)}
    assert named | {"facet"} == {place.partition(".")[0] for place in COLUMNS}


@pytest.mark.parametrize("kind", ["text/csv", "application/x-parquet", None])
@pytest.mark.parametrize("place", COLUMNS)
@pytest.mark.parametrize(("column", "told"), [("answr", "'answr' is none of them"), (5, "There is no column 5")])
def test_a_column_that_is_no_header_is_refused_wherever_it_is_named(
    place: str, column: str | int, told: str, kind: str | None
) -> None:
    if (place, column, kind) == ("label", "answr", None):
        pytest.skip("a monitor's label may be a path into ground-truth records")
    with pytest.raises(ConfigError, match=f"^{place}: .*{told}"):
        read(OF_CSV | {"dataset_type": kind} | COLUMNS[place](column))


LINES = {"dataset_type": "application/jsonlines", "features": "f"}
SHARED = [
    ({"predicted_label": "target"}, "label 'target' and predicted_label 'target' are both the column 'target';"),
    ({"predicted_label": 4}, "label 'target' and predicted_label 4 are both the column 'target';"),
    (LINES | {"predicted_label": "p"}, "label 'target' and predicted_label 'p' are both .* as predicted_label is no"),
    ({"label": "y", "predicted_label": "target"}, "label 'y' and predicted_label 'target' are both .* as label is no"),
    *(
        (
            LINES | {"label": "y"} | COLUMNS[place](column),
            f"label 'y' and {place} {column!r} are both the column 'target'",
        )
        for place in COLUMNS
        if place not in ("label", "predicted_label")
        for column in ("target", 4)
    ),
]


@pytest.mark.parametrize(("more", "told"), SHARED)
def test_two_keys_that_come_to_one_column_are_refused_and_both_named(more: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        read(OF_CSV | more)


def test_without_headers_one_index_is_not_both_labels() -> None:
    with pytest.raises(ConfigError, match="label 4 and predicted_label 4 are both the column '4'"):
        read({"label": 4, "predicted_label": 4})


def test_predictions_in_a_dataset_of_their_own_are_asked_into_this_one() -> None:
    apart = {"predicted_label": "p", "predicted_label_dataset_uri": "s3://b/p", "predicted_label_headers": ["p"]}
    with pytest.raises(ConfigError, match=r"'p' is none of them: .*; predictions are a column of the dataset: add t"):
        read(OF_CSV | apart)


def test_an_excluded_index_needs_headers() -> None:
    with pytest.raises(ConfigError, match="excluded_columns: an index needs 'headers' to count in"):
        read({"excluded_columns": [0]})


def test_a_file_is_for_the_monitors_that_it_names() -> None:
    with pytest.raises(ConfigError, match="has no 'facet'; name the column to compare"):
        read(EXPLAINED).options("bias")
    with pytest.raises(ConfigError, match="is for bias and attribution, not for data_quality"):
        read(OF_CSV).options("data_quality")
    assert read(OF_CSV).options("attribution") == {}


def test_what_is_read_makes_the_monitors() -> None:
    bias = monitor_of("bias", read(FULL).options("bias"))
    assert bias == Bias(
        (Facet("Sex", value_or_threshold=(0,)),),
        ground_truth_attribute="Target",
        inference_attribute="predictions[*].predicted_label",
        probability_attribute="predictions[*].score",
        label_values_or_threshold=(1,),
        group_variable="Age",
    )
    assert type(bias.label_values_or_threshold[0]) is type(bias.facets[0].value_or_threshold[0]) is int
    assert monitor_of("attribution", read(EXPLAINED).options("attribution")) == Attribution("mean_abs")


def test_the_metrics_are_those_that_are_measured() -> None:
    assert (analysis_schema.PRE_TRAINING, analysis_schema.POST_TRAINING) == (PRE, POST)


def test_a_file_is_read_from_its_address(tmp_path: Path) -> None:
    path = tmp_path / "analysis_config.json"
    path.write_text(json.dumps(OF_CSV))
    assert analysis_config.at(str(path)) == read(OF_CSV)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"facet": [', "not JSON: Expecting value: line 1 column 12"),
        ("[]", "a JSON object is expected, not list"),
        ('{"facets": []}', "Analysis configuration schema validation error. facets: unknown key"),
    ],
)
def test_a_files_error_names_the_file(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "analysis_config.json"
    path.write_text(content)
    with pytest.raises(ConfigError) as error:
        analysis_config.at(str(path))
    assert str(error.value).startswith(f"{path}: {message}")


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="correct the address of the analysis configuration"):
        analysis_config.at(str(tmp_path / "none.json"))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(sorted(Config.model_fields)), json_values, max_size=4))
def test_anything_is_either_understood_or_refused_in_words(document: dict[str, Any]) -> None:
    try:
        assert isinstance(read(document), Analysis)
    except ConfigError as error:
        assert str(error)


@given(st.permutations(FEATURES), st.integers(0, 3), st.integers(0, 3))
def test_an_index_means_the_same_as_the_name_it_stands_for(names: list[str], facet: int, group: int) -> None:
    headers = {"headers": [*names, "target"]}
    by_index = read(OF_CSV | headers | {"facet": [{"name_or_index": facet}], "group_variable": group, "label": 4})
    by_name = read(OF_CSV | headers | {"facet": [{"name_or_index": names[facet]}], "group_variable": names[group]})
    assert by_index == by_name
