"""Making the connection: to one of several servers, with a key or without, and saying soon what is wrong."""

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from nats.errors import Error as NatsError

from journal.bus import Bus
from journal.connection import disconnect
from journal.errors import LogUnavailable

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Address:
    """Which log, and who asks for it."""

    servers: tuple[str, ...]
    seed: Path | None
    patience: float  # seconds

    def __str__(self) -> str:
        """The servers without what may be secret in their URLs."""
        return ",".join(_place(server) for server in self.servers)


async def dial(address: Address) -> Bus:
    """A connection that reconnects by itself for ever. Raises LogUnavailable when there is none in time, or when it is refused."""
    refused: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()

    async def disconnected() -> None:
        bus.lost()
        if not bus.is_closed:
            log.warning("the connection to the log at %s is lost", address)

    async def reconnected() -> None:
        log.info("connected to the log at %s again", address)

    async def failed(error: Exception) -> None:
        if "authorization violation" in str(error).lower() and not refused.done():
            refused.set_result(error)
        log.debug("log at %s: %s", address, str(error) or type(error).__name__)

    bus = Bus()
    connecting = asyncio.ensure_future(
        bus.connect(
            list(address.servers),
            name="eventsourcing",
            nkeys_seed=None if address.seed is None else str(address.seed),
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.2,  # type: ignore[arg-type]  # it is slept: whole seconds are too coarse
            connect_timeout=max(1, int(address.patience)),
            ping_interval=5,
            max_outstanding_pings=2,
            pending_size=64 << 20,
            disconnected_cb=disconnected,
            reconnected_cb=reconnected,
            error_cb=failed,
        )
    )
    try:
        await asyncio.wait((connecting, refused), timeout=address.patience, return_when=asyncio.FIRST_COMPLETED)
        if connecting.done():
            connecting.result()
            return bus
    except (NatsError, OSError) as error:
        raise LogUnavailable(f"The log at {address} cannot be reached: {error}") from error
    finally:
        if not connecting.done():
            connecting.cancel()
            with contextlib.suppress(asyncio.CancelledError, NatsError, OSError):
                await connecting
            await disconnect(bus)
    reason = refused.result() if refused.done() else bus.last_error
    raise LogUnavailable(f"The log at {address} cannot be reached: {reason or 'timed out'}")


def _place(url: str) -> str:
    found = urlsplit(url if "://" in url else f"nats://{url}")
    return found.hostname + (f":{found.port}" if found.port else "") if found.hostname else "?"
