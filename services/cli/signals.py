"""Ending in order when told to."""

import asyncio
import contextlib
import signal
from collections.abc import Awaitable


async def until_told(run: Awaitable[None]) -> None:
    """Run until SIGTERM or SIGINT, then end in order."""
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(run)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task
