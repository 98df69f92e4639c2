"""Reading a stream without a consumer: pages that are complete, and what its leader knows."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from typing import Any, TypeVar

import orjson
from nats.errors import Error as NatsError

from journal.bus import Bus
from journal.direct_get import PAGE, DirectGet
from journal.errors import JournalError, LogUnavailable
from journal.stored import Stored

T = TypeVar("T")

NO_MESSAGE = 10037
PAGE_BYTES = 1 << 20
"""A server cuts a client off for which more is pending than it allows: 64 MB, if nothing else was set."""
PAUSE = 0.05  # seconds before it is asked again


class Reads(DirectGet):
    """Direct reads, which any replica answers and which may lag behind by a moment, and reads of the leader, which do not.

    While nobody answers although there is a connection, as when the servers choose a leader, it is asked again for a while.
    """

    def __init__(self, bus: Bus, stream: str, *, seconds: float, patience: float) -> None:
        super().__init__(bus, stream, seconds=seconds)
        self._patience = patience
        self._leader = f"$JS.API.STREAM.MSG.GET.{stream}"

    async def page(self, *, start: int, limit: int, subject: str = "") -> list[Stored]:
        """Messages from a position on, of one subject or of all, oldest first: at least one where there is one.

        The server may send fewer than asked for, because they are large: `is_end` tells whether there are more.
        Raises LogUnavailable.
        """
        question: dict[str, Any] = {"seq": max(1, start), "batch": min(limit, PAGE), "max_bytes": PAGE_BYTES}
        if subject:
            question["next_by_subj"] = subject
        page = await self._ask(f"$JS.API.DIRECT.GET.{self._stream}", orjson.dumps(question), subject or None)
        if not subject:
            for message in page:
                message.subject = message.header(b"Nats-Subject")
        return page

    async def pages(self, subject: str, *, start: int = 1) -> AsyncIterator[list[Stored]]:
        """All messages of a subject from a position on, oldest first, a page at a time. Raises LogUnavailable."""
        while page := await self.page(start=start, limit=PAGE, subject=subject):
            yield page
            if is_end(page):
                return
            start = page[-1].position + 1

    async def newest(self, subject: str) -> Stored | None:
        """The newest message of a subject, or of all that match it, by the leader. Raises LogUnavailable."""
        return await self._patiently(lambda: self._of_leader({"last_by_subj": subject}))

    async def first_after(self, subject: str, position: int) -> Stored | None:
        """The first message of a subject after a position, by the leader. Raises LogUnavailable."""
        return await self._patiently(lambda: self._of_leader({"seq": position + 1, "next_by_subj": subject}))

    async def _ask(self, api: str, question: bytes, subject: str | None, *, single: bool = False) -> list[Stored]:
        ask = super()._ask
        return await self._patiently(lambda: ask(api, question, subject, single=single))

    async def _patiently(self, ask: Callable[[], Coroutine[Any, Any, T]]) -> T:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._patience
        while True:
            try:
                return await ask()
            except LogUnavailable:
                if not self._bus.is_connected or loop.time() > deadline:
                    raise
            await asyncio.sleep(PAUSE)

    async def _of_leader(self, question: Mapping[str, Any]) -> Stored | None:
        if not self._bus.is_connected:
            raise LogUnavailable("The log cannot be reached.")
        try:
            answer = orjson.loads(await self._bus.ask(self._leader, orjson.dumps(question), seconds=self._seconds))
        except (NatsError, TimeoutError) as error:
            raise LogUnavailable(f"The log does not answer: {str(error) or 'timed out'}") from error
        if error_in_answer := answer.get("error"):
            if error_in_answer.get("err_code") == NO_MESSAGE:
                return None
            kind = LogUnavailable if error_in_answer.get("code") == 503 else JournalError  # noqa: PLR2004
            raise kind(f"Reading {self._stream}: {error_in_answer.get('description')}")
        found = answer["message"]
        block = base64.b64decode(found.get("hdrs", ""))
        return Stored(found["seq"], found["subject"], block, base64.b64decode(found.get("data", "")))


def is_end(page: Sequence[Stored]) -> bool:
    """Whether nothing came after a page when it was read."""
    return not page or page[-1].header(b"Nats-Num-Pending") == "0"
