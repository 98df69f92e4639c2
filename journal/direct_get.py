"""Reading single messages and whole subjects of a stream, without a consumer (JetStream direct get).

Source: NATS ADR-31; nats-py has no call for its batched form.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import orjson
from nats.errors import Error as NatsError

from journal.bus import Bus, time_out
from journal.errors import JournalError, LogUnavailable
from journal.stored import Stored, parse_headers

PAGE = 1000  # messages a request; the server's own limit
PAGE_BYTES = 8 << 20  # a request: a client that is sent much more at once is cut off as too slow
STATUS = b"NATS/1.0 "
SILENCE = 1.0  # seconds without a message after which an answer is given up


class NotWhole(Exception):
    """An answer did not come, or not whole."""


@dataclass(slots=True)
class Pending:
    """One request whose answers are coming in."""

    done: asyncio.Future[str]
    subject: str | None  # of all that is asked for; None where the answers tell
    single: bool
    messages: list[Stored] = field(default_factory=list)
    left: int = 0  # how many more there are behind the last one
    gap: bool = False  # a message has been lost on the way, as when a server of a cluster dies
    alarm: asyncio.TimerHandle | None = None

    def watch(self, heard: int = -1) -> None:
        """Give it up once nothing has been heard of it for a while."""
        if len(self.messages) == heard:
            time_out(self.done)
        else:
            loop = asyncio.get_running_loop()
            self.alarm = loop.call_later(SILENCE, self.watch, len(self.messages))

    def unwatch(self) -> None:
        """It is over."""
        if self.alarm is not None:
            self.alarm.cancel()

    def expect(self, last: int) -> None:
        """Note whether the message before has come; `last` is its position as the server tells it, 0 for none."""
        if last != (self.messages[-1].position if self.messages else 0):
            self.gap = True


class DirectGet:
    """Direct reads of one stream over one connection."""

    def __init__(self, bus: Bus, stream: str, *, seconds: float = 5.0) -> None:
        self._bus = bus
        self._stream = stream
        self._seconds = seconds
        self._pending: dict[bytes, Pending] = {}
        self._counter = 0
        self._inbox = ""

    async def last(self, subject: str) -> Stored | None:
        """The newest message of a subject that the copy which is asked has; None when there is none. Raises LogUnavailable."""
        found = await self._ask(f"$JS.API.DIRECT.GET.{self._stream}.{subject}", b"", subject, single=True)
        return found[0] if found else None

    async def first(self, subject: str) -> Stored | None:
        """The oldest message of a subject; None when there is none. Raises LogUnavailable."""
        question = orjson.dumps({"seq": 1, "next_by_subj": subject})
        found = await self._ask(f"$JS.API.DIRECT.GET.{self._stream}", question, subject, single=True)
        return found[0] if found else None

    async def some(self, position: int, count: int) -> list[Stored]:
        """At most so many messages, of whatever subject, from a position on. Raises LogUnavailable."""
        question = orjson.dumps({"seq": position, "batch": count})
        return await self._ask(f"$JS.API.DIRECT.GET.{self._stream}", question, None)

    async def at(self, position: int) -> Stored | None:
        """The message at a position; None when there is none. Raises LogUnavailable."""
        found = await self._ask(
            f"$JS.API.DIRECT.GET.{self._stream}", orjson.dumps({"seq": position}), None, single=True
        )
        return found[0] if found else None

    async def after(self, subject: str, position: int, *, count: int) -> list[Stored]:
        """The first messages of a subject after a position, no more than `count`, a page at most. Raises LogUnavailable."""
        question = orjson.dumps({"seq": position + 1, "batch": count, "next_by_subj": subject})
        return await self._ask(f"$JS.API.DIRECT.GET.{self._stream}", question, subject)

    async def pages(self, subject: str, *, start: int = 1) -> AsyncIterator[list[Stored]]:
        """All messages of a subject, or of a pattern, from a position on, oldest first, a page at a time. Raises LogUnavailable."""
        exact = None if subject.endswith((".>", ".*")) else subject
        while True:
            question = orjson.dumps({"seq": start, "batch": PAGE, "max_bytes": PAGE_BYTES, "next_by_subj": subject})
            answer = await self._answer(f"$JS.API.DIRECT.GET.{self._stream}", question, exact)
            page = answer.messages
            if page:
                yield page
            # The server ends a page at so many bytes too: that it is short does not mean that it is the last one.
            if not page or answer.left == 0:
                return
            start = page[-1].position + 1

    async def pages_reaching(self, subject: str, position: int) -> AsyncIterator[list[Stored]]:
        """All messages of a subject, a page at a time, up to one at a position that is known to be there, and beyond.

        A copy of the stream that lags behind it is asked again. Raises LogUnavailable.
        """
        deadline = asyncio.get_running_loop().time() + self._seconds
        start = 1
        while True:
            async for page in self.pages(subject, start=start):
                yield page
                start = page[-1].position + 1
            if start > position:
                return
            if asyncio.get_running_loop().time() > deadline:
                raise LogUnavailable(f"No copy of the log shows position {position} of {subject} yet.")
            await asyncio.sleep(0.02)

    async def _ask(self, api: str, question: bytes, subject: str | None, *, single: bool = False) -> list[Stored]:
        return (await self._answer(api, question, subject, single=single)).messages

    async def _answer(self, api: str, question: bytes, subject: str | None, *, single: bool = False) -> Pending:
        """Ask until there is a whole answer: the copy that was asked may hang, or its server die, and then another is asked."""
        deadline = asyncio.get_running_loop().time() + self._seconds
        while True:
            try:
                return await self._once(api, question, subject, single=single)
            except NotWhole as error:
                if asyncio.get_running_loop().time() > deadline:
                    raise LogUnavailable(f"The log does not answer: {error}") from error

    async def _once(self, api: str, question: bytes, subject: str | None, *, single: bool) -> Pending:
        if not self._bus.is_connected:
            raise LogUnavailable("The log cannot be reached.")
        if not self._inbox:
            self._inbox = self._bus.new_inbox()
            await self._bus.receive(f"{self._inbox}.*", self._answered)
        self._counter += 1
        reply = f"{self._inbox}.{self._counter}"
        key = reply.encode()
        loop = asyncio.get_running_loop()
        pending = self._pending[key] = Pending(loop.create_future(), subject, single)
        self._bus.waiting.add(pending.done)
        pending.watch()
        try:
            await self._bus.send(api, question, reply=reply)
            status = await pending.done
        except TimeoutError:
            raise NotWhole("timed out") from None
        except NatsError as error:
            raise LogUnavailable(f"The log does not answer: {error}") from error
        finally:
            pending.unwatch()
            self._bus.waiting.discard(pending.done)
            del self._pending[key]
        if status == "503":
            raise LogUnavailable("The log does not answer: nobody serves it")
        if status not in ("204", "404"):
            raise JournalError(f"Reading {self._stream} failed with status {status}")
        if pending.gap:
            raise NotWhole("a part of the answer is lost")
        return pending

    def _answered(self, subject: bytes, _reply: bytes, block: bytes, body: bytes) -> None:
        pending = self._pending.get(subject)
        if pending is None or pending.done.done():
            return
        if not body and block.startswith(STATUS):
            headers = parse_headers(block)
            pending.expect(int(headers.get("Nats-Last-Sequence", 0)))
            pending.left = int(headers.get("Nats-Num-Pending", 0))
            pending.done.set_result(headers.get("Status", ""))
            return
        message = Stored(0, pending.subject or "", block, body)
        # The server has put position and subject among the headers.
        message.position = int(message.header(b"Nats-Sequence"))
        if pending.subject is None or pending.single:
            message.subject = message.header(b"Nats-Subject")
        if pending.single:
            pending.messages.append(message)
            pending.done.set_result("204")
            return
        pending.expect(int(message.header(b"Nats-Last-Sequence")))
        pending.messages.append(message)
