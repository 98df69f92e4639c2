"""Working a queue: messages of a durable consumer as they come, for ever, across restarts of the server."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import orjson
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from journal.bus import Bus
from journal.streams import SECOND
from journal.waiting import within

log = logging.getLogger(__name__)

EXPIRES = 20  # seconds that a pull request waits
REFUSED = 0.5  # seconds before asking again when the stream or the consumer is not there
SILENCE = 3.0  # seconds without a sign of life after which it is sent anew


class Pull:
    """Pulls from one durable consumer. Whoever takes a message acknowledges it; one that is not comes again."""

    def __init__(self, client: Bus, stream: str, consumer: str, *, batch: int) -> None:
        self._client = client
        self._subject = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"
        self._batch = batch
        self._woken = asyncio.Event()
        self._left = 0
        self._refused = False

    async def run(self, take: Callable[[Msg], Awaitable[None]]) -> None:
        """Hand over messages for ever."""

        async def received(message: Msg) -> None:
            status = (message.headers or {}).get("Status")
            if status is None:
                self._left -= 1
                await take(message)
            elif status != "100":  # 408: the request has run its time; others: there is nobody to ask just now
                self._left, self._refused = 0, status != "408"
            self._woken.set()

        inbox = self._client.new_inbox()
        await self._client.subscribe(inbox, cb=received, pending_bytes_limit=256 << 20)
        while True:
            request = {"batch": self._batch, "expires": EXPIRES * SECOND, "idle_heartbeat": SECOND}
            try:
                await self._client.publish(self._subject, orjson.dumps(request), reply=inbox)
            except NatsError as error:
                log.warning("%s cannot be asked: %r", self._subject, error)
                await asyncio.sleep(0.5)
                continue
            self._left, self._refused = self._batch, False
            await self._wait()
            if self._refused:
                await asyncio.sleep(REFUSED)

    async def _wait(self) -> None:
        """Until half of what was asked for has come, or the server has fallen silent or has forgotten the request."""
        while self._left > self._batch // 2:
            self._woken.clear()
            try:
                await within(SILENCE, self._woken.wait())
            except TimeoutError:
                return
