"""What all tests share: the path, hypothesis' settings, which tests are slow, and data that may be absent."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parent))
from support.postgres import database, postgres

__all__ = ["database", "postgres"]  # fixtures

TESTS = Path(__file__).parent
collect_ignore = ["conftest.py", "airflow/conftest.py"]  # hold no doctests, and have the same name

settings.register_profile("project", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60)
settings.load_profile("project")


# Folders, files and tests that take about half a second or more: they start servers, other processes or Airflow,
# explain models, draw many samples, or fold millions of rows.
SLOW = (
    "airflow",
    "alerts/test_deliveries.py::test_a_failed_message",
    "alerts/test_following.py::test_the_database_knows",
    "alerts/test_machine.py::test_windows_that_arrive",
    "command_line/test_cli_clarify.py",
    "config/test_expectation_settings.py",
    "config/test_mutated_files.py::test_mutated_files",
    "config/test_users_words.py::test_no_wrong_value",
    "core/test_chance.py::test_the_tail_of_ten_million_rows",
    "core/test_distances.py::test_the_numeric_distance",
    "core/test_evidence.py::test_unchanged",
    "core/test_evidence.py::test_rows_beyond",
    "core/test_evidence.py::test_the_least",
    "core/test_evidence.py::test_each_kind",
    "core/test_importances.py::test_the_upper_end",
    "core/test_quantiles.py::test_the_rank_error_at_ten_million",
    "core/test_scores.py::test_the_area_of_ten_million_rows",
    "core/test_states.py::test_counts_are_exact_below_their_bound",
    "dashboard",
    "engines/test_cluster.py",
    "engines/test_spark.py",
    "examples",
    "history/test_database.py::test_a_database_that_eight",
    "history/test_history_command.py",
    "history/test_queries.py",
    "history/test_record.py",
    "history/test_writers.py",
    "jobs/test_alarms.py",
    "jobs/test_damaged_files.py",
    "jobs/test_expectations.py",
    "jobs/drafts/test_draft.py::test_a_preview",
    "jobs/drafts/test_draft.py::test_the_last_windows",
    "jobs/drafts/test_looking.py::test_a_gzip_bomb",
    "jobs/test_explaining.py",
    "jobs/test_export_suite.py",
    "jobs/test_full_disk.py",
    "jobs/test_hostile_models.py",
    "jobs/test_logged.py",
    "jobs/test_notes.py",
    "jobs/test_odd_values_in_places.py",
    "jobs/test_unjudged.py",
    "jobs/test_jobs.py::test_a_day_is_judged",
    "jobs/test_jobs.py::test_whoever_is_killed",
    "jobs/test_texts_of_users.py",
    "jobs/test_power_card.py",
    "jobs/test_publish_",
    "jobs/test_replay.py",
    "jobs/test_retention.py",
    "jobs/test_earlier_windows.py",
    "jobs/test_marks.py",
    "jobs/test_slow_drift.py",
    "jobs/test_self_test.py",
    "jobs/test_traffic_of_endpoints.py",
    "jobs/test_trailing_spans.py",
    "jobs/test_waiting_for_labels.py",
    "monitors/expectations",
    "project/test_field.py",
    "rows/payloads/test_headers.py::test_a_schedule",
    "rows/payloads/test_headers.py::test_in_sagemakers",
    "rows/payloads/test_headers.py::test_without_declared",
    "monitors/test_attribution.py::test_unchanged_attributions",
    "monitors/test_bias.py::test_the_laws_hold",
    "monitors/test_bias_flips.py",
    "monitors/test_bias_undefined.py::test_ten_thousand",
    "monitors/test_bias_verdicts.py",
    "monitors/test_classification.py",
    "monitors/test_data_quality.py::test_a_thousand_columns",
    "monitors/test_data_quality.py::test_five_thousand_columns",
    "monitors/test_data_quality.py::test_the_laws_hold",
    "monitors/test_data_quality.py::test_windows_of_unchanged_data",
    "monitors/test_model_quality.py::test_the_laws_hold",
    "monitors/test_model_quality_verdicts.py",
    "monitors/test_traffic.py",
    "project/test_compose.py::test_init_makes",
    "project/test_compose_check.py",
    "project/test_false_alarms.py",
    "verdicts/test_power.py",
    "project/test_fault_campaign.py::test_a_file_that_is_changed",
    "project/test_fault_campaign.py::test_killed",
    "project/test_onsets.py",
    "project/test_peers.py",
    "recorder/test_asgi.py",
    "recorder/test_decorator.py",
    "recorder/test_faults.py",
    "recorder/test_interrupted.py",
    "recorder/test_killed.py",
    "recorder/test_metrics_and_stores.py::test_a_kms_key",
    "recorder/test_odd_disks.py",
    "recorder/test_odd_requests.py::test_another_server",
    "recorder/test_receive.py",
    "recorder/test_recorder.py::test_a_queue_that_is_half",
    "recorder/test_slow_senders.py",
    "recorder/test_uploader.py",
    "recorder/test_wsgi.py",
    "results/documents/test_bias_documents.py::test_violations_are",
    "results/html/test_page_in_browser.py",
    "results/html/test_sizes.py",
    "dashboard/test_answers_in_browser.py",
    "results/test_data_docs.py",
    "results/documents/test_bias_documents.py::test_what_was_written",
    "results/documents/test_numbers_without_limit.py::test_no_file_holds_what_json",
    "rows/explanations/test_exact_shap.py",
    "rows/explanations/test_models.py",
    "rows/labels/test_labels.py::test_a_list_with_a_record_on_each_line",
    "rows/labels/test_merge.py::test_the_join_is_that",
    "rows/payloads/test_envelopes.py::test_a_table_is_the_same",
    "rows/payloads/test_payload.py::test_a_payload_that_is",
    "rows/sources/test_csv_text.py::test_a_file_of_stray",
    "rows/sources/test_delta.py::test_a_table_in_an_object_store",
    "rows/sources/test_delta.py::test_whatever_happened",
    "rows/sources/test_small_files.py",
    "rows/sources/test_tables.py::test_a_table_and_capture_files",
    "rows/test_captures.py::test_a_line_that_is_no_object",
    "rows/test_breadth.py",
    "rows/test_collect.py",
    "rows/test_mutations.py",
    "sagemaker/test_import_sagemaker_aws.py",
    "sagemaker/test_import_sagemaker_hostile.py::test_any_schedule",
    "store/test_clouds.py",
    "store/test_pages.py",
    "store/test_store.py",
    "store/test_uploads.py",
)


# Where files take longest, these first: the last ones to be given to a process should be short ones.
LONGEST = (
    "airflow",
    "examples",
    "project/test_false_alarms.py",
    "dashboard",
    "jobs",
    "store",
    "recorder",
    "sagemaker/test_import_sagemaker_hostile.py",
    "engines",
    "project",
    "monitors",
)


def place_of(item: pytest.Item) -> int:
    path = item.nodeid.removeprefix("tests/")
    return next((place for place, long in enumerate(LONGEST) if path.startswith(long)), len(LONGEST))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=place_of)
    for item in items:
        if item.nodeid.removeprefix("tests/").startswith(SLOW) or re.search(r"\[(.*-)?(s3|postgresql)\b", item.nodeid):
            item.add_marker("slow")
        if item.nodeid.startswith("tests/airflow/"):  # what Airflow and its providers use is theirs to mend
            item.add_marker(pytest.mark.filterwarnings("default"))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: Any, log: Any) -> Any:
    """By files, but all that needs Airflow in one process: its start takes half a minute."""
    from xdist.scheduler import LoadFileScheduling

    config.option.loadscopereorder = False  # by the number of tests: the long ones, with a few each, would be the last

    class ByFile(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "airflow" if nodeid.startswith("tests/airflow/") else str(super()._split_scope(nodeid))

    return ByFile(config, log)


@pytest.fixture(scope="session")
def churn_run() -> Path:
    """Real inputs and outputs of SageMaker."""
    folder = TESTS.parent.parent / "shared/data/churn"
    if not folder.is_dir():
        pytest.skip("SageMaker's data is not on this machine")
    return folder
