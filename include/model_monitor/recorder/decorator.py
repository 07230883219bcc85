"""Capture the calls of a plain function, for models that are not served over HTTP.

@captured(recorder, output="probability", inference_id="order")
def score(order: str, age: int, country: str) -> float: ...
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ParamSpec, TypeVar, cast

from model_monitor.errors import ConfigError
from model_monitor.recorder.failures import Quietly
from model_monitor.recorder.recorder import Recorder
from model_monitor.recorder.values import Written, write_arguments, write_result

P = ParamSpec("P")
T = TypeVar("T")

VAR_KEYWORD = inspect.Parameter.VAR_KEYWORD


def captured(
    recorder: Recorder,
    *,
    arguments: Sequence[str] | None = None,
    output: str | Sequence[str] = "prediction",
    inference_id: str | None = None,
    input_content_type: str | None = None,
    output_content_type: str | None = None,
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Capture each call of a function or coroutine function that returns.

    The input is the arguments, defaults included: those named in ``arguments``, or if None all but ``self``, ``cls``
    and the inference id. It is written before the call, which may change them; see ``values.write_arguments``. The
    output is the result; ``output`` names its values that have no name; see ``values.write_result``. ``inference_id``
    names the argument that labels refer to. The content types are those of bytes and text. A call that raises is not
    captured; capture never makes a call raise.

    Raises ConfigError for a generator function, for a function without a signature (some written in C), and for names
    that are no arguments of the function.
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
            coroutine = calls.of_coroutine_function(cast(Callable[P, Coroutine[Any, Any, Any]], function))
            return cast(Callable[P, T], coroutine)
        return calls.of_function(function)

    return decorate


class Arguments:
    """The names of a function's arguments, and which of them are captured."""

    def __init__(self, function: Callable[..., object], names: Sequence[str] | None, inference_id: str | None) -> None:
        title = getattr(function, "__name__", repr(function))
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise ConfigError(f"{title} yields its results; decorate a function that returns them")
        if isinstance(function, classmethod | staticmethod):
            raise ConfigError(f"{title} is a {type(function).__name__}; write @captured below that decorator")
        try:
            self.signature = inspect.signature(function)
        except ValueError as error:
            raise ConfigError(f"{title} has no signature; decorate a function that calls it") from error
        parameters = self.signature.parameters
        if not any(parameter.kind is VAR_KEYWORD for parameter in parameters.values()):
            for name in (*(names or ()), *([inference_id] if inference_id else ())):
                if name not in parameters:
                    raise ConfigError(f"{title} has no argument {name!r}; it has {', '.join(parameters) or 'none'}")
        first = next(iter(parameters), None)
        self.left_out = {inference_id, first if first in ("self", "cls") else None}
        self.names, self.inference_id = names, inference_id

    def of_call(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments of a call by name."""
        bound = self.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        values: dict[str, Any] = {}
        for name, value in bound.arguments.items():
            values |= value if self.signature.parameters[name].kind is VAR_KEYWORD else {name: value}
        return values

    def captured(self, values: Mapping[str, Any]) -> dict[str, Any]:
        if self.names is not None:
            return {name: values[name] for name in self.names if name in values}
        return {name: value for name, value in values.items() if name not in self.left_out}


@dataclass(frozen=True)
class Calls:
    """Captures the calls of one function."""

    recorder: Recorder
    arguments: Arguments
    names: Sequence[str]
    input_content_type: str | None
    output_content_type: str | None
    quietly: Quietly = field(default_factory=Quietly)

    def of_function(self, function: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            finish = self.quietly(self.begin, args, kwargs)
            result = function(*args, **kwargs)
            if finish:
                self.quietly(finish, result)
            return result

        return call

    def of_coroutine_function(
        self, function: Callable[P, Coroutine[Any, Any, T]]
    ) -> Callable[P, Coroutine[Any, Any, T]]:
        @functools.wraps(function)
        async def call(*args: P.args, **kwargs: P.kwargs) -> T:
            finish = self.quietly(self.begin, args, kwargs)
            result = await function(*args, **kwargs)
            if finish and self.recorder.when_full == "block":
                import asyncio  # not with the recorder: most of its users don't need it

                await asyncio.to_thread(self.quietly, finish, result)
            elif finish:
                self.quietly(finish, result)
            return result

        return call

    def begin(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Callable[[object], None]:
        """Write the input of a call; returns a function that takes the result and records both."""
        recorder, time = self.recorder, datetime.now(UTC)
        event_id = recorder.new_event_id()
        if not recorder.wants(event_id):
            return lambda result: recorder.sampled_out()
        values = self.arguments.of_call(args, kwargs)
        name = self.arguments.inference_id
        inference_id = None if name is None or values.get(name) is None else str(values[name])
        request = (
            write_arguments(self.arguments.captured(values), self.input_content_type, recorder.max_payload_bytes)
            if recorder.captures_input
            else None
        )
        return functools.partial(self.record, request, inference_id=inference_id, event_id=event_id, event_time=time)

    def record(
        self, request: Written | None, result: object, inference_id: str | None, event_id: str, event_time: datetime
    ) -> None:
        response = (
            write_result(result, self.names, self.output_content_type, self.recorder.max_payload_bytes)
            if self.recorder.captures_output
            else None
        )
        self.recorder.record(
            request and request.content,
            response and response.content,
            input_content_type=request and request.content_type,
            output_content_type=response and response.content_type,
            inference_id=inference_id,
            event_id=event_id,
            event_time=event_time,
        )
