"""Connecting to the bus: for ever, by key, and saying so when it is away."""

import contextlib
import logging
from collections.abc import Sequence
from pathlib import Path

from nats.errors import Error as NatsError

from journal.accounts import inbox_prefix
from journal.bus import Bus
from journal.errors import LogUnavailable
from journal.waiting import within

log = logging.getLogger(__name__)

ONE_SERVER = 2  # seconds until another server is tried


async def connect(
    urls: str | Sequence[str],
    seed: Path,
    *,
    name: str,
    host: str | None = None,
    patience: float = 15.0,
    quiet: bool = False,
) -> Bus:
    """A connection to one of the servers at these URLs, and to another when that one dies: it reconnects by itself for ever.

    `host` is given by compute agents, which may hear only their own inbox; `quiet` by whoever expects that the bus may not be
    there yet. Raises LogUnavailable when there is no connection within `patience` seconds, or the key is refused.
    """

    async def disconnected() -> None:
        client.lost()
        if not client.is_closed:
            log.warning("the connection to the bus is lost")

    async def reconnected() -> None:
        log.info("connected to the bus again")

    async def failed(error: Exception) -> None:
        # Every attempt to reconnect fails until the server is back: that it is away was said once.
        expected = quiet or client.is_reconnecting
        log.log(logging.DEBUG if expected else logging.WARNING, "bus: %s", str(error) or type(error).__name__)

    client = Bus()
    connecting = client.connect(
        [urls] if isinstance(urls, str) else list(urls),
        name=name,
        nkeys_seed=str(seed),
        inbox_prefix=b"_INBOX" if host is None else inbox_prefix(host).encode(),
        max_reconnect_attempts=-1,
        reconnect_time_wait=0.2,  # type: ignore[arg-type]  # it is slept: whole seconds are too coarse
        connect_timeout=ONE_SERVER,
        ping_interval=3,  # so that a server that hangs is left within ten seconds
        max_outstanding_pings=2,
        pending_size=64 << 20,
        disconnected_cb=disconnected,
        reconnected_cb=reconnected,
        error_cb=failed,
    )
    try:
        await within(patience, connecting)  # the library tries for ever
    except (NatsError, OSError, TimeoutError) as error:
        await disconnect(client)
        raise LogUnavailable(f"The bus at {_named(urls)} cannot be reached: {client.last_error or error!r}") from error
    return client


async def disconnect(client: Bus) -> None:
    """Close a connection, also one that is just being made again: the library may wait for a server that is away."""
    with contextlib.suppress(NatsError, TimeoutError, OSError):
        await within(2, client.close())


def _named(urls: str | Sequence[str]) -> str:
    return urls if isinstance(urls, str) else ", ".join(urls)
