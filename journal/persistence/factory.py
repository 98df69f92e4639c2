"""The factory: what an application's environment says, as recorders."""

from typing import TypeVar, cast

from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    InfrastructureFactory,
    NotSupportedError,
    ProcessRecorder,
    Recorder,
    Transcoder,
)
from eventsourcing.utils import Environment, EnvType, resolve_topic

from journal.envelope import JsonTranscoder
from journal.persistence.aggregate_recorder import JetStreamAggregateRecorder
from journal.persistence.application_recorder import JetStreamApplicationRecorder
from journal.persistence.dialing import Address
from journal.persistence.link import Link
from journal.persistence.process_recorder import JetStreamProcessRecorder
from journal.persistence.region_log import READ_ONLY, open_region
from journal.persistence.settings import Settings
from journal.persistence.stream import Stream, open_stream
from journal.persistence.tracking_recorder import JetStreamTrackingRecorder

R = TypeVar("R", bound=Recorder)


class JetStreamFactory(InfrastructureFactory[JetStreamTrackingRecorder]):
    """Makes recorders on JetStream: `PERSISTENCE_MODULE=journal.persistence`. Settings: docs/eventsourcing.md."""

    def __init__(self, env: Environment | EnvType | None) -> None:
        """Raises OSError for settings that cannot be meant."""
        super().__init__(env)
        self._settings = Settings.of(self.env)
        self._lease = Link.lease(Address(self._settings.servers, self._settings.seed, self._settings.patience))

    def close(self) -> None:
        """Close the application's share of the connection; with the last share the connection is closed."""
        self._lease.close()

    def transcoder(self) -> Transcoder:
        """The transcoder of the environment; for a region's log, that of its events."""
        if self._settings.is_region and not self.env.get(self.TRANSCODER_TOPIC):
            return JsonTranscoder()
        return super().transcoder()

    def aggregate_recorder(self, purpose: str = "events") -> AggregateRecorder:
        """A recorder of aggregates' events, or of their snapshots. Raises as `application_recorder`, and NotSupportedError."""
        if self._settings.is_region and purpose != "events":
            raise NotSupportedError(
                "Snapshots of a region's aggregates are not kept: IS_SNAPSHOTTING_ENABLED must be off."
            )
        return JetStreamAggregateRecorder(self._open(purpose))

    def application_recorder(self) -> ApplicationRecorder:
        """A recorder of an application's events. Raises OperationalError, ProgrammingError."""
        return self._class(self.APPLICATION_RECORDER_TOPIC, JetStreamApplicationRecorder)(self._open("events"))

    def tracking_recorder(
        self, tracking_recorder_class: type[JetStreamTrackingRecorder] | None = None
    ) -> JetStreamTrackingRecorder:
        """A recorder of positions. Raises OperationalError, ProgrammingError."""
        wanted = tracking_recorder_class or self._class(self.TRACKING_RECORDER_TOPIC, JetStreamTrackingRecorder)
        return wanted(self._open("tracking", newest_only=True))

    def process_recorder(self) -> ProcessRecorder:
        """A recorder of events together with positions. Raises OperationalError, ProgrammingError, NotSupportedError."""
        if self._settings.is_region:
            raise NotSupportedError(READ_ONLY)
        return self._class(self.PROCESS_RECORDER_TOPIC, JetStreamProcessRecorder)(self._open("events"))

    def _class(self, setting: str, default: type[R]) -> type[R]:
        topic = self.env.get(setting)
        return cast("type[R]", resolve_topic(topic)) if topic else default

    def _open(self, purpose: str, *, newest_only: bool = False) -> Stream:
        if self._settings.is_region and purpose == "events":
            return self._lease.call(open_region, self._lease, self._settings)
        name = self._settings.stream_for(purpose)
        return self._lease.call(open_stream, self._lease, name, self._settings, newest_only=newest_only)
