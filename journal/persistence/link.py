"""The connection to the log for code that has no event loop: a thread with a loop and a connection of its own.

All applications of a process that open the same log share one. It begins with the first and ends with the last of them.
"""

import asyncio
import atexit
import concurrent.futures
import contextlib
import os
import threading
import weakref
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar, ParamSpec, TypeVar

import uvloop

from journal.bus import Bus
from journal.connection import disconnect
from journal.persistence.dialing import Address, dial
from journal.persistence.errors import LinkClosed, as_persistence_errors

T = TypeVar("T")
P = ParamSpec("P")

JOIN = 5.0  # seconds that a thread may take to end
CLOSED = "The connection to the log is closed: the application was."
FORKED = "The application was opened before this process was forked: open it in the process that uses it."


class Link:
    """One thread, one loop, one connection."""

    _links: ClassVar[dict[Address, "Link"]] = {}
    _guard: ClassVar[threading.RLock] = threading.RLock()  # re-entrant: a finalizer may run in whoever holds it

    def __init__(self, address: Address) -> None:
        self.address = address
        self.process = os.getpid()
        self.loop = uvloop.new_event_loop()
        self.users = 0
        self._ended = False
        self._end = asyncio.Event()
        self._bus: Bus | None = None
        self._dialing = asyncio.Lock()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._thread = threading.Thread(target=self._run, name=f"journal {address}", daemon=True)
        self._thread.start()

    @classmethod
    def lease(cls, address: Address) -> "Lease":
        """A share of the link to an address."""
        with cls._guard:
            link = cls._links.get(address)
            if link is None:
                link = cls._links[address] = cls(address)
            link.users += 1
            return Lease(link)

    @classmethod
    def end_all(cls) -> None:
        """End all of them, with the process."""
        for link in list(cls._links.values()):
            link.stop()
            link.join()

    @classmethod
    def forget_all(cls) -> None:
        """In a process that was forked: its links are its parent's."""
        cls._links.clear()
        cls._guard = threading.RLock()

    def release(self) -> None:
        """Give a share back; the last one ends the link. Does not wait."""
        with self._guard:
            self.users -= 1
            if not self.users:
                self.stop()

    def stop(self) -> None:
        """End it, whoever still uses it. Does not wait."""
        with self._guard:
            if not self._ended and self.process == os.getpid():  # in a fork of the process it is not there
                self._ended = True
                self._links.pop(self.address, None)
                self.loop.call_soon_threadsafe(self._end.set)

    def join(self) -> None:
        """Wait until an ended link is no more, unless it would be for itself."""
        if self._ended and threading.current_thread() is not self._thread:
            self._thread.join(JOIN)

    def spawn(self, work: Callable[[], Coroutine[Any, Any, T]]) -> "concurrent.futures.Future[T]":
        """Start something on the loop; it is cancelled when the link ends. Raises LinkClosed."""
        with self._guard:
            if self._ended:
                raise LinkClosed(CLOSED)
            if self.process != os.getpid():
                raise LinkClosed(FORKED)
            return asyncio.run_coroutine_threadsafe(self._tracked(work), self.loop)

    async def bus(self) -> Bus:
        """The connection; made when it is needed first. Raises LogUnavailable."""
        async with self._dialing:
            if self._bus is None or self._bus.is_closed:
                self._bus = await dial(self.address)
            return self._bus

    async def _tracked(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        task: asyncio.Task[Any] | None = asyncio.current_task()
        assert task is not None  # noqa: S101
        self._tasks.add(task)
        try:
            return await work()
        finally:
            self._tasks.discard(task)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self.loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        await self._end.wait()
        for _ in range(20):
            for task in self._tasks:
                task.cancel()  # again, because the client library loses some
            if not self._tasks:
                break
            await asyncio.wait(self._tasks, timeout=0.1)
        if self._bus is not None:
            # The client, when it is just reconnecting, cancels what closing waits for; nobody cancels this task itself.
            with contextlib.suppress(asyncio.CancelledError):
                await disconnect(self._bus)


class Lease:
    """A share of a link: what an application's factory, recorders and subscriptions hold."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self._finalizer = weakref.finalize(self, link.release)
        self._finalizer.atexit = False  # the links end with the process

    def call(self, work: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Have something done on the loop, and wait for it. Raises the library's errors."""
        with as_persistence_errors():
            if not self._finalizer.alive:
                raise LinkClosed(CLOSED)
            future = self.link.spawn(lambda: work(*args, **kwargs))
            try:
                return future.result()
            except concurrent.futures.CancelledError as error:
                raise LinkClosed(CLOSED) from error
            except BaseException:
                future.cancel()  # an interrupt of the one who waits
                raise

    def close(self) -> None:
        """Give the share back; if it was the last, the connection is closed when this returns."""
        self._finalizer()
        self.link.join()


atexit.register(Link.end_all)
os.register_at_fork(after_in_child=Link.forget_all)
