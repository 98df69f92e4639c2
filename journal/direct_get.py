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
STATUS = b"NATS/1.0 "


@dataclass(slots=True)
class Pending:
    """One request whose answers are coming in."""

    done: asyncio.Future[str]
    subject: str | None  # of all that is asked for; None where the answers tell
    single: bool
    messages: list[Stored] = field(default_factory=list)


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
        """The newest message of a subject; None when there is none. Raises LogUnavailable."""
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

    async def pages(self, subject: str, *, start: int = 1) -> AsyncIterator[list[Stored]]:
        """All messages of a subject, or of a pattern, from a position on, oldest first, a page at a time. Raises LogUnavailable."""
        exact = None if subject.endswith((".>", ".*")) else subject
        while True:
            question = orjson.dumps({"seq": start, "batch": PAGE, "next_by_subj": subject})
            page = await self._ask(f"$JS.API.DIRECT.GET.{self._stream}", question, exact)
            if page:
                yield page
            if len(page) < PAGE:
                return
            start = page[-1].position + 1

    async def _ask(self, api: str, question: bytes, subject: str | None, *, single: bool = False) -> list[Stored]:
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
        alarm = loop.call_later(self._seconds, time_out, pending.done)
        try:
            await self._bus.send(api, question, reply=reply)
            status = await pending.done
        except (NatsError, TimeoutError) as error:
            raise LogUnavailable(f"The log does not answer: {str(error) or 'timed out'}") from error
        finally:
            alarm.cancel()
            self._bus.waiting.discard(pending.done)
            del self._pending[key]
        if status == "503":
            raise LogUnavailable("The log does not answer: nobody serves it")
        if status not in ("204", "404"):
            raise JournalError(f"Reading {self._stream} failed with status {status}")
        return pending.messages

    def _answered(self, subject: bytes, _reply: bytes, block: bytes, body: bytes) -> None:
        pending = self._pending.get(subject)
        if pending is None or pending.done.done():
            return
        if not body and block.startswith(STATUS):
            pending.done.set_result(parse_headers(block).get("Status", ""))
            return
        message = Stored(0, pending.subject or "", block, body)
        # The server has put position and subject among the headers.
        message.position = int(message.header(b"Nats-Sequence"))
        if pending.subject is None:
            message.subject = message.header(b"Nats-Subject")
        pending.messages.append(message)
        if pending.single:
            pending.done.set_result("204")
