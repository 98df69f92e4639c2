"""One stream, opened: what the recorders of an application have in common."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from eventsourcing.persistence import ProgrammingError, StoredEvent, Tracking

from journal.bus import Bus
from journal.errors import JournalError
from journal.persistence.history import History
from journal.persistence.insertion import Insertion
from journal.persistence.link import Lease
from journal.persistence.naming import ApplicationNaming, Naming
from journal.persistence.reads import Reads
from journal.persistence.record import event_draft, tracking_draft
from journal.persistence.settings import Settings
from journal.persistence.tail import Tail, Tails
from journal.persistence.transactions import Transactions, transaction_of
from journal.persistence.write import Writer
from journal.streams import StreamExists, call


class Stream(ABC):
    """A stream that is read, and perhaps written. All coroutines run on the loop of the lease's link."""

    def __init__(self, lease: Lease, bus: Bus, name: str, naming: Naming, history: History) -> None:
        self.lease = lease
        self.bus = bus
        self.name = name
        self.naming = naming
        self.history = history

    @abstractmethod
    async def insert(self, events: Sequence[StoredEvent], tracking: Tracking | None = None) -> list[int]:
        """Record events, and how far another application was processed, all or none; returns the positions of the events."""

    @abstractmethod
    async def tracked(self, application: str) -> int | None:
        """How far another application was processed; None when nothing was."""


class ApplicationStream(Stream):
    """A stream that an application writes."""

    def __init__(self, lease: Lease, bus: Bus, name: str, settings: Settings) -> None:
        self._naming = naming = ApplicationNaming(name)
        self._reads = reads = Reads(bus, name, seconds=settings.seconds, patience=settings.patience)
        tails = Tails()
        writer = Writer(bus, reads, seconds=settings.seconds, patience=settings.patience)
        self._transactions = Transactions(naming, reads, writer, patience=settings.patience)
        history = History(naming, reads, tails, self._transactions, patience=settings.patience)
        self._insertion = Insertion(reads, writer, self._transactions, history, tails)
        super().__init__(lease, bus, name, naming, history)

    async def insert(self, events: Sequence[StoredEvent], tracking: Tracking | None = None) -> list[int]:
        """Record events, and how far another application was processed, all or none; returns the positions of the events.

        Raises IntegrityError, DataError, and JournalError.
        """
        drafts = [event_draft(self._naming, event) for event in events]
        if tracking is not None:
            drafts.append(tracking_draft(self._naming, tracking))
        positions = await self._insertion.insert(drafts)
        return positions[: len(events)]

    async def tracked(self, application: str) -> int | None:
        """How far another application was processed, by the log's leader; None when nothing was. Raises LogUnavailable."""
        newest = await self._reads.newest(self._naming.tracking_of(application))
        if newest is None:
            return None
        transaction = transaction_of(newest)
        counts = not transaction or await self._transactions.committed(transaction) is True
        return Tail.of(newest, counts=counts).highest


async def open_stream(lease: Lease, name: str, settings: Settings, *, newest_only: bool = False) -> ApplicationStream:
    """Open a stream, which is made when it is missing and may be made.

    With `newest_only` it keeps the newest message of each subject. Raises ProgrammingError for a stream of that name that is none
    of this module, JournalError, LogUnavailable.
    """
    bus = await lease.link.bus()
    config: dict[str, Any] = {
        "name": name,
        "subjects": [f"{ApplicationNaming(name).root}.>"],
        "storage": "file",
        "retention": "limits",
        "num_replicas": settings.replicas,
        "allow_direct": True,
        "allow_atomic": True,
        "max_msgs_per_subject": 1 if newest_only else -1,
    }
    if settings.create:
        try:
            await call(bus, f"STREAM.CREATE.{name}", config)
        except StreamExists:  # with other limits, or more replicas: that is its owner's affair
            await _require_usable(bus, name, config)
    else:
        await _require_usable(bus, name, config)
    return ApplicationStream(lease, bus, name, settings)


async def _require_usable(bus: Bus, name: str, wanted: dict[str, Any]) -> None:
    try:
        config = (await call(bus, f"STREAM.INFO.{name}"))["config"]
    except JournalError as error:
        raise JournalError(f"There is no stream {name} to open: {error}") from error
    for setting in ("subjects", "retention", "allow_direct", "allow_atomic"):
        if config.get(setting) != wanted[setting]:
            raise ProgrammingError(
                f"The stream {name} cannot be used: its {setting} is {config.get(setting)}, not {wanted[setting]}."
            )
