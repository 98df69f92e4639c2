"""Following the log: every event from a position on, in order, without gaps, as it comes.

Two overlapping pull requests keep the server busy while a batch is worked on, which is about four times as fast as fetching
batch by batch. A consumer that falls silent, restarts or skips is replaced by a new one at the next position.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator

import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from journal.envelope import Recorded
from journal.errors import JournalError
from journal.streams import SECOND, call
from journal.waiting import within

log = logging.getLogger(__name__)

IDLE_HEARTBEAT = 1.0  # seconds between signs of life of an idle pull request
SILENCE = 3.0  # seconds without any sign after which the consumer is taken for dead


class Follower:
    """Follows EVENTS over one connection, from a position that the caller keeps."""

    def __init__(self, client: Client, *, after: int, batch: int = 500) -> None:
        self._client = client
        self._position = after
        self._batch = batch
        self._queue: list[Recorded] = []
        self._woken = asyncio.Event()
        self._heard = 0.0
        self._asked = 0
        self._broken = ""
        self._consumer = ""
        self._inbox = ""

    @property
    def position(self) -> int:
        """The position of the last event that was received."""
        return self._position

    async def batches(self) -> AsyncIterator[list[Recorded]]:
        """Batches of events, each at least one, for ever. Heals itself; ends only by being cancelled or closed."""
        pause = 0.05
        while True:
            try:
                async for batch in self._session():
                    pause = 0.05
                    yield batch
            except (NatsError, TimeoutError, JournalError) as error:
                log.warning("following the log again from %d: %s", self._position, str(error) or type(error).__name__)
            await asyncio.sleep(pause)
            pause = min(1.0, pause * 2)

    async def _session(self) -> AsyncIterator[list[Recorded]]:
        self._queue, self._asked, self._broken = [], 0, ""
        self._inbox = self._client.new_inbox()
        subscription = await self._client.subscribe(self._inbox, cb=self._received, pending_bytes_limit=1 << 30)
        try:
            answer = await call(
                self._client,
                "CONSUMER.CREATE.EVENTS",
                {
                    "stream_name": "EVENTS",
                    "config": {
                        "deliver_policy": "by_start_sequence",
                        "opt_start_seq": self._position + 1,
                        "ack_policy": "none",
                        "mem_storage": True,
                        "num_replicas": 1,
                        "inactive_threshold": 30 * SECOND,
                    },
                },
            )
            self._consumer = answer["name"]
            self._heard = time.monotonic()
            await self._pull()
            await self._pull()
            while True:
                if not self._queue:
                    await self._wait()
                batch, self._queue = self._queue, []
                if batch:
                    yield batch
                while self._asked <= self._batch:
                    await self._pull()
        finally:
            await self._leave(subscription)

    async def _leave(self, subscription: object) -> None:
        try:
            await subscription.unsubscribe()  # type: ignore[attr-defined]
            if self._consumer and self._client.is_connected:
                await self._client.publish(f"$JS.API.CONSUMER.DELETE.EVENTS.{self._consumer}")
        except NatsError:
            pass  # the server is away, and forgets an unused consumer by itself

    async def _pull(self) -> None:
        request = {"batch": self._batch, "expires": 30 * SECOND, "idle_heartbeat": int(IDLE_HEARTBEAT * SECOND)}
        self._asked += self._batch
        await self._client.publish(
            f"$JS.API.CONSUMER.MSG.NEXT.EVENTS.{self._consumer}", orjson.dumps(request), reply=self._inbox
        )

    async def _wait(self) -> None:
        """Until there are events, or the requests have run out. Raises JournalError when the consumer is dead."""
        while not self._queue and self._asked > self._batch and not self._broken:
            self._woken.clear()
            try:
                await within(SILENCE, self._woken.wait())
            except TimeoutError:
                if time.monotonic() - self._heard >= SILENCE:
                    raise JournalError("the server has fallen silent") from None
        if self._broken and not self._queue:
            raise JournalError(self._broken)

    async def _received(self, message: Msg) -> None:
        self._heard = time.monotonic()
        status = (message.headers or {}).get("Status")
        if status is None:
            self._take(message)
        elif status == "408":  # a request has run its time: what it did not bring must be asked for again
            self._asked = max(0, self._asked - int((message.headers or {}).get("Nats-Pending-Messages", self._batch)))
        elif status != "100":  # 100 is the idle heartbeat
            self._broken = f"the server answered {status} {(message.headers or {}).get('Description', '')}"
        self._woken.set()

    def _take(self, message: Msg) -> None:
        position = message.metadata.sequence.stream
        self._asked -= 1
        if position <= self._position or self._broken:
            return
        if position != self._position + 1:
            self._broken = f"event {self._position + 1} was skipped: {position} came"
            return
        try:
            event = Recorded.from_message(message.subject, message.headers or {}, message.data, position)
        except Exception as error:  # noqa: BLE001 -- whatever is wrong with it, the follower stops before it and says which
            self._broken = f"event {position} ({message.subject}) cannot be read: {error!r}"
            return
        self._queue.append(event)
        self._position = position
