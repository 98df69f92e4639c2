"""One connection to the daemon, used by a few threads, and made anew when the daemon was restarted."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import libvirt

from journal.waiting import within
from services.compute.hypervisor import HypervisorError
from services.compute.libvirt.errors import LOST, ConnectionLost, translated
from services.compute.libvirt.events import Change, Lifecycle, listen, run_event_loop

log = logging.getLogger(__name__)

T = TypeVar("T")

THREADS = 4  # libvirt answers one connection's calls side by side, but more than this gain nothing
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0  # seconds between attempts to reconnect
KEEPALIVE = (5, 3)  # seconds between questions, and how many may stay unanswered


class Connection:
    """The way to one daemon. All methods are for the event loop; callbacks come there too."""

    def __init__(self, uri: str, on_change: Callable[[Change], None], on_reconnect: Callable[[], None]) -> None:
        self._uri = uri
        self._on_change = on_change
        self._on_reconnect = on_reconnect
        self._lifecycle = Lifecycle()
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="libvirt")
        self._connection: Any = None
        self._connected = asyncio.Event()
        self._reconnecting: asyncio.Task[None] | None = None

    async def open(self, patience: float) -> None:
        """Connect, waiting `patience` seconds for a daemon that is just starting. Raises HypervisorError."""
        self._loop = asyncio.get_running_loop()
        run_event_loop()
        try:
            await within(patience, self._connect())
        except TimeoutError:
            raise HypervisorError(f"There is no libvirt at {self._uri}: is its keeper running?") from None

    async def close(self) -> None:
        """Disconnect."""
        if self._reconnecting is not None:
            self._reconnecting.cancel()
        connection, self._connection = self._connection, None
        if connection is not None:
            await self._loop.run_in_executor(self._pool, _close, connection)
        self._pool.shutdown(wait=False)

    async def call(self, work: Callable[[Any], T]) -> T:
        """What `work`, given the connection in a thread, returns. Raises HypervisorError; ConnectionLost when it may be repeated.

        A call that was begun is finished also when the caller is cancelled: what follows must not overtake it.
        """
        connection = self._connection
        if connection is None:
            raise ConnectionLost(LOST)
        running = self._loop.run_in_executor(self._pool, work, connection)
        try:
            return await asyncio.shield(running)
        except libvirt.libvirtError as error:
            raise translated(error) from error
        except asyncio.CancelledError:
            await asyncio.wait([running])
            running.exception()
            raise

    async def restored(self, patience: float) -> None:
        """Wait until there is a connection again. Raises ConnectionLost."""
        try:
            await within(patience, self._connected.wait())
        except TimeoutError:
            raise ConnectionLost(LOST) from None

    async def _connect(self) -> None:
        pause = FIRST_PAUSE
        while True:
            try:
                self._connection = await self._loop.run_in_executor(self._pool, self._dial)
            except libvirt.libvirtError as error:
                log.debug("no libvirt at %s yet: %s", self._uri, error)
                await asyncio.sleep(pause)
                pause = min(LONGEST_PAUSE, pause * 2)
            else:
                self._connected.set()
                return

    def _dial(self) -> Any:
        connection = libvirt.open(self._uri)
        connection.registerCloseCallback(self._closed, None)
        connection.setKeepAlive(*KEEPALIVE)
        listen(connection, self._lifecycle, lambda change: self._post(self._on_change, change))
        return connection

    def _closed(self, connection: Any, reason: int, _opaque: Any) -> None:
        if reason != libvirt.VIR_CONNECT_CLOSE_REASON_CLIENT:
            self._post(self._lose, connection)

    def _lose(self, connection: Any) -> None:
        if connection is self._connection:
            log.warning("libvirt went away; connecting again")
            self._connection = None
            self._connected.clear()
            self._reconnecting = asyncio.create_task(self._reconnect(connection), name="reconnect to libvirt")

    async def _reconnect(self, lost: Any) -> None:
        await self._loop.run_in_executor(self._pool, _close, lost)
        await self._connect()
        log.info("connected to libvirt again")
        self._on_reconnect()

    def _post(self, callback: Callable[..., None], *arguments: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the event loop has ended
            self._loop.call_soon_threadsafe(callback, *arguments)


def _close(connection: Any) -> None:
    with contextlib.suppress(libvirt.libvirtError):
        connection.close()
