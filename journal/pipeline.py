"""Appending a whole log, many events under way at once: for a copy of one, into a log that nobody else writes to.

Each event says at which position it must land, and the server refuses it anywhere else. The first goes alone: where the log does
not end as expected, nothing is stored. Somebody else who appends meanwhile is noticed, but what is under way may then land around
it: whoever uses this must have the log to itself. The library's `publish_async` is no help: its futures never end when the
server refuses.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
from nats.errors import Error as NatsError

from journal.bus import NO_RESPONDERS, Bus, time_out
from journal.errors import AppendConflict, JournalError, LogUnavailable, OutcomeUnknown

EXPECTED = b"Nats-Expected-Last-Sequence: %d\r\n\r\n"
CONFLICT = 10071
AT_ONCE = 2000  # events under way
BYTES_AT_ONCE = 8 << 20  # of them


class Pipeline:
    """Appends one event after another from a position on, and counts what the log has acknowledged."""

    def __init__(self, bus: Bus, *, after: int, at_once: int = AT_ONCE, seconds: float = 10.0) -> None:
        self.acknowledged = after  # position up to which everything is in the log
        self._bus = bus
        self._sent = after
        self._at_once = at_once
        self._seconds = seconds  # without any acknowledgement after which the log is taken for gone
        self._sizes: dict[int, int] = {}  # position → bytes, of what is under way
        self._bytes = 0
        self._begun = False  # the log has taken the first
        self._failure: JournalError | None = None
        self._woken: asyncio.Future[None] | None = None
        self._inbox = bus.new_inbox()

    @classmethod
    @asynccontextmanager
    async def open(cls, bus: Bus, *, after: int, at_once: int = AT_ONCE) -> "AsyncIterator[Pipeline]":
        """A pipeline; at the end of the block everything is acknowledged.

        Raises AppendConflict when the log does not end where it should, LogUnavailable, OutcomeUnknown when it went away: then what
        was under way may be in it or not; JournalError for what it refuses.
        """
        pipeline = cls(bus, after=after, at_once=at_once)
        reception = await bus.receive(f"{pipeline._inbox}.*", pipeline._answered)
        try:
            yield pipeline
            await pipeline.drain()
        finally:
            await reception.stop()

    async def append(self, subject: str, block: bytes, body: bytes) -> None:
        """Send the next event, once there is room. Raises what an earlier one has met: see `open`."""
        size = len(block) + len(body)
        while self._failure is None and (
            len(self._sizes) >= (self._at_once if self._begun else 1)
            or (self._sizes and self._bytes + size > BYTES_AT_ONCE)
        ):
            await self._wait()
        if self._failure is not None:
            raise self._failure
        if not self._bus.is_connected:
            raise self._gone()
        self._sent += 1
        self._sizes[self._sent] = size
        self._bytes += size
        await self._bus.send(
            subject, body, reply=f"{self._inbox}.{self._sent}", block=block[:-2] + EXPECTED % (self._sent - 1)
        )

    async def drain(self) -> None:
        """Until all that was sent is acknowledged. Raises what one of them has met."""
        while self._failure is None and self._sizes:
            await self._wait()
        if self._failure is not None:
            raise self._failure

    async def _wait(self) -> None:
        """Until something was answered."""
        loop = asyncio.get_running_loop()
        woken = self._woken = loop.create_future()
        self._bus.waiting.add(woken)
        alarm = loop.call_later(self._seconds, time_out, woken)
        try:
            await woken
        except (NatsError, TimeoutError):
            raise self._gone() from None
        finally:
            alarm.cancel()
            self._bus.waiting.discard(woken)
            self._woken = None

    def _gone(self) -> LogUnavailable:
        if not self._sizes:
            return LogUnavailable("The log cannot be reached.")
        return OutcomeUnknown(f"The log went away: it has acknowledged everything up to position {self.acknowledged}.")

    def _answered(self, subject: bytes, _reply: bytes, block: bytes, body: bytes) -> None:
        if self._failure is None:
            position = int(subject.rpartition(b".")[2])
            self._failure = self._understood(position, block, body)
            if self._failure is None:
                self.acknowledged, self._begun = position, True
                self._bytes -= self._sizes.pop(position)
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)

    def _understood(self, position: int, block: bytes, body: bytes) -> JournalError | None:
        """What is wrong with the answer to an event; None when it is where it should be."""
        if position != self.acknowledged + 1 or (not body and block.startswith(NO_RESPONDERS)):
            return self._gone()  # the connection was lost for a moment, and answers with it
        answer = orjson.loads(body)
        error = answer.get("error")
        if error is None and answer["seq"] == position:
            return None
        if error is None or error.get("err_code") == CONFLICT:
            return AppendConflict(f"The log does not end at position {position - 1}: somebody else writes to it.")
        return JournalError(f"The log refused event {position}: {error.get('description')}")
