"""Following the log: every event from a position on, in order, without gaps, as it comes.

Two overlapping pull requests keep the server busy while a batch is worked on. What has been asked for and not been taken is
bounded by them: a caller that is slow holds the server back, and memory does not grow. A consumer that falls silent, restarts
or skips is replaced by a new one at the next position.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

import orjson
from nats.errors import Error as NatsError

from journal.bus import Bus, time_out
from journal.envelope import Recorded
from journal.errors import JournalError, LogBroken, LogUnavailable
from journal.stored import Stored, parse_headers
from journal.streams import SECOND, call

log = logging.getLogger(__name__)

IDLE_HEARTBEAT = 0.5  # seconds between signs of life of an idle pull request
SILENCE = 1.5  # seconds without any sign after which the consumer is taken for dead
STATUS = b"NATS/1.0 "


class Follower:
    """Follows EVENTS over one connection, from a position that the caller keeps.

    A `strict` one does not stay before a gap or an event that cannot be read: it raises LogBroken.
    """

    def __init__(self, bus: Bus, *, after: int, batch: int = 500, strict: bool = False) -> None:
        self._bus = bus
        self._position = after
        self._batch = batch
        self._strict = strict
        self._queue: list[Stored] = []
        self._woken: asyncio.Future[None] | None = None
        self._heard = 0.0
        self._asked = 0
        self._broken: JournalError | None = None
        self._consumer = ""
        self._inbox = ""

    @property
    def position(self) -> int:
        """The position of the last event that was received."""
        return self._position

    async def batches(self) -> AsyncGenerator[list[Recorded], None]:
        """Batches of events, each at least one, for ever. Heals itself; ends only by being cancelled or closed.

        Before a gap, and before an event that cannot be read, it stays and says which it is, until a version can read it.
        """
        async with aclosing(self.messages()) as messages:
            async for stored in messages:
                batch: list[Recorded] = []
                for message in stored:
                    try:
                        batch.append(Recorded.of(message))
                    except Exception as error:  # noqa: BLE001 -- whatever is wrong with it: what came before it is good
                        self._stay_before(message, error)
                        break
                if batch:
                    yield batch

    async def messages(self) -> AsyncGenerator[list[Stored], None]:
        """The same, as stored and not read.

        Raises LogUnavailable when the connection was closed for good: by its owner, or by a server that no longer takes its key.
        """
        pause = 0.05
        while True:
            while not self._bus.is_connected:
                if self._bus.is_closed:
                    raise LogUnavailable("The connection to the log is closed.")
                await asyncio.sleep(0.02)
            try:
                async with aclosing(self._session()) as session:
                    async for batch in session:
                        yield batch
                        pause = 0.05 if self._broken is None else pause
            except (NatsError, TimeoutError, JournalError) as error:
                if self._strict and isinstance(error, LogBroken):
                    raise
                log.warning("following the log again from %d: %s", self._position, str(error) or type(error).__name__)
            await asyncio.sleep(pause)
            pause = min(0.5, pause * 2)

    def _stay_before(self, message: Stored, error: Exception) -> None:
        sentence = f"event {message.position} ({message.subject}) cannot be read: {error!r}"
        self._broken = LogBroken(message.position, sentence)
        self._position = message.position - 1
        self._queue = []

    async def _session(self) -> AsyncGenerator[list[Stored], None]:
        self._queue, self._asked, self._broken = [], 0, None
        self._inbox = self._bus.new_inbox()
        reception = await self._bus.receive(self._inbox, self._received)
        try:
            answer = await call(
                self._bus,
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
                seconds=2,
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
                while self._asked <= self._batch and self._broken is None:
                    await self._pull()
        finally:
            try:
                await reception.stop()
                if self._consumer and self._bus.is_connected:
                    await self._bus.send(f"$JS.API.CONSUMER.DELETE.EVENTS.{self._consumer}", b"")
            except NatsError:
                pass  # the server is away, and forgets an unused consumer by itself

    async def _pull(self) -> None:
        request = {"batch": self._batch, "expires": 30 * SECOND, "idle_heartbeat": int(IDLE_HEARTBEAT * SECOND)}
        self._asked += self._batch
        await self._bus.send(
            f"$JS.API.CONSUMER.MSG.NEXT.EVENTS.{self._consumer}", orjson.dumps(request), reply=self._inbox
        )

    async def _wait(self) -> None:
        """Until there are events, or the requests have run out.

        Raises JournalError when the consumer is dead, and a NatsError at once when the connection is lost.
        """
        loop = asyncio.get_running_loop()
        while not self._queue and self._asked > self._batch and self._broken is None:
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
        if self._broken is not None and not self._queue:
            raise self._broken

    def _received(self, subject: bytes, reply: bytes, block: bytes, body: bytes) -> None:
        self._heard = time.monotonic()
        if block.startswith(STATUS):
            self._told(block)
        elif self._broken is None:
            self._take(subject, reply, block, body)
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)

    def _told(self, block: bytes) -> None:
        headers = parse_headers(block)
        status = headers["Status"]
        if status == "408":  # a request has run its time: what it did not bring must be asked for again
            self._asked = max(0, self._asked - int(headers.get("Nats-Pending-Messages", self._batch)))
        elif status != "100":  # 100 is the idle heartbeat
            self._broken = JournalError(f"the server answered {status} {headers.get('Description', '')}")

    def _take(self, subject: bytes, reply: bytes, block: bytes, body: bytes) -> None:
        # $JS.ACK.<stream>.<consumer>.<times delivered>.<position>.<consumer's count>.<time>.<pending>
        position = int(reply.split(b".", 6)[5])
        self._asked -= 1
        if position <= self._position:
            return
        if position != self._position + 1:
            missing = self._position + 1
            self._broken = LogBroken(missing, f"event {missing} was skipped: {position} came")
            return
        self._queue.append(Stored(position, subject.decode(), block, body))
        self._position = position


async def read(bus: Bus, *, until: int, after: int = 0) -> AsyncGenerator[list[Stored], None]:
    """The log as it is stored, from after one position up to another, for whoever copies or checks it.

    `until` must be in the log. Raises LogBroken when an event on the way is missing, LogUnavailable when the log is gone for good.
    """
    if until <= after:
        return
    async with aclosing(Follower(bus, after=after, batch=1000, strict=True).messages()) as messages:
        async for batch in messages:
            yield [stored for stored in batch if stored.position <= until]
            if batch[-1].position >= until:
                return
