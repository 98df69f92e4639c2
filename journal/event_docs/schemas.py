"""The schema of one event, with what the source says of it and its parts."""

from typing import Any

from domain.evolution import EventVersion
from domain.registry import AGGREGATES
from journal.event_docs.remarks import class_remark, part_remarks
from journal.event_schema import Schema, body_schema

DIALECT = "https://json-schema.org/draft/2020-12/schema"
SHARED_REMARKS = {
    "timestamp": "When it was decided.",
    "originator_topic": "What kind of aggregate begins with it.",
    "class_version": "The version again, as the last part of the type has it.",
}


def documented_schema(known: EventVersion) -> Schema:
    """The schema as people and their tools read it: a part is described by the comment behind it.

    Where the event has none, the one at its aggregate will do; not for an old version, whose parts may have meant something else.
    """
    body = body_schema(known)
    remarks = part_remarks(AGGREGATES[known.kind]) if known.is_current else {}
    remarks = {**remarks, **part_remarks(known.shape), **SHARED_REMARKS}
    properties = {
        name: {**part, "description": remarks[name]} if name in remarks else part
        for name, part in body["properties"].items()
    }
    return {
        "$schema": DIALECT,
        "$id": f"urn:chronova:event:{known.topic}",
        "title": known.topic,
        "description": class_remark(known.shape),
        **body,
        "properties": properties,
    }


def shape_of(schema: Any) -> Any:
    """A schema without its remarks: what two of them have in common when the same bodies are right."""
    if not isinstance(schema, dict):
        return schema
    bare = {
        key: shape_of(value) for key, value in schema.items() if key not in {"$schema", "$id", "title", "description"}
    }
    if "properties" in schema:
        bare["properties"] = {name: shape_of(part) for name, part in schema["properties"].items()}
    return bare
