"""The application recorder: besides, the sequence of all events, in the order in which they were recorded."""

from collections.abc import Sequence
from typing import Any

from eventsourcing.persistence import ApplicationRecorder, Notification, StoredEvent, Subscription

from journal.persistence.aggregate_recorder import JetStreamAggregateRecorder
from journal.persistence.subscription import JetStreamSubscription


class JetStreamApplicationRecorder(JetStreamAggregateRecorder, ApplicationRecorder):
    """Records events, and selects them as notifications, whose ids are positions in the stream: they rise, and may have gaps."""

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:  # noqa: ARG002
        """Record events, all or none; returns their notification ids. Raises as the aggregate recorder does."""
        return self._stream.lease.call(self._stream.insert, stored_events)

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """Notifications in order of their ids."""
        first = 1 if start is None else start if inclusive_of_start else start + 1
        return self._stream.lease.call(
            self._stream.history.notifications, max(1, first), limit, stop=stop, topics=topics
        )

    def max_notification_id(self) -> int | None:
        """The id of the newest event; None when there is none."""
        return self._stream.lease.call(self._stream.history.last_position)

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Subscription[ApplicationRecorder]:
        """All events after an id, and then those that come."""
        return JetStreamSubscription(self, self._stream, gt=gt, topics=topics)
