"""Appending: one event, at an exact position of its aggregate, and certainty about whether it is in the log.

The rule for a lost acknowledgement (ADR 0002): a publish whose answer did not come may be stored or not, now or after a
reconnect. So the same message, with the same id and expectation, is sent again. When that is refused, the event that stands
right after the expected position tells: it is ours, or somebody else's, and whichever copy of the log shows it first shows what
is so for ever. As long as none shows one, what refuses ours is not decided itself (on a cluster it may be ours, under way to
the other copies), and it is sent again.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import uuid_utils
from nats.errors import Error as NatsError
from nats.errors import NoRespondersError

from journal.bus import Bus
from journal.direct_get import DirectGet
from journal.envelope import Sealed
from journal.errors import AppendConflict, JournalError, LogUnavailable, OutcomeUnknown

EXPECTED = b"Nats-Expected-Last-Subject-Sequence: %d\r\n\r\n"
CONFLICTS = frozenset({10071, 10164})
TRANSIENT_CODES = frozenset({503})

Message = tuple[bytes, bytes]
"""Header block and body, as they go over the wire."""


class Appender:
    """Appends to the log over one connection."""

    def __init__(self, bus: Bus, reads: DirectGet, *, seconds: float = 3.0, patience: float = 10.0) -> None:
        self._bus = bus
        self._reads = reads
        self._seconds = seconds  # that an acknowledgement may take
        self._patience = patience  # seconds until an append that may be stored is left as it is

    async def append(self, subject: str, events: Sequence[Sealed], *, expected: int) -> int:
        """Append events to one aggregate, all or none; `expected` is the position of its newest event (0: none yet).

        Returns the position of the last one. Raises AppendConflict when the aggregate has grown meanwhile, LogUnavailable
        when nothing was stored because the log is away, OutcomeUnknown when that cannot be told, JournalError for one that is
        too large.
        """
        messages = _messages(events, expected)
        if any(len(block) + len(body) > self._bus.max_payload for block, body in messages):
            # Sent all the same, it would cost the connection.
            raise JournalError(f"An event of {subject} is larger than the log takes: {self._bus.max_payload} bytes.")
        unsure = False
        deadline = asyncio.get_running_loop().time() + self._patience
        while True:
            try:
                answer = await self._publish(subject, messages)
            except LogUnavailable:  # it was not sent
                if not unsure:
                    raise
            except NoRespondersError as error:  # it was not taken: there is no leader just now
                if not unsure and asyncio.get_running_loop().time() > deadline:
                    raise LogUnavailable("The log has no leader.") from error
            except (NatsError, TimeoutError):
                unsure = True
            else:
                if position := await self._position_in(answer, events, subject, expected, unsure=unsure):
                    return position
            await self._wait(deadline, unsure=unsure)

    async def _wait(self, deadline: float, *, unsure: bool) -> None:
        """A moment, before it is sent again. Raises OutcomeUnknown when it has been tried for long enough."""
        if unsure and asyncio.get_running_loop().time() > deadline:
            raise OutcomeUnknown("The log went away while an event was recorded: it may be recorded, or not.")
        await asyncio.sleep(0.1)

    async def _publish(self, subject: str, messages: Sequence[Message]) -> dict[str, Any]:
        if not self._bus.is_connected:
            raise LogUnavailable("The log cannot be reached.")  # the library would keep it, and send it whenever it can
        if len(messages) > 1:  # an atomic batch: dear on a single server, and rare (ADR 0002)
            messages = _batch(messages)
            for block, body in messages[:-1]:
                await self._bus.send(subject, body, block=block)
        block, body = messages[-1]
        answer = await self._bus.ask(subject, body, block=block, seconds=self._seconds)
        parsed: dict[str, Any] = orjson.loads(answer)
        return parsed

    async def _position_in(
        self, answer: Mapping[str, Any], events: Sequence[Sealed], subject: str, expected: int, *, unsure: bool
    ) -> int | None:
        """Where the last of the events is, by an answer; None when that cannot be told yet. Raises what a refusal means."""
        if "error" not in answer:
            return int(answer["seq"])
        if not unsure:
            raise _refusal(answer["error"], subject, expected)
        try:
            found = await self._reads.after(subject, expected, count=len(events))
        except LogUnavailable:
            return None
        if found and found[0].headers.get("ce-id") != events[0].id:
            raise AppendConflict(f"{subject} has grown past {expected}")
        return found[-1].position if len(found) == len(events) else None


def _refusal(error: Mapping[str, Any], subject: str, expected: int) -> JournalError:
    """What a refusal means of events of which none was sent before."""
    if error.get("err_code") in CONFLICTS:
        return AppendConflict(f"{subject} has grown past {expected}")
    if error.get("code") in TRANSIENT_CODES:
        return LogUnavailable(f"The log cannot take events: {error.get('description')}")
    return JournalError(f"The log refused an event of {subject}: {error.get('description')}")


def _messages(events: Sequence[Sealed], expected: int) -> list[Message]:
    first = events[0]
    return [(first.block[:-2] + EXPECTED % expected, first.body), *((event.block, event.body) for event in events[1:])]


def _batch(messages: Sequence[Message]) -> list[Message]:
    """The messages as one atomic batch, each time with a new id: one that was cut off is never completed by another."""
    batch = uuid_utils.uuid7()
    return [
        (
            block[:-2]
            + f"Nats-Batch-Id: {batch}\r\nNats-Batch-Sequence: {number}\r\n".encode()
            + (b"Nats-Batch-Commit: 1\r\n\r\n" if number == len(messages) else b"\r\n"),
            body,
        )
        for number, (block, body) in enumerate(messages, 1)
    ]
