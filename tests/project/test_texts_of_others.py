"""What others write (answers, messages of libraries, documents) is parsed with care, and quoted without secrets."""

from __future__ import annotations

import ast
import base64
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import model_monitor
from model_monitor.__main__ import main
from model_monitor.errors import LONGEST_LINE, ConfigError, DataError, MonitorError, StoreError, is_page, is_unicode

PACKAGE = Path(model_monitor.__file__).parent
JWT = ".".join(
    base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (b'{"alg":"none"}', b'{"SECRET":1}', b"x")
)
PAGE = (
    "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><input name='csrf' value='SECRET'></body></html>"
)
QUOTED = [
    "https://b.s3.amazonaws.com/k?X-Amz-Credential=SECRET%2F1&X-Amz-Signature=SECRET&X-Amz-Expires=60",
    "https://acc.blob.core.windows.net/c/b?sv=2024&sp=r&sig=SECRET%3D",
    "https://storage.googleapis.com/b/k?X-Goog-Signature=SECRET&GoogleAccessId=me",
    "https://b.s3.amazonaws.com/k?AWSAccessKeyId=SECRET&Signature=SECRET&Expires=1",
    "http://user:SECRET@host:8080/path",
    "s3://AKIA:SEC/SECRET@bucket/key",
    "postgresql://user:s3c@SECRET@127.0.0.1:1/model",
    "postgresql+psycopg2://u:s@SEC/SECRET@h/d?sslmode=require",
    "https://hooks.slack.com/services/T000/B000/SECRET",
    "HTTPSConnectionPool(host='hooks.slack.com', port=443): Max retries exceeded with url: /services/T0/B0/SECRET",
    "url: /hooks/SECRET (Caused by NewConnectionError)",
    "https://discord.com/api/webhooks/123/SECRET",
    "https://company.webhook.office.com/webhookb2/SECRET@SECRET/IncomingWebhook/SECRET/SECRET",
    "https://api.telegram.org/bot123:SECRET-x/sendMessage",
    "pagerduty://SECRET@SECRET",
    "tgram://123:SECRET/42",
    "apprise can't load slack://SECRET/SECRET/SECRET/#ml",
    "https://events.pagerduty.com/x?routing_key=SECRET",
    '{"routing_key": "SECRET", "event_action": "trigger"}',
    "invalid_auth: xoxb-12-SECRET",
    "xapp-1-A0-SECRET is expired",
    "Max retries exceeded with url: /invocations?api_key=SECRET (Caused by NewConnectionError)",
    "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=SECRET==;EndpointSuffix=core.windows.net",
    "Invalid header value: Authorization: Bearer SECRET-SECRET",
    "{'Authorization': 'Basic SECRET', 'Accept': 'text/csv'}",
    "{'x-api-key': ['SECRET']}",
    "Set-Cookie: session=SECRET; Path=/; HttpOnly",
    '{"message": "no", "token": "SECRET", "expires": 1}',
    '["{\\"access_token\\": \\"SECRET\\"}"]',
    '{"token": "cut off in the SECRET',
    f"expired: {JWT}",
    "-----BEGIN RSA PRIVATE KEY-----\nSECRET\n-----END RSA PRIVATE KEY-----",
    PAGE,
    PAGE[: PAGE.index("SECRET") + 6],
    PAGE.replace("\n", "\\n"),
    f"<?xml version='1.0'?>{PAGE[16:]}",
    f'[["{PAGE[:16]}"], ["{PAGE[16:80]}"], ["{PAGE[80:]}"]]',
]
HARMLESS = [
    "s3://bucket/a.json?region=eu-west-1&endpoint_override=localhost:9000",
    "abfs://container@account.dfs.core.windows.net/prefix: no such file",
    "postgresql://host:5432/model does not answer",
    "https://example.org/webhooks.html",
    "airflow/providers/http/hooks/http.py, line 12",
    "feature 'token_count' can't be read",
    'Parse error at column 3, token "x" (EOF), for expression',
    "credentials belong into the environment, not an address: AWS_ACCESS_KEY_ID, ...",
    'set it to a JSON object of texts, e.g. HEADERS=\'{"Authorization": "Bearer ..."}\'',
    "a.yaml:3: schedules.0.cron: 04:00 is no cron; write to me@example.org",
]
HOSTILE = [
    "a" * 3_000_000,
    "<html " * 100_000,
    "a://b:" * 100_000,
    "x.token" * 100_000,
    '"token' * 100_000,
    "a.a-" * 300_000,
]

