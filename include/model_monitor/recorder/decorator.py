"""What was a plain function asked, and what did it answer? A decorator, for models that are not served over HTTP.

@captured(recorder, output="probability", inference_id="order")
def score(order: str, age: int, country: str) -> float: ...
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ParamSpec, TypeVar, cast

from model_monitor.errors import ConfigError
from model_monitor.recorder import Recorder
from model_monitor.recorder.quiet import Quiet
from model_monitor.recorder.values import Written, written_arguments, written_result

P = ParamSpec("P")
T = TypeVar("T")

KINDS = inspect.Parameter


def captured(
    recorder: Recorder,
    *,
    arguments: Sequence[str] | None = None,
    output: str | Sequence[str] = "prediction",
    inference_id: str | None = None,
    input_content_type: str | None = None,
    output_content_type: str | None = None,
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Capture each call of a function, or of a coroutine function, that returns.

    The arguments are the input, defaults included, as ``values.written_arguments`` has them: those called
    ``arguments``; all but ``self``, ``cls`` and the inference id, if None. They are written down before the call, which
    may change them. The result is the output, as ``values.written_result`` has it, its values without a name called
    ``output``. ``inference_id`` is the name of an argument: what labels name this call by. The content types are those
    of bytes and text. A call that raises is not captured; capturing never makes one raise.

    Raises ConfigError for a generator function, one whose arguments nobody knows, as some that are written in C, and
    for names that are no arguments of the function.
    """
    if isinstance(arguments, str):
        raise ConfigError(f"arguments is a list, not the text {arguments!r}; write arguments=[{arguments!r}]")
    names = [output] if isinstance(output, str) else list(output)
    if not names:
        raise ConfigError("output is the name of the result, or the names of its values, e.g. output='prediction'")

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        calls = Calls(
            recorder, Arguments(function, arguments, inference_id), names, input_content_type, output_content_type
        )
        if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__):
            return cast(Callable[P, T], calls.coroutine(function))
        return calls.plain(function)

    return decorate


class Arguments:
    """What a function's arguments are called, and which of them are captured."""

    def __init__(self, function: Callable[..., object], chosen: Sequence[str] | None, inference_id: str | None) -> None:
        called = getattr(function, "__name__", repr(function))
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise ConfigError(f"{called} yields its results; decorate a function that returns them")
        if isinstance(function, classmethod | staticmethod):
            raise ConfigError(
                f"{called} is a {type(function).__name__}; write @captured below that decorator, not above"
            )
        try:
            self.signature = inspect.signature(function)
        except ValueError as error:
            raise ConfigError(f"{called} does not tell its arguments; decorate a function that calls it") from error
        parameters = self.signature.parameters
        if not any(parameter.kind is KINDS.VAR_KEYWORD for parameter in parameters.values()):
            for name in (*(chosen or ()), *([inference_id] if inference_id else ())):
                if name not in parameters:
                    raise ConfigError(f"{called} has no argument {name!r}; it has {', '.join(parameters) or 'none'}")
        first = next(iter(parameters), None)
        self.left_out = {inference_id, first if first in ("self", "cls") else None}
        self.chosen, self.inference_id = chosen, inference_id

    def of_call(self, given: tuple[Any, ...], named: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments of a call by name."""
        bound = self.signature.bind(*given, **named)
        bound.apply_defaults()
        values: dict[str, Any] = {}
        for name, value in bound.arguments.items():
            values |= value if self.signature.parameters[name].kind is KINDS.VAR_KEYWORD else {name: value}
        return values

    def captured(self, values: Mapping[str, Any]) -> dict[str, Any]:
        if self.chosen is not None:
            return {name: values[name] for name in self.chosen if name in values}
        return {name: value for name, value in values.items() if name not in self.left_out}


class Calls:
    """The calls of one function, which are captured."""

    def __init__(
        self,
        recorder: Recorder,
        arguments: Arguments,
        names: Sequence[str],
        input_content_type: str | None,
        output_content_type: str | None,
    ) -> None:
        self.recorder, self.arguments, self.names = recorder, arguments, names
        self.input_content_type, self.output_content_type = input_content_type, output_content_type
        self.quietly = Quiet()

    def plain(self, function: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(function)
        def call(*given: P.args, **named: P.kwargs) -> T:
            begun = self.quietly(self.begin, given, named)
            result = function(*given, **named)
            if begun:
                self.quietly(begun, result)
            return result

        return call

    def coroutine(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        async def call(*given: Any, **named: Any) -> Any:
            begun = self.quietly(self.begin, given, named)
            result = await function(*given, **named)
            if begun and self.recorder.when_full == "block":
                await asyncio.to_thread(self.quietly, begun, result)
            elif begun:
                self.quietly(begun, result)
            return result

        return call

    def begin(self, given: tuple[Any, ...], named: Mapping[str, Any]) -> Callable[[Any], None]:
        """What is to be done with the result of a call that begins now."""
        recorder, time = self.recorder, datetime.now(UTC)
        event_id = recorder.new_event_id()
        if not recorder.wants(event_id):
            return lambda result: recorder.sampled_out()
        values = self.arguments.of_call(given, named)
        name = self.arguments.inference_id
        inference_id = None if name is None or values.get(name) is None else str(values[name])
        asked = (
            written_arguments(self.arguments.captured(values), self.input_content_type, recorder.max_payload_bytes)
            if recorder.captures_input
            else None
        )
        return functools.partial(self.record, asked, inference_id=inference_id, event_id=event_id, event_time=time)

    def record(self, asked: Written | None, result: Any, **about: Any) -> None:
        answered = (
            written_result(result, self.names, self.output_content_type, self.recorder.max_payload_bytes)
            if self.recorder.captures_output
            else None
        )
        self.recorder.record(
            asked and asked.content,
            answered and answered.content,
            input_content_type=asked and asked.content_type,
            output_content_type=answered and answered.content_type,
            **about,
        )
