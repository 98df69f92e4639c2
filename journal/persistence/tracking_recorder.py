"""The tracking recorder: how far other applications have been processed."""

from eventsourcing.persistence import Tracking, TrackingRecorder

from journal.persistence.stream import Stream


class JetStreamTrackingRecorder(TrackingRecorder):
    """Records positions; each must lie after the one before. May be used by many threads at once."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def insert_tracking(self, tracking: Tracking) -> None:
        """Record a position. Raises IntegrityError for one that does not lie after the newest."""
        self._stream.lease.call(self._stream.insert, (), tracking)

    def max_tracking_id(self, application_name: str) -> int | None:
        """The newest position; None when there is none."""
        return self._stream.lease.call(self._stream.tracked, application_name)