PARSERS = {"json.loads", "json.load", "msgspec.json.decode", "msgspec.msgpack.decode", "pj.read_json", "decode"}
PARSERS |= {"decode_members", "raw_elements"}

# Calls that parse what the package itself wrote, or that are inside one that is guarded.
TRUSTED = {
    "alerts/following.py": "what json wrote",
    "alerts/letters.py": "what json wrote",
    "alerts/telling.py": "what json wrote",
    "core/states/base.py": "a State, whose checksum was compared",
    "dashboard/baselines.py": "decode of documents, which guards itself",
    "dashboard/kept_charts.py": "decode of documents, which guards itself",
    "history/baselines.py": "decode of documents, which guards itself",
    "jobs/acts.py": "what json wrote",
    "dashboard/alerts.py": "what json wrote",
    "jobs/closing.py": "what json wrote",
    "jobs/evaluate_constraints.py": "what json wrote",
    "jobs/kept_charts.py": "a sealed file",
    "jobs/listing.py": "what json wrote",
    "jobs/people.py": "a sealed file",
    "jobs/recall.py": "a sealed file",
    "history/incidents.py": "names in a row that the history wrote",
    "history/queries.py": "names in a row that the history wrote",
    "history/recent.py": "guarded in segment_of",
    "history/shown.py": "names in a row that the history wrote",
    "jobs/retention/record.py": "decode of documents, which guards itself",
    "jobs/retention/reports.py": "decode of documents, which guards itself",
    "sagemaker/analysis_config/reading.py": "decode of documents, which guards itself",
    "verdicts/baseline.py": "decode of documents, which guards itself",
    "verdicts/published.py": "decode of documents, which guards itself",
    "verdicts/versions.py": "decode of documents, which guards itself",
    "monitors/bias/flips.py": "keys of a State",
    "monitors/bias/tallies.py": "keys of a State",
    "monitors/model_quality/outcomes.py": "keys of a State",
    "monitors/values.py": "the text of a single value",
    "recorder/privacy.py": "guarded in Rules, around all of it",
    "recorder/receiver/events.py": "guarded in events_of, around all of it",
    "recorder/sending/transports.py": "its own process's answers",
    "recorder/sending/uploader_main.py": "its own process's requests",
    "recorder/values.py": "what its encoder wrote",
    "results/handover.py": "a sealed file",
    "results/reading.py": "decode of documents, which guards itself",
    "results/sinks/script_metrics.py": "guarded in ScriptMetrics.points, around each line",
    "rows/collect.py": "the decoder of payloads",
    "rows/explanations/exchange.py": "guarded in Endpoint.answers, around all of it",
    "rows/json_text.py": "tokens of a document that was parsed",
    "rows/labels/scripted.py": "the decoder of payloads",
    "rows/labels/records.py": "guarded in parse_line_by_line",
    "rows/payloads/json_rows.py": "PyArrow, which bounds the depth",
    "rows/scripts.py": "a record that was parsed",
    "rows/sources/batch_rows.py": "a single JSON string",
    "rows/sources/delta.py": "a schema",
    "rows/sources/parquet.py": "what its encoder wrote",
    "rows/sources/table_rows.py": "a single value, nested ones stay text",
    "rows/sources/tables.py": "what json wrote",
    "rows/summary.py": "a sealed file",
}


