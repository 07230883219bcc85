"""Rules as Great Expectations' own objects: are name and arguments right, and what do they say in words?"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from model_monitor.errors import ConfigError
from model_monitor.monitors.expectations.library import imported, quiet
from model_monitor.monitors.expectations.rules import Rule

Place = tuple[str, ...]  # in a rule: ("type",), ("kwargs", "min_value")

PARAMETER = "$PARAMETER"
NOT_ARGUMENTS = ("id", "meta", "notes", "description", "rendered_content", "severity", "batch_id", "windows")
REACHES_OUT = re.compile(r"@|__")  # in a filter of pandas: into the variables of the program


class Suite:
    """Rules with their expectations. Raises ConfigError for the first rule that GX does not accept."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        imported()
        self.rules = tuple(rules)
        self.expectations = [expectation_of(rule) for rule in rules]

    @cached_property
    def conditions(self) -> list[Any]:
        """What GX computes of each row: for a rule that is judged by rows, the metric that is true where it is not
        met; None for others."""
        from great_expectations.expectations.registry import get_metric_kwargs
        from great_expectations.validator.metric_configuration import MetricConfiguration

        metrics: list[Any] = []
        for rule, expectation in zip(self.rules, self.expectations, strict=True):
            if rule.how not in ("rows", "column"):
                metrics.append(None)
                continue
            name = f"{expectation.map_metric}.condition"
            kwargs = get_metric_kwargs(name, configuration=expectation.configuration, runtime_configuration=None)
            metrics.append(MetricConfiguration(name, kwargs["metric_domain_kwargs"], kwargs["metric_value_kwargs"]))
        return metrics


def expectation_of(rule: Rule) -> Any:
    """GX's object of a rule. Raises ConfigError that says what is wrong with it."""
    for place, problem in problems_of(rule):
        raise ConfigError(f"expectation {rule.type}: {'.'.join(place[1:] or place)}: {problem}")
    return built(rule)


def built(rule: Rule) -> Any:
    from great_expectations.expectations.registry import get_expectation_impl

    with quiet():
        texts: dict[str, Any] = {"description": rule.description, "notes": rule.notes, "meta": rule.meta or None}
        texts["severity"] = rule.severity
        return get_expectation_impl(rule.type)(**rule.kwargs, **texts)


def problems_of(rule: Rule) -> Iterator[tuple[Place, str]]:
    """What GX does not accept of a rule: where, and what to write instead."""
    imported()
    from great_expectations.compatibility.pydantic import ValidationError
    from great_expectations.exceptions import GreatExpectationsError
    from great_expectations.expectations.registry import (
        get_expectation_impl,
        list_registered_expectation_implementations,
    )

    known = sorted(list_registered_expectation_implementations())
    if rule.type not in known:
        snake = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", rule.type).lower()
        yield ("type",), f"GX has no expectation '{rule.type}'{nearest(snake, known)}"
        return
    arguments = [name for name in get_expectation_impl(rule.type).__fields__ if name not in NOT_ARGUMENTS]
    if extra := [name for name in rule.kwargs if name not in arguments]:
        for name in extra:
            yield ("kwargs", name), f"{rule.type} has no argument '{name}'{nearest(name, arguments)}"
        return
    for name, value in rule.kwargs.items():
        if isinstance(value, dict) and PARAMETER in value:
            yield ("kwargs", name), f"the suite parameter '{value[PARAMETER]}' has no value here; write the value"
    condition = rule.condition
    text = condition if isinstance(condition, str) else (condition or {}).get("pass_through_filter", "")
    if isinstance(text, str) and REACHES_OUT.search(text):
        yield ("kwargs", "row_condition"), "@ and __ reach into the program; compare columns with values"
        return
    try:
        built(rule)
    except ValidationError as error:
        yield from in_words(rule, list(map(dict, error.errors())))
    except (GreatExpectationsError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        yield ("kwargs",), one_line(error)


def in_words(rule: Rule, errors: Sequence[dict[str, Any]]) -> Iterator[tuple[Place, str]]:
    """GX's complaints; of one argument, which may be of several types, the first."""
    deep = [error for error in errors if error["loc"] != ("__root__",)] or errors
    seen = set()
    for error in deep:
        name = str(error["loc"][0])
        if name in seen:
            continue
        seen.add(name)
        if error["type"] == "value_error.missing":
            yield ("kwargs",), f"{rule.type} needs the argument '{name}'; add it"
        else:
            place: Place = ("kwargs",) if name == "__root__" else ("kwargs", name)
            yield place, str(error["msg"])


def nearest(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean '{near[0]}'?" if near else f"; it has {', '.join(known)}" if len(known) < 20 else ""


def one_line(error: object, limit: int = 300) -> str:
    """The first line of an error's text, without GX's own prefix."""
    text = (str(error).strip() or type(error).__name__).splitlines()[0].removeprefix("Error: ").strip()
    return text if len(text) <= limit else f"{text[:limit]}…"


def words_of(rule: Rule) -> str:
    """What a rule says: its own description, or GX's sentence, or its name and arguments."""
    if rule.description:
        return rule.description
    imported()
    from great_expectations.exceptions import GreatExpectationsError
    from great_expectations.render.renderer.inline_renderer import InlineRenderer

    try:
        with quiet():
            [content, *_] = InlineRenderer(render_object=built(rule).configuration).get_rendered_content()
        template, params = content.value.template, content.value.params or {}
    except (GreatExpectationsError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        template = None
    if not template:
        arguments = ", ".join(f"{name}={value!r}" for name, value in rule.kwargs.items())
        return f"{rule.type}({arguments})"
    texts = {name: plain(about.get("value")) for name, about in params.items()}
    words = re.sub(r"\$(\w+)", lambda match: texts.get(match[1], match[0]), template)
    return " ".join(words.split()).rstrip(".")


def plain(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
