"""The Data Docs page of Great Expectations about a window's rules, made of the State: no rows are read again."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from typing import Any

from model_monitor.core.evaluation import evaluate
from model_monitor.core.measures import Undefined
from model_monitor.core.segments import Segmented
from model_monitor.monitors.expectations import Expectations, Joined, Rule
from model_monitor.monitors.expectations.library import imported, installed_version, quiet
from model_monitor.monitors.expectations.suite import built
from model_monitor.monitors.expectations.whole import Outcome
from model_monitor.results.documents.expectations import examples

DATA_DOCS = "data_docs.html"

LOGO = re.compile(r"https://great-expectations-web-assets[^\"')\s]*")  # would tell its server who looks, and when
UNSTABLE = re.compile(r"(collapse-body)-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def page(monitor: Any, state: Any, name: str, window: str) -> bytes:
    """HTML about the rules on all rows; the same State gives the same bytes."""
    imported()
    from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer
    from great_expectations.render.view import DefaultJinjaPageView

    rules, of_rules = rules_in(monitor, state)
    findings = evaluate(rules.required(of_rules), rules.measure(of_rules))
    pairs = zip(rules.rules, rules.outcomes(of_rules), [f.outcome == "holds" for f in findings], strict=True)
    with quiet():
        results = [result(rule, outcome, holds) for rule, outcome, holds in pairs]
        content = ValidationResultsPageRenderer().render(suite_result(results, name, window))
        text: str = DefaultJinjaPageView().render(content)
    return UNSTABLE.sub(r"\1", LOGO.sub("", text)).encode()


def rules_in(monitor: Any, state: Any) -> tuple[Expectations, Any]:
    """The rules of a schedule's monitor, and their State of all rows."""
    if isinstance(monitor, Joined):
        monitor, state = monitor.rules, state.rules
    if isinstance(monitor, Segmented):
        monitor, state = monitor.whole, state.whole
    return monitor, state


def result(rule: Rule, outcome: Outcome, holds: bool) -> Any:
    """A rule's result as Great Expectations would have it."""
    from great_expectations.core import ExpectationValidationResult

    details: dict[str, Any] = {}
    if (tally := outcome.tally) and not tally.problem.text:
        total, share = tally.evaluated + tally.missing, 100 * tally.unexpected / max(1, tally.evaluated)
        details = {
            "element_count": total,
            "missing_count": tally.missing,
            "missing_percent": 100 * tally.missing / max(1, total),
            "unexpected_count": tally.unexpected,
            "unexpected_percent": share,
            "unexpected_percent_nonmissing": share,
            "partial_unexpected_list": harmless(examples(tally)),
        }
    if outcome.observed is not None:
        details["observed_value"] = harmless(outcome.observed)
    undefined = harmless(outcome.measure.reason) if isinstance(outcome.measure, Undefined) else None
    info = {"raised_exception": True, "exception_message": undefined, "exception_traceback": ""} if undefined else None
    texts = {"description": harmless(rule.description), "notes": harmless(rule.notes)}
    shown = built(replace(rule, **texts)).configuration
    shown.kwargs.update({key: harmless(value) for key, value in shown.kwargs.items() if key != "row_condition"})
    return ExpectationValidationResult(success=holds, expectation_config=shown, result=details, exception_info=info)


def harmless(value: Any) -> Any:
    """The same with texts escaped: not all of GX's templates do it, and values come from whoever calls the endpoint."""
    if isinstance(value, dict):
        return {key: harmless(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [harmless(part) for part in value]
    return html.escape(value, quote=False) if isinstance(value, str) else value


def suite_result(results: list[Any], name: str, window: str) -> Any:
    from great_expectations.core import ExpectationSuiteValidationResult

    met = sum(bool(one.success) for one in results)
    statistics = {
        "evaluated_expectations": len(results),
        "successful_expectations": met,
        "unsuccessful_expectations": len(results) - met,
        "success_percent": 100 * met / len(results) if results else None,
    }
    return ExpectationSuiteValidationResult(
        success=met == len(results),
        results=results,
        suite_name=name,
        statistics=statistics,
        meta={"great_expectations_version": installed_version(), "run_id": {"run_name": window, "run_time": ""}},
    )