@pytest.mark.parametrize("kind", [MonitorError, ConfigError, DataError, StoreError])
@pytest.mark.parametrize("quoted", QUOTED)
def test_no_error_quotes_a_secret(kind: type[MonitorError], quoted: str) -> None:
    error = str(kind(f"s3://bucket/key: {quoted}; look at the store"))
    assert "SECRET" not in error and error.startswith("s3://bucket/key: ") and JWT not in error


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_no_secret_stays(text: str) -> None:
    assert str(StoreError(text)) == text


@pytest.mark.parametrize("text", HOSTILE, ids=[text[:8] for text in HOSTILE])
def test_a_long_text_is_shortened_in_time_and_keeps_file_and_remedy(text: str) -> None:
    start = time.monotonic()
    error = str(DataError(f"a.jsonl: {text}; remove it"))
    assert time.monotonic() - start < 2
    assert len(error) < LONGEST_LINE + 10 and error.startswith("a.jsonl: ") and error.endswith("; remove it")


def test_a_page_is_told_from_an_answer() -> None:
    assert all(map(is_page, (PAGE.encode(), b"\n <html>", b'<?xml version="1.0"?><HTML lang="en">')))
    assert not any(map(is_page, (b"", b"1,2", b'{"html": 1}', b"<ListBucketResult/>", b"a <html>")))


def unguarded(tree: ast.AST, guards: frozenset[str] = frozenset()) -> Iterator[int]:
    """The lines that parse JSON outside of a ``try`` that expects deep nesting."""
    if isinstance(tree, ast.Try):
        types = [handler.type for handler in tree.handlers if handler.type]
        names = {node.id for kind in types for node in ast.walk(kind) if isinstance(node, ast.Name)}
        for child in tree.body:
            yield from unguarded(child, guards | names)
        for child in (*tree.handlers, *tree.orelse, *tree.finalbody):
            yield from unguarded(child, guards)
        return
    if isinstance(tree, ast.Call) and not guards & {"RecursionError", "Exception"}:
        call = ast.unparse(tree.func)
        first, _, last = call.rpartition(".")
        if call in PARSERS or (last in ("decode", "raw_decode") and (first.isupper() or first == "plain")):
            yield tree.lineno
    for child in ast.iter_child_nodes(tree):
        yield from unguarded(child, guards)


def test_json_of_others_is_parsed_where_deep_nesting_is_expected() -> None:
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if any(unguarded(ast.parse(path.read_text())))
    }
    assert found == TRUSTED.keys()


@pytest.mark.parametrize("deep", ["[" * 5000, '{"a":' * 5000])
@pytest.mark.parametrize("argument", ["--format", "--option"])
def test_an_argument_of_deep_json_is_refused_in_one_line(
    deep: str, argument: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.csv").write_text("a\n1\n")
    given = {"--format": '{"csv":' + deep, "--option": "false_alarm_budget=" + deep}[argument]
    arguments = ["baseline", "data-quality", "--dataset", str(tmp_path / "a.csv"), "--output", str(tmp_path / "o")]
    assert main([*arguments, "--format", "csv", argument, given]) == 1
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("description", ["5", '"x"', "[1]", "1e999", "NaN"])
def test_a_format_without_settings_is_refused(description: str, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["baseline", "data-quality", "--dataset", "a", "--output", "o", "--format", '{"csv": %s}' % description]  # noqa: UP031
    assert main(given) == 1
    assert "csv has settings" in capsys.readouterr().err


@pytest.mark.parametrize("place", range(1, 9))
def test_an_argument_that_is_no_text_is_refused(place: int, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["baseline", "data-quality", "--dataset", "a.csv", "--format", "csv", "--output", "o", "--segment", "a"]
    arguments[place + 1] += "\udcff"
    assert not is_unicode(arguments[place + 1])
    assert main(arguments) == 1
    assert "no text in UTF-8" in capsys.readouterr().err
