"""SageMaker's documents: who has them, and whether they are what botocore's model of the API says."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from model_monitor.errors import ConfigError

if TYPE_CHECKING:
    from botocore.model import ServiceModel

Json = dict[str, Any]

KINDS = ("DataQuality", "ModelQuality", "ModelBias", "ModelExplainability")
LONGEST = 400  # characters of a complaint that are shown


class NotThere(ConfigError):
    """There is no such document."""


class Source(Protocol):
    """Where documents come from. ``unknown``: the places of members that AWS's model does not have."""

    unknown: list[str]

    def describe(self, what: str, name: str) -> Json:
        """The answer to ``Describe{what}`` for a name. Raises NotThere, ConfigError, StoreError."""


def name_key(what: str) -> str:
    """The member with a document's name.

    >>> name_key("Endpoint"), name_key("ModelBiasJobDefinition")
    ('EndpointName', 'JobDefinitionName')
    """
    return "JobDefinitionName" if what.endswith("JobDefinition") else f"{what}Name"


@lru_cache(maxsize=1)
def service() -> ServiceModel:
    """botocore's model of SageMaker."""
    import botocore.session

    return botocore.session.get_session().get_service_model("sagemaker")


def checked(document: Json, operation: str, side: str, title: str) -> tuple[Json, list[str]]:
    """The known part of an operation's input or output (``side``), without null, and the places of unknown members.

    ``title`` names the document in errors. Raises ConfigError.
    """
    from botocore.validate import ParamValidator

    model = service().operation_model(operation)
    shape = model.input_shape if side == "input" else model.output_shape
    walk = Walk()
    known: Json = walk.known({key: value for key, value in document.items() if key != "ResponseMetadata"}, shape)
    if walk.odd:
        raise ConfigError(f"{title} is no {side} of {operation}: {walk.odd[0]} is no text, or no object of texts")
    try:
        report = ParamValidator().validate(known, shape)
    except (RuntimeError, ArithmeticError, ValueError) as error:  # of a time that is out of range
        raise ConfigError(f"{title} is no {side} of {operation}: {textwrap.shorten(str(error), LONGEST)}") from error
    if report.has_errors():
        complaint = textwrap.shorten(report.generate_report().replace("\n", "; "), LONGEST, placeholder=" ...")
        raise ConfigError(f"{title} is no {side} of {operation}: {complaint}")
    return known, walk.unknown


@dataclass
class Walk:
    """Places on the way through a document.

    odd: values of environment variables and the like that are no texts; botocore's complaint would show them.
    """

    unknown: list[str] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)

    def known(self, value: Any, shape: Any, place: str = "") -> Any:
        """The value without null and without members that its shape does not have."""
        kind = shape.type_name
        if kind == "structure" and isinstance(value, dict):
            self.unknown += [f"{place}{key}" for key in value if key not in shape.members]
            known = {key: item for key, item in value.items() if key in shape.members and item is not None}
            return {key: self.known(item, shape.members[key], f"{place}{key}.") for key, item in known.items()}
        if kind == "list" and isinstance(value, list):
            return [self.known(item, shape.member, f"{place}{i}.") for i, item in enumerate(value)]
        if kind == "map" and isinstance(value, dict):
            self.odd += [f"{place}{key}" for key, item in value.items() if not isinstance(item, str)]
        elif kind == "map":
            self.odd.append(place.rstrip("."))
        return value
