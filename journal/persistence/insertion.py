"""Inserting: several events of several aggregates, and how far another application was processed, all or none.

What is remembered of the subjects decides where the messages are expected. When the log disagrees, its leader is asked; only
what the leader says can refuse an insert.
"""

import asyncio
import random
from collections.abc import Iterable, Mapping, Sequence

from eventsourcing.persistence import IntegrityError

from journal.errors import LogUnavailable
from journal.persistence.history import History
from journal.persistence.reads import Reads
from journal.persistence.record import EXPECTED, Draft, Message
from journal.persistence.tail import Tail, Tails
from journal.persistence.transactions import Transactions, transaction_of
from journal.persistence.write import LARGEST_BATCH, Conflict, Writer

ATTEMPTS = 10
LOOK_UPS = 200  # at once
FIRST_VERSIONS = frozenset({0, 1})  # those that aggregates begin with


class Insertion:
    """Inserts into one stream."""

    def __init__(
        self, reads: Reads, writer: Writer, transactions: Transactions, history: History, tails: Tails
    ) -> None:
        self._reads = reads
        self._writer = writer
        self._transactions = transactions
        self._history = history
        self._tails = tails

    async def insert(self, drafts: Sequence[Draft]) -> list[int]:
        """Record all or none; returns the position of each.

        Raises IntegrityError when one of them is there already, or is tracking that lies behind; DataError; LogUnavailable,
        OutcomeUnknown, JournalError as the writer does.
        """
        if not drafts:
            return []
        if len({(draft.subject, draft.version) for draft in drafts}) < len(drafts):
            raise IntegrityError("The same version of an aggregate is given twice.")
        by_leader = False
        for attempt in range(ATTEMPTS):
            tails = await self._look_up(drafts, by_leader=by_leader)
            if not await self._free(drafts, tails, certain=by_leader):
                by_leader = True
                continue
            try:
                return await self._write(drafts, tails)
            except Conflict:
                for subject in tails:
                    self._tails.forget(subject)
                if by_leader:  # another was faster, or is being stored just now
                    await asyncio.sleep(random.uniform(0, 0.005 * 2**attempt))  # noqa: S311 -- jitter, no secret
                by_leader = True
        raise LogUnavailable("Others append to the same aggregates all the time.")

    async def _look_up(self, drafts: Sequence[Draft], *, by_leader: bool) -> dict[str, Tail]:
        """The end of every subject. What is not known is asked for, unless the version says that the subject must be new."""
        lowest: dict[str, int] = {}
        for draft in drafts:
            lowest[draft.subject] = min(draft.version, lowest.get(draft.subject, draft.version))
        tails: dict[str, Tail] = {}
        unknown: list[str] = []
        for subject, version in lowest.items():
            known = None if by_leader else self._tails.get(subject)
            if known is None and not by_leader and version in FIRST_VERSIONS:
                known = Tail()
            if known is None:
                unknown.append(subject)
            else:
                tails[subject] = known
        for at in range(0, len(unknown), LOOK_UPS):
            page = unknown[at : at + LOOK_UPS]
            tails |= zip(page, await asyncio.gather(*map(self._newest, page)), strict=True)
        return tails

    async def _newest(self, subject: str) -> Tail:
        newest = await self._reads.newest(subject)
        if newest is None:
            return Tail()
        transaction = transaction_of(newest)
        return Tail.of(newest, counts=not transaction or await self._transactions.settled(transaction))

    async def _free(self, drafts: Iterable[Draft], tails: Mapping[str, Tail], *, certain: bool) -> bool:
        """Whether no version is taken, as far as is known; when it is certain: raises IntegrityError instead of answering no."""
        taken: dict[str, set[int]] = {}
        for draft in drafts:
            tail = tails[draft.subject]
            if tail.highest is None or draft.version > tail.highest:
                continue
            if not certain:
                return False
            if draft.fills_gaps and draft.subject not in taken:
                taken[draft.subject] = await self._history.versions(draft.subject, tail)
            if not draft.fills_gaps or draft.version in taken[draft.subject]:
                raise IntegrityError(
                    f"{draft.subject} has version {draft.version} already, its highest is {tail.highest}."
                )
        return True

    async def _write(self, drafts: Sequence[Draft], tails: Mapping[str, Tail]) -> list[int]:
        staged = len(drafts) > LARGEST_BATCH
        ends: dict[str, Tail] = {}
        messages: list[Message] = []
        for draft in drafts:
            headers = dict(draft.headers)
            if draft.subject not in ends:
                headers[EXPECTED] = str(tails[draft.subject].position)
            end = ends[draft.subject] = ends.get(draft.subject, tails[draft.subject]).raised(draft.version)
            headers |= end.marks()
            if staged:
                headers |= tails[draft.subject].before()
            messages.append(Message(draft.subject, headers, draft.body))
        if staged:
            positions = await self._transactions.write(messages)
        else:
            first = await self._writer.write(messages)
            positions = list(range(first, first + len(messages)))
        newest = {draft.subject: position for draft, position in zip(drafts, positions, strict=True)}
        for subject, position in newest.items():
            end = ends[subject]
            self._tails.put(subject, Tail(position, end.highest, end.ordered))
        return positions
