"""Is a JSON document what AWS's own description of its API says it is?"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from model_monitor.errors import ConfigError

Json = dict[str, Any]

LONGEST = 400  # characters of a complaint that are shown


@lru_cache(maxsize=1)
def service() -> Any:
    """botocore's model of SageMaker."""
    import botocore.session

    return botocore.session.get_session().get_service_model("sagemaker")


def checked(document: Json, operation: str, side: str, called: str) -> tuple[Json, list[str]]:
    """A document that is the input or output (``side``) of an operation, and the places of what it should not have.

    What nobody knows is left out of it, and so is null. ``called`` names the document in errors. Raises ConfigError.
    """
    from botocore.validate import ParamValidator

    model = service().operation_model(operation)
    shape = model.input_shape if side == "input" else model.output_shape
    document = {key: value for key, value in document.items() if key != "ResponseMetadata"}
    known = without_unknown(document, shape)
    if odd := next(odd_maps(known, shape), None):
        raise ConfigError(f"{called} is no {side} of {operation}: {odd} is no text, or no object of texts")
    report = ParamValidator().validate(known, shape)
    if report.has_errors():
        wrong = "; ".join(report.generate_report().split("\n"))
        told = wrong if len(wrong) <= LONGEST else wrong[:LONGEST] + " ..."
        raise ConfigError(f"{called} is no {side} of {operation}: {told}")
    return known, list(unknown_in(document, shape))


def without_unknown(value: Any, shape: Any) -> Any:
    """The same without members that the shape does not have, and without null."""
    if shape.type_name == "structure" and isinstance(value, dict):
        return {
            key: without_unknown(one, shape.members[key])
            for key, one in value.items()
            if key in shape.members and one is not None
        }
    if shape.type_name == "list" and isinstance(value, list):
        return [without_unknown(one, shape.member) for one in value]
    return value


def odd_maps(value: Any, shape: Any, above: str = "") -> Iterator[str]:
    """The places of environment variables, and the like, that are no texts: botocore would show what they are."""
    if shape.type_name == "structure" and isinstance(value, dict):
        for key, one in value.items():
            yield from odd_maps(one, shape.members[key], f"{above}{key}.")
    elif shape.type_name == "list" and isinstance(value, list):
        for i, one in enumerate(value):
            yield from odd_maps(one, shape.member, f"{above}{i}.")
    elif shape.type_name == "map" and isinstance(value, dict):
        yield from (f"{above}{key}" for key, one in value.items() if not isinstance(one, str))
    elif shape.type_name == "map":
        yield above.rstrip(".")


def unknown_in(value: Any, shape: Any, above: str = "") -> Iterator[str]:
    """The places of those members."""
    if shape.type_name == "structure" and isinstance(value, dict):
        for key, one in value.items():
            if key in shape.members:
                yield from unknown_in(one, shape.members[key], f"{above}{key}.")
            else:
                yield f"{above}{key}"
    elif shape.type_name == "list" and isinstance(value, list):
        for i, one in enumerate(value):
            yield from unknown_in(one, shape.member, f"{above}{i}.")
