"""The aggregate recorder: the sequences of aggregates, each on its own subject."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from eventsourcing.persistence import AggregateRecorder, StoredEvent

from journal.persistence.record import stored_event, version_of
from journal.persistence.stream import Stream
from journal.stored import Stored


class JetStreamAggregateRecorder(AggregateRecorder):
    """Records and selects events of aggregates. May be used by many threads at once.

    Everything raises OperationalError when the log is away or does not answer, and InterfaceError once it was closed.
    """

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:  # noqa: ARG002
        """Record events of any number and of any aggregates, all or none.

        Raises IntegrityError when one of them is there already; NotSupportedError for a log that is read-only. After an
        OperationalError that says so, they may be recorded or not.
        """
        self._stream.lease.call(self._stream.insert, stored_events)
        return None

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """Events of one aggregate by version."""
        subject = self._stream.naming.subject_of(originator_id)
        if desc and limit == 1 and lte is None:
            latest = self._stream.lease.call(self._stream.history.latest, subject)
            found = [] if latest is None else [latest]
        else:
            found = self._stream.lease.call(self._stream.history.of, subject, above=gt)

        def is_wanted(message: Stored) -> bool:
            version = version_of(message)
            return (gt is None or version > gt) and (lte is None or version <= lte)

        wanted = sorted(filter(is_wanted, found), key=version_of, reverse=desc)
        return [stored_event(message, originator_id) for message in wanted[:limit]]
