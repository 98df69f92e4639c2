"""Writing one message, or an atomic batch of them, and certainty about whether it is in the log (ADR 0002, 0010).

The first message always says at which position of its subject it is expected. So when an acknowledgement is lost, the same is
sent again, and a refusal then is looked into: what is stored right after the expected position is ours, or it is somebody else's.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import orjson
import uuid_utils
from eventsourcing.persistence import DataError
from nats.errors import Error as NatsError
from nats.errors import NoRespondersError

from journal.append import CONFLICTS
from journal.bus import Bus
from journal.errors import JournalError, LogUnavailable, OutcomeUnknown
from journal.persistence.reads import Reads
from journal.persistence.record import EXPECTED, ID, Message
from journal.stored import header_block

LARGEST_BATCH = 1000  # messages; the server's own limit
OPEN_BATCHES = 16  # of one process; the server keeps at most 50 of a stream
NOT_TAKEN = frozenset({10176, 10210})  # the batch is incomplete: a part of it was lost; too many are open
PAUSE = 0.1  # seconds before it is sent again


class Conflict(Exception):
    """A subject has grown past the position that was expected: nothing was stored."""


class Writer:
    """Writes to one stream over one connection."""

    def __init__(self, bus: Bus, reads: Reads, *, seconds: float, patience: float) -> None:
        self._bus = bus
        self._reads = reads
        self._seconds = seconds
        self._patience = patience
        self._open = asyncio.Semaphore(OPEN_BATCHES)

    async def write(self, messages: Sequence[Message]) -> int:
        """Store all or none, one behind the other; returns the position of the first.

        Raises Conflict; DataError for a message that is too large; LogUnavailable when nothing was stored because the log is away;
        OutcomeUnknown when that cannot be told; JournalError when the log refuses.
        """
        if len(messages) == 1:
            return await self._write(messages)
        async with self._open:
            return await self._write(messages)

    async def _write(self, messages: Sequence[Message]) -> int:
        wire = self._wire(messages)
        unsure = False
        deadline = asyncio.get_running_loop().time() + self._patience
        while True:
            reason = "it does not answer"
            try:
                answer = await self._send(wire if len(wire) == 1 else _batch(wire))
                if (error := answer.get("error")) is None:
                    return int(answer["seq"]) - len(messages) + 1
                reason = str(error.get("description"))
                position = await self._refused(error, messages[0], unsure=unsure)
                if position is not None:
                    return position
            except LogUnavailable:  # it was not sent, or what has become of it could not be asked
                if not unsure:
                    raise
            except NoRespondersError:  # it was not taken: there is no leader just now
                reason = "it has no leader"
            except (NatsError, TimeoutError):
                unsure = True
            if asyncio.get_running_loop().time() > deadline:
                if unsure:
                    raise OutcomeUnknown("The log went away while it was recorded: it may be recorded, or not.")
                raise LogUnavailable(f"The log cannot take it: {reason}.")
            await asyncio.sleep(PAUSE)

    def _wire(self, messages: Sequence[Message]) -> list[tuple[str, bytes, bytes]]:
        room = self._bus.max_payload - 200  # for what a batch adds to the headers
        wire = []
        for message in messages:
            try:
                block = header_block(message.headers)
            except ValueError as error:
                raise DataError(f"It cannot be recorded: {error}") from error
            if len(block) + len(message.body) > room:
                raise DataError(f"An event of {len(message.body)} bytes is larger than the log takes ({room}).")
            wire.append((message.subject, block, message.body))
        return wire

    async def _send(self, wire: Sequence[tuple[str, bytes, bytes]]) -> dict[str, Any]:
        if not self._bus.is_connected:
            raise LogUnavailable("The log cannot be reached.")  # the client would keep it, and send it whenever it can
        for subject, block, body in wire[:-1]:
            await self._bus.send(subject, body, block=block)
        subject, block, body = wire[-1]
        answer: dict[str, Any] = orjson.loads(await self._bus.ask(subject, body, block=block, seconds=self._seconds))
        return answer

    async def _refused(self, error: dict[str, Any], first: Message, *, unsure: bool) -> int | None:
        """The position where it is stored all the same; None when it is to be sent again. Raises what the refusal means."""
        if error.get("err_code") in CONFLICTS:
            if not unsure:
                raise Conflict(first.subject)
            next_one = await self._reads.first_after(first.subject, int(first.headers[EXPECTED]))
            if next_one is None:  # what was sent before is being stored just now
                return None
            if next_one.headers.get(ID) == first.headers[ID]:
                return next_one.position
            raise Conflict(first.subject)
        if error.get("err_code") in NOT_TAKEN or error.get("code") == 503:  # noqa: PLR2004
            return None
        raise JournalError(f"The log refused it: {error.get('description')}")


def _batch(wire: Sequence[tuple[str, bytes, bytes]]) -> list[tuple[str, bytes, bytes]]:
    """The same as an atomic batch, each time with a new id: one that was cut off is never completed by another."""
    batch = uuid_utils.uuid7()
    return [
        (
            subject,
            block[:-2]
            + f"Nats-Batch-Id: {batch}\r\nNats-Batch-Sequence: {number}\r\n".encode()
            + (b"Nats-Batch-Commit: 1\r\n\r\n" if number == len(wire) else b"\r\n"),
            body,
        )
        for number, (subject, block, body) in enumerate(wire, 1)
    ]
