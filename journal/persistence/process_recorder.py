"""The process recorder: events, and how far the events were processed that they answer, in one."""

from collections.abc import Sequence
from typing import Any

from eventsourcing.persistence import ProcessRecorder, StoredEvent

from journal.persistence.application_recorder import JetStreamApplicationRecorder
from journal.persistence.tracking_recorder import JetStreamTrackingRecorder


class JetStreamProcessRecorder(JetStreamTrackingRecorder, JetStreamApplicationRecorder, ProcessRecorder):
    """Records events and tracking together, so that what was processed is processed once."""

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:
        """Record events, and `tracking` when it is given, all or none; returns the events' notification ids.

        Raises IntegrityError, also for tracking that does not lie after the newest, and as the application recorder does.
        """
        return self._stream.lease.call(self._stream.insert, stored_events, kwargs.get("tracking"))
