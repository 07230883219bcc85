"""Capture the calls of a plain function, for models that are not served over HTTP.

@captured(recorder, output="probability", inference_id="order")
def score(order: str, age: int, country: str) -> float: ...
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import perf_counter
from typing import Any, ParamSpec, TypeVar

from model_monitor.errors import ConfigError
from model_monitor.recorder.recorder import Recorder
from model_monitor.recorder.threads import Quietly
from model_monitor.recorder.values import write_arguments, write_result

P = ParamSpec("P")
T = TypeVar("T")

Finish = Callable[[object, bool], object]

VAR_KEYWORD = inspect.Parameter.VAR_KEYWORD


def captured(
    recorder: Recorder,
    *,
    arguments: Sequence[str] | None = None,
    output: str | Sequence[str] = "prediction",
    inference_id: str | None = None,
    input_content_type: str | None = None,
    output_content_type: str | None = None,
    failures: bool = True,
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Capture each call of a function or coroutine function that returns.

    The input is the arguments, defaults included: those named in ``arguments``, or if None all but ``self``, ``cls``
    and the inference id. It is written before the call, which may change them; see ``values.write_arguments``. The
    output is the result; ``output`` names its values that have no name; see ``values.write_result``. ``inference_id``
    names the argument that labels refer to. The content types are those of bytes and text. A call that raises an
    Exception is a request that failed (``failures``: whether it is captured): it has no output, and the status code 500
    where others have 200. Capture never makes a call raise. Raises ConfigError for functions and names that can't be
    captured.
    """
    if isinstance(arguments, str):
        raise ConfigError(f"arguments is a list, not the text {arguments!r}; write arguments=[{arguments!r}]")
    names = [output] if isinstance(output, str) else list(output)
    if not names:
        raise ConfigError("output is the name of the result, or the names of its values, e.g. output='prediction'")

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        signature = signature_of(function, [*(arguments or ()), *([inference_id] if inference_id else ())])
        types = input_content_type, output_content_type
        calls = Calls(recorder, signature, arguments, inference_id, names, *types, failures)
        if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__):
            return calls.of_coroutine_function(function)
        return calls.of_function(function)

    return decorate


def signature_of(function: Callable[..., object], names: Sequence[str]) -> inspect.Signature:
    """The signature of a function that takes arguments with these names. Raises ConfigError."""
    title = getattr(function, "__name__", repr(function))
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise ConfigError(f"{title} yields its results; decorate a function that returns them")
    if isinstance(function, classmethod | staticmethod):
        raise ConfigError(f"{title} is a {type(function).__name__}; write @captured below that decorator")
    try:
        signature = inspect.signature(function)
    except ValueError as error:
        raise ConfigError(f"{title} has no signature; decorate a function that calls it") from error
    parameters = signature.parameters
    unknown = [name for name in names if name not in parameters]
    if unknown and not any(parameter.kind is VAR_KEYWORD for parameter in parameters.values()):
        raise ConfigError(f"{title} has no argument {unknown[0]!r}; it has {', '.join(parameters) or 'none'}")
    return signature


@dataclass(frozen=True)
class Calls:
    """Captures the calls of one function."""

    recorder: Recorder
    signature: inspect.Signature
    arguments: Sequence[str] | None
    inference_id: str | None
    names: Sequence[str]
    input_content_type: str | None
    output_content_type: str | None
    failures: bool
    quietly: Quietly = field(default_factory=Quietly)

    def of_function(self, function: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            finish = self.quietly(self.begin, args, kwargs)
            try:
                result = function(*args, **kwargs)
            except Exception:
                if finish and self.failures:
                    self.quietly(finish, None, True)
                raise
            if finish:
                self.quietly(finish, result, False)
            return result

        return call

    def of_coroutine_function(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        async def call(*args: Any, **kwargs: Any) -> Any:
            finish = self.quietly(self.begin, args, kwargs)
            try:
                result = await function(*args, **kwargs)
            except Exception:
                if finish and self.failures:
                    await self.settled(finish, None, True)
                raise
            if finish:
                await self.settled(finish, result, False)
            return result

        return call

    async def settled(self, finish: Finish, result: object, failed: bool) -> None:
        """Record a call; where the recorder blocks when it is full, in a thread."""
        if self.recorder.when_full == "block":
            import asyncio  # not with the recorder: most of its users don't need it

            await asyncio.to_thread(self.quietly, finish, result, failed)
        else:
            self.quietly(finish, result, failed)

    def begin(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Finish:
        """Write the input of a call; returns a function that takes the result and whether it failed, and records."""
        recorder, time = self.recorder, datetime.now(UTC)
        limit, event_id = recorder.max_payload_bytes, recorder.new_event_id()
        if not recorder.wants(event_id):
            return lambda result, failed: recorder.sampled_out()
        values = self.by_name(args, kwargs)
        name = self.inference_id
        inference_id = None if name is None or values.get(name) is None else str(values[name])
        request = None
        if recorder.captures_input:
            request = write_arguments(self.selected(values), self.input_content_type, limit)

        began = perf_counter()

        def finish(result: object, failed: bool) -> None:
            latency_ms = 1000 * (perf_counter() - began)
            response = None
            if recorder.captures_output and not failed:
                response = write_result(result, self.names, self.output_content_type, limit)
            recorder.record(
                request and request.content,
                response and response.content,
                input_content_type=request and request.content_type,
                output_content_type=response and response.content_type,
                inference_id=inference_id,
                event_id=event_id,
                event_time=time,
                latency_ms=latency_ms,
                status_code=500 if failed else 200,
                failed=failed,
            )

        return finish

    def by_name(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """All arguments of a call, with defaults."""
        bound = self.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        values: dict[str, Any] = {}
        for name, value in bound.arguments.items():
            values |= value if self.signature.parameters[name].kind is VAR_KEYWORD else {name: value}
        return values

    def selected(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments to capture."""
        if self.arguments is not None:
            return {name: values[name] for name in self.arguments if name in values}
        first = next(iter(self.signature.parameters), None)
        left_out = (self.inference_id, first if first in ("self", "cls") else None)
        return {name: value for name, value in values.items() if name not in left_out}
