"""A region's own log, opened by an `eventsourcing` application: everything in it can be read, nothing written."""

from collections.abc import Sequence
from uuid import UUID

from eventsourcing.persistence import NotSupportedError, ProgrammingError, StoredEvent, Tracking

from journal.persistence.history import History
from journal.persistence.link import Lease
from journal.persistence.reads import Reads
from journal.persistence.settings import REGION_STREAM, Settings
from journal.persistence.stream import Stream
from journal.persistence.tail import Tails
from journal.streams import call

READ_ONLY = (
    "The log of a region is read-only here: its events name their author and carry a hash chain, which only the region's "
    "services write. An application that records events, or a projection, needs a stream of its own: set "
    "<APPLICATION>_NATS_STREAM=EVENTS for the application that reads alone."
)


class RegionNaming:
    """The subjects of a region's log: `evt.<kind>.<id>`, those of one kind or of all."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._prefix = f"evt.{kind}." if kind else "evt."
        self.patterns = (f"{self._prefix}>",)

    def subject_of(self, originator_id: UUID | str) -> str:
        """The exact subject of an aggregate. Raises ProgrammingError when it was not said of which kind."""
        if not self._kind:
            raise ProgrammingError("Set NATS_AGGREGATE to the kind of the aggregate: instance, host, project …")
        return f"{self._prefix}{originator_id}"

    def originator_of(self, subject: str) -> str | None:
        """The aggregate that a message is an event of; None for one of another kind."""
        return subject.split(".", 2)[2] if subject.startswith(self._prefix) else None


class RegionStream(Stream):
    """EVENTS, read-only."""

    async def insert(self, events: Sequence[StoredEvent], tracking: Tracking | None = None) -> list[int]:  # noqa: ARG002
        """Raises NotSupportedError."""
        raise NotSupportedError(READ_ONLY)

    async def tracked(self, application: str) -> int | None:  # noqa: ARG002
        """Raises NotSupportedError."""
        raise NotSupportedError(READ_ONLY)


async def open_region(lease: Lease, settings: Settings) -> RegionStream:
    """Open the log of a region. Raises JournalError when there is none, LogUnavailable."""
    bus = await lease.link.bus()
    await call(bus, f"STREAM.INFO.{REGION_STREAM}")
    naming = RegionNaming(settings.kind)
    reads = Reads(bus, REGION_STREAM, seconds=settings.seconds, patience=settings.patience)
    history = History(naming, reads, Tails(), None, patience=settings.patience)
    return RegionStream(lease, bus, REGION_STREAM, naming, history)
