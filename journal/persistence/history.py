"""Reading what counts: the messages of a subject or of the stream, without those of transactions that came to nothing or may.

A reader sees what was written or seen before through the same recorder: a replica that has not heard of it yet is asked again.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from itertools import pairwise
from uuid import UUID

from eventsourcing.persistence import Notification

from journal.direct_get import PAGE
from journal.errors import LogUnavailable
from journal.persistence.naming import Naming
from journal.persistence.reads import Reads, is_end
from journal.persistence.record import notification, version_of
from journal.persistence.tail import HIGHEST, Tail, Tails
from journal.persistence.transactions import Transactions, transaction_of
from journal.stored import Stored

PAUSE = 0.005  # seconds before a replica is asked again


class History:
    """Reads one stream."""

    def __init__(
        self, naming: Naming, reads: Reads, tails: Tails, transactions: Transactions | None, *, patience: float
    ) -> None:
        self._naming = naming
        self._reads = reads
        self._tails = tails
        self._transactions = transactions  # None: in a region's log there are none
        self._patience = patience

    async def latest(self, subject: str) -> Stored | None:
        """The message with the highest version of a subject; None when it has none. Raises LogUnavailable."""
        newest = await self._reads.last(subject)
        known = self._tails.get(subject)
        if newest is None and known is None:
            return None
        is_newest = newest is not None and (known is None or newest.position >= known.position)
        if newest is not None and is_newest and not transaction_of(newest) and HIGHEST not in newest.headers:
            return newest
        return max(await self.of(subject), key=version_of, default=None)

    async def of(self, subject: str, *, above: int | None = None) -> list[Stored]:
        """The messages of a subject that count, oldest first. Raises LogUnavailable.

        When only versions above one are asked for, the others are left out as far as that spares reading them.
        """
        deadline = self._now() + self._patience
        while True:
            known = self._tails.get(subject)
            start, reached = 1, 0
            if known is not None:
                reached = known.position
                if above is not None and known.ordered and known.highest is not None and above >= known.highest:
                    start = reached
            messages, verdicts, reached = await self._read(subject, start, reached)
            if (messages[-1].position if messages else 0) >= reached:
                break
            await self._replica_lags(subject, reached, deadline)
        counting = [message for message in messages if _counts(message, verdicts)]
        if messages and None not in verdicts.values():
            self._tails.put(subject, Tail.of(messages[-1], counts=_counts(messages[-1], verdicts)))
        return counting

    async def versions(self, subject: str, end: Tail) -> set[int]:
        """The versions of a subject that count, at least up to the given end. Raises LogUnavailable."""
        self._tails.put(subject, end)
        return {version_of(message) for message in await self.of(subject)}

    async def notifications(
        self, start: int, limit: int, *, stop: int | None = None, topics: Sequence[str] = ()
    ) -> list[Notification]:
        """The events of the stream from a position on, in order. Raises LogUnavailable.

        It ends before an event of a transaction that is open: whether it counts will be known in a moment.
        """
        found: list[Notification] = []
        async with aclosing(self._events(start, limit, stop)) as events:
            async for message, originator_id in events:
                if not topics or message.header(b"ce-type") in topics:
                    found.append(notification(message, originator_id))
                    if len(found) == limit:
                        break
        return found

    async def settled(self, messages: Iterable[Stored], topics: Sequence[str]) -> list[Notification]:
        """The notifications of stored messages; it is waited for the end of a transaction, also while the log is away."""
        found: list[Notification] = []
        for message in messages:
            originator_id = self._naming.originator_of(message.subject)
            if originator_id is None or (topics and message.header(b"ce-type") not in topics):
                continue
            transaction = transaction_of(message)
            if not transaction or self._transactions is None or await self._transactions.settled_at_last(transaction):
                found.append(notification(message, originator_id))
        return found

    async def last_position(self) -> int | None:
        """The position of the newest event that counts; None when there is none. Raises LogUnavailable."""
        newest = await self._reads.newest(">")
        if newest is not None and self._naming.originator_of(newest.subject) is None:
            candidates = [await self._reads.newest(pattern) for pattern in self._naming.patterns]
            newest = max((it for it in candidates if it is not None), key=lambda it: it.position, default=None)
        if newest is None:
            return None
        if await self._verdict(transaction_of(newest)):
            return newest.position
        for end, start in pairwise([*range(newest.position, 1, -PAGE), 1]):
            last = None
            async for message, _ in self._events(start, end - start, end - 1, pass_over=True):
                last = message.position
            if last is not None:
                return last
        return None

    async def _events(
        self, start: int, size: int, stop: int | None, *, pass_over: bool = False
    ) -> AsyncGenerator[tuple[Stored, UUID | str], None]:
        """The events of the stream from a position on, each with its aggregate; `size` is that of the first page.

        It ends before one of a transaction that is open, unless such are to be passed over.
        """
        deadline = self._now() + self._patience
        more = 32
        while stop is None or start <= stop:
            page = await self._reads.page(start=start, limit=size)
            for message in page:
                if stop is not None and message.position > stop:
                    return
                if (originator_id := self._naming.originator_of(message.subject)) is None:
                    continue
                transaction = transaction_of(message)
                verdict = await self._verdict(transaction) if transaction else True
                if verdict is None and not pass_over:
                    return
                if verdict:
                    yield message, originator_id
            start = page[-1].position + 1 if page else start
            size, more = more, min(PAGE, more * 2)  # a few were passed over, or many
            if is_end(page):
                if start > self._tails.reached:
                    return
                await self._replica_lags(">", self._tails.reached, deadline)

    async def _read(self, subject: str, start: int, reached: int) -> tuple[list[Stored], dict[str, bool | None], int]:
        """All messages of a subject from a position on, what has become of their transactions, and how far it must reach."""
        messages = [message async for page in self._reads.pages(subject, start=start) for message in page]
        transactions = {it for message in messages if (it := transaction_of(message))}
        verdicts = {transaction: await self._verdict(transaction) for transaction in transactions}
        if messages and verdicts.get(transaction_of(messages[-1])):
            # It may have stored more after it was read, before it was committed; and a replica may lack a part of it. Once there
            # is a message behind it there is no more of it: others append only when it has ended.
            newest = await self._reads.newest(subject)
            reached = max(reached, newest.position if newest is not None else 0)
        return messages, verdicts, reached

    async def _verdict(self, transaction: str) -> bool | None:
        """Whether a message of a transaction, or of none, counts; None while that is open. Raises LogUnavailable."""
        if not transaction or self._transactions is None:
            return True
        return await self._transactions.committed(transaction)

    async def _replica_lags(self, subject: str, position: int, deadline: float) -> None:
        """A moment, before a replica is asked again. Raises LogUnavailable when it lags for too long."""
        newest = await self._reads.newest(subject)
        if newest is None or newest.position < position:
            self._tails.forget_all()  # the stream is not the one that it was
        elif self._now() > deadline:
            raise LogUnavailable(f"The replicas of the log lag behind position {position}.")
        else:
            await asyncio.sleep(PAUSE)

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


def _counts(message: Stored, verdicts: dict[str, bool | None]) -> bool:
    transaction = transaction_of(message)
    return not transaction or bool(verdicts.get(transaction))
