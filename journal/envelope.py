"""The envelope: CloudEvents 1.0 in NATS headers (binary content mode), and the event as JSON in the body.

Source: CloudEvents 1.0.2 and its NATS protocol binding; ADR 0003.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self, cast

import orjson
import uuid_utils
from eventsourcing.persistence import Mapper, StoredEvent, Transcoder

from domain import registry
from domain.aggregate import Aggregate, Event

assert registry.AGGREGATES  # noqa: S101 -- importing the registry is what makes every topic known


class JsonTranscoder(Transcoder):
    """The parts of an event as JSON. Time is RFC 3339 in UTC; everything else is plain JSON already."""

    def encode(self, obj: Any) -> bytes:
        """Raises TypeError for a part that is not a JSON value."""
        return orjson.dumps(obj, option=orjson.OPT_UTC_Z)

    def decode(self, data: bytes) -> dict[str, Any]:
        """Raises ValueError when it is not JSON."""
        parts: dict[str, Any] = orjson.loads(data)
        parts["timestamp"] = datetime.fromisoformat(parts["timestamp"])
        return parts


MAPPER: Mapper[str] = Mapper(JsonTranscoder())


@dataclass(frozen=True, slots=True)
class Author:
    """Who appends, and in answer to what: what an auditor asks of every event."""

    actor: str  # user:<id> | service:<name>
    source: str  # the service that appends: chronova/api
    request_id: str = ""  # req-<uuid> of the API call that began it all
    causation_id: str = ""  # ce-id of the event, or id of the report, that this one answers

    def because_of(self, recorded: "Recorded") -> "Author":
        """The same author, answering an event."""
        return Author(self.actor, self.source, recorded.request_id, recorded.id)


@dataclass(frozen=True, slots=True)
class Recorded:
    """One event as the log holds it."""

    position: int  # sequence in the stream: 1, 2, 3 … without gaps
    kind: str  # of the aggregate: instance, host …
    aggregate_id: str
    event: Event
    id: str
    actor: str
    source: str
    request_id: str
    causation_id: str

    @property
    def time(self) -> datetime:
        """When it was decided."""
        return self.event.timestamp

    @property
    def type(self) -> str:
        """Its CloudEvents type."""
        return self.event.TOPIC

    @classmethod
    def from_message(cls, subject: str, headers: Mapping[str, str], data: bytes, position: int) -> Self:
        """Read a stored message. Raises KeyError for a missing header, TopicError for a type that nobody has declared."""
        _, kind, aggregate_id = subject.split(".", 2)
        stored = StoredEvent(
            originator_id=aggregate_id,
            originator_version=int(headers["ce-sequence"]),
            topic=headers["ce-type"],
            state=data,
        )
        return cls(
            position=position,
            kind=kind,
            aggregate_id=aggregate_id,
            event=cast("Event", MAPPER.to_domain_event(stored)),
            id=headers["ce-id"],
            actor=headers["ce-actor"],
            source=headers["ce-source"],
            request_id=headers.get("ce-requestid", ""),
            causation_id=headers.get("ce-causationid", ""),
        )


def subject_of(kind: type[Aggregate], aggregate_id: str) -> str:
    """The one exact subject of an aggregate."""
    return f"evt.{kind.KIND}.{aggregate_id}"


def seal(kind: type[Aggregate], event: Event, author: Author) -> tuple[dict[str, str], bytes]:
    """Headers and body of an event that is about to be appended; its `ce-id` is new."""
    stored = MAPPER.to_stored_event(event)
    headers = {
        "ce-specversion": "1.0",
        "ce-id": str(uuid_utils.uuid7()),
        "ce-type": stored.topic,
        "ce-source": author.source,
        "ce-subject": f"{kind.KIND}/{event.originator_id}",
        "ce-time": event.timestamp.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "ce-sequence": str(event.originator_version),
        "ce-actor": author.actor,
        "content-type": "application/json",
    }
    if author.request_id:
        headers["ce-requestid"] = author.request_id
    if author.causation_id:
        headers["ce-causationid"] = author.causation_id
    return headers, stored.state
