"""The shape of an event's body as JSON Schema (2020-12), from the annotations that the event class declares.

It is as strict as the writer: every part is there, and no other. So a part that is added, dropped or of another kind is another
version (ADR 0009).
"""

from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

from domain.aggregate import Created
from domain.evolution import EventVersion

Schema = dict[str, Any]

RFC_3339 = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})$"
INSTANT: Schema = {"type": "string", "format": "date-time", "pattern": RFC_3339}
"""A moment as the log writes it. The pattern is for validators that take a format for a remark only."""

PLAIN: Mapping[Any, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    Any: {},
}

SHARED = frozenset({"originator_id", "originator_version", "timestamp", "originator_topic"})
"""What all events have, or all first ones. The first two are not in the body: the subject and `ce-sequence` say them."""


@cache
def body_schema(known: EventVersion) -> Schema:
    """The schema of a body of this type and version. Raises TypeError for a part that is annotated as what JSON has not."""
    properties: Schema = {"timestamp": INSTANT}
    if issubclass(known.event, Created):
        properties["originator_topic"] = {"const": f"chronova.{known.kind}"}
    for name, annotation in parts_of(known).items():
        try:
            properties[name] = schema_of(annotation)
        except TypeError as error:
            raise TypeError(f"{known.topic}, {name}: {error}") from None
    if known.version > 1:
        properties["class_version"] = {"const": known.version}
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def parts_of(known: EventVersion) -> dict[str, Any]:
    """What the event itself says, without what all events have: part → annotation, in the order of the body."""
    hints = get_type_hints(known.shape)
    if not known.is_current:
        return hints
    names = [field.name for field in fields(cast("Any", known.event))]
    return {name: hints[name] for name in names if name not in SHARED}


def schema_of(annotation: Any) -> Schema:
    """The schema of one part. Raises TypeError for what JSON has not, or has more ways than one to write."""
    if annotation in PLAIN:
        return dict(PLAIN[annotation])
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is list:
        return {"type": "array", "items": schema_of(arguments[0])}
    if origin is dict and arguments[0] is str:
        return {"type": "object", "additionalProperties": schema_of(arguments[1])}
    if origin in {Union, UnionType} and len(arguments) == 2 and NoneType in arguments:  # noqa: PLR2004 -- X | None
        (other,) = (argument for argument in arguments if argument is not NoneType)
        schema = schema_of(other)
        return {**schema, "type": [schema["type"], "null"]} if "type" in schema else schema
    raise TypeError(f"{annotation} is no str, int, float, bool, Any, list[…], dict[str, …], nor one of these or None")
