"""The AsyncAPI 3 document: which events stand on which subjects, in what envelope, and which service appends them.

Source: AsyncAPI 3.0.0. The envelope is that of `journal/envelope.py`.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from domain.evolution import EventVersion
from journal.authority import Source, may_append
from journal.event_docs.remarks import class_remark
from journal.event_schema import INSTANT

Document = dict[str, Any]

ABOUT = (
    "Everything that ever happened, in the JetStream stream EVENTS: one exact subject an aggregate, kept for ever. "
    "Each service appends only what is listed as its own; all read the whole stream, in order."
)
JSON_SCHEMA = "application/schema+json;version=2020-12"
UUID = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"


def _text(description: str, **more: Any) -> Document:
    return {"type": "string", "description": description, **more}


ENVELOPE: Document = {
    "type": "object",
    "title": "The envelope: a CloudEvent's attributes, each a header.",
    "properties": {
        "ce-specversion": {"const": "1.0"},
        "ce-id": _text("The event's own id: a UUID 7.", format="uuid", pattern=UUID),
        "ce-type": _text("The event type, with its version.", pattern="^chronova\\.[a-z]+\\.[a-z-]+\\.v[1-9][0-9]*$"),
        "ce-source": _text("The service that appended it.", enum=[str(source) for source in Source]),
        "ce-subject": _text("The aggregate: its kind and its id.", pattern="^[a-z]+/[^/]+$"),
        "ce-time": {**INSTANT, "description": "When it was decided."},
        "ce-sequence": _text("Which event of its aggregate it is, from 1 on.", pattern="^[1-9][0-9]*$"),
        "ce-actor": _text("Who decided it.", pattern="^(user|service|host):.+$"),
        "ce-requestid": _text("The API call that began it all."),
        "ce-causationid": _text("The ce-id of the event, or the id of the report, that it answers."),
        "ce-previoushash": _text(
            "The SHA-256 of the event before it in its aggregate; absent in the first.", pattern="^[0-9a-f]{64}$"
        ),
        "content-type": {"const": "application/json"},
    },
    "required": [
        "ce-specversion",
        "ce-id",
        "ce-type",
        "ce-source",
        "ce-subject",
        "ce-time",
        "ce-sequence",
        "ce-actor",
        "content-type",
    ],
}
"""The headers of every event. The log's server may have added others (`Nats-…`)."""


def asyncapi(events: Sequence[EventVersion]) -> Document:
    """The document about all of these."""
    kinds = sorted({known.kind for known in events})
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Chronova's event log",
            "version": "1.0.0",
            "description": ABOUT,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {kind: _channel(kind, [known for known in events if known.kind == kind]) for kind in kinds},
        "operations": {
            f"{source.name.lower().replace('_', '-')}-appends-{kind}": operation
            for source in Source
            for kind in kinds
            if (operation := _operation(source, kind, events)) is not None
        },
        "components": {
            "messages": {known.topic: _message(known) for known in events},
            "schemas": {"envelope": ENVELOPE},
        },
    }


def _channel(kind: str, events: Iterable[EventVersion]) -> Document:
    return {
        "address": f"evt.{kind}.{{id}}",
        "title": f"The events of one {kind}",
        "parameters": {"id": {"description": f"The id of the {kind}."}},
        "messages": {known.topic: {"$ref": f"#/components/messages/{known.topic}"} for known in events},
    }


def _operation(source: Source, kind: str, events: Iterable[EventVersion]) -> Document | None:
    """What a service appends to aggregates of a kind today; None when that is nothing."""
    own = [
        known.topic for known in events if known.kind == kind and known.is_current and may_append(known.topic, source)
    ]
    if not own:
        return None
    return {
        "action": "send",
        "title": f"{source} appends",
        "channel": {"$ref": f"#/channels/{kind}"},
        "messages": [{"$ref": f"#/channels/{kind}/messages/{topic}"} for topic in own],
    }


def _message(known: EventVersion) -> Document:
    return {
        "name": known.topic,
        "title": f"{known.kind}: {known.fact}, version {known.version}",
        "summary": class_remark(known.shape),
        "contentType": "application/json",
        "headers": {
            "allOf": [
                {"$ref": "#/components/schemas/envelope"},
                {"type": "object", "properties": {"ce-type": {"const": known.topic}}},
            ]
        },
        "payload": {"schemaFormat": JSON_SCHEMA, "schema": {"$ref": f"./{known.topic}.json"}},
    }
