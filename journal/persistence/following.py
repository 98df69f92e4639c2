"""Following a stream: every message from a position on, in order, as it comes, across lost connections and restarts.

As `journal.follower` follows a region's log, but any stream, also one that was pruned by hand; and bounded in bytes, because
events may be as large as the server takes: one that a client does not take fast enough is cut off by it.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

import orjson
from nats.errors import Error as NatsError

from journal.bus import Bus, time_out
from journal.errors import JournalError, LogUnavailable
from journal.follower import IDLE_HEARTBEAT, SILENCE, STATUS
from journal.stored import Stored, parse_headers
from journal.streams import SECOND

log = logging.getLogger(__name__)

BATCH = 500  # messages a request; two of them overlap
BATCH_BYTES = 16 << 20  # the server cuts a client off for which 64 MB are pending
EXPIRES = 30  # seconds that a request, and a consumer that nobody asks, is kept
RAN_OUT = (b"408 ", b"409 Batch Completed", b"409 Message Size Exceeds MaxBytes")
"""How a request ends; what it did not bring must be asked for again."""


async def follow(bus: Bus, stream: str, *, after: int) -> AsyncGenerator[list[Stored], None]:
    """Batches of messages, each at least one, for ever. Raises LogUnavailable when the connection was closed for good."""
    pause = 0.05
    while True:
        while not bus.is_connected:
            if bus.is_closed:
                raise LogUnavailable("The connection to the log is closed.")
            await asyncio.sleep(0.02)
        try:
            async with aclosing(Session(bus, stream).batches(after)) as batches:
                async for batch in batches:
                    yield batch
                    after = batch[-1].position
                    pause = 0.05
        except (NatsError, TimeoutError, JournalError) as error:
            log.warning("following %s again from %d: %s", stream, after, str(error) or type(error).__name__)
        await asyncio.sleep(pause)
        pause = min(0.5, pause * 2)


class Session:
    """One consumer, as long as nothing happens to it."""

    def __init__(self, bus: Bus, stream: str) -> None:
        self._bus = bus
        self._stream = stream
        self._connection = bus.stats["reconnects"]
        self._consumer = ""
        self._inbox = bus.new_inbox()
        self._queue: list[Stored] = []
        self._asked = 0  # messages that were asked for and have not come
        self._count = 0  # messages that have come
        self._broken = ""
        self._heard = 0.0
        self._woken: asyncio.Future[None] | None = None

    async def batches(self, after: int) -> AsyncGenerator[list[Stored], None]:
        """What comes. Raises NatsError, JournalError when it is over."""
        reception = await self._bus.receive(self._inbox, self._received)
        try:
            self._consumer = await self._make_consumer(after)
            self._heard = time.monotonic()
            while True:
                while self._asked <= BATCH:
                    await self._pull()
                while not self._queue and self._asked > BATCH:
                    await self._wait()
                if self._queue:
                    batch, self._queue = self._queue, []
                    yield batch
                self._require_whole()
        finally:
            try:
                await reception.stop()
                if self._consumer and self._bus.is_connected:
                    await self._bus.send(f"$JS.API.CONSUMER.DELETE.{self._stream}.{self._consumer}", b"")
            except NatsError:
                pass  # the server is away, and forgets an unused consumer by itself

    async def _make_consumer(self, after: int) -> str:
        """A consumer from a position on; returns its name. Raises NatsError, JournalError."""
        config = {
            "deliver_policy": "by_start_sequence",
            "opt_start_seq": after + 1,
            "ack_policy": "none",
            "mem_storage": True,
            "num_replicas": 1,
            "inactive_threshold": EXPIRES * SECOND,
        }
        # Not by the client library's request: that can lose a cancellation, and so the end of a subscription.
        body = orjson.dumps({"stream_name": self._stream, "config": config})
        answer = orjson.loads(await self._bus.ask(f"$JS.API.CONSUMER.CREATE.{self._stream}", body, seconds=2))
        if error := answer.get("error"):
            raise JournalError(f"{self._stream} cannot be followed: {error.get('description')}")
        return str(answer["name"])

    async def _pull(self) -> None:
        self._asked += BATCH
        request = {
            "batch": BATCH,
            "max_bytes": max(BATCH_BYTES, 2 * self._bus.max_payload),
            "expires": EXPIRES * SECOND,
            "idle_heartbeat": int(IDLE_HEARTBEAT * SECOND),
        }
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{self._consumer}"
        await self._bus.send(subject, orjson.dumps(request), reply=self._inbox)

    async def _wait(self) -> None:
        """Until something comes. Raises JournalError when nothing will, and a NatsError when the connection is lost."""
        self._require_whole()
        loop = asyncio.get_running_loop()
        woken = self._woken = loop.create_future()
        self._bus.waiting.add(woken)
        alarm = loop.call_later(SILENCE, time_out, woken)
        try:
            await woken
        except TimeoutError:
            if time.monotonic() - self._heard >= SILENCE:
                raise JournalError("the server has fallen silent") from None
        finally:
            alarm.cancel()
            self._bus.waiting.discard(woken)
            self._woken = None

    def _require_whole(self) -> None:
        """Raises JournalError when something was lost, or may have been.

        The server may go on with what it was asked for on a connection that was lost, also when that was made anew since.
        """
        if self._broken and not self._queue:
            raise JournalError(self._broken)
        if self._bus.stats["reconnects"] != self._connection:
            raise JournalError("the connection was lost")

    def _received(self, subject: bytes, reply: bytes, block: bytes, body: bytes) -> None:
        self._heard = time.monotonic()
        if block.startswith(STATUS):
            self._told(block)
        elif not self._broken:
            # $JS.ACK.<stream>.<consumer>.<times delivered>.<position>.<consumer's count>.<time>.<pending>
            position, count = map(int, reply.split(b".", 7)[5:7])
            self._asked -= 1
            self._count += 1
            if count == self._count:
                self._queue.append(Stored(position, subject.decode(), block, body))
            else:
                self._broken = f"messages before {position} were lost on the way"
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)

    def _told(self, block: bytes) -> None:
        if any(end in block for end in RAN_OUT):
            self._asked = max(0, self._asked - int(parse_headers(block).get("Nats-Pending-Messages", 0)))
        elif b" 100 " not in block:  # the idle heartbeat
            self._broken = block.decode(errors="replace").strip()
