"""Reading single messages and whole subjects of a stream, without a consumer (JetStream direct get).

Source: NATS ADR-31; nats-py has no call for its batched form.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from journal.errors import JournalError, LogUnavailable
from journal.waiting import within

PAGE = 1000  # messages a request; the server's own limit


@dataclass(slots=True)
class Pending:
    """One batched request whose answers are coming in."""

    done: asyncio.Future[str]
    messages: list[Msg] = field(default_factory=list)


class DirectGet:
    """Direct reads of one stream over one connection."""

    def __init__(self, client: Client, stream: str, *, timeout: float = 5.0) -> None:
        self._client = client
        self._stream = stream
        self._timeout = timeout
        self._pending: dict[str, Pending] = {}
        self._counter = 0
        self._inbox = ""

    async def last(self, subject: str) -> Msg | None:
        """The newest message of a subject; None when there is none. Raises LogUnavailable."""
        try:
            message = await self._client.request(
                f"$JS.API.DIRECT.GET.{self._stream}.{subject}", b"", timeout=self._timeout
            )
        except (NatsError, TimeoutError) as error:
            raise LogUnavailable(f"The log does not answer: {str(error) or 'timed out'}") from error
        status = (message.headers or {}).get("Status")
        if status == "404":
            return None
        if status is not None:
            raise JournalError(f"Reading {subject} failed with status {status}")
        return message

    async def pages(self, subject: str, *, start: int = 1) -> AsyncIterator[list[Msg]]:
        """All messages of a subject from a position on, oldest first, a page at a time. Raises LogUnavailable."""
        while True:
            page = await self._batch(seq=start, batch=PAGE, next_by_subj=subject)
            if page:
                yield page
            if len(page) < PAGE:
                return
            start = position_of(page[-1]) + 1

    async def _batch(self, **request: Any) -> list[Msg]:
        if not self._inbox:
            self._inbox = self._client.new_inbox()
            await self._client.subscribe(f"{self._inbox}.*", cb=self._answered, pending_bytes_limit=1 << 30)
        self._counter += 1
        token = str(self._counter)
        pending = self._pending[token] = Pending(asyncio.get_running_loop().create_future())
        try:
            await self._client.publish(
                f"$JS.API.DIRECT.GET.{self._stream}", orjson.dumps(request), reply=f"{self._inbox}.{token}"
            )
            status = await within(self._timeout, pending.done)
        except (NatsError, TimeoutError) as error:
            raise LogUnavailable(f"The log does not answer: {str(error) or 'timed out'}") from error
        finally:
            del self._pending[token]
        if status == "404":
            return []
        if status != "204":
            raise JournalError(f"A batched read of {self._stream} failed with status {status}")
        return pending.messages

    async def _answered(self, message: Msg) -> None:
        pending = self._pending.get(message.subject.rpartition(".")[2])
        if pending is None:
            return
        status = (message.headers or {}).get("Status")
        if status is None:
            pending.messages.append(message)
        elif not pending.done.done():
            pending.done.set_result(status)


def position_of(message: Msg) -> int:
    """The sequence of a message that was read directly."""
    return int((message.headers or {})["Nats-Sequence"])


def subject_in(message: Msg) -> str:
    """The subject that a message, read directly, was stored under."""
    return str((message.headers or {})["Nats-Subject"])
