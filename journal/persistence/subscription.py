"""The subscription: a thread takes notifications as they come, which the loop's thread follows the stream for."""

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Self

from eventsourcing.persistence import ApplicationRecorder, Notification, Subscription

from journal.persistence.errors import as_persistence_errors
from journal.persistence.following import follow
from journal.persistence.stream import Stream

if TYPE_CHECKING:
    import concurrent.futures

DEPTH = 4  # batches that wait to be taken; then the server is held back


class Mailbox:
    """Batches on their way from the loop to one thread, a bounded number."""

    def __init__(self) -> None:
        self._batches: deque[list[Notification]] = deque()
        self._filled = threading.Condition()
        self._room = asyncio.Event()
        self._ended = False
        self._error: BaseException | None = None

    async def put(self, batch: list[Notification]) -> None:
        """Hand over a batch, when there is room for it."""
        while len(self._batches) >= DEPTH:
            self._room.clear()
            await self._room.wait()
        with self._filled:
            self._batches.append(batch)
            self._filled.notify()

    def take(self, loop: asyncio.AbstractEventLoop) -> list[Notification] | None:
        """Wait for a batch; None when there will be none. Raises what has ended it."""
        with self._filled:
            self._filled.wait_for(lambda: self._batches or self._ended)
            if self._error is not None:
                error, self._error = self._error, None
                raise error
            if self._ended:
                return None
            batch = self._batches.popleft()
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(self._room.set)
        return batch

    def end(self, error: BaseException | None = None) -> None:
        """There will be no more."""
        with self._filled:
            self._ended = True
            self._error = self._error or error
            self._filled.notify_all()


class JetStreamSubscription(Subscription[ApplicationRecorder]):
    """Iterates over all notifications after an id, and waits for more, until it is stopped or the application is closed.

    Goes on by itself when the log was away. At most a few thousand notifications are held.
    """

    def __init__(
        self, recorder: ApplicationRecorder, stream: Stream, *, gt: int | None = None, topics: Sequence[str] = ()
    ) -> None:
        super().__init__(recorder=recorder, gt=gt, topics=topics)
        self._loop = stream.lease.link.loop
        self._lease = stream.lease
        self._mailbox = mailbox = Mailbox()
        self._batch: list[Notification] = []
        self._next = 0
        with as_persistence_errors():
            self._feeding: concurrent.futures.Future[None] = stream.lease.link.spawn(
                lambda: _feed(stream, mailbox, gt or 0, topics)
            )

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Notification:
        """The next notification. Raises StopIteration when the subscription was stopped."""
        while self._next == len(self._batch) and not self._has_been_stopped:
            with as_persistence_errors():
                batch = self._mailbox.take(self._loop)
            if batch is None:
                self.stop()
            else:
                self._batch, self._next = batch, 0
        if self._has_been_stopped:
            raise StopIteration
        self._next += 1
        return self._batch[self._next - 1]

    def stop(self) -> None:
        """End the iteration, also for a thread that waits in it."""
        super().stop()
        self._mailbox.end()
        self._feeding.cancel()

    def __del__(self) -> None:
        """What nobody iterates over any more is followed no more."""
        with contextlib.suppress(AttributeError):  # it was not made
            self.stop()


async def _feed(stream: Stream, mailbox: Mailbox, after: int, topics: Sequence[str]) -> None:
    """Follow a stream into a mailbox. It knows the mailbox alone, so that a subscription can go."""
    try:
        async with aclosing(follow(stream.bus, stream.name, after=after)) as batches:
            async for batch in batches:
                if notifications := await stream.history.settled(batch, topics):
                    await mailbox.put(notifications)
    except Exception as error:  # noqa: BLE001 -- whoever iterates is told
        mailbox.end(error)
    finally:
        mailbox.end()
