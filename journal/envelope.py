"""The envelope: CloudEvents 1.0 in NATS headers (binary content mode), and the event as JSON in the body.

Source: CloudEvents 1.0.2 and its NATS protocol binding; ADR 0003. The hash chain in it: ADR 0011.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

import orjson
import uuid_utils
from eventsourcing.persistence import Mapper, Transcoder

from domain.aggregate import Aggregate, Event
from domain.registry import KNOWN
from journal.chain import hash_of, hash_of_lines
from journal.stored import VERSION_LINE, Stored


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


class Recorded:
    """One event as the log holds it."""

    __slots__ = ("aggregate_id", "event", "kind", "position", "stored")

    def __init__(self, stored: Stored, kind: str, aggregate_id: str, event: Event) -> None:
        self.stored = stored
        self.position = stored.position  # sequence in the stream: 1, 2, 3 … without gaps
        self.kind = kind  # of the aggregate: instance, host …
        self.aggregate_id = aggregate_id
        self.event = event

    @classmethod
    def of(cls, stored: Stored) -> Self:
        """Read a stored message. Raises KeyError for a missing header or an unknown type, ValueError for what is no JSON."""
        _, kind, aggregate_id = stored.subject.split(".", 2)
        return cls(stored, kind, aggregate_id, event_of(stored, aggregate_id))

    @property
    def id(self) -> str:
        """Its CloudEvents id: a UUID 7."""
        return self.stored.header(b"ce-id")

    @property
    def actor(self) -> str:
        """Who decided it: user:<id> | service:<name> | host:<name>."""
        return self.stored.header(b"ce-actor")

    @property
    def source(self) -> str:
        """Which service appended it: chronova/api."""
        return self.stored.header(b"ce-source")

    @property
    def request_id(self) -> str:
        """The API call that began it all: req-<uuid>; "" for none."""
        return self.stored.headers.get("ce-requestid", "")

    @property
    def causation_id(self) -> str:
        """The `ce-id` of the event, or the id of the report, that it answers; "" for none."""
        return self.stored.headers.get("ce-causationid", "")

    @property
    def time(self) -> datetime:
        """When it was decided."""
        return self.event.timestamp

    @property
    def type(self) -> str:
        """Its CloudEvents type, as it was written: older than the event's own `TOPIC` where it was upcast."""
        return self.stored.header(b"ce-type")


def event_of(stored: Stored, aggregate_id: str) -> Event:
    """The event in a stored message. Raises KeyError for a missing header or an unknown type, ValueError for what is no JSON."""
    parts = orjson.loads(stored.body)
    parts["timestamp"] = datetime.fromisoformat(parts["timestamp"])
    parts["originator_id"] = aggregate_id
    parts["originator_version"] = int(stored.header(b"ce-sequence"))
    known = KNOWN[stored.header(b"ce-type")]
    if known.upcasts:  # it was written by an older age of the code
        known.upcast(parts)
    event: Event = object.__new__(known.event)
    # Events are frozen; this is how the library's mapper makes one, at a third of its time.
    object.__setattr__(event, "__dict__", parts)
    return event


def subject_of(kind: type[Aggregate], aggregate_id: str) -> str:
    """The one exact subject of an aggregate."""
    return f"evt.{kind.KIND}.{aggregate_id}"


def hash_of_stored(stored: Stored) -> str:
    """The hash that the next event of the aggregate must name."""
    return hash_of(stored.subject, stored.block, stored.body)


@dataclass(frozen=True, slots=True)
class Sealed:
    """An event as it goes into the log, and its hash, which the next one of its aggregate names."""

    id: str
    block: bytes  # its headers, as they go over the wire
    body: bytes
    hash: str


def seal(kind: type[Aggregate], event: Event, author: Author, *, previous: str) -> Sealed:
    """Envelope and body of an event that is about to be appended; its `ce-id` is new.

    `previous` is the hash of the event before it in its aggregate: "" for the first. Raises ValueError for an author with a line
    end in it: it could pose as another header.
    """
    parts = dict(vars(event))
    aggregate_id, version = parts.pop("originator_id"), parts.pop("originator_version")
    if event.class_version > 1:
        parts["class_version"] = event.class_version  # for the library's mapper
    body = orjson.dumps(parts, option=orjson.OPT_UTC_Z)
    event_id = str(uuid_utils.uuid7())
    time = orjson.dumps(event.timestamp.astimezone(UTC), option=orjson.OPT_UTC_Z)[1:-1].decode()
    optional = ""
    if author.request_id:
        optional = f"\r\nce-requestid: {author.request_id}"
    if author.causation_id:
        optional += f"\r\nce-causationid: {author.causation_id}"
    if previous:
        optional += f"\r\nce-previoushash: {previous}"
    lines = (
        f"ce-specversion: 1.0\r\nce-id: {event_id}\r\nce-type: {event.TOPIC}\r\nce-source: {author.source}\r\n"
        f"ce-subject: {kind.KIND}/{aggregate_id}\r\nce-time: {time}\r\nce-sequence: {version}\r\n"
        f"ce-actor: {author.actor}{optional}"
    )
    expected = LINE_ENDS + bool(author.request_id) + bool(author.causation_id) + bool(previous)
    if lines.count("\n") != expected or lines.count("\r") != expected:
        raise ValueError("A header cannot have a line end in it.")
    wire = lines.encode()
    block = b"".join((VERSION_LINE, wire, b"\r\ncontent-type: application/json\r\n\r\n"))
    return Sealed(event_id, block, body, hash_of_lines(f"evt.{kind.KIND}.{aggregate_id}", wire, body))


LINE_ENDS = 7
"""In the `ce-` headers that every event has."""
