"""The part of AsyncAPI 3.0 that a document of ours uses, as a JSON Schema. Source: the specification, version 3.0.0."""

from typing import Any

Schema = dict[str, Any]

NAME = "^[\\w.\\-]+$"
TEXT: Schema = {"type": "string", "minLength": 1}
REFERENCE: Schema = {
    "type": "object",
    "properties": {"$ref": {"type": "string", "format": "uri-reference"}},
    "required": ["$ref"],
    "additionalProperties": False,
}


def closed(required: Schema, optional: Schema | None = None) -> Schema:
    properties = {**required, **(optional or {})}
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def named(each: Schema) -> Schema:
    return {"type": "object", "patternProperties": {NAME: each}, "additionalProperties": False, "minProperties": 1}


INFO = closed({"title": TEXT, "version": TEXT}, {"description": TEXT, "license": closed({"name": TEXT}, {"url": TEXT})})
PARAMETER = closed({}, {"description": TEXT, "enum": {"type": "array"}, "default": TEXT, "location": TEXT})
CHANNEL = closed(
    {"address": TEXT, "messages": named(REFERENCE)},
    {"title": TEXT, "summary": TEXT, "description": TEXT, "parameters": named(PARAMETER)},
)
OPERATION = closed(
    {"action": {"enum": ["send", "receive"]}, "channel": REFERENCE},
    {
        "title": TEXT,
        "summary": TEXT,
        "description": TEXT,
        "messages": {"type": "array", "items": REFERENCE, "minItems": 1, "uniqueItems": True},
    },
)
PAYLOAD = closed({"schemaFormat": TEXT, "schema": REFERENCE})
MESSAGE = closed(
    {"payload": PAYLOAD, "headers": {"type": "object"}},
    {"name": TEXT, "title": TEXT, "summary": TEXT, "description": TEXT, "contentType": TEXT},
)
DOCUMENT = closed(
    {
        "asyncapi": {"const": "3.0.0"},
        "info": INFO,
        "channels": named(CHANNEL),
        "operations": named(OPERATION),
        "components": closed({"messages": named(MESSAGE), "schemas": named({"type": "object"})}),
    },
    {"defaultContentType": TEXT},
)
