"""Recording more at once than an atomic batch holds, all or none (ADR 0010).

The messages are staged on their own subjects, batch by batch; each names the transaction. One subject says what has become of
it: every batch begins with a marker there, which is expected right after the one before, and the marker of the last batch says
that the transaction is committed. Until then, and for ever if it comes to nothing, readers pass the staged messages over.

Whoever waits for a transaction whose writer makes no progress gives it up: a marker in the place where the writer's next would
be expected. So exactly one of the two happens, whatever dies when.
"""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from journal.errors import JournalError, LogUnavailable
from journal.persistence.naming import ApplicationNaming
from journal.persistence.reads import Reads
from journal.persistence.record import EXPECTED, Message, marker, new_id
from journal.persistence.write import LARGEST_BATCH, Conflict, Writer
from journal.stored import Stored

TRANSACTION = "es-transaction"
NAMED = TRANSACTION.encode()
STATE = "es-state"
OPEN, COMMITTED, GIVEN_UP = "open", "committed", "given-up"
REMEMBERED = 10_000  # transactions whose end is known; it never changes


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an open transaction was when it was looked at."""

    marker: int  # position of its newest marker
    since: float  # loop time when that was seen first


class Transactions:
    """The transactions of one stream."""

    def __init__(self, naming: ApplicationNaming, reads: Reads, writer: Writer, *, patience: float) -> None:
        self._naming = naming
        self._reads = reads
        self._writer = writer
        self._patience = patience
        self._ends: OrderedDict[str, bool] = OrderedDict()
        self._open: dict[str, Progress] = {}

    async def write(self, messages: Sequence[Message]) -> list[int]:
        """Store all or none; returns the position of each. Raises as Writer.write does."""
        staging = Staging(self._naming, self._writer)
        batches = [messages[at : at + LARGEST_BATCH - 1] for at in range(0, len(messages), LARGEST_BATCH - 1)]
        positions: list[int] = []
        try:
            for batch in batches[:-1]:
                positions += await staging.stage(batch)
            positions += await staging.commit(batches[-1])
        except Exception:
            with contextlib.suppress(LogUnavailable):  # then whoever meets it does so
                await self._give_up(staging.id, staging.marker)
            raise
        return positions

    async def committed(self, transaction_id: str) -> bool | None:
        """What has become of a transaction; None while it is open. Raises LogUnavailable.

        One that makes no progress is given up.
        """
        if (end := self._ends.get(transaction_id)) is not None:
            return end
        newest = await self._reads.newest(self._naming.transaction(transaction_id))
        if newest is None:
            raise JournalError(f"The stream was edited: nothing says what has become of transaction {transaction_id}.")
        state = newest.headers[STATE]
        if state != OPEN:
            return self._ended(transaction_id, committed=state == COMMITTED)
        now = asyncio.get_running_loop().time()
        seen = self._open.setdefault(transaction_id, Progress(newest.position, now))
        if seen.marker != newest.position:
            self._open[transaction_id] = Progress(newest.position, now)
        elif now - seen.since > self._patience:
            await self._give_up(transaction_id, newest.position)
        return None

    async def settled(self, transaction_id: str) -> bool:
        """The same, once it is known. Raises LogUnavailable."""
        pause = 0.01
        while (end := await self.committed(transaction_id)) is None:
            await asyncio.sleep(pause)
            pause = min(0.5, pause * 2)
        return end

    async def settled_at_last(self, transaction_id: str) -> bool:
        """The same, also when the log goes away meanwhile: it is waited until it is back."""
        while True:
            with contextlib.suppress(LogUnavailable):
                return await self.settled(transaction_id)
            await asyncio.sleep(0.5)

    def _ended(self, transaction_id: str, *, committed: bool) -> bool:
        self._open.pop(transaction_id, None)
        self._ends[transaction_id] = committed
        while len(self._ends) > REMEMBERED:
            self._ends.popitem(last=False)
        return committed

    async def _give_up(self, transaction_id: str, newest_marker: int) -> None:
        """Say that it comes to nothing, unless its writer, or somebody else, was first."""
        if not newest_marker:
            return  # nothing was staged
        with contextlib.suppress(Conflict):
            await self._writer.write(
                [marker(self._naming, transaction_id, {STATE: GIVEN_UP, EXPECTED: str(newest_marker)})]
            )


class Staging:
    """One transaction that is being written."""

    def __init__(self, naming: ApplicationNaming, writer: Writer) -> None:
        self.id = new_id()
        self.marker = 0  # position of its newest marker
        self._naming = naming
        self._writer = writer

    async def stage(self, messages: Sequence[Message], state: str = OPEN) -> list[int]:
        """Store one batch, of which nobody sees anything yet; returns the position of each message."""
        batch = [marker(self._naming, self.id, {STATE: state, EXPECTED: str(self.marker)})]
        batch += [
            Message(message.subject, {**message.headers, TRANSACTION: self.id}, message.body) for message in messages
        ]
        self.marker = await self._writer.write(batch)
        return list(range(self.marker + 1, self.marker + 1 + len(messages)))

    async def commit(self, messages: Sequence[Message]) -> list[int]:
        """Store the last batch: all that was staged is seen from now on."""
        return await self.stage(messages, COMMITTED)


def transaction_of(stored: Stored) -> str:
    """The transaction that a message belongs to; "" for none."""
    return stored.header(NAMED) if NAMED in stored.block else ""
