"""What is recorded, as a message: CloudEvents in the headers, as in a region's log, and the mapper's bytes as the body."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import uuid_utils
from eventsourcing.persistence import Notification, StoredEvent, Tracking

from journal.persistence.naming import ApplicationNaming
from journal.stored import Stored

ID = "ce-id"
EXPECTED = "Nats-Expected-Last-Subject-Sequence"
VERSION = "ce-sequence"
TYPE = "ce-type"
TRACKING_TYPE = "eventsourcing.tracking"


@dataclass(frozen=True, slots=True)
class Draft:
    """One thing that is to be recorded: an event, or how far an application has been processed.

    Its id is made with it and stays, however often it is sent.
    """

    subject: str
    version: int  # of the aggregate, or the notification id that was processed
    headers: Mapping[str, str]
    body: bytes
    fills_gaps: bool  # whether a version below the highest is welcome that is not there yet


@dataclass(frozen=True, slots=True)
class Message:
    """What goes over the wire."""

    subject: str
    headers: Mapping[str, str]
    body: bytes


def event_draft(naming: ApplicationNaming, event: StoredEvent) -> Draft:
    """An event that is to be recorded. Raises DataError."""
    subject = naming.subject_of(event.originator_id)
    return Draft(
        subject, event.originator_version, _envelope(naming, event.topic, event.originator_version), event.state, True
    )


def tracking_draft(naming: ApplicationNaming, tracking: Tracking) -> Draft:
    """A position that is to be recorded. Raises DataError."""
    subject = naming.tracking_of(tracking.application_name)
    return Draft(
        subject, tracking.notification_id, _envelope(naming, TRACKING_TYPE, tracking.notification_id), b"", False
    )


def marker(naming: ApplicationNaming, transaction_id: str, headers: Mapping[str, str]) -> Message:
    """A message that says what has become of a transaction."""
    return Message(naming.transaction(transaction_id), {ID: new_id(), **headers}, b"")


def new_id() -> str:
    """An id for a message: a UUID 7."""
    return str(uuid_utils.uuid7())


def version_of(stored: Stored) -> int:
    """The version of the aggregate that a message is the event of; of tracking: the notification id."""
    return int(stored.header(b"ce-sequence"))


def stored_event(stored: Stored, originator_id: UUID | str) -> StoredEvent:
    """A stored message as the library's stored event."""
    return StoredEvent(
        originator_id=originator_id,
        originator_version=version_of(stored),
        topic=stored.header(b"ce-type"),
        state=stored.body,
    )


def notification(stored: Stored, originator_id: UUID | str) -> Notification:
    """A stored message as the library's notification: its id is the position in the stream."""
    return Notification(
        originator_id=originator_id,
        originator_version=version_of(stored),
        topic=stored.header(b"ce-type"),
        state=stored.body,
        id=stored.position,
    )


def _envelope(naming: ApplicationNaming, topic: str, version: int) -> dict[str, str]:
    return {"ce-specversion": "1.0", ID: new_id(), "ce-source": naming.root, TYPE: topic, VERSION: str(version)}
